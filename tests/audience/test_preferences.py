"""One page, one Save: what changes, what is recomputed, what never moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.audience import preferences, signup, unsubscribe
from service.audience.preferences import Preferences
from service.errors import UsageError
from service.model import EndedReason
from service.store import tables as t
from tests.audience.acts import again, form, history, newest, subscribe

KEPT = Preferences("weekly", ("giao-duc",), None, None)


@pytest.fixture
def weekly(people_store, settings, renderer, now, previous_cut):
    found = subscribe(people_store, settings, renderer, now, previous_cut)
    with people_store.write() as connection:
        connection.execute(
            t.subscription.update().values(next_cut_at=now + timedelta(days=6), rule="weekly|…")
        )
    return again(people_store, found)


def rule(store):
    with store.read() as connection:
        return connection.execute(t.subscription.select()).one().rule


def test_saving_what_is_already_so_writes_nothing(people_store, settings, now, weekly):
    assert preferences.save(people_store, settings, now, weekly.token, {"tuan": KEPT}) == weekly
    assert [event.what for event in history(people_store, weekly)] == ["signed_up", "confirmed"]


def test_another_cadence_has_another_next_cut_and_the_same_window(
    people_store, settings, now, weekly
):
    daily = Preferences("daily", ("giao-duc",), None, None)
    saved = preferences.save(people_store, settings, now, weekly.token, {"tuan": daily})
    assert saved.cadence == "daily"
    # The newsletter computes the next cut, and must see that this is a change and no beginning.
    assert (saved.next_cut_at, rule(people_store)) == (weekly.next_cut_at, weekly.rule)
    assert (saved.starts_at, saved.covered_to) == (weekly.starts_at, weekly.covered_to)
    event = history(people_store, weekly)[-1]
    assert (event.what, event.detail["cadence"]) == ("changed", "daily")


def test_another_hour_is_another_rule(people_store, settings, now, weekly):
    wanted = Preferences("weekly", ("giao-duc",), "19:00", None)
    saved = preferences.save(people_store, settings, now, weekly.token, {"tuan": wanted})
    assert (saved.hour, saved.next_cut_at) == ("19:00", weekly.next_cut_at)


def test_other_topics_keep_the_next_cut(people_store, settings, now, weekly):
    wanted = Preferences("weekly", ("giao-duc", "y-te"), None, None)
    saved = preferences.save(people_store, settings, now, weekly.token, {"tuan": wanted})
    assert saved.topics == ("giao-duc", "y-te")
    assert saved.next_cut_at == weekly.next_cut_at
    everything = preferences.save(
        people_store,
        settings,
        now,
        weekly.token,
        {"tuan": Preferences("weekly", None, None, None)},
    )
    assert everything.topics is None


def test_a_pause_is_set_and_lifted(people_store, settings, now, weekly):
    until = now + timedelta(days=30)
    paused = preferences.save(
        people_store,
        settings,
        now,
        weekly.token,
        {"tuan": Preferences("weekly", ("giao-duc",), None, until)},
    )
    assert paused.paused_until == until
    assert preferences.is_paused(paused, now)
    assert not preferences.is_paused(paused, until)
    resumed = preferences.save(people_store, settings, now, weekly.token, {"tuan": KEPT})
    assert resumed.paused_until is None
    assert [event.what for event in history(people_store, weekly)][-2:] == ["paused", "resumed"]


def test_a_pause_that_is_over_is_not_lifted_again(people_store, settings, now, weekly):
    unsubscribe.pause(people_store, now, weekly.token)
    after = now + timedelta(days=31)
    preferences.save(people_store, settings, after, weekly.token, {"tuan": KEPT})
    assert history(people_store, weekly)[-1].what == "paused"


def test_a_cadence_that_the_digest_has_not_is_refused(people_store, settings, now, weekly):
    with pytest.raises(UsageError):
        preferences.save(
            people_store,
            settings,
            now,
            weekly.token,
            {"tuan": Preferences("hourly", None, None, None)},
        )
    assert again(people_store, weekly) == weekly


def test_who_has_not_confirmed_yet_has_nothing_to_change(people_store, settings, renderer, now):
    """The link of a sign-up that somebody else made must not settle anything in their name."""
    signup.sign_up(people_store, settings, renderer, now, form())
    asked = newest(people_store)
    daily = Preferences("daily", None, None, now + timedelta(days=30))
    assert preferences.save(people_store, settings, now, asked.token, {"tuan": daily}) is None
    assert again(people_store, asked) == asked
    assert [event.what for event in history(people_store, asked)] == ["signed_up"]


def test_what_has_ended_and_what_is_unknown_cannot_be_changed(people_store, settings, now, weekly):
    daily = Preferences("daily", None, None, None)
    assert preferences.save(people_store, settings, now, "0" * 32, {"tuan": daily}) is None
    unsubscribe.unsubscribe(people_store, now, weekly.token, EndedReason.PAGE)
    assert preferences.save(people_store, settings, now, weekly.token, {"tuan": daily}) is None
