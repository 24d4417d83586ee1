"""Known or unknown, the page is the same; one mail a day goes to an address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.audience import housekeeping, own_link, signup, unsubscribe
from service.audience.caps import Caps
from service.audience.signup import SignupOutcome
from service.audience.tokens import cookie_hash
from service.errors import UsageError
from service.model import EndedReason
from service.render import marks
from service.store import tables as t
from service.store.audience import subscribers, suppressions
from service.store.audience.signup_hours import Cap
from service.store.core import facts
from service.store.mailing.message_parts import unpack
from service.text import mailboxes
from tests.audience.acts import COOKIE, form, history, letters, newest, press, subscribe


def test_a_sign_up_waits_for_a_yes_and_plans_one_mail(people_store, settings, renderer, now):
    done = signup.sign_up(people_store, settings, renderer, now, form())
    assert done == signup.SignedUp(SignupOutcome.CHECK_MAIL, planned=True, due_at=now)
    found = newest(people_store)
    assert (found.address, found.digest, found.cadence) == ("minh@example.vn", "tuan", "weekly")
    assert found.topics == ("giao-duc",)
    assert not found.confirmed
    assert found.live
    assert found.signup_hash == cookie_hash(COOKIE)
    [letter] = letters(people_store)
    assert (letter.kind, letter.state, letter.edition_id) == ("confirm", "planned", None)
    assert letter.expires_at == now + timedelta(days=1)
    [event] = history(people_store, found)
    assert (event.what, event.happened_at) == ("signed_up", now)
    assert event.detail["topics"] == ["giao-duc"]
    assert "203.0.113.5" not in str(event.detail), "an event can never be forgotten"


def test_the_mail_asks_in_the_sites_language_and_is_made_personal_by_marks(
    people_store, settings, renderer, now
):
    signup.sign_up(people_store, settings, renderer, now, form())
    parts = unpack(letters(people_store)[0].parts)
    values = dict.fromkeys(marks.NAMES, "x") | {
        "confirm_url": "https://tin.example.vn/confirm/abc",
        "address": "minh@example.vn",
    }
    assert marks.fill(parts.subject, values) == "Xác nhận đăng ký Điểm tin tuần"
    text, html = (marks.fill(body, values) for body in (parts.text, parts.html))
    for body in (text, html):
        assert "Vâng, gửi Điểm tin tuần cho tôi" in body
        assert "https://tin.example.vn/confirm/abc" in body
        assert "minh@example.vn" in body
        assert "chúng tôi sẽ không gửi nữa" in body
        assert "7 ngày" in body
    assert 'lang="vi"' in html
    assert "\ufdd0" not in html


def test_signing_up_again_while_unconfirmed_counts_but_sends_once_a_day(
    people_store, settings, renderer, now
):
    first = signup.sign_up(people_store, settings, renderer, now, form())
    later = now + timedelta(hours=23)
    again = signup.sign_up(
        people_store, settings, renderer, later, form("MINH@Example.vn", cadence="daily")
    )
    assert (first.outcome, again.outcome) == (SignupOutcome.CHECK_MAIL, SignupOutcome.CHECK_MAIL)
    assert not again.planned
    found = newest(people_store)
    assert (found.cadence, found.created_at) == ("daily", now)
    assert len(letters(people_store)) == 1
    next_day = now + timedelta(days=1, seconds=1)
    assert signup.sign_up(people_store, settings, renderer, next_day, form()).planned
    assert len(letters(people_store)) == 2
    assert newest(people_store).created_at == next_day, "its link lives seven days more"
    with people_store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.subscription)) == 1


def test_the_browser_that_signed_up_last_confirms_with_one_click(
    people_store, settings, renderer, now
):
    signup.sign_up(people_store, settings, renderer, now, form())
    signup.sign_up(people_store, settings, renderer, now, form(cookie_hash=cookie_hash("d" * 32)))
    assert newest(people_store).signup_hash == cookie_hash("d" * 32)


def test_housekeeping_leaves_the_counters_of_today(people_store, settings, renderer, now):
    caps = Caps(everybody=Cap(an_hour=9, a_day=1))
    signup.sign_up(people_store, settings, renderer, now, form("a@a.vn"), caps=caps)
    later = now + timedelta(hours=12)
    housekeeping.run(people_store, later)
    done = signup.sign_up(people_store, settings, renderer, later, form("b@b.vn"), caps=caps)
    assert done.due_at > later, "the day's one mail has gone"
    housekeeping.run(people_store, now + timedelta(days=4))
    with people_store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.signup_hour)) == 0


def test_two_digests_on_one_day_are_one_mail(people_store, settings, renderer, now):
    assert signup.sign_up(people_store, settings, renderer, now, form()).planned
    other = form(digest="so-ket", cadence="half-yearly", topics=None)
    assert not signup.sign_up(people_store, settings, renderer, now, other).planned


def test_who_is_active_changes_nothing_and_is_told_by_mail(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, form())
    press(people_store, settings, now, previous_cut)
    before = newest(people_store)
    later = now + timedelta(days=2)
    stranger = form(cadence="daily", topics=None, cookie_hash=cookie_hash("d" * 32))
    done = signup.sign_up(people_store, settings, renderer, later, stranger)
    assert done == signup.SignedUp(SignupOutcome.CHECK_MAIL, planned=True, due_at=later)
    assert newest(people_store) == before
    letter = letters(people_store)[-1]
    assert letter.kind == "change"
    text = unpack(letter.parts).text
    assert "Bạn đang nhận rồi" in text
    assert marks.mark("preferences_url") in text
    assert marks.mark("confirm_url") not in text
    assert not signup.sign_up(people_store, settings, renderer, later, stranger).planned


def test_the_link_to_their_own_page_does_not_take_the_place_of_a_confirmation(
    people_store, settings, renderer, now, previous_cut
):
    found = subscribe(people_store, settings, renderer, now, previous_cut)
    later = now + timedelta(days=2)
    own_link.ask(people_store, settings, renderer, later, found.token)
    other = form(digest="so-ket", cadence="half-yearly", topics=None)
    assert signup.sign_up(people_store, settings, renderer, later, other).planned
    assert [one.kind for one in letters(people_store)] == ["confirm", "change", "confirm"]


def test_nobody_can_fill_a_mailbox_with_our_form(people_store, settings, renderer, now):
    planned = 0
    for day in range(20):
        at = now + timedelta(days=day, seconds=day)
        planned += signup.sign_up(people_store, settings, renderer, at, form()).planned
    assert planned == Caps().mailbox_month


@pytest.mark.parametrize(
    "spelling", ["minh+{}@example.vn", "MINH+{}@example.vn", "{}minh@gmail.com"]
)
def test_all_spellings_of_a_mailbox_are_counted_together(
    people_store, settings, renderer, now, spelling
):
    """`minh+1@`, `minh+2@` and Gmail's dots are other subscribers, and one mailbox."""
    spellings = ["a", "b", "c", "d", "e", "f"]
    if "gmail" in spelling:
        typed = ["minhanh@gmail.com", "m.inhanh@gmail.com", "mi.nhanh@googlemail.com",
                 "min.hanh@gmail.com", "m.i.n.h.anh+tin@gmail.com"]  # fmt: skip
    else:
        typed = [spelling.format(one) for one in spellings]
    planned = [
        signup.sign_up(people_store, settings, renderer, now, form(one)).planned for one in typed
    ]
    assert sum(planned) == Caps().mailbox_day
    assert planned[: Caps().mailbox_day] == [True] * Caps().mailbox_day
    other = form("minhanh@example.vn")
    assert signup.sign_up(people_store, settings, renderer, now, other).planned


def test_a_flood_at_one_domain_waits_alone(people_store, settings, renderer, now):
    caps = Caps(domain=Cap(an_hour=2, a_day=3))

    def due(typed):
        return signup.sign_up(people_store, settings, renderer, now, form(typed), caps=caps).due_at

    hour = now.replace(minute=0)
    flood = [due(f"a{number}@h{number}.flood.example") for number in range(5)]
    tomorrow = (hour + timedelta(days=1)).replace(hour=0)
    assert flood == [now, now, hour + timedelta(hours=1), tomorrow, tomorrow]
    assert due("minh@example.vn") == now


def test_the_cap_for_all_queues_and_refuses_nobody(people_store, settings, renderer, now):
    caps = Caps(everybody=Cap(an_hour=3, a_day=5))

    def sign_up(address, at=now):
        return signup.sign_up(people_store, settings, renderer, at, form(address), caps=caps)

    assert [sign_up(f"minh{number}@d{number}.vn").due_at for number in range(3)] == [now] * 3
    hour = now.replace(minute=0)
    waiting = [sign_up(f"x{number}@d{number}.vn") for number in range(3)]
    assert all(one.planned and one.outcome is SignupOutcome.CHECK_MAIL for one in waiting)
    midnight = (hour + timedelta(days=1)).replace(hour=0)
    assert [one.due_at for one in waiting] == [hour + timedelta(hours=1)] * 2 + [midnight]
    # The answer says nothing about an address: who signed up already gets the same one.
    again, new = sign_up("minh0@d0.vn"), sign_up("y@example.vn")
    assert (again.due_at, again.outcome) == (new.due_at, new.outcome) == (midnight, "check_mail")
    assert not again.planned
    letter = next(one for one in letters(people_store) if one.next_try_at == midnight)
    assert (letter.dated_at, letter.created_at) == (midnight, now)
    assert letter.expires_at == midnight + timedelta(days=1), "worth a day from when it is due"


def test_a_mail_that_would_come_after_its_link_has_lapsed_is_refused(
    people_store, settings, renderer, now
):
    caps = Caps(everybody=Cap(an_hour=1, a_day=1))
    for day in range(8):
        typed = form(f"a{day}@d{day}.vn")
        done = signup.sign_up(people_store, settings, renderer, now, typed, caps=caps)
        assert done.planned is (day < 7)
    assert done == signup.SignedUp(SignupOutcome.FULL, planned=False, due_at=None)


@pytest.mark.both_engines
def test_two_sign_ups_at_once_do_not_take_the_same_place(people_store, settings, renderer, now):
    caps = Caps(everybody=Cap(an_hour=2, a_day=100))

    def one(number):
        typed = form(f"a{number}@d{number}.vn")
        return signup.sign_up(people_store, settings, renderer, now, typed, caps=caps).due_at

    with ThreadPoolExecutor(4) as pool:
        dues = sorted(pool.map(one, range(8)))
    hour = now.replace(minute=0)
    assert dues == [now, now, *[hour + timedelta(hours=n) for n in (1, 1, 2, 2, 3, 3)]]


def test_a_suppressed_address_sees_the_same_page_and_gets_nothing(
    people_store, settings, renderer, now
):
    with people_store.write() as connection:
        key = mailboxes.key(facts.secret(connection), "minh@example.vn")
        suppressions.add(connection, key, "bounce", now, "550 5.1.1")
    done = signup.sign_up(people_store, settings, renderer, now, form())
    assert done == signup.SignedUp(SignupOutcome.CHECK_MAIL, planned=False, due_at=now)
    assert letters(people_store) == []


def test_an_unknown_digest_is_an_error(people_store, settings, renderer, now):
    with pytest.raises(UsageError):
        signup.sign_up(people_store, settings, renderer, now, form(digest="khac"))


def test_who_ended_signs_up_anew_beside_the_old_row(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, form())
    press(people_store, settings, now, previous_cut)
    old = newest(people_store)
    unsubscribe.unsubscribe(people_store, now, old.token, EndedReason.PAGE)
    signup.sign_up(people_store, settings, renderer, now + timedelta(days=2), form())
    new = newest(people_store)
    assert new.id != old.id
    assert new.subscriber_id == old.subscriber_id, "the ledger of what was told is the person's"
    assert not new.confirmed


@pytest.mark.parametrize("how", [EndedReason.PAGE, EndedReason.ONE_CLICK, EndedReason.ALL])
def test_signing_up_again_on_the_day_of_leaving_sends_the_mail_that_is_promised(
    people_store, settings, renderer, now, previous_cut, how
):
    signup.sign_up(people_store, settings, renderer, now, form())
    press(people_store, settings, now, previous_cut)
    left = now + timedelta(hours=1)
    unsubscribe.unsubscribe(people_store, left, newest(people_store).token, how)
    back = left + timedelta(minutes=1)
    assert signup.sign_up(people_store, settings, renderer, back, form()).planned
    assert [one.kind for one in letters(people_store)] == ["confirm", "confirm"]
    assert not signup.sign_up(people_store, settings, renderer, back, form()).planned
    assert press(people_store, settings, back, previous_cut).fresh


def test_what_the_service_ended_is_no_leave_to_write_again(people_store, settings, renderer, now):
    """Only the owner of the mailbox can end a subscription; a lapsed link proves no owner."""
    signup.sign_up(people_store, settings, renderer, now, form())
    with people_store.write() as connection:
        connection.execute(
            t.subscription.update().values(ended_at=now, ended_reason=EndedReason.NOT_CONFIRMED)
        )
    later = now + timedelta(hours=1)
    assert not signup.sign_up(people_store, settings, renderer, later, form()).planned


@pytest.mark.both_engines
def test_signing_up_at_once_from_two_places_makes_one_row(people_store, settings, renderer, now):
    def one(_number):
        return signup.sign_up(people_store, settings, renderer, now, form()).planned

    with ThreadPoolExecutor(4) as pool:
        planned = list(pool.map(one, range(4)))
    assert sum(planned) == 1
    with people_store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.subscription)) == 1


def test_a_sign_up_that_nobody_confirms_ends_and_its_address_is_forgotten(
    people_store, settings, renderer, now
):
    signup.sign_up(people_store, settings, renderer, now, form())
    almost = now + timedelta(days=7)
    assert housekeeping.run(people_store, almost) == 0
    after = almost + timedelta(seconds=1)
    assert housekeeping.run(people_store, after) == 1
    assert housekeeping.run(people_store, after) == 0
    found = newest(people_store)
    assert (found.ended_at, found.ended_reason) == (after, "not_confirmed")
    assert found.address is None
    assert found.evidence is None
    assert history(people_store, found)[-1].detail["reason"] == "not_confirmed"
    with people_store.read() as connection:
        secret = facts.get(connection, "hmac_secret")
        key = mailboxes.key(bytes.fromhex(secret), "minh@example.vn")
        assert subscribers.by_key(connection, key).id == found.subscriber_id


def test_the_address_of_somebody_who_said_yes_elsewhere_stays(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, form())
    press(people_store, settings, now, previous_cut)
    other = form(digest="so-ket", cadence="half-yearly", topics=None)
    signup.sign_up(people_store, settings, renderer, now, other)
    assert housekeeping.run(people_store, now + timedelta(days=8)) == 1
    assert newest(people_store).address == "minh@example.vn"


def test_who_left_and_never_confirmed_anew_may_still_come_back(
    people_store, settings, renderer, now, previous_cut
):
    found = subscribe(people_store, settings, renderer, now, previous_cut)
    unsubscribe.unsubscribe(people_store, now, found.token, EndedReason.PAGE)
    other = form(digest="so-ket", cadence="half-yearly", topics=None)
    signup.sign_up(people_store, settings, renderer, now, other)
    later = now + timedelta(days=8)
    assert housekeeping.run(people_store, later) == 1
    assert newest(people_store).ended_reason == "not_confirmed"
    back = unsubscribe.undo(people_store, later, found.token)
    assert (back.live, back.address) == (True, "minh@example.vn")


def test_a_digest_gone_for_a_week_ends_its_subscriptions(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, form())
    press(people_store, settings, now, previous_cut)
    with people_store.write() as connection:
        connection.execute(t.digest.update().values(retired_at=now))
    assert housekeeping.end_removed(people_store, now + timedelta(days=7)) == 0
    assert housekeeping.end_removed(people_store, now + timedelta(days=7, seconds=1)) == 1
    assert newest(people_store).ended_reason == "digest_removed"
