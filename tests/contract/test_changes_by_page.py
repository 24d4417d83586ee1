"""What people change on pages, and what the newsletter makes of it: two rooms, one row.

The pages write with `audience`, the cuts are the newsletter's. A simulated clock, both databases.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.audience import preferences, unsubscribe
from service.audience.preferences import Preferences
from service.model import EndedReason
from service.store.audience import subscriptions
from service.store.content import page_queries
from service.store.mailing import editions as edition_rows
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, WEEK, Newsroom

TICK = timedelta(seconds=15)
ANY = {"cadence": "daily", "cadences": ["daily", "weekly", "monthly", "hourly"]}


@pytest.fixture
def room(any_store, tmp_path):
    return Newsroom(any_store, tmp_path, {"tuan": ANY})


def save(room, subscription, cadence="daily", at=None):
    token = room.row(subscription).token
    with room.store.read() as connection:
        digest = subscriptions.by_token(connection, token).digest
    wanted = {digest: Preferences(cadence, None, at, None)}
    assert preferences.save(room.store, room.settings, room.now, token, wanted) is not None


def test_another_hour_that_is_past_today_sends_nothing_before_tomorrow(room):
    minh = room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.story("b", at=MONDAY + HOUR / 2)
    room.now = MONDAY + 8 * HOUR
    save(room, minh, at="08:00")
    room.run(room.now + TICK)
    assert room.mails() == [["a"]]
    room.run(MONDAY + DAY + HOUR)
    assert room.mails() == [["a"], ["b"]]


def test_weekly_moved_to_daily_in_mid_week(room):
    minh = room.subscribe(cadence="weekly")
    room.story("a", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.story("b", at=MONDAY + DAY)
    room.now = MONDAY + 3 * DAY + 2 * HOUR
    save(room, minh)
    room.run(room.now + TICK)
    assert room.mails() == [["a"]]  # the daily cut of that day is past
    room.run(MONDAY + 4 * DAY)
    assert room.mails() == [["a"], ["b"]]


def test_monthly_instead_of_goodbye_sends_nothing_before_its_first_day(room):
    minh = room.subscribe(cadence="weekly")
    room.run(MONDAY)
    room.story("a", at=MONDAY + HOUR)
    room.now = MONDAY + 2 * HOUR
    unsubscribe.monthly_instead(room.store, room.settings, room.now, room.row(minh).token)
    room.run(room.now + TICK)
    room.run(MONDAY + WEEK)
    assert room.mails() == []
    room.run(MONDAY + 8 * DAY)  # the first of December
    assert room.mails() == [["a"]]


def test_a_change_does_not_slip_past_a_cut_that_was_missed(room):
    minh = room.subscribe()
    room.story("a", at=MONDAY - HOUR)
    room.now = MONDAY + TICK  # the cut is due, and not served yet
    save(room, minh, cadence="monthly")
    room.run(room.now)
    assert room.row(minh).next_cut_at == MONDAY + 8 * DAY
    room.run(MONDAY + 8 * DAY)
    assert room.mails() == [["a"]]


def test_a_review_keeps_its_window_when_its_rhythm_changes(any_store, tmp_path):
    room = Newsroom(
        any_store,
        tmp_path,
        {"nam": {"cadence": "weekly", "cadences": ["weekly", "daily"], "scope": "review"}},
    )
    minh = room.subscribe(digest="nam", cadence="weekly")
    room.run(MONDAY + TICK)
    before = room.row(minh)
    room.now = MONDAY + DAY
    save(room, minh)
    room.plan(room.now + TICK)
    after = room.row(minh)
    assert (after.starts_at, after.covered_to) == (before.starts_at, before.covered_to)


def test_who_comes_back_is_told_what_got_too_late_in_the_queue_meanwhile(any_store, tmp_path):
    room = Newsroom(any_store, tmp_path, {"tuan": {"cadence": "daily", "max_lateness": "2h"}})
    token = room.row(room.subscribe()).token
    room.story("a", at=MONDAY - 6 * HOUR)
    room.plan(MONDAY)
    unsubscribe.unsubscribe(room.store, room.now, token, EndedReason.PAGE)
    room.plan(MONDAY + 3 * HOUR)  # the relay is down: the mail expires before it is looked at
    unsubscribe.undo(room.store, MONDAY + 4 * HOUR, token)
    room.run(MONDAY + DAY)
    assert room.mails() == [["a"]]


def test_who_comes_back_to_one_digest_is_told_what_the_other_one_never_sent(any_store, tmp_path):
    room = Newsroom(
        any_store, tmp_path, {"tuan": {"cadence": "daily"}, "ngay": {"cadence": "daily"}}
    )
    one, other = (room.row(room.subscribe(digest=name)).token for name in ("tuan", "ngay"))
    room.story("a", at=MONDAY - 6 * HOUR)
    room.plan(MONDAY)  # the first in the TOML tells it, the other passes over it
    for token in (other, one):
        unsubscribe.unsubscribe(room.store, room.now, token, EndedReason.PAGE)
    room.send()
    unsubscribe.undo(room.store, MONDAY + HOUR, other)
    room.run(MONDAY + DAY)
    assert room.mails() == [["a"]]


def test_the_last_edition_is_carried_and_shown_under_the_name_its_topic_has_now(room):
    room.subscribe(address="lan@example.vn")  # a welcome tells nothing from before all readers
    room.story("a", "giao-duc", at=MONDAY - HOUR)
    room.run(MONDAY)
    room.now = MONDAY + HOUR
    topics = {name: one for name, one in room.written["topic"].items() if name != "giao-duc"}
    room.load(topic={"hoc-duong": {"title": "Giáo dục", "was": "giao-duc"}, **topics})
    room.subscribe(welcome_due=True)
    room.welcome()
    assert room.mails() == [["a"]]
    with room.store.read() as connection:
        [edition] = page_queries.editions(connection, "tuan")
        [story] = edition_rows.stories(connection, edition.id)
    assert [name for name, _ in story.topics] == ["hoc-duong"]
    assert ["hoc-duong", "Giáo dục"] in story.view["topics"]
