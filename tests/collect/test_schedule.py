"""When a source is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect.schedule import LONGEST_RETRY, Rhythm, after_answer, after_failure

RHYTHM = Rhythm(timedelta(minutes=15), timedelta(hours=12))
DICE = st.floats(0, 1, exclude_max=True)


def _answer(now, **values):
    base = {"interval_s": None, "news": False, "fresh_s": None, "dice": 0.0}
    return after_answer(now, RHYTHM, **{**base, **values})


def test_the_interval_starts_at_the_floor_and_grows_while_nothing_new_comes(now):
    waits = []
    interval = None
    for _ in range(40):
        then = _answer(now, interval_s=interval)
        interval = then.interval_s
        waits.append((then.at - now).total_seconds())
    assert waits[0] == 15 * 60 * 1.25
    assert waits == sorted(waits)
    assert waits[-1] == 12 * 3600


def test_news_brings_it_down_to_the_floor(now):
    first = _answer(now, interval_s=7200, news=True)
    assert first.interval_s == 3600
    assert _answer(now, interval_s=1000, news=True).interval_s == 900


@pytest.mark.parametrize(
    ("fresh_s", "wait_s"),
    [(None, 900), (60, 900), (3600, 3600), (10 * 365 * 86400, 12 * 3600)],
)
def test_freshness_is_a_floor_up_to_the_ceiling(now, fresh_s, wait_s):
    then = _answer(now, interval_s=900, news=True, fresh_s=fresh_s)
    assert (then.at - now).total_seconds() == wait_s
    assert then.interval_s == 900  # the server's wish of today is not the source's rhythm


def test_failures_wait_longer_each_time_and_never_for_ever(now):
    waits = [
        after_failure(now, RHYTHM, failures=n, retry_after_s=None, dice=0) - now
        for n in (1, 2, 3, 6, 7, 1000, 10**9)
    ]
    minutes = [wait.total_seconds() / 60 for wait in waits]
    assert minutes == [15, 30, 60, 480, 720, 720, 720]


@given(
    failures=st.integers(0, 10**6),
    asked=st.one_of(st.none(), st.floats(0, 1e15)),
    dice=DICE,
)
def test_retry_after_is_never_undercut_and_no_wait_is_endless(failures, asked, dice):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    at = after_failure(now, RHYTHM, failures=failures, retry_after_s=asked, dice=dice)
    wait = at - now
    assert wait >= RHYTHM.floor
    assert wait.total_seconds() >= min(asked or 0, LONGEST_RETRY.total_seconds())
    assert wait <= LONGEST_RETRY * 1.1


@given(interval=st.one_of(st.none(), st.integers(0, 10**9)), news=st.booleans(), dice=DICE)
def test_an_interval_stays_between_floor_and_ceiling(interval, news, dice):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    then = _answer(now, interval_s=interval, news=news, dice=dice)
    assert 900 <= then.interval_s <= 12 * 3600
    assert timedelta(minutes=15) <= then.at - now <= timedelta(hours=13, minutes=12)
