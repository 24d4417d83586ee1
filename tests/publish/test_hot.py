"""Hot stories as readers see them: the mark on pages, and the feed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import html as markup
from sqlalchemy import delete, insert, select

from service.publish.build import publish
from service.publish.pages import Pages
from service.render.views import thaw
from service.store import tables as t
from service.store.content import feed_documents, stale_feeds, stories
from service.store.mailing import editions
from tests.publish.newsroom import (
    configure,
    fill,
    freeze_edition,
    public_id,
    renderer_for,
    tell,
)
from tests.publish.validity import atom_faults, json_faults, rss_faults

HOUR = timedelta(hours=1)
HOT = {"hot": {"outlets": 3, "within": "90m"}}
FAULTS = {"atom": atom_faults, "rss": rss_faults, "json": json_faults}


@pytest.fixture
def newsroom(any_store, now):
    with any_store.write() as connection:
        ids = fill(connection, now)
        flood = tell(connection, ids, now - 9 * HOUR, "Lũ lớn")
        older = tell(connection, ids, now - 30 * HOUR, "Bão tan", ["y-te"])
        tell(connection, ids, now, "Tin thường")
        nowhere = tell(connection, ids, now, "Không chủ đề", [])
        for story, ago in ((flood, 1), (older, 20), (nowhere, 2)):
            heated = now - ago * HOUR
            connection.execute(insert(t.hot_story).values(story_id=story, hot_at=heated))
    return any_store, ids


def page(store, kind, *arguments, **sections):
    settings = configure(**{**HOT, **sections})
    with store.read() as connection:
        body = getattr(Pages(connection, settings, renderer_for(settings)), kind)(*arguments)
    return markup.document_fromstring(body.decode())


def marked(document):
    found = document.xpath("//*[contains(@class, 'hot')]")
    return [one.xpath("preceding::*[self::h1 or self::h3][1]")[0].text_content() for one in found]


def test_pages_mark_hot_stories_and_no_others(newsroom):
    store, ids = newsroom
    assert marked(page(store, "home")) == ["Lũ lớn", "Bão tan"]
    assert marked(page(store, "topic", "giao-duc")) == ["Lũ lớn"]
    assert marked(page(store, "story", public_id("Lũ lớn", ids["vnexpress"]))) == ["Lũ lớn"]
    assert marked(page(store, "story", public_id("Tin thường", ids["vnexpress"]))) == []


def test_the_front_page_leads_to_the_feed_where_a_story_is_hot(newsroom):
    store, _ = newsroom
    links = {one.get("href") for one in page(store, "home").cssselect("a")}
    assert {"feeds/hot.atom", "feeds/hot.rss", "feeds/hot.json"} <= links
    with store.write() as connection:
        connection.execute(delete(t.hot_story))
    none = {one.get("href") for one in page(store, "home").cssselect("a")}
    assert "feeds/hot.atom" not in none


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_feed_is_valid_and_has_the_hot_stories_alone(newsroom, now, language):
    store, _ = newsroom
    settings = configure(**HOT, site={"language": language})
    done = publish(store, settings, renderer_for(settings), now)
    assert stale_feeds.HOT in done.written
    assert not done.failed
    with store.read() as connection:
        bodies = {name: feed_documents.get(connection, "hot", name).body for name in FAULTS}
    for name, faults in FAULTS.items():
        assert faults(bodies[name]) == []
        text = bodies[name].decode()
        assert text.index("Lũ lớn") < text.index("Bão tan")
        assert "Tin thường" not in text
        assert "Không chủ đề" not in text
    assert "1.5" in bodies["atom"].decode(), "the subtitle says within how many hours"
    again = publish(store, settings, renderer_for(settings), now + HOUR)
    assert stale_feeds.HOT not in again.written


def test_the_feed_begins_with_the_first_hot_story_and_stays(newsroom, now):
    """A site without one has no file more than before; one that is hot no more is taken out."""
    store, _ = newsroom
    settings = configure(**HOT)
    with store.write() as connection:
        was = connection.execute(select(t.hot_story)).all()
        connection.execute(delete(t.hot_story))
    done = publish(store, settings, renderer_for(settings), now)
    assert stale_feeds.HOT not in done.written
    with store.write() as connection:
        row = {"story_id": was[0].story_id, "hot_at": now}
        connection.execute(insert(t.hot_story).values(row))
    assert publish(store, settings, renderer_for(settings), now).written == (stale_feeds.HOT,)
    with store.write() as connection:
        connection.execute(delete(t.hot_story))
        stale_feeds.mark(connection, [stale_feeds.HOT], now)
    assert publish(store, settings, renderer_for(settings), now).written == (stale_feeds.HOT,)
    with store.read() as connection:
        for name, faults in FAULTS.items():
            body = feed_documents.get(connection, "hot", name).body
            assert faults(body) == []
            assert "Lũ lớn" not in body.decode()


def test_an_edition_keeps_the_mark_that_it_was_frozen_with(newsroom, now):
    store, ids = newsroom
    with store.write() as connection:
        chosen = [one.id for one in stories.everywhere(connection, 3)]
        edition = freeze_edition(connection, ids, now, chosen)
        connection.execute(delete(t.hot_story))
        kept = editions.stories(connection, edition)
    assert [thaw(one.view).title for one in kept if thaw(one.view).hot] == ["Lũ lớn", "Bão tan"]
    assert marked(page(store, "edition", "tuan", f"{now:%Y%m%dT%H%M%SZ}")) == ["Lũ lớn", "Bão tan"]
