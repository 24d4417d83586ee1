"""Real feeds of strangers, cleaned as at the door and published: valid, and read back the same."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import feedparser
import pytest

from service.config.schema import Publish
from service.model import Enclosure, Outlet
from service.publish.channel import topic_channel
from service.publish.items import item
from service.publish.json_feed import json_feed
from service.publish.syndicate import atom, rss
from service.render.engine import shipped_templates
from service.render.views import SiteView
from service.render.words import load_words
from service.store.content.page_queries import PublishedTopic
from service.text.clean import clean_html, lead, plain, title_text
from tests.levels import each, sample, some
from tests.publish.newsroom import a_story
from tests.publish.validity import CHECKS

WORDS = load_words([shipped_templates()], "vi")
SITE = SiteView("Tin", "https://tin.example.vn", "vi", "Asia/Ho_Chi_Minh")
WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
FOLDERS = ("vi", "miniflux", "reader", "rss-parser/input", "feedjira", "feedvalidator")
MOST = some(60, 8)
"""Entries of one file: enough of each kind, and the test stays quick."""

SOME, MANY = 20, 40
"""Files of a folder of which a sample is enough, and a small one."""


def _stories(path, now):
    """Every entry with a link or a title, as collecting would have cleaned it."""
    read = feedparser.parse(io.BytesIO(path.read_bytes()), sanitize_html=False)
    outlet = title_text(read.feed.get("title", "")) or path.name
    for number, entry in enumerate(read.entries[:MOST], 1):
        base = entry.get("link", "") or "https://outlet.example/"
        html = clean_html("".join(part.value for part in entry.get("content", [])), base)
        text = lead(plain(clean_html(entry.get("summary", ""), base) or html))
        title = title_text(entry.get("title", ""))
        if not (title or text):
            continue
        parsed = entry.get("published_parsed")
        yield a_story(
            now,
            id=number,
            public_id=f"{number:024x}",
            outlet=Outlet("x", outlet, read.feed.get("link"), entry.get("link")),
            title=title,
            lead=text,
            content=html,
            authors=tuple(title_text(one.get("name", "")) for one in entry.get("authors", [])),
            published=datetime(*parsed[:6], tzinfo=UTC) if parsed else None,
            enclosures=tuple(
                Enclosure(one.href, one.get("type", ""), None)
                for one in entry.get("enclosures", [])
                if one.get("href", "").startswith("http") and "/" in one.get("type", "")
            ),
        )


@pytest.mark.sampled
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_strangers_wrote_is_published_valid_and_read_back(corpus, now, folder):
    channel = topic_channel(
        SITE, WORDS, PublishedTopic(1, "t", "T", now, retired=False), "a.vn,2026", 1
    )
    told, unread, read_well = 0, 0, 0
    every = sorted((corpus / "feeds" / folder).rglob("*"))
    files = [one for one in every if one.is_file() and one.suffix in {".rss", ".xml", ".atom"}]
    one_in = 24 if len(files) > MANY else 3 if len(files) > SOME else 1
    for path in sample(files, one_in, lambda one: one.name):
        try:
            found = list(_stories(path, now))
        except Exception:  # noqa: BLE001 - feedparser raises on some; collecting is tested elsewhere
            unread += 1
            continue
        read_well += 1
        for content in each(("lead", "full"), of=path.name):
            items = [
                item(
                    story, WORDS, Publish(content=content), authority="a.vn,2026",
                    base=SITE.base_url, language="vi", feed="t",
                )
                for story in found
            ]  # fmt: skip
            for format_, write in WRITERS.items():
                body = write(channel, items)
                assert CHECKS[format_](body) == [], path
            read = feedparser.parse(io.BytesIO(atom(channel, items)))
            assert not read.bozo, path
            assert [one.id for one in read.entries] == [one.id for one in items]
            assert [one.title for one in read.entries] == [one.title for one in items], path
        told += len(found)
    assert told > 5
    assert unread <= read_well // 10, "hardly anything was tried"
