"""A change of address as the ledger, returned mail, relays and lists see it; both databases."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from service.audience import forgetting, lists, moving, own_link, people
from service.errors import UsageError
from service.mail.outbox import Outbox
from service.mail.returned import intake
from service.mail.returned.intake import OpenedMail, ReturnedAction
from service.mail.returned.model import ReturnedKind, ReturnedMail, ReturnedRecipient
from service.mail.returned.return_path import ReturnKey, ReturnPaths
from service.model import DeliveryState
from service.store import tables as t
from service.store.audience import subscriptions, suppressions
from service.store.core import facts
from service.store.mailing import claims, outcomes
from service.store.mailing.message_parts import unpack
from service.store.mailing.outcomes import DeliveryOutcome
from service.text import mailboxes
from tests.audience.acts import again, letters, subscribe
from tests.builders import add_source, add_story

OLD, NEW = "minh@example.vn", "moi@example.vn"
DAY = timedelta(days=1)


@pytest.fixture
def minh(people_store, settings, renderer, now, previous_cut):
    return subscribe(people_store, settings, renderer, now, previous_cut, address=OLD)


@pytest.fixture
def move(people_store, settings, renderer):
    def one(found, to, at):
        asked = moving.ask(people_store, settings, renderer, at, found, to)
        assert asked is moving.MoveAsked.CHECK_MAIL
        link = re.search(r"/move/([0-9a-f]+)", unpack(letters(people_store)[-1].parts).text)[1]
        done = moving.confirm(people_store, at, link, "button, from 203.0.113.5")
        assert done.standing is moving.MoveState.DONE
        return again(people_store, found)

    return one


def key_of(store, address):
    with store.read() as connection:
        return mailboxes.key(facts.known_secret(connection), address)


def reason(store, address):
    with store.read() as connection:
        return suppressions.reason(
            connection, mailboxes.key(facts.known_secret(connection), address)
        )


@pytest.fixture
def sent(people_store, settings, renderer):
    """A mail to this person goes out and is accepted. Returns (delivery, Message-ID)."""

    def one(found, at, settled=True):
        own_link.ask(people_store, settings, renderer, at, found.token)
        with people_store.ledger() as connection:
            [mail] = claims.claim(connection, "owner", at, 100).claimed
            if settled:
                claims.mark_sending(connection, "owner", at, {mail.id: "relay"})
                done = DeliveryOutcome(mail.id, DeliveryState.ACCEPTED, "relay", "250 ok")
                outcomes.settle(connection, "owner", at, [done])
        return mail.id, mail.message_id

    return one


def test_what_either_was_told_both_were_told(
    people_store, settings, renderer, now, previous_cut, minh, move
):
    later = now + DAY
    lan = subscribe(people_store, settings, renderer, later, previous_cut, address="lan@example.vn")
    with people_store.ledger() as connection:
        source = add_source(connection, now)
        articles = [
            add_story(connection, source=source, topics=[], entered_at=now, title=title)[1]
            for title in ("một", "hai", "ba")
        ]
        mails = {one.subscription_id: one.id for one in letters(people_store)}
        for who, told in ((minh, articles[:2]), (lan, articles[1:])):
            for article in told:
                connection.execute(
                    insert(t.told).values(
                        subscriber_id=who.subscriber_id, scope="news", article_id=article,
                        delivery_id=mails[who.id], shown=True,
                    )
                )  # fmt: skip
    move(minh, "lan@example.vn", now + 3 * DAY)
    with people_store.read() as connection:
        rows = connection.execute(
            select(t.told.c.subscriber_id, t.told.c.article_id).order_by(t.told.c.article_id)
        ).all()
    assert [tuple(row) for row in rows] == [(minh.subscriber_id, one) for one in articles]
    assert again(people_store, lan).id == minh.id


def bounce(store, now, delivery_id, message_id, address):
    """A hard bounce of this delivery, with the key that it had when it went to `address`."""
    with store.read() as connection:
        paths = ReturnPaths("tra-ve@example.vn", facts.known_secret(connection))
    path = paths.of(delivery_id, message_id, address)
    key = ReturnKey(delivery_id, path.partition("@")[0].rpartition("-")[2])
    dead = ReturnedRecipient(
        address=address, status="5.1.1", hard=True, failed=True, reason="no such user"
    )
    mail = ReturnedMail(kind=ReturnedKind.BOUNCE, recipients=(dead,))
    return intake.take(store, now, [OpenedMail(mail, (key,))])


def test_what_comes_back_of_mail_to_the_old_address_ends_the_old_one_alone(
    people_store, now, minh, move, sent
):
    delivery_id, message_id = sent(minh, now)
    moved = move(minh, NEW, now + DAY)
    found = bounce(people_store, now + 2 * DAY, delivery_id, message_id, OLD)
    assert found == [ReturnedAction.SUPPRESS]
    assert (reason(people_store, OLD), reason(people_store, NEW)) == (suppressions.BOUNCED, None)
    assert again(people_store, moved).live


def test_what_comes_back_of_mail_to_the_new_address_ends_the_new_one(
    people_store, now, minh, move, sent
):
    sent(minh, now)
    move(minh, NEW, now + DAY)
    delivery_id, message_id = sent(minh, now + DAY)
    assert bounce(people_store, now + 2 * DAY, delivery_id, message_id, NEW) == [
        ReturnedAction.SUPPRESS
    ]
    assert (reason(people_store, OLD), reason(people_store, NEW)) == (None, suppressions.BOUNCED)


def test_a_key_for_a_strangers_address_is_refused_as_before(people_store, now, minh, move, sent):
    delivery_id, message_id = sent(minh, now)
    move(minh, NEW, now + DAY)
    assert bounce(people_store, now, delivery_id, message_id, "khac@example.vn") == [
        ReturnedAction.REFUSED
    ]


@pytest.mark.parametrize(("after", "barred"), [(timedelta(), None), (DAY, "address_refused")])
def test_a_refusal_while_the_address_changes_bars_neither(
    people_store, settings, renderer, now, previous_cut, minh, move, sent, after, barred
):
    """The relay was given the old address a moment ago. A day later it is the new one's word."""
    mail, _ = sent(minh, now + DAY, settled=False)
    moved = move(minh, NEW, now + DAY)
    with people_store.ledger() as connection:
        said = DeliveryOutcome(
            mail, DeliveryState.REJECTED, "relay", "550 5.1.1 unknown", suppress=True
        )
        assert outcomes.settle(connection, "owner", now + DAY + after, [said])
    assert moved.address == NEW
    assert reason(people_store, NEW) == barred
    assert reason(people_store, OLD) is None


def test_an_older_list_does_not_bring_the_old_address_back(
    people_store, settings, now, previous_cut, minh, move
):
    move(minh, NEW, now + DAY)
    text, told = f"address,digest\n{OLD},tuan\n{NEW},tuan\n", []
    done = lists.import_csv(
        people_store, settings, now + 2 * DAY, io.StringIO(text), previous_cut, told.append
    )
    assert (done.added, done.already, done.left_out) == (0, 1, 1)
    assert told[0].problem == "changed to another address on 2026-11-25, left out"
    with pytest.raises(UsageError, match="changed to another address on 2026-11-25"):
        people.add(people_store, settings, now + 2 * DAY, OLD, "tuan", previous_cut=previous_cut)
    asked = f"email,subscribed_at\n{OLD},2026-11-27T10:00:00+07:00\n"
    done = lists.import_csv(
        people_store, settings, now + 5 * DAY, io.StringIO(asked), previous_cut, told.append,
        digest="tuan",
    )  # fmt: skip
    assert done.added == 1, "whoever has it now asked for it after the change"


def test_an_unconfirmed_subscription_gives_way_to_a_confirmed_one(
    people_store, settings, renderer, now, previous_cut, minh, move
):
    lan = subscribe(
        people_store, settings, renderer, now + DAY, previous_cut,
        address="lan@example.vn", digest="so-ket", cadence="half-yearly", topics=None,
    )  # fmt: skip
    moved = move(minh, "lan@example.vn", now + 3 * DAY)
    with people_store.read() as connection:
        theirs = subscriptions.of_person(connection, moved.subscriber_id)
    live = {one.digest: one.id for one in theirs if one.live}
    assert live == {"tuan": minh.id, "so-ket": lan.id}
    placeholder = next(one for one in theirs if not one.live)
    assert again(people_store, placeholder).id == minh.id, "its links lead to what goes on"


def test_forgetting_takes_what_the_old_address_left_behind_as_well(
    people_store, now, minh, move, sent, tmp_path
):
    delivery_id, message_id = sent(minh, now)
    move(minh, NEW, now + DAY)
    bounce(people_store, now + 2 * DAY, delivery_id, message_id, OLD)
    forgetting.forget(people_store, now + 3 * DAY, NEW, Outbox(tmp_path / "outbox"))
    with people_store.read() as connection:
        assert connection.execute(select(t.returned_mail.c.reason)).scalars().all() == [""]
        assert connection.execute(select(t.suppression.c.evidence)).scalars().all() == [""]
        assert set(connection.execute(select(t.subscriber.c.address)).scalars()) == {None}


@pytest.mark.parametrize("body_left", [False, True])
def test_forgotten_while_its_mail_is_being_sent(people_store, now, minh, sent, tmp_path, body_left):
    """Before the body leaves it stays here; after that its outcome is kept, and no address."""
    mail, _ = sent(minh, now, settled=False)
    if body_left:
        with people_store.ledger() as connection:
            assert claims.mark_sending(connection, "owner", now, {mail: "relay"}).passed
    forgetting.forget(people_store, now, OLD, Outbox(tmp_path / "outbox"))
    with people_store.ledger() as connection:
        if body_left:
            done = DeliveryOutcome(mail, DeliveryState.ACCEPTED, "relay", "250 ok")
            assert outcomes.settle(connection, "owner", now, [done]) == {mail}
        else:
            look = claims.mark_sending(connection, "owner", now, {mail: "relay"})
            assert mail in look.suppressed
    state = letters(people_store)[-1].state
    assert state == (DeliveryState.ACCEPTED if body_left else DeliveryState.SUPPRESSED)
    assert again(people_store, minh).address is None
