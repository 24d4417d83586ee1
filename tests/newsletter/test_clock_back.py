"""A clock that was ahead when cuts were taken, and is set back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.newsletter.scheduling import pull_back
from service.store import clock_repair
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom

SECOND = timedelta(seconds=1)
ZONE = "Asia/Ho_Chi_Minh"


@pytest.fixture
def room(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily"}})


def repair(room, now) -> int:
    with room.store.ledger() as connection:
        changed = clock_repair.repair(connection, now, timedelta(days=37))
    return changed + pull_back(room.store, room.settings, ZONE, now)


@pytest.mark.both_engines
def test_a_clock_that_was_three_days_ahead_loses_no_news_and_tells_none_twice(room):
    reader = room.subscribe()
    room.story("monday", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.story("early", at=MONDAY + HOUR)
    room.run(MONDAY + 3 * DAY)
    assert room.mails() == [["monday"], ["early"]]
    now = MONDAY + 2 * HOUR
    assert room.row(reader).next_cut_at == MONDAY + 4 * DAY
    assert repair(room, now)
    assert room.row(reader).next_cut_at == MONDAY + DAY
    assert room.row(reader).covered_to == now - clock_repair.UNSEEN
    room.story("between", at=now - SECOND)  # set back already, and not repaired yet
    room.story("late", at=MONDAY + 3 * HOUR)
    room.run(MONDAY + DAY)
    assert room.mails() == [["monday"], ["early"], ["between", "late"]]


@pytest.mark.both_engines
@pytest.mark.parametrize("ahead", [2 * HOUR, 30 * SECOND])
def test_who_signed_up_under_a_clock_that_was_ahead_misses_nothing_from_then_on(room, ahead):
    now = MONDAY + 2 * HOUR
    reader = room.subscribe(begins=now + ahead)
    room.story("between", at=now - SECOND)  # set back already, and not repaired yet
    assert repair(room, now)
    assert room.row(reader).starts_at == now - clock_repair.UNSEEN
    room.story("late", at=MONDAY + 3 * HOUR)
    room.run(MONDAY + DAY)
    assert room.mails() == [["between", "late"]]


def test_a_clock_that_is_right_moves_no_cut(room):
    reader = room.subscribe()
    room.run(MONDAY)
    before = room.row(reader)
    assert repair(room, MONDAY + HOUR) == 0
    assert room.row(reader) == before
