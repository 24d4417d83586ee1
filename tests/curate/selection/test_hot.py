"""When a story is hot, and the job that marks it; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.config.schema import Settings
from service.curate.selection.hot import heated_at
from service.curate.selection.marking import HotMarker, Marked
from service.store import tables as t
from service.store.content import (
    entries,
    hot_stories,
    merges,
    stale_feeds,
    story_rows,
    versions,
)
from tests.builders import add_source, add_story, add_topic
from tests.store.content.test_story_facts import sighting
from tests.store.watching import statements

HOUR = timedelta(hours=1)
OUTLETS = ("bao-a", "bao-b", "bao-c", "bao-d")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], None),
        ([0, 1], None),
        ([0, 1, 6], 6),
        ([6, 0, 1], 6),
        ([0, 1, 7], None),
        ([0, 5, 10, 15], None),
        ([0, 10, 12, 13], 13),
        ([0, 1, 2, 20], 2),
        ([0, 1, 2, 20, 21, 22], 22),
        ([3, 3, 3], 3),
    ],
)
def test_three_outlets_within_six_hours(now, hours, expected):
    found = heated_at([now + n * HOUR for n in hours], 3, 6 * HOUR)
    assert found == (None if expected is None else now + expected * HOUR)


def configure(**sources):
    written = {name: {"url": f"https://{name}.example/rss"} for name in OUTLETS}
    for name, keys in sources.items():
        written[name.replace("_", "-")] |= keys
    return Settings.model_validate({"source": written, "hot": {"outlets": 3, "within": "6h"}})


class Desk:
    """A store with four outlets and a topic; `tell` leaves what admission and judging leave."""

    def __init__(self, store, now):
        self.store, self.now, self.marker = store, now, HotMarker()
        with store.write() as connection:
            self.ids = {name: add_source(connection, now, name) for name in OUTLETS}
            self.topic = add_topic(connection, now)

    def tell(self, *told, story=None):
        """(outlet, hours ago) each, one article an outlet, in one story."""
        with self.store.write() as connection:
            for outlet, ago in told:
                at = self.now - ago * HOUR
                story, article = add_story(
                    connection, source=self.ids[outlet], topics=[self.topic], entered_at=at,
                    title=f"{outlet} {story} {ago}", story=story,
                )  # fmt: skip
                sighting(connection, self.ids[outlet], article, at)
            stale_feeds.mark(connection, ["giao-duc", stale_feeds.EVERYTHING], self.now)
        return story

    def mark(self, settings=None, later=0):
        return self.marker.run(self.store, settings or configure(), self.now + later * HOUR)

    def hot(self):
        with self.store.read() as connection:
            rows = connection.execute(select(t.hot_story))
            return {row.story_id: row.hot_at for row in rows}

    def published(self):
        """All feeds have been built."""
        with self.store.write() as connection:
            for feed, at in stale_feeds.marked(connection).items():
                stale_feeds.clear(connection, feed, at)


@pytest.fixture
def desk(any_store, now):
    return Desk(any_store, now)


def test_what_three_outlets_told_is_hot_from_now_on(desk, now):
    hot = desk.tell(("bao-a", 5), ("bao-b", 3), ("bao-c", 0))
    desk.tell(("bao-a", 2), ("bao-b", 1))
    desk.tell(("bao-a", 9), ("bao-b", 5), ("bao-c", 0))
    with desk.store.read() as connection:
        before = versions.every(connection)
    assert desk.mark() == Marked(hot=1)
    assert desk.hot() == {hot: now}
    with desk.store.read() as connection:
        after = versions.every(connection)
        assert stale_feeds.HOT in stale_feeds.marked(connection)
    raised = {scope for scope, version in after.items() if version > before.get(scope, 0)}
    assert raised == {"giao-duc", stale_feeds.EVERYTHING, stale_feeds.HOT, versions.STORIES}
    assert desk.mark(later=1) == Marked(), "it became so once"
    assert desk.hot() == {hot: now}


def test_outlets_that_had_the_same_article_count(desk):
    story = desk.tell(("bao-a", 2))
    with desk.store.write() as connection:
        article = connection.scalar(select(t.story.c.article_id))
        for outlet in ("bao-b", "bao-c"):
            sighting(connection, desk.ids[outlet], article, desk.now)
    assert desk.mark() == Marked(hot=1)
    assert desk.hot().keys() == {story}


def test_mirrors_of_one_owner_do_not_make_a_story_hot(desk):
    desk.tell(("bao-a", 2), ("bao-b", 1), ("bao-c", 0))
    same = {"owner": "Một nhà"}
    assert desk.mark(configure(bao_b=same, bao_c=same)) == Marked()
    assert desk.mark() == Marked(hot=1)


def test_what_was_told_by_many_days_ago_does_not_become_hot_at_a_first_collection(desk, now):
    story = desk.tell(("bao-a", 0), ("bao-b", 0), ("bao-c", 0))
    with desk.store.write() as connection:
        for table in (t.article, t.entry):
            connection.execute(update(table).values(published_at=now - 60 * HOUR))
    assert desk.mark() == Marked()
    desk.tell(("bao-d", 0), story=story)
    assert desk.mark() == Marked(), "one more tells it late"


def test_a_story_that_is_split_is_hot_no_more(desk):
    story = desk.tell(("bao-a", 2), ("bao-b", 1), ("bao-c", 0))
    desk.mark()
    other = desk.tell(("bao-d", 0))
    with desk.store.write() as connection:
        moved = connection.scalar(select(t.article.c.id).where(t.article.c.title.like("bao-c%")))
        connection.execute(
            update(t.story_article)
            .where(t.story_article.c.article_id == moved)
            .values(story_id=other)
        )
    assert desk.mark(later=48) == Marked(cooled=1), "by hand, two days later"
    assert desk.hot() == {}
    assert story != other


@pytest.mark.parametrize("sighted", [True, False])
def test_a_process_looks_at_what_came_since_it_looked(desk, sighted):
    settings = configure()
    story = desk.tell(("bao-a", 2), ("bao-b", 1))
    for n in range(3):
        desk.tell((OUTLETS[n], 3))
    assert desk.mark(settings) == Marked()
    desk.tell(("bao-d", 0))
    if sighted:
        with desk.store.write() as connection:
            article = connection.scalar(select(t.story.c.article_id).where(t.story.c.id == story))
            sighting(connection, desk.ids["bao-c"], article, desk.now)
    else:
        desk.tell(("bao-c", 0), story=story)
    seen = desk.marker._seen
    with desk.store.read() as connection:
        assert len(hot_stories.told_after(connection, seen)) == 2
    assert desk.mark(settings) == Marked(hot=1)
    assert desk.hot().keys() == {story}
    with desk.store.read() as connection:
        assert not hot_stories.told_after(connection, desk.marker._seen)


@pytest.mark.parametrize("same", [True, False])
def test_stories_that_become_one_are_looked_at_although_nothing_came(desk, same):
    """As a judge leaves them that regroups, or an edit by which two articles are the same."""
    settings = configure()
    story = desk.tell(("bao-a", 2), ("bao-b", 1))
    other = desk.tell(("bao-c", 1))
    desk.tell(("bao-d", 0))
    with desk.store.write() as connection:
        story_rows.keep_judged_to(connection, story_rows.newest(connection))
    assert desk.mark(settings) == Marked()
    with desk.store.write() as connection:
        one, *_, last = (
            connection.scalar(select(t.story.c.article_id).where(t.story.c.id == number))
            for number in (story, other)
        )
        if same:
            merges.merge(connection, one, last)
        else:
            story_rows.place(connection, {last: story})
    assert desk.mark(settings) == Marked(hot=1)
    assert desk.hot().keys() == {story}
    with statements(desk.store) as asked:
        assert desk.mark(settings) == Marked()
    assert not [one for one in asked if "first_seen_at >=" in one], "it has been seen"


def test_what_waits_for_a_judge_is_looked_at_once_it_was_judged(desk):
    settings = configure()
    story = desk.tell(("bao-a", 2), ("bao-b", 1))
    with desk.store.write() as connection:
        story_rows.keep_judged_to(connection, story_rows.newest(connection))
    desk.mark(settings)
    waiting = desk.tell(("bao-c", 0))
    assert desk.mark(settings) == Marked()
    with desk.store.write() as connection:
        moved = update(t.story_article).where(t.story_article.c.story_id == waiting)
        connection.execute(moved.values(story_id=story))
        story_rows.keep_judged_to(connection, story_rows.newest(connection))
    assert desk.mark(settings) == Marked(hot=1)


def test_nothing_is_looked_at_where_nothing_came_in(desk):
    desk.tell(("bao-a", 2), ("bao-b", 1), ("bao-c", 0))
    desk.published()
    with statements(desk.store) as asked:
        assert desk.mark() == Marked()
    assert len(asked) == 1


def test_a_site_with_too_few_sources_asks_nothing(desk):
    desk.tell(("bao-a", 2), ("bao-b", 1), ("bao-c", 0))
    settings = Settings.model_validate({"source": {"bao-a": {"url": "https://a.example"}}})
    with statements(desk.store) as asked:
        assert desk.mark(settings) == Marked()
    assert not asked


@pytest.mark.both_engines
def test_marking_waits_for_admission_which_raises_the_same_versions(desk, now):
    hot = desk.tell(("bao-a", 5), ("bao-b", 3), ("bao-c", 0))
    with ThreadPoolExecutor(1) as pool:
        with desk.store.write() as connection:
            entries.queue(connection)
            stale_feeds.mark(connection, ["giao-duc", stale_feeds.EVERYTHING], now)
            marking = pool.submit(desk.mark)
            with suppress(TimeoutError):
                marking.result(0.3)  # time enough to hold what admission raises next
            versions.raise_(connection, [versions.STORIES])
        assert marking.result(60) == Marked(hot=1)
    assert desk.hot().keys() == {hot}
