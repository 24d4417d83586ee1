"""What feedgen 1.0.0 gets wrong or does not know, put right through its own door for extensions.

Every correction replaces what feedgen wrote instead of counting on its fault, so that a release in
which the fault is repaired gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from service.model import Image

Element = Any
"""An lxml element; its stubs name it by a private class."""

NAME = "bantin"
"""Under this name feeds and entries of feedgen carry the extension."""

ATOM = "http://www.w3.org/2005/Atom"
DC = "http://purl.org/dc/elements/1.1/"
MEDIA = "http://search.yahoo.com/mrss/"
SY = "http://purl.org/rss/1.0/modules/syndication/"
XML = "http://www.w3.org/XML/1998/namespace"

Link = Mapping[str, str]
"""The attributes of a link: href, rel, and perhaps type and length."""


@dataclass(frozen=True, slots=True)
class AtomSource:
    """The feed that an entry comes from, for `atom:source`."""

    title: str
    home: str
    updated: datetime


class FeedCorrections(BaseExtension):  # type: ignore[misc]  # feedgen ships no types
    """Corrects the feed itself."""

    def __init__(self) -> None:
        self.namespaces: dict[str, str] = {}
        self.links: list[Link] = []
        self.updates_an_hour = 0  # 0: says nothing

    def extend_ns(self) -> dict[str, str]:
        return self.namespaces

    def extend_rss(self, feed: Element) -> Element:
        """RSS gets every atom:link, not only self. The element is <rss>, not <channel>."""
        channel = feed.find("channel")
        for link in channel.findall(f"{{{ATOM}}}link"):
            channel.remove(link)
        for link in self.links:
            etree.SubElement(channel, f"{{{ATOM}}}link", dict(link))
        if self.updates_an_hour:
            _add(channel, f"{{{SY}}}updatePeriod", "hourly")
            _add(channel, f"{{{SY}}}updateFrequency", str(self.updates_an_hour))
        return feed


class EntryCorrections(BaseEntryExtension):  # type: ignore[misc]  # feedgen ships no types
    """Corrects one entry: links with all their attributes, source, picture, author, language."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.origin: AtomSource | None = None
        self.thumbnail: Image | None = None
        self.creator: str | None = None
        self.language: str | None = None

    def extend_atom(self, entry: Element) -> Element:
        _replace(entry, "link", [dict(link) for link in self.links])
        _drop(entry, "source")
        if self.origin is not None:
            self._source(entry, self.origin)
        if self.language:
            entry.set(f"{{{XML}}}lang", self.language)
        self._thumbnail(entry)
        return entry

    def extend_rss(self, item: Element) -> Element:
        """RSS takes an address in <author> and no name alone: the byline is dc:creator."""
        _drop(item, "author")
        if self.creator:
            _add(item, f"{{{DC}}}creator", self.creator)
        if self.language:
            _add(item, f"{{{DC}}}language", self.language)
        self._thumbnail(item)
        return item

    def _source(self, entry: Element, origin: AtomSource) -> None:
        """Writes the id and the date that RFC 4287 wants, and without an author of its own."""
        source = etree.SubElement(entry, _tag(entry, "source"))
        _add(source, _tag(entry, "id"), origin.home)
        _add(source, _tag(entry, "title"), origin.title)
        _add(source, _tag(entry, "updated"), origin.updated.isoformat())
        etree.SubElement(source, _tag(entry, "link"), rel="alternate", href=origin.home)

    def _thumbnail(self, parent: Element) -> None:
        if self.thumbnail is None:
            return
        element = etree.SubElement(parent, f"{{{MEDIA}}}thumbnail", url=self.thumbnail.url)
        for name, value in (("width", self.thumbnail.width), ("height", self.thumbnail.height)):
            if value:
                element.set(name, str(value))


def _add(parent: Element, tag: str, text: str) -> None:
    child: Element = etree.SubElement(parent, tag)
    child.text = text


def _named(parent: Element, name: str) -> list[Element]:
    """Children by their local name, with or without a namespace."""
    return [child for child in parent if etree.QName(child).localname == name]


def _tag(parent: Element, name: str) -> str:
    """The name in the namespace of its parent, if that has one (feedgen's have none)."""
    namespace = etree.QName(parent).namespace
    return f"{{{namespace}}}{name}" if namespace else name


def _drop(parent: Element, name: str) -> int:
    """Remove the children of that name. Returns where the first stood, else the end."""
    found = _named(parent, name)
    place = parent.index(found[0]) if found else len(parent)
    for child in found:
        parent.remove(child)
    return place


def _replace(parent: Element, name: str, attributes: Iterable[dict[str, str]]) -> None:
    place = _drop(parent, name)
    for offset, values in enumerate(attributes):
        parent.insert(place + offset, parent.makeelement(_tag(parent, name), values))
