"""From the bytes of a feed to a Document. Runs inside a worker that may be killed.

bytes -> JSON Feed? its own reader : repair -> feedparser, always through BytesIO -> drafts -> keys

feedparser must never see a str or bytes: it opens the local file or fetches the address that they
name. It raises what it likes on hostile documents; all of it becomes ParseError here.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import feedparser

from service.collect import json_feed, keys, repair
from service.collect.addresses import web_address
from service.collect.items import draft_of, language_tag
from service.collect.mended import LOOSE, TRUNCATED_TAIL
from service.collect.page import read_page
from service.collect.reading import Reading
from service.errors import ParseError
from service.model import Document, SourceKind
from service.net import headers as http
from service.text.clean import title_text
from service.text.fold import nfc

_HTML = re.compile(r"(?is)\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_CDF = re.compile(r"(?is)(?:\s|<!--.*?-->|<!doctype[^>]*>)*<channel\b")
_ID = re.compile(
    r"<(?:[\w.-]+:)?(?:guid|id)\b[^>]*>\s*(?:<!\[CDATA\[)?\s*([^<\]]{1,2000}?)\s*(?:\]\]>)?\s*</"
)
_PERIODS_S = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 7 * 86400,
    "monthly": 30 * 86400,
    "yearly": 365 * 86400,
}


def read(
    body: bytes, headers: Mapping[str, str], url: str, reading: Reading, now: datetime
) -> Document:
    """What one fetch says. `headers` has lower-case names; `url` is where the body came from.

    Raises ParseError with a reason in plain words. A feed without entries is a Document.
    """
    if not body.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise ParseError("the document is empty")
    if reading.kind is SourceKind.PAGE:
        return read_page(body, headers, url, reading, now)
    if json_feed.is_json(body, headers):
        return json_feed.read(body, url, reading, now)
    return _read_xml(body, headers, url, reading, now)


def _read_xml(
    body: bytes, headers: Mapping[str, str], url: str, reading: Reading, now: datetime
) -> Document:
    mended = repair.repair(body, headers)
    parsed = _ask_feedparser(mended.text, url)
    version = str(parsed.get("version") or "")
    entries = parsed["entries"]
    if not entries and not version and not _CDF.match(mended.text):
        raise ParseError(_no_feed(mended.text, headers))
    if not entries and TRUNCATED_TAIL in mended.repairs:
        raise ParseError("the feed breaks off before the end of its first entry")
    if not entries and LOOSE in mended.repairs:
        raise ParseError("the XML is broken, and no entry could be made out")
    feed = parsed["feed"]
    link = web_address(feed.get("link"), url)
    language = language_tag(feed.get("language"))
    reading = replace(reading, language=reading.language or language)
    language = language or language_tag(headers.get("content-language"))
    _give_back_ids(entries, mended.text, url)
    try:
        drafts = [draft_of(raw, reading, now, url=url, version=version) for raw in entries]
    except (ValueError, TypeError, AttributeError, KeyError, LookupError) as error:
        raise ParseError(f"an entry cannot be understood ({type(error).__name__})") from error
    return Document(
        title=title_text(nfc(str(feed.get("title") or ""))),
        link=link,
        language=language,
        entries=keys.settle(drafts, (link, url)),
        repairs=mended.repairs,
        ttl_s=_rhythm_s(feed),
    )


def _ask_feedparser(text: str, url: str) -> Any:
    try:
        return feedparser.parse(
            io.BytesIO(text.encode("utf-8", "replace")),
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
    return f"this is no feed{said}; it begins with {start!r}" if start else f"this is no feed{said}"


def _rhythm_s(feed: Mapping[str, Any]) -> int | None:
    """`ttl` in minutes, or Syndication's period; None where neither says anything usable."""
    ttl = str(feed.get("ttl") or "").strip()
    if ttl.isascii() and ttl.isdigit() and int(ttl[:9]) > 0:
        return int(ttl[:9]) * 60
    period = _PERIODS_S.get(str(feed.get("sy_updateperiod") or "").strip().lower())
    often = str(feed.get("sy_updatefrequency") or "1").strip()
    if period is None or not often.isdigit() or int(often[:6]) == 0:
        return None
    return period // int(often[:6])
