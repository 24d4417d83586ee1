"""The table of cases: whatever changes meanwhile, each article is told once and none is missed.

A simulated clock over both databases; the queue, the ledger and the rules are the real ones.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.errors import UsageError
from service.render.engine import shipped_templates
from service.store import tables as t
from service.store.mailing import claims
from tests.levels import WHOLE, some
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, WEEK, Newsroom

MINH, NAM = "minh@example.vn", "nam@example.vn"
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (MONDAY + n * DAY for n in (1, 2, 3, 4))
NEXT_MONDAY = MONDAY + WEEK
BOTH = {"cadence": "weekly", "cadences": ["daily", "weekly"]}


@pytest.fixture
def open_newsroom(any_store, tmp_path):
    def open_(digests=None, **options):
        return Newsroom(any_store, tmp_path, digests, **options)

    return open_


def at(day: datetime, hours: float = 0) -> datetime:
    """So many hours after 07:00 in Viet Nam of that day."""
    return day + timedelta(hours=hours)


def test_weekly_moved_to_daily_in_mid_week(open_newsroom):
    room = open_newsroom({"tuan": BOTH})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -5))
    room.run(MONDAY)
    room.story("b", at=at(TUESDAY))
    room.story("c", at=at(WEDNESDAY))
    room.now = at(THURSDAY, 2)
    room.change(minh, cadence="daily")
    room.run(at(THURSDAY, 3))
    assert room.mails() == [["a"]]  # the daily cut of that day is past
    room.story("d", at=at(THURSDAY, 4))
    room.run(FRIDAY)
    assert room.mails() == [["a"], ["b", "c", "d"]]
    room.story("e", at=at(FRIDAY, 4))
    room.run(at(FRIDAY, 24))
    room.run(NEXT_MONDAY)
    assert room.titles() == ["a", "b", "c", "d", "e"]


def test_daily_moved_to_weekly_and_to_another_hour_and_zone(open_newsroom):
    room = open_newsroom({"tuan": {**BOTH, "cadence": "daily"}})
    minh = room.subscribe(cadence="daily")
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("b", at=at(MONDAY, 2))
    room.now = at(MONDAY, 3)
    room.change(minh, hour="18:00")
    room.run(at(MONDAY, 4))
    room.story("c", at=at(MONDAY, 5))
    room.run(at(MONDAY, 11))
    room.now = at(TUESDAY, 1)
    room.change(minh, zone="Europe/Berlin")
    room.story("d", at=at(TUESDAY, 2))
    room.run(at(TUESDAY, 12))  # 18:00 in Viet Nam is not 18:00 in Berlin
    assert room.mails() == [["a"], ["b", "c"]]
    room.run(at(TUESDAY, 17))
    room.change(minh, cadence="weekly")
    room.story("e", at=at(WEDNESDAY))
    room.run(at(FRIDAY, 17))
    room.run(at(NEXT_MONDAY, 17))
    assert room.mails() == [["a"], ["b", "c"], ["d"], ["e"]]


def test_a_pause(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe()
    room.story("before", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("skipped by the pause", at=at(MONDAY, 2))
    room.change(minh, paused_until=at(WEDNESDAY, 5))
    room.run(TUESDAY)
    room.story("skipped as well", at=at(TUESDAY, 2))
    room.run(WEDNESDAY)
    room.story("after the last cut of the pause", at=at(WEDNESDAY, 2))
    room.run(THURSDAY)
    room.run(FRIDAY)
    assert room.mails() == [["before"], ["after the last cut of the pause"]]


def test_a_pause_whose_cuts_were_missed_by_a_service_that_was_down(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe()
    room.story("before", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.change(minh, paused_until=at(WEDNESDAY, 5))
    room.story("skipped by the pause", at=at(MONDAY, 2))
    room.story("skipped as well", at=at(TUESDAY, 2))
    room.story("after the last cut of the pause", at=at(WEDNESDAY, 2))
    room.run(at(THURSDAY, 1))  # three cuts at once
    assert room.mails() == [["before"], ["after the last cut of the pause"]]


def test_a_pause_that_no_cut_falls_into_skips_nothing(open_newsroom):
    room = open_newsroom()
    minh = room.subscribe()
    room.run(MONDAY)
    room.change(minh, paused_until=at(THURSDAY))
    room.story("in the pause", at=at(TUESDAY))
    room.run(NEXT_MONDAY)
    assert room.titles() == ["in the pause"]


def test_a_topic_added(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe(topics=["giao-duc"])
    room.story("old health", "y-te", at=at(MONDAY, -8))
    room.story("school", "giao-duc", at=at(MONDAY, -8))
    room.run(MONDAY)
    room.story("health of today", "y-te", at=at(MONDAY, 2))
    room.story("both", "y-te", "giao-duc", at=at(MONDAY, 3))
    room.change(minh, topics=["giao-duc", "y-te"])
    room.run(TUESDAY)
    assert room.mails() == [["school"], ["health of today", "both"]]


def test_a_chosen_topic_that_the_digest_lacks_is_ignored(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "topics": ["giao-duc"]}})
    room.subscribe(topics=["giao-duc", "y-te", "gone"])
    room.story("school", "giao-duc", at=at(MONDAY, -1))
    room.story("health", "y-te", at=at(MONDAY, -1))
    room.run(MONDAY)
    assert room.titles() == ["school"]


def test_the_same_story_in_two_digests_at_one_hour(open_newsroom):
    room = open_newsroom(
        {
            "truoc": {"cadence": "daily", "title": "Trước", "topics": ["giao-duc"]},
            "sau": {"cadence": "daily", "title": "Sau", "topics": ["y-te", "giao-duc"]},
        }
    )
    room.subscribe(digest="sau")
    room.subscribe(digest="truoc")
    room.story("shared", "giao-duc", "y-te", at=at(MONDAY, -1))
    room.story("health", "y-te", at=at(MONDAY, -1))
    room.run(MONDAY)
    # The order in the TOML wins, whoever signed up first.
    assert room.mails() == [["shared"], ["health"]]
    assert sorted(mail["List-Id"] for mail in room.outbox()) == [
        "<sau.tin.example.vn>", "<truoc.tin.example.vn>",
    ]  # fmt: skip


def test_the_same_story_in_two_digests_at_different_hours(open_newsroom):
    room = open_newsroom(
        {
            "sang": {"cadence": "daily", "at": "07:00"},
            "chieu": {"cadence": "daily", "at": "17:00"},
        }
    )
    room.subscribe(digest="sang")
    room.subscribe(digest="chieu")
    room.story("in the morning", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("at noon", at=at(MONDAY, 5))
    room.run(at(MONDAY, 10))
    room.run(TUESDAY)
    room.run(at(TUESDAY, 10))
    assert room.mails() == [["in the morning"], ["at noon"]]


def test_a_review_in_a_scope_of_its_own_may_tell_again(open_newsroom):
    room = open_newsroom(
        {
            "ngay": {"cadence": "daily"},
            "thang": {"cadence": "monthly", "scope": "review", "stories": {"max": 5}},
        }
    )
    room.story("early in the month", at=datetime.fromisoformat("2026-11-03T00:00+00:00"))
    room.subscribe(digest="ngay")
    room.subscribe(digest="thang")
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    december = datetime.fromisoformat("2026-12-01T00:00+00:00")
    room.run(december)
    # The review looks back to its previous cut, before the confirmation; news does not.
    assert sorted(room.titles()) == ["a", "a", "early in the month"]


def test_a_third_outlet_joining_a_told_story(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    story, _ = room.story("storm", at=at(MONDAY, -3), source="bao-a")
    room.story("storm, says b", at=at(MONDAY, -2), source="bao-b", story=story)
    room.run(MONDAY)
    room.story("storm, says c", at=at(MONDAY, 4), source="bao-c", story=story)
    room.story("sunshine", at=at(MONDAY, 5))
    room.run(TUESDAY)
    assert room.mails() == [["storm", "storm, says b"], ["sunshine"]]


def test_two_stories_found_to_be_one_after_one_was_told(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    one, _ = room.story("storm", at=at(MONDAY, -3), source="bao-a")
    room.run(MONDAY)
    other, article = room.story("storm, says b", at=at(MONDAY, 4), source="bao-b")
    with room.store.write() as connection:
        connection.execute(
            update(t.story_article).where(t.story_article.c.article_id == article)
            .values(story_id=one)
        )  # fmt: skip
        connection.execute(update(t.story).where(t.story.c.id == other).values(merged_into=one))
    room.run(TUESDAY)
    assert room.mails() == [["storm"]]


def test_articles_found_to_be_one_after_the_freeze(open_newsroom):
    """Frozen as two, told as one: at the first place, and the other is told with it."""
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    one, first = room.story("storm", at=at(MONDAY, -3), source="bao-a")
    other, second = room.story("storm again", at=at(MONDAY, -2), source="bao-b")
    room.story("sunshine", at=at(MONDAY, -4), source="bao-a")
    break_templates(room)
    assert room.run(MONDAY).failed
    with room.store.write() as connection:
        connection.execute(
            update(t.article).where(t.article.c.id == second).values(merged_into=first)
        )
        connection.execute(
            update(t.story_article).where(t.story_article.c.article_id == second)
            .values(story_id=one)
        )  # fmt: skip
        connection.execute(update(t.story).where(t.story.c.id == other).values(merged_into=one))
    repair_templates(room)
    room.run(at(MONDAY, 0.5))
    [mail] = room.outbox()
    body = mail.get_body(("plain",)).get_content()
    assert ("1. storm again" in body) != ("1. storm\n" in body)
    assert "2. sunshine" in body
    room.run(TUESDAY)
    assert len(room.mails()) == 1


def merge_stories(room: Newsroom, gone: int, into: int) -> None:
    """Two stories are found to be one."""
    with room.store.write() as connection:
        connection.execute(
            update(t.story_article).where(t.story_article.c.story_id == gone).values(story_id=into)
        )
        connection.execute(update(t.story).where(t.story.c.id == gone).values(merged_into=into))


def test_stories_found_to_be_one_after_the_freeze_are_told_once(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    one, _ = room.story("storm", at=at(MONDAY, -3), source="bao-a")
    other, _ = room.story("storm, says b", at=at(MONDAY, -2), source="bao-b")
    break_templates(room)
    room.run(MONDAY)
    merge_stories(room, other, into=one)
    repair_templates(room)
    room.run(at(MONDAY, 0.5))
    [mail] = room.outbox()
    assert "2. " not in mail.get_body(("plain",)).get_content()
    assert room.mails() == [["storm", "storm, says b"]]
    room.run(TUESDAY)
    assert len(room.mails()) == 1


def test_a_story_told_elsewhere_while_its_edition_could_not_be_rendered(open_newsroom):
    """It was told as a story of its own, which joined the waiting one since."""
    room = open_newsroom(
        {"hong": {"cadence": "daily"}, "lanh": {"cadence": "daily", "at": "08:00"}}
    )
    room.subscribe(digest="hong", topics=["giao-duc"])
    room.subscribe(digest="lanh", topics=["y-te"])
    waiting, _ = room.story("storm", "giao-duc", at=at(MONDAY, -3), source="bao-a")
    break_templates(room, only="hong")
    assert room.run(MONDAY).failed
    joining, _ = room.story("storm, says b", "y-te", at=at(MONDAY, 0.5), source="bao-b")
    room.run(at(MONDAY, 1))
    assert room.mails() == [["storm, says b"]]
    merge_stories(room, joining, into=waiting)
    repair_templates(room)
    room.run(at(MONDAY, 2))
    assert room.mails() == [["storm, says b"]]


def test_an_edition_that_does_not_reach_back_to_a_reader_lets_them_wait(open_newsroom):
    """Their earlier mail was on its way when the edition was frozen, and then never left."""
    room = open_newsroom({"tuan": {"cadence": "daily", "max_lateness": "30h"}})
    sunday = MONDAY - DAY
    minh = room.subscribe(topics=["giao-duc"])
    room.subscribe(NAM, topics=["y-te"])
    room.story("of saturday", "giao-duc", at=at(sunday, -5))
    room.plan(sunday)
    room.refuse(until=at(MONDAY, 9))
    room.story("of sunday", "giao-duc", "y-te", at=at(MONDAY, -5))
    break_templates(room)
    assert room.plan(MONDAY).failed
    repair_templates(room)
    room.run(at(MONDAY, 7))  # the mail of Sunday has expired; Monday's edition begins on Sunday
    assert room.mails(NAM) == [["of sunday"]]
    assert room.mails(MINH) == []
    assert room.row(minh).next_cut_at == TUESDAY
    room.run(TUESDAY)
    assert room.mails(MINH) == [["of saturday", "of sunday"]]


def test_min_not_reached_then_reached(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "stories": {"min": 3}}})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("b", at=at(MONDAY, 2))
    room.run(TUESDAY)
    assert room.mails() == []
    assert room.row(minh).next_cut_at == WEDNESDAY
    room.story("c", at=at(TUESDAY, 2))
    room.run(WEDNESDAY)
    assert room.mails() == [["a", "b", "c"]]
    room.run(THURSDAY)
    assert room.titles() == ["a", "b", "c"]


def test_min_never_reached_tells_after_28_days(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "stories": {"min": 3}}})
    room.subscribe()
    room.story("alone", at=at(MONDAY, -1))
    for day in range(0, 28, some(1, 9)):
        room.plan(MONDAY + day * DAY)
    assert room.states() == {}
    room.run(MONDAY + 28 * DAY)
    assert room.mails() == [["alone"]]


def test_min_of_a_long_cadence_waits_one_period(open_newsroom):
    room = open_newsroom(
        {"quy": {"cadence": "quarterly", "stories": {"min": 2}, "scope": "review"}}
    )
    room.subscribe(digest="quy")
    room.story("alone", at=at(MONDAY, 2))
    january = datetime.fromisoformat("2027-01-01T00:00+00:00")
    room.run(january)
    assert room.mails() == []
    room.run(datetime.fromisoformat("2027-04-01T00:00+00:00"))
    assert room.mails() == [["alone"]]


def test_one_click_while_its_mail_is_claimed(open_newsroom):
    """The mail is not sent, and what it would have told is told by the person's other digest."""
    room = open_newsroom({"sang": {"cadence": "daily"}, "toi": {"cadence": "daily", "at": "19:00"}})
    sang = room.subscribe(digest="sang")
    room.subscribe(digest="toi")
    room.story("a", at=at(MONDAY, -1))
    room.plan(MONDAY)
    with room.store.ledger() as connection:
        [claimed] = claims.claim(connection, "newsroom", room.now, 10).claimed
    room.change(sang, ended_at=room.now, ended_reason="one_click")
    with room.store.ledger() as connection:
        gate = claims.mark_sending(connection, "newsroom", room.now, {claimed.id: "relay"})
    assert gate.suppressed == {claimed.id}
    assert room.mails() == []
    room.run(at(MONDAY, 12))
    assert room.mails() == [["a"]]
    room.run(TUESDAY)
    room.run(at(TUESDAY, 12))
    assert room.titles() == ["a"]


def test_a_release_lets_the_other_digest_reach_back_behind_its_own_window(open_newsroom):
    """A story long in one topic enters another; the mail that tells it there never leaves."""
    room = open_newsroom(
        {
            "ngay": {"cadence": "daily", "topics": ["giao-duc"]},
            "tuan": {"cadence": "weekly", "topics": ["y-te"]},
        }
    )
    ngay = room.subscribe(digest="ngay", begins=at(MONDAY, -5))
    room.subscribe(digest="tuan", begins=at(MONDAY, -5))
    room.run(MONDAY)
    _, article = room.story("slow", "y-te", at=at(MONDAY, 1))
    with room.store.write() as connection:
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar_one()
        connection.execute(
            t.article_topic.insert().values(
                article_id=article, topic_id=topic, entered_at=NEXT_MONDAY - 2 * HOUR,
                listed_at=NEXT_MONDAY - 2 * HOUR, quiet=False, reason={},
            )
        )  # fmt: skip
    for day in range(1, 7):
        room.run(MONDAY + day * DAY)
    room.plan(NEXT_MONDAY)  # told by "ngay"; "tuan" passes it over
    with room.store.ledger() as connection:
        [claimed] = claims.claim(connection, "newsroom", room.now, 10).claimed
    room.change(ngay, ended_at=room.now, ended_reason="one_click")
    with room.store.ledger() as connection:
        claims.mark_sending(connection, "newsroom", room.now, {claimed.id: "relay"})
    room.run(NEXT_MONDAY + WEEK)
    assert room.mails() == [["slow"]]


def test_a_relay_that_is_down_for_eight_hours(open_newsroom):
    room = open_newsroom(
        {
            "ngay": {"cadence": "daily", "topics": ["giao-duc"]},
            "nhanh": {"cadence": "immediate", "topics": ["y-te"]},
        }
    )
    room.subscribe(MINH, digest="ngay")
    room.subscribe(NAM, digest="nhanh")
    room.now = at(MONDAY, -1)
    room.plan()
    room.story("a", "giao-duc", at=at(MONDAY, -0.5))
    room.story("first", "y-te", at=at(MONDAY, -0.5))
    told_late = []
    for half in range(-1, 16) if WHOLE else (-1, 1, 5, 9, 13):
        room.plan(at(MONDAY, half / 2))
        room.refuse(until=at(MONDAY, half / 2 + 0.25))
        if half in {1, 5, 9, 13}:
            title = f"news of hour {half / 2}"
            room.story(title, "y-te", at=at(MONDAY, half / 2 + 0.1))
            told_late.append(title)
    assert room.states().get("accepted") is None
    for half in range(16, 21):  # it is back
        room.plan(at(MONDAY, half / 2))
        room.accept()
    assert room.titles(MINH) == ["a"]
    assert sorted(room.titles(NAM)) == sorted(["first", *told_late])


def test_a_broken_template_then_repaired(open_newsroom):
    room = open_newsroom()
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    break_templates(room)
    planned = room.run(MONDAY)
    assert planned.deliveries == 0
    [error] = planned.failed.values()
    assert "mail/edition/body.html.j2" in error
    assert room.editions()[0].error == error
    assert room.row(minh).next_cut_at == MONDAY  # still due
    room.story("b", at=at(MONDAY, 1))  # behind the cut: for the next edition
    assert room.run(at(MONDAY, 1)).failed
    repair_templates(room)
    assert room.run(at(MONDAY, 2)).deliveries == 1
    [edition] = room.editions()
    assert edition.error is None
    assert edition.planned_at == at(MONDAY, 2)
    room.run(NEXT_MONDAY)
    assert room.mails() == [["a"], ["b"]]


def test_a_broken_template_that_is_repaired_after_the_next_cut(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    break_templates(room)
    room.run(MONDAY)
    room.story("b", at=at(MONDAY, 1))
    room.run(TUESDAY)
    repair_templates(room)
    room.run(at(TUESDAY, 3))
    assert room.mails() == [["a", "b"]]
    assert all(edition.planned_at is not None for edition in room.editions())


def test_topics_of_a_digest_changed(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "topics": ["giao-duc"]}})
    room.subscribe()
    room.story("school", "giao-duc", at=at(MONDAY, -1))
    room.story("health", "y-te", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.now = at(MONDAY, 2)
    room.load(digest={"tuan": {"cadence": "daily", "topics": ["y-te"]}})
    room.story("school again", "giao-duc", at=at(MONDAY, 3))
    room.story("health again", "y-te", at=at(MONDAY, 3))
    room.story("both", "y-te", "giao-duc", at=at(MONDAY, 3))
    room.run(TUESDAY)
    # An hour of overlap behind the last cut belongs to the window, in the new topic as well.
    assert room.mails() == [["school"], ["health", "health again", "both"]]


def test_a_digest_renamed(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("b", at=at(MONDAY, 1))
    room.now = at(MONDAY, 2)
    room.load(digest={"ngay": {"cadence": "daily", "was": "tuan"}})
    assert room.run().deliveries == 0
    room.run(TUESDAY)
    assert room.mails() == [["a"], ["b"]]
    assert [mail["List-Id"] for mail in room.outbox()] == [
        "<tuan.tin.example.vn>", "<ngay.tin.example.vn>",
    ]  # fmt: skip
    assert room.row(minh).ended_at is None


def test_a_digest_taken_out_and_put_back(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}, "khac": {"cadence": "daily"}})
    room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.now = at(MONDAY, 1)
    room.load(digest={"khac": {"cadence": "daily"}})
    room.story("b", at=at(MONDAY, 2))
    room.run(TUESDAY)
    assert room.mails() == [["a"]]
    room.load(digest={"tuan": {"cadence": "daily"}, "khac": {"cadence": "daily"}})
    room.run(at(TUESDAY, 5))
    assert room.mails() == [["a"], ["b"]]


def test_an_edition_nobody_was_due_for(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.story("before anybody read", at=at(MONDAY, -1))
    planned = room.run(MONDAY)
    assert (planned.editions, planned.deliveries) == (1, 0)
    [edition] = room.editions()
    assert edition.listed
    assert edition.planned_at == MONDAY
    room.subscribe(begins=at(MONDAY, 1))
    room.story("after", at=at(MONDAY, 2))
    room.run(TUESDAY)
    assert room.mails() == [["after"]]


def test_an_edition_without_stories_is_not_listed(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe()
    room.run(MONDAY)
    [edition] = room.editions()
    assert not edition.listed
    assert room.states() == {}
    assert room.row(minh).covered_to == MONDAY  # it has moved on with nothing to tell
    assert room.row(minh).next_cut_at == TUESDAY


NEW_YORK = "America/New_York"


@pytest.mark.sampled
def test_a_dst_gap(open_newsroom):
    """02:30 does not exist in New York on 8 March 2026: the cut is at 03:00, once."""
    gap = datetime.fromisoformat("2026-03-08T07:00+00:00")
    room = open_newsroom({"tuan": {"cadence": "daily", "at": "02:30"}}, now=gap - 2 * DAY)
    room.subscribe(zone=NEW_YORK)
    room.run(gap - DAY + HOUR)
    room.story("a", at=gap - 3 * HOUR)
    for minutes in range(some(-90, -60), 180, some(30, 60)):
        room.run(gap + timedelta(minutes=minutes))
    room.story("b", at=gap + 4 * HOUR)
    room.run(gap + DAY - timedelta(minutes=30))
    assert room.mails() == [["a"], ["b"]]
    assert gap in [edition.cut_at for edition in room.editions()]


@pytest.mark.sampled
def test_a_dst_overlap(open_newsroom):
    """01:30 comes twice in New York on 1 November 2026: the first pass is cut, the second not."""
    first = datetime.fromisoformat("2026-11-01T05:30+00:00")
    room = open_newsroom({"tuan": {"cadence": "daily", "at": "01:30"}}, now=first - 2 * DAY)
    room.subscribe(zone=NEW_YORK)
    room.run(first - DAY)
    room.story("a", at=first - 3 * HOUR)
    room.story("b", at=first + HOUR / 2)
    for minutes in range(some(-90, -60), 240, some(30, 60)):
        room.run(first + timedelta(minutes=minutes))
    assert room.mails() == [["a"]]
    room.run(first + DAY + HOUR)
    assert room.mails() == [["a"], ["b"]]


def test_send_at_a_time_to_come_then_the_real_cut(open_newsroom):
    room = open_newsroom()
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -20))
    room.now = at(MONDAY, -10)
    room.run(at=MONDAY)
    assert room.mails() == [["a"]]
    [edition] = room.editions()
    assert edition.cut_at == MONDAY
    assert edition.covers_to == room.now  # it does not move the clock
    room.story("b", at=at(MONDAY, -5))
    assert room.run(MONDAY).deliveries == 0  # that cut is served
    assert room.row(minh).next_cut_at == NEXT_MONDAY
    room.run(NEXT_MONDAY)
    assert room.mails() == [["a"], ["b"]]


def test_send_at_a_far_time_does_not_silence_the_cuts_before_it(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.story("a", at=at(MONDAY, -2))
    room.now = at(MONDAY, -1)
    room.run(at=NEXT_MONDAY)
    assert room.mails() == [["a"]]
    room.story("b", at=at(MONDAY, 2))
    room.run(at(MONDAY, 24))
    assert room.mails() == [["a"], ["b"]]
    room.story("c", at=at(NEXT_MONDAY, -2))
    room.run(NEXT_MONDAY)
    room.run(at(NEXT_MONDAY, 24))
    assert room.titles() == ["a", "b", "c"]


def test_send_at_a_time_to_come_is_refused_where_a_relay_would_really_send_it(open_newsroom):
    room = open_newsroom(mail={"from": "a@example.vn", "relay": {"r": {"host": "127.0.0.1"}}})
    with pytest.raises(UsageError, match="outbox"):
        room.plan(at=room.now + HOUR)
    room.plan(at=room.now)


def test_send_at_a_time_that_is_past(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.run(at(MONDAY, -24))
    room.story("a", at=at(MONDAY, -1))
    room.story("b", at=at(MONDAY, 3))
    room.now = at(WEDNESDAY, 3)  # the service was away; Monday's cut is asked for by hand
    room.run(at=at(MONDAY, 1))
    assert room.mails() == [["a"]]
    assert room.run(at=at(MONDAY, 1)).deliveries == 0  # idempotent
    room.run()
    assert room.mails() == [["a"], ["b"]]
    room.run(THURSDAY)
    assert room.titles() == ["a", "b"]


def test_send_at_a_time_that_was_served_already_sends_nothing(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.story("b", at=at(MONDAY, 1))
    for moment in (MONDAY, at(MONDAY, 5), at(MONDAY, -30)):
        assert room.run(at(MONDAY, 6), at=moment).deliveries == 0
    room.run(TUESDAY)
    assert room.mails() == [["a"], ["b"]]


def test_missed_cuts_become_one_mail(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.run(MONDAY)
    for day in range(1, 6):
        room.story(f"day {day}", at=at(MONDAY, 24 * day - 3))
    room.run(at(MONDAY, 24 * 5 + 6))
    assert room.mails() == [["day 1", "day 2", "day 3", "day 4", "day 5"]]


def test_too_late_is_not_sent_and_told_by_the_next_edition(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "max_lateness": "2h"}})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(at(MONDAY, 3))  # three hours late
    assert room.mails() == []
    assert room.row(minh).next_cut_at == TUESDAY
    room.story("b", at=at(MONDAY, 5))
    room.run(TUESDAY)
    assert room.mails() == [["a", "b"]]


def test_a_mail_that_expires_in_the_queue_is_told_by_the_next_edition(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "max_lateness": "2h"}})
    room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.plan(MONDAY)
    room.refuse(until=at(MONDAY, 1))
    room.story("b", at=at(MONDAY, 1))
    room.plan(at(MONDAY, 2))
    assert room.states() == {"expired": 1}
    assert room.mails() == []
    room.run(TUESDAY)
    assert room.mails() == [["a", "b"]]


def test_while_a_mail_is_on_its_way_the_cuts_wait(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily", "max_lateness": "9d"}})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.plan(MONDAY)
    room.refuse(until=at(WEDNESDAY, 1))
    room.story("b", at=at(MONDAY, 1))
    room.plan(TUESDAY)
    assert room.row(minh).next_cut_at == WEDNESDAY
    assert room.states() == {"deferred": 1}
    room.plan(WEDNESDAY)
    room.now = at(WEDNESDAY, 1)
    room.accept()
    room.run(THURSDAY)
    assert room.mails() == [["a"], ["b"]]


def test_someone_who_signs_up_is_told_nothing_from_before(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.story("before", at=at(MONDAY, -2))
    room.subscribe(begins=at(MONDAY, -1))
    room.story("after", at=at(MONDAY, -0.5))
    room.run(MONDAY)
    assert room.titles() == ["after"]


def test_old_is_not_news(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.story("backlog", at=at(MONDAY, -2), quiet=True)
    room.run(MONDAY)
    assert room.titles() == []


def test_run_twice_changes_nothing(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}, "hai": {"cadence": "hourly"}})
    room.subscribe()
    room.subscribe(NAM, digest="hai")
    room.story("a", at=at(MONDAY, -0.5))
    room.run(MONDAY)
    rows = room.everything()
    planned = room.run(at(MONDAY, 0.01))
    assert (planned.editions, planned.deliveries, planned.failed) == (0, 0, {})
    assert room.everything() == rows
    assert len(room.outbox()) == 2


def test_a_changed_hour_in_the_toml_moves_cuts_and_loses_nothing(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    minh = room.subscribe()
    room.story("a", at=at(MONDAY, -1))
    room.run(MONDAY)
    room.load(digest={"tuan": {"cadence": "daily", "at": "10:00"}})
    room.story("b", at=at(MONDAY, 1))
    room.run(at(MONDAY, 2))
    assert room.row(minh).next_cut_at == at(MONDAY, 3)
    room.run(at(MONDAY, 3))
    assert room.mails() == [["a"], ["b"]]


def test_a_changed_hour_does_not_slip_past_a_cut_that_was_missed(open_newsroom):
    room = open_newsroom({"tuan": {"cadence": "daily"}})
    room.subscribe()
    room.run(at(MONDAY, -24))
    room.story("a", at=at(MONDAY, -1))
    room.now = at(MONDAY, 6)  # away since before 07:00; meanwhile the hour became 10:00
    room.load(digest={"tuan": {"cadence": "daily", "at": "10:00"}})
    room.run()
    assert room.mails() == [["a"]]


def break_templates(room: Newsroom, only: str | None = None) -> None:
    """`only`: of that digest alone."""
    folder = room.root / "templates" / "mail" / "edition"
    folder.mkdir(parents=True)
    for path in (shipped_templates() / "mail" / "edition").iterdir():
        shutil.copy(path, folder)
    body: Path = folder / "body.html.j2"
    broken = "{{ edition.no_such_name }}"
    if only is not None:
        broken = f'{{% if edition.digest == "{only}" %}}{broken}{{% endif %}}'
    body.write_text(broken + body.read_text("utf-8"), "utf-8")
    room.load()


def repair_templates(room: Newsroom) -> None:
    shutil.rmtree(room.root / "templates")
    room.load()
