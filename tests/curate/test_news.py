"""Old is not news (promise 10): what wakes an article, and what only repeats it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.config.schema import Settings
from service.curate.rematch import rematch
from service.store import tables as t
from tests.curate.desk import Desk, entry

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(entry("guid-moi"), id="another guid"),
        pytest.param(entry("guid-moi", "http://a.vn/1", "Học sinh đi học"), id="and title, http"),
        pytest.param(entry("1", "https://a.vn/moi"), id="another address"),
        pytest.param(entry(title="Học sinh và giáo dục"), id="another title"),
    ],
)
def test_a_backlog_that_its_source_renumbers_stays_old(desk, again):
    desk.says("a", entry(), first=True)
    desk.says("a", again, at=desk.now + HOUR)
    assert desk.quiet("https://a.vn/1") == {"giao-duc": True}


def test_a_renumbered_backlog_enters_further_topics_quietly(desk):
    desk.says("a", entry(title="Thời tiết"), first=True)
    desk.says("a", entry("guid-moi", title="Học sinh và thời tiết"), at=desk.now + HOUR)
    assert desk.quiet("https://a.vn/1") == {"giao-duc": True}


def test_what_a_rule_added_quietly_is_not_woken_by_a_new_guid(desk):
    desk.says("a", entry(title="Thời tiết cho học sinh"))
    rematch(desk.store, desk.settings, desk.now)
    changed = Settings.model_validate(
        {
            "source": {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}},
            "topic": {"giao-duc": {"any": ["học sinh"]}, "tat-ca": {"any": ["thời tiết"]}},
        }
    )
    rematch(desk.store, changed, desk.now + HOUR)
    after = Desk(desk.store, desk.now, changed)
    after.says("a", entry("guid-moi", title="Thời tiết cho học sinh"), at=desk.now + 2 * HOUR)
    assert desk.quiet("https://a.vn/1") == {"giao-duc": False, "tat-ca": True}


def test_news_that_its_source_renumbers_is_not_told_anew(desk):
    desk.says("a", entry())
    desk.says("a", entry("guid-moi"), at=desk.now + HOUR)
    [topic] = desk.explained("https://a.vn/1").topics
    assert (topic.quiet, topic.entered_at) == (False, desk.now)


def test_a_second_source_in_its_own_first_collection_wakes_nothing(desk):
    desk.says("a", entry(), first=True)
    desk.says("b", entry("b1"), first=True, at=desk.now + HOUR)
    assert desk.quiet("https://a.vn/1") == {"giao-duc": True, "tat-ca": True}


def test_a_backlog_dated_into_the_future_is_a_wrong_zone_and_old(desk):
    ahead = [timedelta(hours=7), timedelta(days=400), timedelta(minutes=16)]
    desk.says(
        "a",
        *(
            entry(str(n), f"https://a.vn/{n}", published=desk.now + at)
            for n, at in enumerate(ahead)
        ),
        first=True,
    )
    for n in range(len(ahead)):
        assert desk.quiet(f"https://a.vn/{n}") == {"giao-duc": True}


def test_the_newer_of_two_entries_of_one_document_decides_that_it_is_news(desk):
    old, new = desk.now - HOUR, desk.now + timedelta(minutes=1)
    desk.says(
        "a",
        entry("1", published=old),
        entry("2", "http://a.vn/1", published=new),
        first=True,
    )
    assert desk.quiet("https://a.vn/1") == {"giao-duc": False}


def test_a_merge_is_as_loud_as_its_louder_half_and_as_old_as_its_first_news(desk):
    desk.says("a", entry("1", "https://a.vn/1"), first=True)
    desk.says("b", entry("b1", "https://b.vn/9", "Học sinh và lũ"), at=desk.now + HOUR)
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh và lũ"), at=desk.now + 2 * HOUR)
    topics = {topic.topic: topic for topic in desk.explained("https://a.vn/1").topics}
    assert {name: topic.quiet for name, topic in topics.items()} == {
        "giao-duc": False,
        "tat-ca": False,
    }
    assert topics["giao-duc"].entered_at == desk.now + HOUR


def test_a_merge_of_two_news_entered_with_the_first(desk):
    desk.says("a", entry("1", "https://a.vn/1"))
    desk.says("b", entry("b1", "https://b.vn/9", "Học sinh và lũ"), at=desk.now + HOUR)
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh và lũ"), at=desk.now + 2 * HOUR)
    topics = {topic.topic: topic.entered_at for topic in desk.explained("https://a.vn/1").topics}
    assert topics == {"giao-duc": desk.now, "tat-ca": desk.now + HOUR}


def test_an_entry_refused_at_first_is_as_quiet_as_it_was_then(desk):
    desk.says("a", entry("1", None, ""), entry("2", "https://a.vn/2", ""), first=True)
    desk.says("a", entry("2", "https://a.vn/2", "Học sinh"), at=desk.now + HOUR)
    assert desk.quiet("https://a.vn/2") == {"giao-duc": True}


def test_an_undated_article_that_is_woken_is_listed_from_then_on(desk):
    """Also where who wakes it brings it into no topic at all."""
    later = desk.now + timedelta(hours=3)
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh nghỉ"), first=True)
    desk.says("a", entry("1", "https://a.vn/1", "Lũ về"), at=later)
    assert desk.quiet("https://a.vn/1") == {"giao-duc": False, "tat-ca": False}
    with desk.store.read() as connection:
        rows = connection.execute(
            select(t.article_topic.c.entered_at, t.article_topic.c.listed_at)
        ).all()
    assert set(rows) == {(later, later)}


def test_what_is_told_as_news_is_named_with_how_late_it_came(desk):
    known = desk.says("a", entry("cu", "https://a.vn/cu"), first=True)
    assert known.news == (), "what it had is no news"
    late = entry("1", published=desk.now - HOUR)
    first = desk.says("a", late)
    assert [one.late_s for one in first.news] == [3600]
    again = desk.says("b", entry("9", "https://a.vn/1"), at=desk.now + HOUR)
    assert [(one.article, one.late_s) for one in again.news] == [(first.news[0].article, None)]
    assert desk.says("a", late, at=desk.now + HOUR).news == (), "nothing of it is new"
