"""Known or unknown, the page is the same; one mail a day goes to an address."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.audience import address, housekeeping, signup, unsubscribe
from service.audience.signup import Caps, Outcome
from service.audience.tokens import cookie_hash
from service.errors import UsageError
from service.model import EndedReason, Parts
from service.render import marks
from service.store import facts, subscribers, suppressions
from service.store import tables as t
from service.store.parts import unpack
from tests.audience.acts import COOKIE, history, letters, newest, press, wish


def test_a_sign_up_waits_for_a_yes_and_plans_one_mail(people_store, settings, renderer, now):
    done = signup.sign_up(people_store, settings, renderer, now, wish())
    assert done == signup.SignedUp(Outcome.CHECK_MAIL, planned=True)
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
    assert (event.what, event.at) == ("signed_up", now)
    assert event.detail["topics"] == ["giao-duc"]
    assert "203.0.113.5" not in str(event.detail), "an event can never be forgotten"


def test_the_mail_asks_in_the_sites_language_and_is_made_personal_by_marks(
    people_store, settings, renderer, now
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    parts = unpack(letters(people_store)[0].parts)
    values = dict.fromkeys(marks.NAMES, "x") | {
        "confirm_url": "https://tin.example.vn/confirm/abc",
        "address": "minh@example.vn",
    }
    filled: Parts = marks.fill(parts, values)
    assert filled.subject == "Xác nhận đăng ký Điểm tin tuần"
    for body in (filled.text, filled.html):
        assert "Vâng, gửi Điểm tin tuần cho tôi" in body
        assert "https://tin.example.vn/confirm/abc" in body
        assert "minh@example.vn" in body
        assert "chúng tôi sẽ không gửi nữa" in body
        assert "7 ngày" in body
    assert 'lang="vi"' in filled.html
    assert "\ufdd0" not in filled.html


def test_signing_up_again_while_unconfirmed_counts_but_sends_once_a_day(
    people_store, settings, renderer, now
):
    first = signup.sign_up(people_store, settings, renderer, now, wish())
    later = now + timedelta(hours=23)
    again = signup.sign_up(
        people_store, settings, renderer, later, wish("MINH@Example.vn", cadence="daily")
    )
    assert (first.outcome, again.outcome) == (Outcome.CHECK_MAIL, Outcome.CHECK_MAIL)
    assert not again.planned
    found = newest(people_store)
    assert (found.cadence, found.created_at) == ("daily", now)
    assert len(letters(people_store)) == 1
    next_day = now + timedelta(days=1, seconds=1)
    assert signup.sign_up(people_store, settings, renderer, next_day, wish()).planned
    assert len(letters(people_store)) == 2
    assert newest(people_store).created_at == next_day, "its link lives seven days more"
    with people_store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.subscription)) == 1


def test_two_digests_on_one_day_are_one_mail(people_store, settings, renderer, now):
    assert signup.sign_up(people_store, settings, renderer, now, wish()).planned
    other = wish(digest="so-ket", cadence="half-yearly", topics=None)
    assert not signup.sign_up(people_store, settings, renderer, now, other).planned


def test_who_is_active_changes_nothing_and_is_told_by_mail(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    press(people_store, settings, now, previous_cut)
    before = newest(people_store)
    later = now + timedelta(days=2)
    stranger = wish(cadence="daily", topics=None, cookie_hash=cookie_hash("d" * 32))
    done = signup.sign_up(people_store, settings, renderer, later, stranger)
    assert done == signup.SignedUp(Outcome.CHECK_MAIL, planned=True)
    assert newest(people_store) == before
    letter = letters(people_store)[-1]
    assert letter.kind == "change"
    text = unpack(letter.parts).text
    assert "Bạn đang nhận rồi" in text
    assert marks.mark("preferences_url") in text
    assert marks.mark("confirm_url") not in text
    assert not signup.sign_up(people_store, settings, renderer, later, stranger).planned


def test_nobody_can_fill_a_mailbox_with_our_form(people_store, settings, renderer, now):
    planned = 0
    for day in range(20):
        at = now + timedelta(days=day, seconds=day)
        planned += signup.sign_up(people_store, settings, renderer, at, wish()).planned
    assert planned == signup.MAILS_IN_A_MONTH


def test_a_flood_of_addresses_stops_at_the_cap_for_all(people_store, settings, renderer, now):
    def sign_up(address, at=now):
        return signup.sign_up(
            people_store, settings, renderer, at, wish(address), caps=Caps(an_hour=3, a_day=5)
        )

    assert all(sign_up(f"minh{number}@example.vn").planned for number in range(3))
    full = signup.SignedUp(Outcome.FULL, planned=False)
    assert sign_up("x@example.vn") == full
    # The answer says nothing about an address: who signed up already gets the same one.
    assert sign_up("minh0@example.vn") == full
    later = now + timedelta(hours=1, seconds=1)
    assert sign_up("x@example.vn", later).planned
    assert sign_up("y@example.vn", later).planned
    assert sign_up("z@example.vn", now + timedelta(hours=3)) == full, "five a day"


def test_a_suppressed_address_sees_the_same_page_and_gets_nothing(
    people_store, settings, renderer, now
):
    with people_store.write() as connection:
        key = address.key(facts.secret(connection), "minh@example.vn")
        suppressions.add(connection, key, "bounce", now, "550 5.1.1")
    done = signup.sign_up(people_store, settings, renderer, now, wish())
    assert done == signup.SignedUp(Outcome.CHECK_MAIL, planned=False)
    assert letters(people_store) == []


def test_an_unknown_digest_is_an_error(people_store, settings, renderer, now):
    with pytest.raises(UsageError):
        signup.sign_up(people_store, settings, renderer, now, wish(digest="khac"))


def test_who_ended_signs_up_anew_beside_the_old_row(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    press(people_store, settings, now, previous_cut)
    old = newest(people_store)
    unsubscribe.unsubscribe(people_store, now, old.token, EndedReason.PAGE)
    signup.sign_up(people_store, settings, renderer, now + timedelta(days=2), wish())
    new = newest(people_store)
    assert new.id != old.id
    assert new.subscriber_id == old.subscriber_id, "the ledger of what was told is the person's"
    assert not new.confirmed


def test_signing_up_at_once_from_two_places_makes_one_row(people_store, settings, renderer, now):
    def one(_number):
        return signup.sign_up(people_store, settings, renderer, now, wish()).planned

    with ThreadPoolExecutor(4) as pool:
        planned = list(pool.map(one, range(4)))
    assert sum(planned) == 1
    with people_store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(t.subscription)) == 1


def test_a_sign_up_that_nobody_confirms_ends_and_its_address_is_forgotten(
    people_store, settings, renderer, now
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    almost = now + timedelta(days=7)
    assert housekeeping.run(people_store, settings, almost) == 0
    after = almost + timedelta(seconds=1)
    assert housekeeping.run(people_store, settings, after) == 1
    assert housekeeping.run(people_store, settings, after) == 0
    found = newest(people_store)
    assert (found.ended_at, found.ended_reason) == (after, "not_confirmed")
    assert found.address is None
    assert found.evidence is None
    assert history(people_store, found)[-1].detail["reason"] == "not_confirmed"
    with people_store.read() as connection:
        secret = facts.get(connection, "hmac_secret")
        key = address.key(bytes.fromhex(secret), "minh@example.vn")
        assert subscribers.by_key(connection, key).id == found.subscriber_id


def test_the_address_of_somebody_who_said_yes_elsewhere_stays(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    press(people_store, settings, now, previous_cut)
    other = wish(digest="so-ket", cadence="half-yearly", topics=None)
    signup.sign_up(people_store, settings, renderer, now, other)
    assert housekeeping.run(people_store, settings, now + timedelta(days=8)) == 1
    assert newest(people_store).address == "minh@example.vn"


def test_a_digest_gone_for_a_week_ends_its_subscriptions(
    people_store, settings, renderer, now, previous_cut
):
    signup.sign_up(people_store, settings, renderer, now, wish())
    press(people_store, settings, now, previous_cut)
    with people_store.write() as connection:
        connection.execute(t.digest.update().values(retired_at=now))
    assert housekeeping.end_removed(people_store, now + timedelta(days=7)) == 0
    assert housekeeping.end_removed(people_store, now + timedelta(days=7, seconds=1)) == 1
    assert newest(people_store).ended_reason == "digest_removed"
