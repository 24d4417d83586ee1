"""One click in the browser that signed up, one button elsewhere, nothing for scanners."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from service.audience import confirm, housekeeping, signup, unsubscribe
from service.audience.confirm import ConfirmationState
from service.model import EndedReason
from tests.audience.acts import COOKIE, again, form, history, newest, press, subscribe


@pytest.fixture
def signed_up(people_store, settings, renderer, now):
    signup.sign_up(people_store, settings, renderer, now, form())
    return newest(people_store)


def follow(store, settings, now, token, previous_cut, *, cookie=None, pressed=False):
    return confirm.confirm(
        store, settings, now, token, cookie=cookie, pressed=pressed, previous_cut=previous_cut
    )


def test_a_bare_get_changes_nothing(people_store, settings, now, previous_cut, signed_up):
    for cookie in (None, "", "d" * 32):
        found = follow(people_store, settings, now, signed_up.token, previous_cut, cookie=cookie)
        assert found.standing is ConfirmationState.ASK
    assert again(people_store, signed_up) == signed_up
    assert len(history(people_store, signed_up)) == 1


def test_one_click_confirms_in_the_browser_that_signed_up(
    people_store, settings, now, previous_cut, signed_up
):
    later = now + timedelta(minutes=3)
    found = follow(people_store, settings, later, signed_up.token, previous_cut, cookie=COOKIE)
    assert (found.standing, found.fresh) == (ConfirmationState.CONFIRMED, True)
    begun = again(people_store, signed_up)
    assert (begun.starts_at, begun.covered_to) == (later, later)
    assert begun.next_cut_at is None, "the newsletter computes it at its next tick"
    event = history(people_store, begun)[-1]
    assert (event.what, event.happened_at) == ("confirmed", later)
    assert "one click" in event.detail["how"]


def test_a_cookie_that_has_confirmed_is_forgotten(
    people_store, settings, now, previous_cut, signed_up
):
    """It has done its work, and would know a browser for as long as the row stands."""
    assert signed_up.signup_hash is not None
    assert press(people_store, settings, now, previous_cut).subscription.signup_hash is None


def test_the_button_confirms_everywhere_and_twice_is_once(
    people_store, settings, now, previous_cut, signed_up
):
    first = press(people_store, settings, now, previous_cut)
    second = press(people_store, settings, now + timedelta(hours=1), previous_cut)
    assert (first.standing, first.fresh) == (ConfirmationState.CONFIRMED, True)
    assert (second.standing, second.fresh) == (ConfirmationState.CONFIRMED, False)
    assert again(people_store, signed_up).starts_at == now
    assert [event.what for event in history(people_store, signed_up)] == ["signed_up", "confirmed"]


@pytest.mark.both_engines
def test_two_clicks_at_once_confirm_once(people_store, settings, now, previous_cut, signed_up):
    def click(_number):
        return press(people_store, settings, now, previous_cut, signed_up.token).fresh

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(click, range(4))) == 1


@pytest.mark.parametrize("welcome", ["last-edition", "none"])
def test_the_welcome_is_due_as_the_site_says(
    people_store, settings, now, previous_cut, signed_up, welcome
):
    site = settings.model_copy(
        update={"signup": settings.signup.model_copy(update={"welcome": welcome})}
    )
    press(people_store, site, now, previous_cut)
    assert again(people_store, signed_up).welcome_due is (welcome == "last-edition")


def test_a_review_begins_at_the_last_cut_of_its_cadence(
    people_store, settings, renderer, now, previous_cut
):
    found = subscribe(
        people_store, settings, renderer, now, previous_cut,
        digest="so-ket", cadence="half-yearly", topics=None,
    )  # fmt: skip
    july = datetime(2026, 7, 1, 0, 0, tzinfo=UTC)  # 07:00 in Viet Nam
    assert (found.starts_at, found.covered_to) == (july, july)


@pytest.mark.parametrize("token", ["", "0" * 32, "x" * 32, "../etc", "A" * 32, "1" * 31])
def test_an_unknown_link_is_unknown(people_store, settings, now, previous_cut, signed_up, token):
    found = follow(people_store, settings, now, token, previous_cut, cookie=COOKIE, pressed=True)
    assert found == confirm.Confirmation(ConfirmationState.UNKNOWN, None)


def test_a_link_lives_for_a_week(people_store, settings, now, previous_cut, signed_up):
    lapsed = now + signup.LINK_LASTS
    for swept in (False, True):
        if swept:
            housekeeping.run(people_store, lapsed + timedelta(seconds=1))
        found = follow(
            people_store, settings, lapsed, signed_up.token, previous_cut,
            cookie=COOKIE, pressed=True,
        )  # fmt: skip
        assert found.standing is ConfirmationState.EXPIRED
    assert not again(people_store, signed_up).confirmed


def test_an_old_confirmation_link_does_not_bring_back_who_ended(
    people_store, settings, now, previous_cut, signed_up
):
    press(people_store, settings, now, previous_cut)
    unsubscribe.unsubscribe(people_store, now, signed_up.token, EndedReason.ONE_CLICK)
    found = press(people_store, settings, now, previous_cut, signed_up.token)
    assert found.standing is ConfirmationState.ENDED
    assert not again(people_store, signed_up).live


def test_a_confirmation_can_be_taken_back(people_store, settings, now, previous_cut, signed_up):
    press(people_store, settings, now, previous_cut)
    ended = confirm.take_back(people_store, now, signed_up.token)
    assert (ended.live, ended.ended_reason) == (False, "undone")
    assert confirm.take_back(people_store, now, "0" * 32) is None
    back = unsubscribe.undo(people_store, now, signed_up.token)
    assert (back.id, back.live) == (signed_up.id, True)
