"""The cheap repairs before a feed is parsed, each named. Pure.

decode -> off with what stands before the first tag -> well-formed? done : control characters ->
references -> prefixes -> a cut-off tail -> well-formed? done : "loose" (feedparser copes)

A document that expat takes as it is costs one pass at C speed and is not touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.entities import html5
from xml.parsers import expat

from service.collect.charsets import decode
from service.collect.mended import (
    BAD_REFERENCES,
    BARE_AMPERSANDS,
    CONTROL_CHARACTERS,
    LEADING_BLANKS,
    LOOSE,
    TRUNCATED_TAIL,
    UNBOUND_PREFIXES,
    UNFINISHED_LAST_TAG,
    UNKNOWN_ENTITIES,
)

_DECLARATION = re.compile(r"<\?xml\b[^>]*\?>")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_DECLARES_ENTITY = re.compile(r"<!ENTITY\s+([^\s%]+)")
_REFERENCE = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"  # in these an ampersand is a character
    r"|&(?:#(?P<number>[0-9]{1,9}|[xX][0-9A-Fa-f]{1,8});|(?P<name>[A-Za-z][A-Za-z0-9._-]{0,31});)?",
    re.DOTALL,
)
_ROOT = re.compile(r"<(?P<tag>(?:[\w.-]+:)?(?P<name>rss|feed|RDF|rdf))\b")
_ENTRY_END = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>")
_ENTRY_START = re.compile(r"<(?P<tag>(?:[\w.-]+:)?(?:item|entry))\b[^>]*>")
_GUID = re.compile(r"</(?:[\w.-]+:)?(?:guid|id)\s*>|\srdf:about\s*=")
_GUID_OR_LINK = re.compile(rf"{_GUID.pattern}|</link\s*>|<link\b[^>]*/>")
_TITLE = re.compile(r"</(?:[\w.-]+:)?title\s*>")
_ELEMENT_END = re.compile(r"</[\w.:-]+\s*>|/>")
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
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})


@dataclass(frozen=True, slots=True)
class Repaired:
    """A document as text without its XML declaration, and what had to be mended."""

    text: str
    repairs: tuple[str, ...]


def repair(body: bytes, headers: Mapping[str, str]) -> Repaired:
    """Bring a feed's bytes to text that a strict parser takes, as far as it is cheap.

    `headers` has lower-case names. Never raises.
    """
    text, repairs = decode(body, headers)
    start = text.lstrip("\ufeff \t\r\n\0\x0b\x0c")
    if len(text.lstrip("\ufeff")) != len(start) and start.startswith("<?xml"):
        repairs = (*repairs, LEADING_BLANKS)
    text = _DECLARATION.sub("", start, count=1) if start.startswith("<?xml") else start
    if is_well_formed(text) and "<!DOCTYPE" not in text[:4096]:
        return Repaired(text, repairs)
    done = list(repairs)
    for mend in _MENDS:
        text, names = mend(text)
        done += names
    if not is_well_formed(text):
        done.append(LOOSE)
    return Repaired(text, tuple(done))


def is_well_formed(text: str) -> bool:
    """By expat, the parser behind feedparser's strict way; it has a guard against entity bombs."""
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except (expat.ExpatError, ValueError):
        return False
    return True


def _without_control_characters(text: str) -> tuple[str, list[str]]:
    mended, count = _CONTROL.subn("", text)
    return mended, [CONTROL_CHARACTERS] if count else []


def _with_proper_references(text: str) -> tuple[str, list[str]]:
    """`&` that begins no reference becomes `&amp;`; HTML's names become characters.

    A name without its semicolon is no reference: `?p=9&lang=vi` keeps its parameter.
    """
    own = set(_DECLARES_ENTITY.findall(text[:65536]))
    names: dict[str, None] = {}

    def mend(found: re.Match[str]) -> str:
        whole, number, name = found[0], found["number"], found["name"]
        repair_name, mended = None, whole
        if number is not None:
            if not _is_character(number):
                repair_name, mended = BAD_REFERENCES, ""
        elif name is not None:
            if name not in _OF_XML and name not in own:
                repair_name, mended = UNKNOWN_ENTITIES, _spelled_out(name)
        elif whole == "&":
            repair_name, mended = BARE_AMPERSANDS, "&amp;"
        if repair_name is not None:
            names[repair_name] = None
        return mended

    return _REFERENCE.sub(mend, text), list(names)


def _spelled_out(name: str) -> str:
    """A name of HTML as numbers; a name that nobody knows as the text that it is."""
    meant = html5.get(f"{name};")
    if meant is None:
        return f"&amp;{name};"
    return "".join(f"&#{ord(character)};" for character in meant)


def _is_character(number: str) -> bool:
    code = int(number[1:], 16) if number[0] in "xX" else int(number)
    return (
        code in {0x9, 0xA, 0xD}
        or 0x20 <= code <= 0xD7FF  # noqa: PLR2004 - the characters of XML 1.0
        or 0xE000 <= code <= 0xFFFD  # noqa: PLR2004
        or 0x10000 <= code <= 0x10FFFF  # noqa: PLR2004
    )


def _with_bound_prefixes(text: str) -> tuple[str, list[str]]:
    """Prefixes that nobody declared, such as `content:encoded`, get their usual meaning."""
    root = _ROOT.search(text[:65536])
    used = dict.fromkeys(found[1] or found[2] for found in _PREFIX.finditer(text))
    bound = set(_BINDING.findall(text)) | {"xml", "xmlns"}
    missing = [prefix for prefix in used if prefix not in bound]
    if root is None or not missing:
        return text, []
    added = "".join(
        f' xmlns:{prefix}="{_USUAL.get(prefix, f"urn:unbound:{prefix}")}"' for prefix in missing
    )
    return f"{text[: root.end()]}{added}{text[root.end() :]}", [UNBOUND_PREFIXES]


def _with_an_end(text: str) -> tuple[str, list[str]]:
    """Close a document that breaks off.

    What is whole of the entry that was hit is kept if it has a title and can be known again: both
    stand before its text. Else it is left for the next fetch, since under another key it would be
    told twice.
    """
    root = _ROOT.search(text[:65536])
    if root is None:
        return text, []
    if (ending := f"</{root['tag']}") in text[-4096:]:
        unfinished = text.rstrip().endswith(ending)
        return (text + ">", [UNFINISHED_LAST_TAG]) if unfinished else (text, [])
    ends = [found.end() for found in _ENTRY_END.finditer(text)]
    first = _ENTRY_START.search(text)
    closing = ("</channel>" if root["name"] == "rss" else "") + f"</{root['tag']}>"
    kept = text[: ends[-1] if ends else first.start() if first else None]
    hit = _whole_part(text[len(kept) :])
    # Only whole entries before it tell that links are keys here, and no guid is to come.
    identity = _GUID if not ends or _GUID.search(kept) else _GUID_OR_LINK
    known = identity.search(hit) and _TITLE.search(hit)
    for begun in (hit if known else "", ""):
        closed = f"{kept}{begun}{closing}"
        if is_well_formed(closed):
            return closed, [TRUNCATED_TAIL]
    return text, [TRUNCATED_TAIL]


def _whole_part(tail: str) -> str:
    """The entry that was hit, up to the last of its elements that is whole; "" = nothing of use."""
    begun = _ENTRY_START.search(tail)
    if begun is None:
        return ""
    if tail.count("<![CDATA[") > tail.count("]]>"):
        tail = tail[: tail.rindex("<![CDATA[")]
    ends = [found.end() for found in _ELEMENT_END.finditer(tail, begun.end())]
    return f"{tail[: ends[-1]]}</{begun['tag']}>" if ends else ""


_MENDS = (
    _without_control_characters,
    _with_proper_references,
    _with_bound_prefixes,
    _with_an_end,
)
