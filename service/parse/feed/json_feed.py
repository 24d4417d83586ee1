"""JSON Feed 1.0 and 1.1: a small reader of our own, since feedparser's release has none. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from service.errors import ParseError
from service.model import Document, Entry, Image
from service.parse import date_evidence, hub_links
from service.parse.feed import entry_keys, media
from service.parse.feed.entries import language_tag, sensible, unique, with_breaks, written_in
from service.parse.feed.entry_keys import Draft
from service.parse.options import ParseOptions
from service.parse.repair.json_text import repair
from service.parse.urls import web_address
from service.text.clean import title_text
from service.text.instants import dates
from service.text.web import http_headers as http

_VERSION = re.compile(
    r"(?:https?:)?(?://)?(?:www\.)?jsonfeed\.org(?:/|\Z)|\s*v?1(?:\.\d+)?\s*\Z", re.IGNORECASE
)
"""Its address, as the format wants it, or the bare number that many write instead."""

_OF_ITEMS = frozenset({"content_html", "content_text", "date_published", "external_url"})
"""What no other format calls anything."""


def is_json(body: bytes, headers: Mapping[str, str]) -> bool:
    """Tells a JSON document by its first character, or by its type where that is no XML's."""
    start = body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[:1] in {b"{", b"["} or (
        "json" in http.media_type(headers) and start[:1] not in {b"<", b""}
    )


def read(body: bytes, url: str, reading: ParseOptions, now: datetime) -> Document:
    """The document. Raises ParseError for JSON that is broken or no feed."""
    feed, repairs = _load(body)
    if not isinstance(feed, dict):
        raise ParseError("this is JSON, but no JSON Feed")
    items = feed.get("items")
    if not isinstance(items, list):
        raise ParseError("this is JSON, but no JSON Feed: it has no list of items")
    if not _is_feed(feed.get("version"), items):
        raise ParseError(f"this is JSON, but no JSON Feed: {_called(feed.get('version'))}")
    link = web_address(feed.get("home_page_url"), url)
    language = reading.language or language_tag(feed.get("language"))
    lines = (("", written_in(one.get("date_published"))) for one in items if isinstance(one, dict))
    reading = date_evidence.settled(reading, lines, now, language=language, url=link or url)
    drafts = [_draft(item, feed, url, reading, now) for item in items if isinstance(item, dict)]
    its_hubs, self_url = hub_links.of_json(feed, url)
    return Document(
        title=title_text(written_in(feed.get("title"))),
        link=link,
        language=language_tag(feed.get("language")),
        entries=entry_keys.settle(drafts, (link, url)),
        repairs=repairs,
        hubs=its_hubs,
        self_url=self_url,
    )


def _load(body: bytes) -> tuple[Any, tuple[str, ...]]:
    """Reads the JSON, repaired where it breaks off or was written by hand; names the repairs."""
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        text = body.decode("utf-8", "replace")
    text = text.lstrip("\ufeff \t\r\n")
    try:
        return json.loads(text, strict=False), ()
    except RecursionError as error:
        raise ParseError("the JSON is nested too deeply") from error
    except ValueError as error:
        repaired = repair(text)
        if repaired is None:
            raise ParseError(f"the JSON is broken: {error}"[:200]) from error
        return repaired


def _is_feed(version: object, items: list[Any]) -> bool:
    """Whether it says so, or is made of what only JSON Feeds are made of."""
    if isinstance(version, str | int | float) and _VERSION.match(str(version)):
        return True
    return any(isinstance(one, dict) and not _OF_ITEMS.isdisjoint(one) for one in items)


def _called(version: object) -> str:
    if version is None:
        return "it has no version"
    return f"its version is {str(version)[:60]!r}, not https://jsonfeed.org/version/1.1"


def _draft(
    item: Mapping[str, Any], feed: Mapping[str, Any], url: str, reading: ParseOptions, now: datetime
) -> Draft:
    link = web_address(item.get("url"), url) or web_address(item.get("external_url"), url)
    content = written_in(item.get("content_html"))
    if not content:
        content = with_breaks(written_in(item.get("content_text")))
    base = link or url
    at, written = _date(item, "date_published", reading, now)
    changed, _ = _date(item, "date_modified", reading, now)
    entry = Entry(
        key="",
        guid=_identifier(item.get("id")),
        link=link,
        link_is_key=False,
        title=title_text(written_in(item.get("title"))),
        published=sensible(at or changed, now),
        updated=sensible(changed, now),
        summary=html.escape(written_in(item.get("summary")), quote=False),
        content=content,
        base=base,
        authors=unique(_names(item)) or unique(_names(feed)),
        categories=unique(title_text(written_in(tag)) for tag in _listed(item.get("tags"))),
        enclosures=media.enclosures(_attachments(item), url),
        image=_image(item, content, base),
        language=language_tag(item.get("language")),
    )
    return Draft(entry, written)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _identifier(value: object) -> str | None:
    """Ids should be text; numbers are common, and `1.0` must stay what `1` is not."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return written_in(value) or None


def _date(
    item: Mapping[str, Any], name: str, reading: ParseOptions, now: datetime
) -> tuple[datetime | None, str]:
    written = written_in(item.get(name))
    if not written:
        return None, ""
    return dates.parse(written, reading.zone, reading.order, now, reading.language), written


def _names(holder: Mapping[str, Any]) -> Iterator[str]:
    """`authors` of 1.1, else `author` of 1.0."""
    for one in _listed(holder.get("authors")) or [holder.get("author")]:
        if isinstance(one, dict):
            yield title_text(written_in(one.get("name")))


def _attachments(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in _listed(item.get("attachments")):
        if isinstance(one, dict):
            yield {
                "url": one.get("url"),
                "type": one.get("mime_type"),
                "length": one.get("size_in_bytes"),
            }


def _image(item: Mapping[str, Any], content: str, base: str) -> Image | None:
    for name in ("image", "banner_image"):
        url = web_address(item.get(name), base)
        if url is not None:
            return Image(url)
    return media.first_image(content, base)
