"""Feeds in one format that are made when they are asked for: who cites a document, what is found.

There are as many as documents are cited and questions asked, and few are followed: none is built in
advance.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from service.config.schema import Settings
from service.model import Story
from service.publish.build import NEWEST, write_documents
from service.publish.channel import FeedChannel, reference_channel, search_channel
from service.publish.items import FeedItem, item
from service.render.engine import Renderer
from service.store.content import references, stories
from service.store.core import facts
from service.store.core.database import Connection


def reference_feed(
    connection: Connection, settings: Settings, renderer: Renderer, reference: str, format_: str
) -> bytes | None:
    """The newest stories that cite it. `format_`: atom, rss, json.

    None: nobody cites it, or nothing has ever been published, so that feeds have no ids yet.
    """
    found = references.citing(connection, reference, NEWEST)
    authority = facts.known_tag_authority(connection)
    if not found or authority is None:
        return None
    site = renderer.site
    items = _items(found, settings, renderer, authority)
    words = renderer.words(site.language)
    channel = reference_channel(site, words, reference, authority, items[-1].published)
    return _written(channel, items, format_)


def search_feed(
    settings: Settings,
    renderer: Renderer,
    question: str,
    found: Iterable[Story],
    authority: str,
    format_: str,
) -> bytes:
    """The stories that answer a question, the newest first. `authority`: of `tag:` ids."""
    site = renderer.site
    items = _items(sorted(found, key=stories.listed), settings, renderer, authority)
    words = renderer.words(site.language)
    began = datetime(int(authority.rpartition(",")[2]), 1, 1, tzinfo=UTC)
    channel = search_channel(site, words, question, authority, began)
    return _written(channel, items, format_)


def _items(
    found: Iterable[Story], settings: Settings, renderer: Renderer, authority: str
) -> list[FeedItem]:
    site = renderer.site
    words = renderer.words(site.language)
    return [
        item(
            story, words, settings.publish, authority=authority, base=site.base_url,
            language=site.language, feed="",
        )
        for story in found
    ]  # fmt: skip


def _written(channel: FeedChannel, items: list[FeedItem], format_: str) -> bytes:
    ((_, body),), _ = write_documents(channel, items, (format_,))
    return body
