"""Invitations: one mail to each, never a second one, and the evidence of who said yes."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.audience import (
    confirm,
    forgetting,
    housekeeping,
    inviting,
    lists,
    people,
    signup,
    unsubscribe,
)
from service.errors import UsageError
from service.mail.outbox import Outbox
from service.model import EndedReason
from service.store import tables as t
from service.store.audience import subscriptions, suppressions
from service.store.core import facts
from service.text import mailboxes
from tests.audience.acts import form, history, letters, newest, press, subscribe
from tests.levels import some

LIST = """address,digest,cadence,topics,hour,zone,language,evidence
lan@example.vn,tuan,daily,y-te,18:00,Asia/Tokyo,en,
nam@example.vn,tuan,,,,,,hội nghị 2026
"""


@pytest.fixture
def invite(people_store, settings, renderer, now):
    def one(text=LIST, at=now, **how):
        told = []
        given = {"list_name": "hoi-nghi.csv"} | how
        done = inviting.invite_csv(
            people_store, settings, renderer, at, io.StringIO(text), told.append, **given
        )
        return done, [(one.line, one.problem) for one in told]

    return one


def subscription_of(store, address):
    with store.read() as connection:
        key = mailboxes.key(facts.known_secret(connection), address)
        row = select(t.subscriber.c.id).where(t.subscriber.c.address_key == key)
        return subscriptions.of_person(connection, connection.execute(row).scalar_one())


def test_each_gets_one_mail_and_nobody_is_a_reader_by_it(people_store, invite, now):
    done, told = invite()
    assert (done.invited, done.already, done.left_out, done.refused, told) == (2, 0, 0, 0, [])
    mails = letters(people_store)
    assert Counter(one.kind for one in mails) == {"confirm": 2}
    [lan] = subscription_of(people_store, "lan@example.vn")
    assert (lan.live, lan.confirmed, lan.cadence, lan.topics) == (True, False, "daily", ("y-te",))
    assert (lan.hour, lan.zone, lan.language) == ("18:00", "Asia/Tokyo", "en")
    assert [event.what for event in history(people_store, lan)] == ["invited"]
    with people_store.read() as connection:
        texts = {row.language: row for row in connection.execute(t.invitation_text.select())}
    assert texts["en"].subject == "Would you like Điểm tin tuần by mail?"
    assert "{address}" in texts["vi"].body
    assert "{confirm_url}" in texts["vi"].body


def test_a_yes_is_kept_with_when_which_list_which_words_and_from_where(
    people_store, settings, invite, now, previous_cut
):
    invite()
    [nam] = subscription_of(people_store, "nam@example.vn")
    later = now + timedelta(days=2)
    done = confirm.confirm(
        people_store, settings, later, nam.token,
        cookie=None, pressed=True, previous_cut=previous_cut, came_from="203.0.113.5",
    )  # fmt: skip
    assert done.fresh
    with people_store.read() as connection:
        kept = connection.execute(
            t.invitation.select().where(t.invitation.c.subscription_id == nam.id)
        ).one()
        words = connection.execute(
            t.invitation_text.select().where(t.invitation_text.c.version == kept.text_version)
        ).one()
    assert (kept.list_name, kept.invited_at, kept.accepted_at) == ("hoi-nghi.csv", now, later)
    assert kept.accepted_how == "button, from 203.0.113.5"
    assert "Bạn chỉ nhận được khi bạn đồng ý" in " ".join(words.body.split())
    assert nam.evidence == f"hội nghị 2026, {now.date()}, text {kept.text_version}"


def test_the_same_list_again_writes_to_nobody_not_even_years_later(
    people_store, settings, invite, now
):
    invite()
    assert invite()[0].already == 2
    after = now + timedelta(days=8)
    assert housekeeping.run(people_store, after) == 2
    [lan] = subscription_of(people_store, "lan@example.vn")
    assert (lan.address, lan.ended_reason) == (None, EndedReason.NOT_CONFIRMED), "forgotten"
    done, _ = invite(at=now + timedelta(days=800))
    assert (done.invited, done.already) == (0, 2)
    assert len(letters(people_store)) == 2


def test_a_line_twice_in_one_list_is_one_mail(people_store, invite):
    text = "address,digest\n" + "lan@example.vn,tuan\nLAN@Example.vn,tuan\n" * 3
    done, _ = invite(text)
    assert (done.invited, done.already) == (1, 5)
    assert len(letters(people_store)) == 1


def test_who_reads_it_or_waits_for_a_yes_needs_no_mail(
    people_store, settings, renderer, invite, now, previous_cut
):
    subscribe(people_store, settings, renderer, now, previous_cut, address="lan@example.vn")
    people.add(people_store, settings, now, "nam@example.vn", "tuan", previous_cut=previous_cut)
    before = len(letters(people_store))
    assert invite()[0].already == 2
    assert len(letters(people_store)) == before


@pytest.mark.parametrize(
    "reason",
    [suppressions.UNSUBSCRIBED, suppressions.BOUNCED, suppressions.COMPLAINED, "address_refused"],
)
def test_who_is_suppressed_gets_none(people_store, invite, now, reason):
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "lan@example.vn")
        suppressions.add(connection, key, reason, now, "")
    done, told = invite()
    assert (done.invited, done.left_out) == (1, 1)
    assert told == [(2, f"must not be written to: {reason}")]


def test_who_has_left_gets_none_and_is_named(
    people_store, settings, renderer, invite, now, previous_cut, tmp_path
):
    found = subscribe(people_store, settings, renderer, now, previous_cut, address="lan@example.vn")
    unsubscribe.unsubscribe(people_store, now, found.token, EndedReason.ONE_CLICK)
    subscribe(people_store, settings, renderer, now, previous_cut, address="nam@example.vn")
    forgetting.forget(people_store, now, "nam@example.vn", Outbox(tmp_path / "outbox"))
    done, told = invite(at=now + timedelta(hours=1))
    assert (done.invited, done.left_out) == (0, 2)
    assert [problem.partition(" on ")[0] for _, problem in told] == [
        "unsubscribed",
        "was forgotten",
    ]


def test_a_list_that_says_who_left_there_suppresses_them(people_store, invite):
    text = "email,status\nlan@example.vn,unsubscribed\nnam@example.vn,\nhoa@example.vn,pending\n"
    done, told = invite(text, digest="tuan")
    assert (done.invited, done.barred, done.refused) == (1, 1, 1)
    assert told == [(4, "is pending: has not said yes")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("khong,tuan", "@"),
        ("lan(hoc)@example.vn,tuan", "@-sign"),
        ('"""lan""@example.vn",tuan', "Quoting"),
        (f"{'a' * 65}@example.vn,tuan", "64"),
        ("lan@exam\u202eple.vn,tuan", "UTF-8"),
        ("lan@example.vn,khong", "no digest 'khong'"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_invited(people_store, invite, line, says):
    done, told = invite(f"address,digest\n{line}\nnam@example.vn,tuan\n")
    assert (done.invited, done.refused) == (1, 1)
    assert told[0][0] == 2
    assert says in told[0][1]
    assert newest(people_store).address == "nam@example.vn"


@pytest.mark.parametrize("name", ["", "  ", "a\r\nBcc: x", "a\u202eb", "a\0b"])
def test_a_list_needs_a_name_that_can_be_read(invite, name):
    with pytest.raises(UsageError, match="name of visible characters"):
        invite(list_name=name)


def test_a_dry_run_counts_and_writes_nothing(people_store, invite):
    done, _ = invite(dry_run=True)
    assert (done.invited, done.last_at) == (2, None)
    assert letters(people_store) == []
    assert invite()[0].invited == 2


INVITED = some(450, 230)  # more than go out in an hour


@pytest.mark.sampled
def test_thousands_are_spread_over_days_and_hold_up_no_sign_up(
    people_store, settings, renderer, invite, now, previous_cut, monkeypatch
):
    rows = "".join(f"nguoi{number}@truong{number % 40}.example,tuan\n" for number in range(INVITED))
    done, _ = invite("address,digest\n" + rows)
    assert done.invited == INVITED
    hours = Counter(one.next_try_at.replace(minute=0) for one in letters(people_store))
    assert max(hours.values()) <= 200
    assert len(hours) == -(-INVITED // 200)
    assert done.last_at == max(one.next_try_at for one in letters(people_store))
    subscribe(people_store, settings, renderer, now, previous_cut, address="minh@example.vn")
    assert letters(people_store)[-1].next_try_at == now, "a sign-up does not queue behind them"


def test_who_was_invited_and_forgets_leaves_no_address_of_the_network(
    people_store, settings, invite, now, previous_cut, tmp_path
):
    invite()
    [nam] = subscription_of(people_store, "nam@example.vn")
    confirm.confirm(
        people_store, settings, now, nam.token,
        cookie=None, pressed=True, previous_cut=previous_cut, came_from="203.0.113.5",
    )  # fmt: skip
    forgetting.forget(people_store, now, "nam@example.vn", Outbox(tmp_path / "outbox"))
    with people_store.read() as connection:
        kept = connection.execute(
            t.invitation.select().where(t.invitation.c.subscription_id == nam.id)
        ).one()
    assert (kept.accepted_at, kept.accepted_how) == (now, None)
    assert invite()[0].already + invite()[0].left_out >= 1
    assert len(letters(people_store)) == 2


def test_an_invited_address_may_sign_up_by_itself_all_the_same(
    people_store, settings, renderer, invite, now, previous_cut
):
    invite()
    housekeeping.run(people_store, now + timedelta(days=8))
    later = now + timedelta(days=9)
    found = subscribe(
        people_store, settings, renderer, later, previous_cut, address="lan@example.vn"
    )
    assert (found.live, found.confirmed, found.address) == (True, True, "lan@example.vn")


def test_an_import_of_who_said_yes_leaves_them_as_they_are(
    people_store, settings, invite, now, previous_cut
):
    invite()
    [nam] = subscription_of(people_store, "nam@example.vn")
    press(people_store, settings, now, previous_cut, nam.token)
    done = lists.import_csv(
        people_store, settings, now, io.StringIO(LIST), previous_cut, lambda _fault: None
    )
    assert done.already == 1


def test_who_signs_up_while_the_invitation_is_queued_gets_it_now(
    people_store, settings, renderer, invite, now
):
    tomorrow = now + timedelta(days=1)
    invite()
    with people_store.write() as connection:
        connection.execute(t.delivery.update().values(next_try_at=tomorrow, dated_at=tomorrow))
    before = {one.id: one for one in letters(people_store)}
    signup.sign_up(people_store, settings, renderer, now, form("lan@example.vn"))
    lan, nam = letters(people_store)
    assert (lan.next_try_at, lan.dated_at, lan.expires_at) == (now, now, tomorrow)
    assert nam == before[nam.id]
