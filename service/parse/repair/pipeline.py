"""The cheap repairs before a feed is parsed, each named. Pure.

decode -> off with blanks before the first tag -> well-formed? done : control characters ->
sections without end -> references -> junk before the root -> prefixes -> junk behind the root ->
a cut-off tail -> well-formed? done : "loose" (feedparser copes)

A document that expat takes as it is costs one pass at C speed and is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from xml.parsers import expat

from service.parse.feed.encoding import decode
from service.parse.repair import cdata, truncated
from service.parse.repair.entities import with_proper_references
from service.parse.repair.repair_names import (
    CONTROL_CHARACTERS,
    JUNK_AROUND,
    LEADING_BLANKS,
    LOOSE,
    TRUNCATED_TAIL,
    UNBOUND_PREFIXES,
    UNCLOSED_SECTIONS,
    UNFINISHED_LAST_TAG,
)

_DECLARATION = re.compile(r"<\?xml\b[^>]*\?>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ROOT = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|rdf)\b(?![:.-])", re.IGNORECASE)
_LAST_TAG = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*\Z", re.IGNORECASE)
_PROLOGUE = re.compile(r"(?s)(?>\s+|<!--.*?-->|<\?(?!xml\s).*?\?>)*+(?:<!DOCTYPE.*)?")
_ENTRY_START = re.compile(r"<(?:[\w.-]+:)?(?:item|entry)\b", re.IGNORECASE)
_PREFIX = re.compile(r"</?([A-Za-z_][\w.-]*):[A-Za-z_]|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=\s*[\"']")
_BINDING = re.compile(r"\sxmlns:([\w.-]+)\s*=")
_USUAL = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "wfw": "http://wellformedweb.org/CommentAPI/",
}
_JUNK_BEHIND = expat.errors.codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_UNBOUND = expat.errors.codes[expat.errors.XML_ERROR_UNBOUND_PREFIX]
_BREAKS_OFF = {
    expat.errors.codes[error]
    for error in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}


@dataclass(frozen=True, slots=True)
class Repaired:
    """A document as text without its XML declaration, and what had to be repaired."""

    text: str
    repairs: tuple[str, ...]


def repair(
    body: bytes,
    headers: Mapping[str, str],
    proof: Callable[[str], bool] | None = None,
    *,
    is_feed: bool = True,
) -> Repaired:
    """Bring a feed's bytes to text that a strict parser takes, as far as it is cheap.

    `headers` has lower-case names. `proof`: whether a text is well-formed, from code that walks it
    anyway. `is_feed`: whether a tail that breaks off is cut back to the last whole entry. Never
    raises.
    """
    text, repairs = decode(body, headers)
    start = text.lstrip("\ufeff \t\r\n\0\x0b\x0c")
    if len(text.lstrip("\ufeff")) != len(start) and start.startswith("<?xml"):
        repairs = (*repairs, LEADING_BLANKS)
    text = _DECLARATION.sub("", start, count=1) if start.startswith("<?xml") else start
    swallows = cdata.may_swallow(text)
    if not swallows and (proof or is_well_formed)(text) and "<!DOCTYPE" not in text[:4096]:
        return Repaired(text, repairs)
    done = list(repairs)
    for repair in (_without_control_characters, cdata.closed, with_proper_references):
        text, names = repair(text)
        done += names
    last = (_ended,) if is_feed else ()
    for repair_at in (_without_what_stands_before, _bound, _without_what_stands_behind, *last):
        fault = _fault(text)
        if fault is None:
            break
        text, names = repair_at(text, fault)
        done += names
    else:
        done += [] if is_well_formed(text) else [LOOSE]
    return Repaired(text, tuple(done))


def is_well_formed(text: str) -> bool:
    """Asks expat, the parser behind feedparser's strict way, which guards against entity bombs."""
    return _fault(text) is None


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why expat stopped, and at which byte of the text in UTF-8."""

    code: int
    at: int


def _fault(text: str) -> _Fault | None:
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        return _Fault(error.code, parser.ErrorByteIndex)
    return None


def _without_control_characters(text: str) -> tuple[str, list[str]]:
    repaired, count = _CONTROL.subn("", text)
    return repaired, [CONTROL_CHARACTERS] if count else []


def _without_what_stands_before(text: str, _fault: _Fault) -> tuple[str, list[str]]:
    """Warnings of a program, half a page: what is neither comment nor DOCTYPE before the root."""
    root = _ROOT.search(text[:65536])
    if root is None or _PROLOGUE.fullmatch(text, 0, root.start()):
        return text, []
    return text[root.start() :], [JUNK_AROUND]


def _without_what_stands_behind(text: str, fault: _Fault) -> tuple[str, list[str]]:
    """Scripts and warnings behind the root, unless there are entries in them."""
    if fault.code != _JUNK_BEHIND:
        return text, []
    data = text.encode("utf-8", "surrogatepass")
    behind = data[fault.at :].decode("utf-8", "surrogatepass")
    if _ENTRY_START.search(behind):
        return text, []
    return data[: fault.at].decode("utf-8", "surrogatepass"), [JUNK_AROUND]


def _bound(text: str, fault: _Fault) -> tuple[str, list[str]]:
    """Prefixes that nobody declared, such as `content:encoded`, get their usual meaning."""
    root = _ROOT.search(text[:65536])
    if fault.code != _UNBOUND or root is None:
        return text, []
    used = dict.fromkeys(found[1] or found[2] for found in _PREFIX.finditer(text))
    bound = set(_BINDING.findall(text)) | {"xml", "xmlns"}
    added = "".join(
        f' xmlns:{prefix}="{_USUAL.get(prefix, f"urn:unbound:{prefix}")}"'
        for prefix in used
        if prefix not in bound
    )
    return f"{text[: root.end()]}{added}{text[root.end() :]}", [UNBOUND_PREFIXES]


def _ended(text: str, fault: _Fault) -> tuple[str, list[str]]:
    """A document that breaks off gets its end."""
    if fault.code not in _BREAKS_OFF:
        return text, []
    if _LAST_TAG.search(text, max(0, len(text) - 100)):
        return text + ">", [UNFINISHED_LAST_TAG]
    data = text.encode("utf-8", "surrogatepass")
    at = len(data[: fault.at].decode("utf-8", "surrogatepass"))
    without = cdata.without_open_mark(text, at)
    if without is not None:
        return without, [UNCLOSED_SECTIONS]
    closed = truncated.closed(data)
    if closed is None:
        return text, [TRUNCATED_TAIL]
    return closed.decode("utf-8", "surrogatepass"), [TRUNCATED_TAIL]
