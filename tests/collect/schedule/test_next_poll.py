"""When a source is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect.schedule.next_poll import (
    LONGEST_HOLD,
    LONGEST_RETRY,
    Bounds,
    PublisherHint,
    after_answer,
    after_failure,
    held_until,
    shifted,
)
from service.collect.schedule.publish_rate import PublishRate
from service.parse.feed.publisher_hints import is_skipped
from tests.levels import table

BOUNDS = Bounds(timedelta(minutes=15), timedelta(hours=12))
RANDOM = st.floats(0, 1, exclude_max=True)
HOUR, DAY = 3600, 86400


UNKNOWN, NO_HINT = PublishRate(), PublisherHint()


def _answer(now, rate=UNKNOWN, hint=NO_HINT, bounds=BOUNDS, **values):
    base = {"interval_s": None, "news": False, "costly": False, "random": 0.0}
    return after_answer(now, bounds, rate, hint, **{**base, **values})


def _failure(now, bounds=BOUNDS, **values):
    base = {
        "failures": 1, "interval_s": None, "retry_after_s": None, "fresh_s": None,
        "too_many": False, "random": 0.0,
    }  # fmt: skip
    return (after_failure(now, bounds, **{**base, **values}) - now).total_seconds()


@pytest.mark.parametrize(
    ("usual_gap_s", "wait_s"),
    [
        (None, HOUR),  # nothing known: the public rule
        (60, 900),  # the floor
        (HOUR, HOUR / 2),
        (2 * HOUR, HOUR),
        (6 * HOUR, HOUR),
        (DAY, 3 * HOUR),
        (7 * DAY, 12 * HOUR),  # the ceiling
    ],
)
def test_the_interval_follows_the_rhythm_of_the_news(now, usual_gap_s, wait_s):
    rate = PublishRate(usual_gap_s, usual_gap_s, now)
    then = _answer(now, rate, interval_s=5000, news=True)
    assert (then.at - now).total_seconds() == then.interval_s == wait_s


def test_what_a_hub_brings_is_polled_at_the_ceiling_and_keeps_its_own_interval(now):
    rate = PublishRate(6 * HOUR, 6 * HOUR, now)
    then = _answer(now, rate, interval_s=HOUR, pushed=True)
    assert (then.at - now, then.interval_s) == (timedelta(hours=12), HOUR)
    # Silence of the polls says nothing then, nor do its own hours; a hint beyond the ceiling does.
    silent = PublishRate(HOUR, HOUR, now - timedelta(days=9))
    assert _answer(now, silent, interval_s=5000, pushed=True).interval_s == 5000
    hours = PublisherHint(every_s=HOUR, phase_s=0)
    assert _answer(now, rate, hours, interval_s=HOUR, pushed=True).at == then.at
    hint = PublisherHint(fresh_s=20 * HOUR)
    then = _answer(now, rate, hint, interval_s=HOUR, pushed=True)
    assert then.at - now == timedelta(hours=20)


def test_who_asks_by_hand_does_not_slow_down_what_is_asked_by_itself(now):
    silent = PublishRate(HOUR, HOUR, now - timedelta(days=30))
    by_itself = _answer(now, silent, interval_s=8000)
    by_hand = _answer(now, silent, interval_s=8000, early=True)
    assert (by_itself.interval_s, by_hand.interval_s) == (10000, 8000)


@pytest.mark.parametrize(
    ("too_many", "fresh_s", "wait_s"),
    [(True, 2 * DAY, 2 * DAY), (True, 365 * DAY, 2 * DAY), (False, 2 * DAY, DAY)],
)
def test_the_max_age_of_a_429_is_a_plea_for_rest(now, too_many, fresh_s, wait_s):
    assert _failure(now, too_many=too_many, fresh_s=fresh_s) == wait_s


def test_what_fails_is_not_tried_again_in_the_hours_that_its_document_skips(now):
    ten = sum(1 << hour for hour in range(8, 10))  # it is 8 o'clock
    assert _failure(now, skips=ten) == 2 * HOUR


def test_sources_that_were_added_together_part_at_once(now):
    first = [_answer(now, random=random).at - now for random in (0, 0.5, 0.99)]
    assert first == [timedelta(hours=n) for n in (1, 1.5, 1.99)]
    later = _answer(now, interval_s=HOUR, news=True, random=0.99).at - now
    assert later == timedelta(hours=1.099)


def test_silence_that_is_usual_changes_nothing_and_a_longer_one_slows_down(now):
    office = PublishRate(3 * HOUR, 62 * HOUR, now)  # by day each three hours, nothing at weekends
    waits, at, interval = [], now, HOUR
    while at < now + timedelta(days=14):
        then = _answer(at, office, interval_s=interval)
        waits.append((at - now, then.interval_s))
        at, interval = then.at, then.interval_s
    assert {wait for since, wait in waits if since < timedelta(hours=90)} == {HOUR}
    assert [wait for _, wait in waits] == sorted(wait for _, wait in waits)
    assert waits[-1][1] == 12 * HOUR
    assert _answer(at, office, interval_s=12 * HOUR, news=True).interval_s == HOUR


@pytest.mark.parametrize(
    ("hint", "wait_s"),
    [
        (PublisherHint(fresh_s=60), HOUR),
        (PublisherHint(fresh_s=2 * HOUR), 2 * HOUR),
        (PublisherHint(fresh_s=20 * HOUR), 20 * HOUR),  # beyond our ceiling: still its hint
        (PublisherHint(fresh_s=10 * 365 * DAY), DAY),  # a slip must not be death
        (PublisherHint(every_s=3 * HOUR), 3 * HOUR),
        (PublisherHint(every_s=3 * HOUR, fresh_s=4 * HOUR), 4 * HOUR),
        (PublisherHint(every_s=60), HOUR),  # never sooner because of it
    ],
)
def test_what_the_publisher_asks_for_is_never_undercut(now, hint, wait_s):
    then = _answer(now, hint=hint)
    assert (then.at - now).total_seconds() == wait_s
    assert then.interval_s == HOUR  # the hint of today is not the source's rhythm


def test_a_document_with_hours_of_its_own_is_asked_just_after_them(now):
    at = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    daily = PublisherHint(every_s=DAY, phase_s=17 * HOUR)
    assert _answer(at, hint=daily).at == at.replace(hour=17)
    assert _answer(at.replace(hour=16, minute=30), hint=daily).at == at.replace(hour=17)
    assert _answer(at.replace(hour=16, minute=50), hint=daily).at == at.replace(day=25, hour=17)
    rare = PublishRate(3 * DAY, 3 * DAY, at)  # it says hourly, but has news twice a week
    assert _answer(at, rare, hint=PublisherHint(every_s=HOUR, phase_s=600)).at == at.replace(
        hour=17, minute=10
    )
    weekly = PublisherHint(every_s=7 * DAY, phase_s=0)  # too far: only half a day is ours to wait
    assert _answer(at, hint=weekly).at - at == timedelta(hours=1)


@table("hour", range(24))
def test_hours_and_days_that_are_skipped_are_left_alone(hour):
    skips = sum(1 << n for n in range(6)) | 1 << (24 + 6)  # 0-5 GMT, and Sunday
    for day in range(23, 30):
        now = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
        for random in (0.0, 0.999):
            at = _answer(now, hint=PublisherHint(skips=skips), random=random).at
            assert not is_skipped(skips, at)
            assert now + timedelta(hours=1) <= at < now + timedelta(hours=32)


def test_who_skips_everything_has_made_a_slip(now):
    at = _answer(now, hint=PublisherHint(skips=2**31 - 1)).at
    assert at - now == timedelta(hours=1)


def test_a_server_that_sends_all_each_time_is_asked_once_an_hour_at_most(now):
    lively = PublishRate(60, HOUR, now)
    assert _answer(now, lively, costly=True).interval_s == HOUR
    assert _answer(now, PublishRate(DAY, DAY, now), costly=True).interval_s == 3 * HOUR
    tight = Bounds(timedelta(minutes=5), timedelta(minutes=10))
    assert _answer(now, lively, bounds=tight, costly=True).interval_s == 600


def test_failures_wait_longer_each_time_and_never_for_ever(now):
    waits = [_failure(now, failures=n) / 60 for n in (1, 2, 3, 6, 7, 1000, 10**9)]
    assert waits == [15, 30, 60, 480, 720, 720, 720]


def test_trouble_is_no_reason_to_ask_more_often(now):
    assert _failure(now, interval_s=2000) == 2000
    assert _failure(now, interval_s=12 * HOUR) == HOUR  # a hiccup is over within the hour
    assert _failure(now, too_many=True) == HOUR
    assert _failure(now, too_many=True, failures=3) == 4 * HOUR
    assert _failure(now, fresh_s=2 * HOUR) == 2 * HOUR
    assert _failure(now, fresh_s=1e12) == DAY


@given(
    failures=st.integers(0, 10**6),
    asked=st.one_of(st.none(), st.floats(0, 1e15)),
    fresh=st.one_of(st.none(), st.floats(0, 1e15)),
    interval=st.one_of(st.none(), st.integers(0, 10**9)),
    too_many=st.booleans(),
    random=RANDOM,
)
def test_retry_after_is_never_undercut_and_no_wait_is_endless(
    failures, asked, fresh, interval, too_many, random
):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    wait = _failure(
        now, failures=failures, retry_after_s=asked, fresh_s=fresh, interval_s=interval,
        too_many=too_many, random=random,
    )  # fmt: skip
    longest = LONGEST_RETRY.total_seconds()
    assert wait >= 900
    assert wait >= min(asked or 0, longest) - 1
    assert wait <= longest * 1.3


@given(
    interval=st.one_of(st.none(), st.integers(0, 10**9)),
    pace=st.one_of(st.none(), st.integers(1, 10**9)),
    lull=st.one_of(st.none(), st.integers(1, 10**9)),
    silence=st.integers(0, 10**8),
    news=st.booleans(),
    costly=st.booleans(),
    random=RANDOM,
)
def test_an_interval_stays_between_floor_and_ceiling(
    interval, pace, lull, silence, news, costly, random
):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    rate = PublishRate(pace, lull, now - timedelta(seconds=silence))
    then = _answer(now, rate, interval_s=interval, news=news, costly=costly, random=random)
    assert 900 <= then.interval_s <= 12 * HOUR
    longest = timedelta(hours=24) if interval is None else timedelta(hours=13, minutes=12)
    assert timedelta(minutes=15) <= then.at - now <= longest


@given(
    fresh=st.one_of(st.none(), st.floats(0, 1e12)),
    every=st.one_of(st.none(), st.integers(1, 10**9)),
    phase=st.one_of(st.none(), st.integers(0, 10**9)),
    skips=st.integers(0, 2**31 - 1),
    random=RANDOM,
)
def test_no_hint_undercuts_the_floor_or_kills_a_source(fresh, every, phase, skips, random):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    at = _answer(now, hint=PublisherHint(fresh, every, phase, skips), random=random).at
    wait_s = (at - now).total_seconds()
    assert wait_s >= (HOUR if every is None or phase is None else 900) - 1
    assert wait_s >= min(fresh or 0, DAY) - 1
    assert wait_s < 10 * DAY


def test_a_site_that_rests_comes_back_as_spread_as_it_was(now):
    until = held_until(now, 7200)
    assert until == now + timedelta(hours=2)
    assert held_until(now, None) == now + timedelta(hours=1)
    assert held_until(now, 1e18) == now + LONGEST_HOLD
    due = [now + timedelta(minutes=n) for n in (-90, -5, 10, 50, 115)]
    later = [shifted(now, until, at, 600, 0.5) for at in due]
    after = [(at - until).total_seconds() / 60 for at in later]
    assert after == [5, 5, 15, 55, 120]  # what was late already is spread at random
