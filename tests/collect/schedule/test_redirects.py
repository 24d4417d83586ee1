"""When a redirect is believed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.collect.schedule.redirects import WatchedRedirect, seen
from service.net.answers import Hop

OLD, NEW = "https://old.example/rss", "https://new.example/feed"


def test_it_takes_three_sightings_over_a_week(now):
    move, settled = None, []
    for day in range(10):
        move = seen(move, OLD, [Hop(301, NEW)], now + timedelta(days=day))
        settled.append(move.is_settled(now + timedelta(days=day)))
    assert settled == [False] * 7 + [True] * 3
    rare = seen(None, OLD, [Hop(308, NEW)], now)
    rare = seen(rare, OLD, [Hop(308, NEW)], now + timedelta(days=20))
    assert not rare.is_settled(now + timedelta(days=20))


def test_all_the_way_must_be_permanent_and_lead_to_one_place(now):
    known = WatchedRedirect(NEW, now, 5)
    middle = "https://middle.example/"
    assert seen(known, OLD, [Hop(301, middle), Hop(308, NEW)], now) == WatchedRedirect(NEW, now, 6)
    assert seen(known, OLD, [Hop(301, middle), Hop(302, NEW)], now) is None
    assert seen(known, OLD, [], now) is None
    later = now + timedelta(days=9)
    assert seen(known, OLD, [Hop(301, middle)], later) == WatchedRedirect(middle, later, 1)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_passing_redirect_is_followed_and_forgotten(now, status):
    assert seen(None, OLD, [Hop(status, NEW)], now) is None


def test_nothing_moves_from_tls_to_none_or_to_itself(now):
    assert seen(None, OLD, [Hop(301, "http://old.example/rss")], now) is None
    assert seen(None, OLD, [Hop(301, OLD)], now) is None
    assert seen(None, "http://old.example/rss", [Hop(301, OLD)], now) == WatchedRedirect(
        OLD, now, 1
    )
