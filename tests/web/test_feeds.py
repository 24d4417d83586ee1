"""Feeds are served as they were built."""

from __future__ import annotations

import gzip
from datetime import timedelta
from itertools import product

import pytest

from service.publish.build import publish
from service.publish.channel import FRESH_FOR
from service.store.content import feed_documents
from service.store.sources import registry
from tests.builders import add_source, add_story
from tests.levels import table
from tests.web.conftest import settings_with


@pytest.fixture
def published(web):
    """The site after a first publish, with one story in a topic."""
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        topic = connection.exec_driver_sql("SELECT id FROM topic WHERE name = 'giao-duc'").scalar()
        add_story(connection, source=source, topics=[topic], entered_at=web.now, title="Khai giảng")
    publish(web.store, web.settings, web.renderer, web.now)
    return web


KINDS = {
    "atom": "application/atom+xml; charset=utf-8",
    "rss": "application/rss+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}


@table(("feed", "format_"), product(["giao-duc", "all"], KINDS))
def test_a_feed_is_the_stored_bytes(published, feed, format_):
    response = published.client.get(f"/feeds/{feed}.{format_}", headers={"Accept-Encoding": ""})
    with published.store.read() as connection:
        stored = feed_documents.get(connection, feed, format_)
    assert response.status_code == 200
    assert response.content == stored.body
    assert "Khai giảng" in response.text
    assert response.headers["content-type"] == KINDS[format_]
    assert response.headers["etag"] == f'"{stored.etag}"'
    assert response.headers["access-control-allow-origin"] == "*"


def test_the_twin_in_gzip_is_sent_as_it_was_made(published):
    headers = {"Accept-Encoding": "gzip"}
    with published.client.stream("GET", "/feeds/all.atom", headers=headers) as response:
        raw = b"".join(response.iter_raw())
    with published.store.read() as connection:
        stored = feed_documents.get(connection, "all", "atom")
    assert raw == stored.gzip
    assert gzip.decompress(raw) == stored.body


def test_who_has_it_gets_304_and_head_has_no_body(published):
    first = published.client.get("/feeds/all.atom")
    again = published.client.get(
        "/feeds/all.atom", headers={"If-None-Match": first.headers["etag"]}
    )
    by_date = published.client.get(
        "/feeds/all.atom", headers={"If-Modified-Since": first.headers["last-modified"]}
    )
    for response in (again, by_date):
        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["etag"] == first.headers["etag"]
        # Without it a reader that runs in a browser may not see the 304.
        assert response.headers["access-control-allow-origin"] == "*"
    head = published.client.head("/feeds/all.atom")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == first.headers["content-length"]
    assert head.headers["etag"] == first.headers["etag"]


def test_a_reader_may_keep_a_feed_as_long_as_the_feed_says(published):
    said = published.client.get("/feeds/all.rss")
    minutes = int(FRESH_FOR.total_seconds() // 60)
    assert f"max-age={minutes * 60}" in said.headers["cache-control"]
    assert f"<ttl>{minutes}</ttl>" in said.text
    assert minutes <= 30
    assert said.headers["cache-control"].startswith("public")


def test_publishing_again_changes_no_answer(published):
    first = published.client.get("/feeds/all.atom")
    published.later(hours=3)
    publish(published.store, published.settings, published.renderer, published.now)
    again = published.client.get("/feeds/all.atom")
    for name in ("etag", "last-modified"):
        assert again.headers[name] == first.headers[name]


def test_a_renamed_topic_answers_301_and_the_new_name_serves(published):
    renamed = settings_with(topic={"giao-duc-moi": {"title": "Giáo dục", "was": "giao-duc"}})
    topics = {name: one for name, one in renamed.topic.items() if name != "giao-duc"}
    renamed = renamed.model_copy(update={"topic": topics})
    with published.store.write() as connection:
        registry.register(connection, renamed, published.now + timedelta(1), retire=True)
    moved = published.client.get("/feeds/giao-duc.json")
    assert (moved.status_code, moved.headers["location"]) == (301, "/feeds/giao-duc-moi.json")
    # Browsers keep a bare 301 for good, and the old name may be used again.
    assert moved.headers["cache-control"] == "public, max-age=3600"
    page = published.client.get("/topics/giao-duc/")
    assert (page.status_code, page.headers["location"]) == (301, "/topics/giao-duc-moi/")


@table(
    "file", ["all.xml", "all", "khac.atom", "..%2fall.atom", "ALL.atom", "all.atom/", "%00.atom"]
)
def test_what_is_no_feed_is_404(published, file):
    assert published.client.get(f"/feeds/{file}").status_code == 404
