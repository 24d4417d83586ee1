"""Atom 1.0 and RSS 2.0, through feedgen and our corrections to it. Pure: the same bytes each time.

feedgen defaults every date to now, so all of them are set from the data.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from html import escape
from typing import Any

from feedgen.feed import FeedGenerator

from service.publish.channel import FRESH_FOR, MEDIA_TYPES, FeedChannel
from service.publish.extension import (
    DC,
    MEDIA,
    NAME,
    SY,
    AtomSource,
    EntryCorrections,
    FeedCorrections,
    Link,
)
from service.publish.items import FeedItem

GENERATOR = "Bantin"
_SMALL_ICON_PX = "144"

_ONE_AT_A_TIME = threading.Lock()
"""feedgen switches the locale of the whole process while it writes a date for RSS."""


def updated(channel: FeedChannel, items: Sequence[FeedItem]) -> Any:
    """When the feed last changed: an empty one when its topic was made."""
    return max((item.updated for item in items), default=channel.created_at)


def atom(channel: FeedChannel, items: Sequence[FeedItem]) -> bytes:
    """Atom 1.0 (RFC 4287)."""
    feed = _feed(channel, items, "atom")
    feed.id(channel.id)
    feed.subtitle(channel.subtitle)
    feed.author(name=channel.site, uri=channel.base)
    feed.icon(channel.icon)
    feed.logo(channel.icon)
    feed.bantin.namespaces = {"media": MEDIA}
    for item in items:
        _atom_entry(feed.add_entry(order="append"), item)
    return bytes(feed.atom_str(pretty=True))


def rss(channel: FeedChannel, items: Sequence[FeedItem]) -> bytes:
    """RSS 2.0 with atom:link, content:encoded, dc:creator, media:thumbnail and sy:."""
    feed = _feed(channel, items, "rss")
    feed.description(channel.subtitle)
    feed.image(
        channel.small_icon, channel.title, channel.home,
        width=_SMALL_ICON_PX, height=_SMALL_ICON_PX,
    )  # fmt: skip
    minutes = int(FRESH_FOR.total_seconds()) // 60
    feed.ttl(minutes)
    feed.bantin.namespaces = {"dc": DC, "media": MEDIA, "sy": SY}
    feed.bantin.updates_an_hour = 60 // minutes
    for item in items:
        _rss_item(feed.add_entry(order="append"), item)
    with _ONE_AT_A_TIME:
        return bytes(feed.rss_str(pretty=True))


def _feed(channel: FeedChannel, items: Sequence[FeedItem], format_: str) -> Any:
    feed = FeedGenerator()
    feed.register_extension(NAME, FeedCorrections, EntryCorrections)
    feed.title(channel.title)
    feed.language(channel.language)
    feed.updated(updated(channel, items))
    feed.generator(GENERATOR)
    if channel.rights:
        feed.rights(channel.rights)
    here = {"href": channel.self_link(format_), "rel": "self", "type": MEDIA_TYPES[format_]}
    hubs = [{"href": hub, "rel": "hub"} for hub in channel.hubs]
    feed.bantin.links = [here, *hubs]
    for link in feed.bantin.links:
        feed.link(dict(link))
    # RSS takes the last link of all for its own.
    feed.link(href=channel.home, rel="alternate", type="text/html")
    return feed


def _entry(entry: Any, item: FeedItem) -> None:
    entry.id(item.id)
    entry.title(item.title)
    entry.published(item.published)
    entry.updated(item.updated)
    for category in item.categories:
        entry.category(term=category, label=category)
    entry.link(href=item.link, rel="alternate")
    entry.bantin.thumbnail = item.image
    entry.bantin.language = item.language


def _atom_entry(entry: Any, item: FeedItem) -> None:
    _entry(entry, item)
    author = {"name": item.author}
    if item.outlet_home:
        author["uri"] = item.outlet_home
        entry.bantin.origin = AtomSource(item.outlet, item.outlet_home, item.updated)
    entry.author(author)
    entry.bantin.links = _links(item)
    if item.is_full:
        entry.content(item.body, type="html")
        if item.summary:
            entry.summary(item.summary, type="text")
    else:
        entry.summary(item.body, type="html")


def _rss_item(entry: Any, item: FeedItem) -> None:
    _entry(entry, item)
    entry.bantin.creator = item.author
    if item.enclosures:
        first = item.enclosures[0]  # RSS has room for one
        entry.enclosure(first.url, str(first.length or 0), first.type)
    if item.is_full:
        entry.content(item.body, type="html")
        # RSS cannot say that this is plain text: readers take it as HTML.
        entry.summary(escape(item.lead or item.title), type="html")
    else:
        entry.summary(item.body, type="html")


def _links(item: FeedItem) -> list[Link]:
    """The original, then our page of it and the other outlets, then what can be heard and seen."""
    links: list[Link] = [{"href": item.link, "rel": "alternate"}]
    links += [{"href": href, "rel": "related"} for href in item.related]
    for one in item.enclosures:
        size = {} if one.length is None else {"length": str(one.length)}
        links.append({"href": one.url, "rel": "enclosure", "type": one.type, **size})
    return links
