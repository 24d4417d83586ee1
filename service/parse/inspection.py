"""What the service sees in a document: the shape that `bantin parse --json` prints. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from service.errors import ParseError
from service.model import Document, Entry, SourceKind
from service.parse.compressed import unpacked
from service.parse.document import parse_document
from service.parse.html.article import page as article_page
from service.parse.html.tree import own_address
from service.parse.kind import Continuation, Kind
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions
from service.text.clean import clean_html, plain
from service.text.fold import folded_tokens

UNKNOWN_BASE = "http://unknown.invalid/"
"""Against which relative links of a file are read whose address nobody told."""

_MADE_UP = re.compile(r"(?<!\S)https?://unknown\.invalid/?")
_MADE_UP_IN_A_TAG = re.compile(r"(=\")https?://unknown\.invalid/?")


def look(
    given: str,
    body: bytes,
    headers: Mapping[str, str],
    url: str | None,
    now: datetime,
    reading: ParseOptions | None = None,
) -> dict[str, Any]:
    """One input as a JSON object. `given`: what the user typed; `url`: where the body stands.

    {"input", "ok", "error", "feed": {"title", "link", "language"} or null, "entries": […],
    "repairs": […]}; instants as ISO 8601 in UTC. A page is fine if it is a list or an article, and
    has "page" besides: {"is": "article" or "list", "title", "link", "published", "lead", "text",
    "authors", "image", "language", "next"}, its text as paragraphs parted by empty lines, `next`
    the address of its list's next page; a file whose address nobody told is read as the page that
    it says it is.
    A sitemap has {"sitemaps": [{"url", "changed"}]} besides, an index's. Never raises.
    """
    reading = reading or ParseOptions()
    try:
        plain_body = body if KINDS[reading.kind].bounds_itself else unpacked(body)[0]
    except ParseError as error:
        return failed(given, str(error))
    return _look(given, plain_body, headers, url, now, reading)


def _look(
    given: str,
    body: bytes,
    headers: Mapping[str, str],
    url: str | None,
    now: datetime,
    reading: ParseOptions,
) -> dict[str, Any]:
    kind = KINDS[reading.kind]
    if url is None and kind.for_people:
        url = own_address(body, headers)
    base = url or UNKNOWN_BASE
    page = _page(body, headers, base, reading, now) if kind.for_people else {}
    try:
        document = parse_document(body, headers, base, reading, now)
    except ParseError as error:
        if not page.get("text"):
            return failed(given, str(error))
        document = Document(page["title"], page["link"], page["language"], ())
    return {
        "input": given,
        "ok": True,
        "error": None,
        "feed": {
            "title": document.title,
            "link": _known(document.link),
            "language": document.language,
        },
        "entries": [_entry(entry) for entry in document.entries],
        "repairs": list(document.repairs),
    } | _besides(document, kind, page)


def failed(given: str, error: str) -> dict[str, Any]:
    """The same shape for what could not be read."""
    return {
        "input": given, "ok": False, "error": error, "feed": None, "entries": [], "repairs": [],
    }  # fmt: skip


def as_kind(reading: ParseOptions, kind: str | None) -> ParseOptions:
    """The reading for `--kind`. None: a feed, which says of a page that it is one."""
    return replace(reading, kind=SourceKind(kind)) if kind else reading


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": _known(entry.guid or entry.key),
        "link": _known(entry.link),
        "title": entry.title,
        "published": _iso(entry.published),
        "updated": _iso(entry.updated),
        "summary": plain(entry.summary),
        "content": _as_written(clean_html(entry.content, entry.base)),
        "authors": list(entry.authors),
        "categories": list(entry.categories),
        "enclosures": [
            {"url": _known(one.url), "type": one.type, "length": one.length}
            for one in entry.enclosures
        ],
        "image": _known(entry.image.url) if entry.image else None,
        "language": entry.language,
    }


def _besides(document: Document, kind: Kind, page: dict[str, Any]) -> dict[str, Any]:
    if kind.further is Continuation.CHILDREN:
        further = [
            {"url": _known(one.url), "changed": _iso(one.changed)} for one in document.further
        ]
        return {"sitemaps": further}
    following = document.further[0].url if document.further else None
    is_ = "article" if _is_article(page, document) else "list"
    return {"page": {"is": is_, **page, "next": _known(following)}} if page else {}


def _is_article(page: dict[str, Any], document: Document) -> bool:
    """Whether a page is one article: its prose weighs more than what it lists of others."""
    if not page or not page["text"]:
        return False
    told = [f"{one.title} {plain(one.summary)}".strip() for one in document.entries]
    listed = " ".join(map(folded_tokens, told))
    prose = [one for one in page["text"].split("\n\n") if folded_tokens(one) not in listed]
    heavier = sum(map(len, prose)) >= sum(map(len, told))
    return not told or (heavier and page["published"] is not None)


def _page(
    body: bytes, headers: Mapping[str, str], base: str, reading: ParseOptions, now: datetime
) -> dict[str, Any]:
    """The article that the page is; empty for what is no HTML page."""
    try:
        page = article_page.read(body, headers, base, reading, now)
    except ParseError:
        return {}
    return {
        "title": page.title,
        "link": _known(page.link),
        "published": _iso(page.published),
        "lead": page.lead,
        "text": page.text,
        "authors": list(page.authors),
        "image": _known(page.image.url) if page.image else None,
        "language": page.language,
    }


def _known(address: str | None) -> str | None:
    """The link without the base that we made up: a relative link stays as it was written.

    An entry's key may have such an address in it, and calls http and https the same.
    """
    return None if address is None else _MADE_UP.sub("/", address)


def _as_written(html: str) -> str:
    return _MADE_UP_IN_A_TAG.sub(r"\1/", html)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
