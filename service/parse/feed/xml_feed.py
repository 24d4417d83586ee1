"""RSS and Atom: from repaired text to a Document, with feedparser's word on every meaning. Pure.

feedparser must never see a str or bytes: it opens the local file or fetches the address that they
name. It raises what it likes on hostile documents; all of it becomes ParseError here.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import feedparser

from service.errors import ParseError
from service.model import Document
from service.parse import date_evidence, hub_links
from service.parse.feed import entry_keys, feedparser_private, publisher_hints
from service.parse.feed.entries import draft_of, language_tag
from service.parse.feed.renamed_elements import renamed
from service.parse.options import ParseOptions
from service.parse.repair import salvage
from service.parse.repair.pipeline import Repaired
from service.parse.repair.repair_names import LOOSE, TRUNCATED_TAIL
from service.parse.urls import web_address
from service.text.clean import title_text
from service.text.fold import nfc
from service.text.web import http_headers as http

if feedparser_private.ARE_KNOWN:
    from service.parse.feed.fast_expat import strict_parser

# What has matched once is not tried otherwise (?>, *+): thirty comments would take for ever.
_HTML = re.compile(r"(?is)\s*+(?:(?><!--.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)\b")
_CDF = re.compile(r"(?is)(?:\s|(?><!--.*?-->)|<!doctype[^>]*>)*+<channel\b")
_DATE_LINE = re.compile(r"ate>\s*(?:<!\[CDATA\[\s*)?(?=[^<\]]{0,40}\d\s?[/.-])([^<\]]{6,80})")
"""In pubDate and dc:date, where their numbers are parted as nobody does who writes RFC 822."""

_ID = re.compile(
    r"<(?:[\w.-]+:)?(?:guid|id)\b[^<>]*>\s*+(?:<!\[CDATA\[\s*+)?"
    r"([^<\]\s](?:[^<\]]{0,1998}[^<\]\s])?)\s*+(?:\]\]>\s*+)?</"
)
"""No two parts of it can take the same blanks: a document full of them costs what its size does."""

INHERITED_BYTES = 8


Parsed = tuple[Document, bytes | None]
"""A document, and a hash of all that its entries inherit from it: None where they do not inherit
the same, or the parser saw others."""


def read(
    repaired: Repaired, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Parsed:
    """Raises ParseError with a reason in plain words. A feed without entries is a Document."""
    parsed: Any = None
    if _is_loose(repaired):
        parsed = salvage.read(repaired.text, lambda text: _parse(text, url))
    if parsed is None:
        parsed = _parse(repaired.text, url)
    entries = parsed["entries"]
    if not entries and not parsed.get("version") and not _CDF.match(repaired.text):
        raise ParseError(_no_feed(repaired.text, headers))
    if not entries and TRUNCATED_TAIL in repaired.repairs:
        raise ParseError("the feed breaks off before the end of its first entry")
    if not entries and _is_loose(repaired):
        raise ParseError("the XML is broken, and no entry could be made out")
    return _understood(parsed, repaired, headers, url, reading, now)


def read_part(
    text: bytes,
    repaired: Repaired,
    headers: Mapping[str, str],
    url: str,
    reading: ParseOptions,
    now: datetime,
) -> Parsed | None:
    """The same for a part of the repaired document. None: only the whole document can tell."""
    parsed = strict_parser.parse(renamed(text), url)
    if parsed is None:
        return None
    try:
        return _understood(parsed, repaired, headers, url, reading, now)
    except ParseError:
        return None


def _understood(
    parsed: Any,
    repaired: Repaired,
    headers: Mapping[str, str],
    url: str,
    reading: ParseOptions,
    now: datetime,
) -> Parsed:
    feed, entries = parsed["feed"], parsed["entries"]
    version = str(parsed.get("version") or "")
    link = web_address(feed.get("link"), url)
    language = language_tag(feed.get("language"))
    language_of_dates = reading.language or language
    lines = (("", line) for line in _date_lines(repaired.text))
    reading = date_evidence.settled(
        reading, lines, now, language=language_of_dates, url=link or url
    )
    language = language or language_tag(headers.get("content-language"))
    _give_back_ids(entries, repaired.text, url)
    try:
        drafts = [draft_of(raw, reading, now, url=url, version=version) for raw in entries]
    except (ValueError, TypeError, AttributeError, KeyError, LookupError) as error:
        raise ParseError(f"an entry cannot be understood ({type(error).__name__})") from error
    rhythm = publisher_hints.of(feed, repaired.text)
    named = ((one.get("rel"), one.get("href")) for one in feed.get("links") or ())
    its_hubs, self_url = hub_links.named(named, url)
    document = Document(
        title=title_text(nfc(str(feed.get("title") or ""))),
        link=link,
        language=language,
        entries=entry_keys.settle(drafts, (link, url)),
        repairs=repaired.repairs,
        ttl_s=rhythm.every_s,
        phase_s=rhythm.phase_s,
        skips=rhythm.skips,
        hubs=its_hubs,
        self_url=self_url,
    )
    state = dict.get(parsed, "state")  # of the parser in front of every entry, if it is one
    if state is None or len(entries) != len(document.entries):
        return document, None
    inherited = repr((state, link, language, url, reading.order)).encode("utf-8", "replace")
    return document, hashlib.blake2b(inherited, digest_size=INHERITED_BYTES).digest()


def _date_lines(text: str) -> list[str]:
    """The order of dates in the whole document, even where a part is read: it is one for all."""
    return [found[1] for found in _DATE_LINE.finditer(text)]


def _is_loose(repaired: Repaired) -> bool:
    return LOOSE in repaired.repairs


def _parse(text: str, url: str) -> Any:
    written = renamed(text.encode("utf-8", "replace"))
    parsed = strict_parser.parse(written, url) if feedparser_private.ARE_KNOWN else None
    return _ask_feedparser(written, url) if parsed is None else parsed


def _ask_feedparser(text: bytes, url: str) -> Any:
    try:
        return feedparser.parse(
            io.BytesIO(text),
            response_headers={
                "content-type": "application/xml; charset=utf-8",
                "content-location": url,
            },
            sanitize_html=False,
            resolve_relative_uris=False,  # in markup: cleaning does it, against the entry's base
        )
    except RecursionError as error:
        raise ParseError("the document is nested too deeply") from error
    except Exception as error:  # re.error, KeyError, ValueError, TypeError and more
        raise ParseError(f"the feed cannot be understood ({type(error).__name__})") from error


def _give_back_ids(entries: Iterable[Any], text: str, url: str) -> None:
    """Undo what feedparser makes of ids: an address of `t3_42`, small letters of `HTTP:`."""
    folder = urljoin(url, ".")
    if all("written_id" in one for one in entries if dict.get(one, "id")):
        for one in entries:
            one["id"] = _as_written(dict.get(one, "id"), dict.get(one, "written_id"), folder)
        return
    doubtful = [one for one in entries if str(one.get("id") or "").startswith(folder)]
    shouted = "HTTP" in text or "Http" in text
    if not doubtful and not shouted:
        return
    written = {html.unescape(found[1]) for found in _ID.finditer(text)}
    for one in doubtful:
        name = one["id"]
        if name not in written and name[len(folder) :] in written:
            one["id"] = name[len(folder) :]
    loud = {_quiet(name): name for name in written if _quiet(name) != name} if shouted else {}
    for one in entries if loud else ():
        if one.get("id") not in written:
            one["id"] = loud.get(one.get("id"), one.get("id"))


def _as_written(name: str | None, written: str | None, folder: str) -> str | None:
    """The id as it stands in the document where feedparser joined it to a base, or lowered it."""
    if not name or not written or name == written:
        return name
    return written if name in {folder + written, _quiet(written)} else name


def _quiet(name: str) -> str:
    """An id with its scheme in small letters, which is another id (RFC 4287, 4.2.6.1)."""
    scheme, colon, rest = name.partition(":")
    return f"{scheme.lower()}{colon}{rest}" if scheme.lower() in {"http", "https"} else name


def _no_feed(text: str, headers: Mapping[str, str]) -> str:
    if _HTML.match(text[:2000]):
        return "this is an HTML page, not a feed"
    kind = http.media_type(headers)
    start = " ".join(title_text(text[:200]).split())[:40]
    said = f" ({kind})" if kind else ""
    return (
        f"this is not a feed{said}; it begins with {start!r}"
        if start
        else f"this is not a feed{said}"
    )
