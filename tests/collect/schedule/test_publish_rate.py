"""A source's rhythm, from the times of its news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.collect.schedule.publish_rate import PublishRate, learn

HOUR = 3600


def _hours(now, *ago):
    return [now - timedelta(hours=n) for n in ago]


def test_a_first_document_teaches_the_usual_and_the_longest_gap(now):
    found = learn(PublishRate(), _hours(now, 30, 2, 5, 3, 27), 5, now)
    assert found == PublishRate(int(2.5 * HOUR), 22 * HOUR, now - timedelta(hours=2))


def test_what_comes_together_is_one_piece_of_news(now):
    minutes = [now - timedelta(days=d, minutes=m) for d in range(5) for m in range(0, 14, 2)]
    found = learn(PublishRate(), minutes, len(minutes), now)
    assert found.usual_gap_s == found.longest_gap_s == 24 * HOUR


def test_without_times_the_news_that_we_saw_teach(now):
    known = learn(PublishRate(), [], 10, now)
    assert known == PublishRate(None, None, now)
    for n in range(1, 6):
        known = learn(known, [], 2, now + timedelta(hours=2 * n))
    assert (known.usual_gap_s, known.longest_gap_s) == (2 * HOUR, 2 * HOUR)


def test_later_news_move_the_pace_a_little_and_are_remembered(now):
    known = PublishRate(HOUR, 10 * HOUR, now)
    after = learn(known, _hours(now + timedelta(hours=4), 0), 1, now + timedelta(hours=4))
    assert HOUR < after.usual_gap_s < 2 * HOUR
    assert 9 * HOUR < after.longest_gap_s < 10 * HOUR
    assert after.last_news_at == now + timedelta(hours=4)
    long = learn(known, _hours(now + timedelta(hours=62), 0), 1, now + timedelta(hours=62))
    assert long.longest_gap_s == 62 * HOUR


def test_times_that_are_made_anew_with_each_fetch_teach_nothing(now):
    known = PublishRate(24 * HOUR, 24 * HOUR, now - timedelta(hours=9))
    assert learn(known, _hours(now, 0, 0, 0), 0, now) == known


def test_times_in_the_future_are_now(now):
    found = learn(PublishRate(), [now + timedelta(days=400), now - timedelta(hours=1)], 2, now)
    assert found == PublishRate(HOUR, HOUR, now)


@given(
    ago=st.lists(st.integers(-(10**9), 10**9), max_size=30),
    new=st.integers(0, 40),
    pace=st.one_of(st.none(), st.integers(1, 10**9)),
    last=st.one_of(st.none(), st.integers(0, 10**8)),
)
def test_a_rhythm_is_never_less_than_a_moment(ago, new, pace, last):
    now = datetime(2026, 11, 24, tzinfo=UTC)
    last_news_at = None if last is None else now - timedelta(seconds=last)
    known = PublishRate(pace, pace, last_news_at)
    found = learn(known, [now - timedelta(seconds=n) for n in ago], new, now)
    assert found.usual_gap_s is None or found.usual_gap_s >= 1
    assert found.longest_gap_s is None or found.longest_gap_s >= 1
    assert found.last_news_at is None or found.last_news_at <= now
