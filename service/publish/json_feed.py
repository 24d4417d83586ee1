"""JSON Feed 1.1. Pure: the same bytes each time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from service.publish.channel import FeedChannel
from service.publish.items import FeedItem

VERSION = "https://jsonfeed.org/version/1.1"


def json_feed(channel: FeedChannel, items: Sequence[FeedItem]) -> bytes:
    """The feed in UTF-8. Without authors of its own: readers would show them for every item."""
    feed: dict[str, Any] = {
        "version": VERSION,
        "title": channel.title,
        "home_page_url": channel.home,
        "feed_url": channel.self_link("json"),
        "description": channel.subtitle,
        "icon": channel.icon,
        "favicon": channel.small_icon,
        "language": channel.language,
    }
    if channel.hubs:
        feed["hubs"] = [{"type": "WebSub", "url": hub} for hub in channel.hubs]
    feed["items"] = [_item(one) for one in items]
    return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"


def _item(item: FeedItem) -> dict[str, Any]:
    author = {"name": item.author}
    if item.outlet_home:
        author["url"] = item.outlet_home
    found: dict[str, Any] = {
        "id": item.id,
        "url": item.link,
        "title": item.title,
        "content_html": item.body,
        "date_published": item.published.isoformat(),
        "date_modified": item.updated.isoformat(),
        "authors": [author],
    }
    if item.summary:
        found["summary"] = item.summary
    if item.image:
        found["image"] = item.image.url
    if item.categories:
        found["tags"] = list(item.categories)
    if item.language:
        found["language"] = item.language
    if item.enclosures:
        found["attachments"] = [
            {"url": one.url, "mime_type": one.type}
            | ({} if one.length is None else {"size_in_bytes": one.length})
            for one in item.enclosures
        ]
    return found
