"""Entries of feeds while stories grow, merge and split: what a reader's program has stays known."""

from __future__ import annotations

import json
from datetime import timedelta

import feedparser
from sqlalchemy import select

from service.publish.build import publish
from service.publish.pages import Pages
from service.store import tables as t
from service.store.content import feed_documents, stale_feeds, story_rows
from tests.publish.newsroom import configure, fill, renderer_for, tell

HOUR = timedelta(hours=1)
STANDS = ("id", "guid", "title", "link", "published", "updated", "date_published", "date_modified")


class Feeds:
    """The feed of everything in its three formats, and the articles behind it by their titles."""

    def __init__(self, store, now):
        self.store, self.now, self.settings = store, now, configure()

    def articles(self):
        with self.store.read() as connection:
            rows = connection.execute(
                select(t.article.c.title, t.article.c.id, t.story_article.c.story_id).join(
                    t.story_article, t.story_article.c.article_id == t.article.c.id
                )
            )
            return {row.title: (row.id, row.story_id) for row in rows}

    def place(self, title, into):
        """Put an article into the story of another one, or into a new one (None)."""
        known = self.articles()
        article, _ = known[title]
        with self.store.write() as connection:
            to = (
                known[into][1]
                if into
                else story_rows.begin(connection, "f" * 24, article, self.now)
            )
            topics = story_rows.place(connection, {article: to})
            stale_feeds.mark(connection, {*topics, stale_feeds.EVERYTHING}, self.now)

    def entries(self):
        """Format -> id -> what must stay of each entry, in the order of the feed; and its body."""
        self.now += HOUR
        renderer = renderer_for(self.settings)
        assert not publish(self.store, self.settings, renderer, self.now).failed
        found, bodies = {}, {}
        for name in ("atom", "rss", "json"):
            with self.store.read() as connection:
                document = feed_documents.get(connection, "all", name)
            read = (
                json.loads(document.body)["items"]
                if name == "json"
                else feedparser.parse(document.body).entries
            )
            found[name] = {
                one["id"]: {key: one[key] for key in STANDS if key in one} for one in read
            }
            bodies |= {(name, one["title"]): str(one) for one in read}
        return found, bodies

    def page(self, title):
        with self.store.read() as connection:
            own = select(t.story.c.public_id).join(
                t.article, t.article.c.id == t.story.c.article_id
            )
            public = connection.scalar(own.where(t.article.c.title == title))
            return Pages(connection, self.settings, renderer_for(self.settings)).story(public)


def test_an_entry_stays_itself_while_its_story_grows_merges_and_splits(any_store, now):
    feeds = Feeds(any_store, now)
    with any_store.write() as connection:
        ids = fill(connection, now)
        tell(connection, ids, now, "Lũ quét ở bản Lĩnh")
        tell(connection, ids, now, "Bảo tàng mở cửa lại", ["y-te"], "mekong")
    before, _ = feeds.entries()
    lost = feeds.page("Bảo tàng mở cửa lại")
    assert [len(entries) for entries in before.values()] == [2, 2, 2]

    with any_store.write() as connection:  # another outlet has it
        tell(connection, ids, now + HOUR, "Bản Lĩnh tìm người mất tích", source="tuoitre")
    feeds.place("Bản Lĩnh tìm người mất tích", "Lũ quét ở bản Lĩnh")
    grown, bodies = feeds.entries()
    assert grown == before
    assert list(grown["atom"]) == list(before["atom"])
    for name in grown:
        body = bodies[name, "Lũ quét ở bản Lĩnh"]
        assert "Tuổi Trẻ" in body
        with any_store.read() as connection:
            link = connection.scalar(select(t.article.c.link).where(t.article.c.id == 3))
        assert link in body

    feeds.place("Bảo tàng mở cửa lại", "Lũ quét ở bản Lĩnh")  # a merge: one of the two is left
    merged, _ = feeds.entries()
    assert all(merged[name].items() < before[name].items() for name in merged)
    assert b"<h1>L\xc5\xa9 qu\xc3\xa9t" in feeds.page("Lũ quét ở bản Lĩnh")
    assert lost is not None

    feeds.place("Lũ quét ở bản Lĩnh", None)  # a split: another article represents the rest
    split, _ = feeds.entries()
    for name, entries in split.items():
        (kept,) = merged[name]
        (fresh,) = entries.keys() - {kept}
        assert fresh not in before[name]
        assert entries[kept]["title"] == "Bảo tàng mở cửa lại"
        assert entries[fresh]["title"] == "Lũ quét ở bản Lĩnh"


def test_the_page_of_a_story_tells_who_told_it_and_when(any_store, now):
    feeds = Feeds(any_store, now)
    with any_store.write() as connection:
        ids = fill(connection, now)
        tell(connection, ids, now, "Lũ quét ở bản Lĩnh", published=now - HOUR)
        tell(connection, ids, now + HOUR, "Bản Lĩnh tìm người", source="tuoitre")
        tell(connection, ids, now - 2 * HOUR, "Lũ về Mường Pồn", source="mekong")
    alone = feeds.page("Lũ quét ở bản Lĩnh").decode()
    assert "timeline" not in alone
    feeds.place("Bản Lĩnh tìm người", "Lũ quét ở bản Lĩnh")
    feeds.place("Lũ về Mường Pồn", "Lũ quét ở bản Lĩnh")
    page = feeds.page("Lũ quét ở bản Lĩnh").decode().partition('class="timeline"')[2]
    told = ["Mekong Eye", "Lũ về Mường Pồn", "VnExpress", "Lũ quét", "Tuổi Trẻ", "Bản Lĩnh tìm"]
    places = [page.index(one) for one in told]
    assert places == sorted(places)
    assert page.count("<a href=") >= len(told) / 2
    assert page.count(f'datetime="{(now - HOUR).isoformat()}"') == 1
