"""Entries made of plain elements alone, without feedparser's stack: see `strict_parser`.

    start, text, end of each element of an entry ──> Leaf, Leaf, … ──> plain? ──> what its handlers
                                                                          └─no──> the handlers

What is said here of an element is what feedparser's handlers do with it where nothing is out of the
ordinary: no markup written as XML, no element that comes twice, no attribute that is not named
here. Elements that touch nothing but what is their own may stand among them, and go through the
handlers one by one (`BY_HANDLERS`). Everything else makes the whole entry go that way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from service.parse.feed.deferred import Unparsed, looks_like_html
from service.parse.feed.fast_expat.element_texts import Texts, repaired, safe, whole_link
from service.parse.feed.feedparser_private import FeedParserDict
from service.parse.feed.renamed_elements import CAPTION

BASE = "xml:base"
_TYPES = {"text": "text/plain", "html": "text/html"}
_RICH = frozenset({"type", BASE})
_NONE: frozenset[str] = frozenset()
_set = dict.__setitem__  # no name here is one that feedparser's dictionaries turn into another


class Leaf(NamedTuple):
    """An element without others in it, but for an author's one `<name>`.

    `name`: as feedparser calls its handler; `given`: attributes by their names in small letters,
    None = there is one of another kind. `inner`: the text of that `<name>`. `events`: of an element
    that its handlers must see; () = it is plain, and only then the three others count.
    """

    name: str
    given: dict[str, str] | None
    text: str
    inner: str | None = None
    events: Sequence[Any] = ()


class _Kind(NamedTuple):
    """`makes`: what it fills, which nothing else of an entry may fill as well; "" = any may."""

    makes: str
    takes: frozenset[str]
    put: Callable[[Texts, dict[str, Any], Leaf], None]


def is_calm(parser: Texts) -> bool:
    """Whether an entry that begins here stands in nothing that could colour it."""
    return not (
        parser.insource
        or parser.inimage
        or parser.intextinput
        or parser.incontent
        or parser.svgOK
        or parser.inauthor
        or parser.incontributor
        or parser.inpublisher
        or parser.hasContent
        or parser.contentparams
        or parser._summaryKey
        or parser.decls
        or parser.entries[-1].keys() - {"id"}  # RDF names an entry in its tag
        or not parser.baseuri
        or "_" in (parser.lang or "")
    )


def take(parser: Texts, leaves: Sequence[Leaf], replay: Callable[[Sequence[Any]], None]) -> bool:
    """Make the parser's last entry of these. False: nothing was done, its handlers must.

    `replay` lets the handlers see the events of one element.
    """
    if not _are_plain(leaves):
        return False
    entry = parser.entries[-1]
    for leaf in leaves:
        if leaf.events:
            replay(leaf.events)
        else:
            KINDS[leaf.name].put(parser, entry, leaf)
    return True


def _are_plain(leaves: Iterable[Leaf]) -> bool:
    made: set[str] = set()
    for leaf in leaves:
        if not leaf.events and not _is_plain(leaf):
            return False
        makes = KINDS[leaf.name].makes if leaf.name in KINDS else ""
        if makes:
            if makes in made:
                return False
            made.add(makes)
    return True


def _is_plain(leaf: Leaf) -> bool:
    kind = KINDS.get(leaf.name)
    if kind is None or leaf.given is None or not kind.takes.issuperset(leaf.given):
        return False
    if kind.takes is _RICH and leaf.given.get("type", "text") not in _TYPES:
        return False
    if kind.put is _link and leaf.given and "href" not in leaf.given:
        return False
    return leaf.inner is None or (kind.put is _author and not leaf.text.strip())


def _written(parser: Texts, entry: dict[str, Any], key: str, text: str) -> str:
    output = text.strip()
    if output and key in parser.can_be_relative_uri:
        output = parser.address(key, output)
    if not output.isascii():
        output = repaired(output)
    _set(entry, key, output)
    return output


def _rich(parser: Texts, leaf: Leaf, kind: str) -> FeedParserDict:
    """`kind`: its media type where it names none."""
    given: Mapping[str, str] = leaf.given or {}
    kind = _TYPES[given["type"]] if "type" in given else kind
    output = leaf.text.strip()
    guessing = kind == "text/plain" and not parser.version.startswith("atom")
    if guessing and looks_like_html(output):
        kind = "text/html"
    if not output.isascii():
        output = repaired(output)
    base = safe(parser.baseuri, given[BASE]) if given.get(BASE) else None
    return FeedParserDict(
        type=kind, language=parser.lang, base=base or parser.baseuri, value=output
    )


def _title(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    detail = _rich(parser, leaf, "text/plain")
    value = dict.__getitem__(detail, "value")
    _set(entry, "title", value)
    _set(entry, "title_detail", detail)
    if value:
        parser.title_depth = parser.depth + 1


def _summary(parser: Texts, entry: dict[str, Any], leaf: Leaf, kind: str = "text/plain") -> None:
    detail = _rich(parser, leaf, kind)
    _set(entry, "summary", dict.__getitem__(detail, "value"))
    _set(entry, "summary_detail", detail)


def _description(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    _summary(parser, entry, leaf, "text/html")


def _encoded(parser: Texts, entry: dict[str, Any], leaf: Leaf, kind: str = "text/html") -> None:
    parser.hasContent = 1
    detail = _rich(parser, leaf, kind)
    dict.setdefault(entry, "content", []).append(detail)
    dict.setdefault(entry, "summary", dict.__getitem__(detail, "value"))


def _content(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    _encoded(parser, entry, leaf, "text/plain")
    parser.push("content", 1)  # feedparser opens it twice and closes it once


def _link(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    links = dict.setdefault(entry, "links", [])
    if leaf.given:
        links.append(_reference(parser, entry, leaf.given))
        return
    links.append(FeedParserDict(rel="alternate", type="text/html"))
    link = whole_link(_written(parser, entry, "link", leaf.text))
    _set(entry, "link", link)
    if link:
        links[-1]["href"] = link


def _reference(parser: Texts, entry: dict[str, Any], given: dict[str, str]) -> FeedParserDict:
    """A link whose address is an attribute."""
    rel = given.setdefault("rel", "alternate")
    kind = given.setdefault("type", "application/atom+xml" if rel == "self" else "text/html")
    given["href"] = parser.resolve_uri(given["href"])
    if rel == "alternate" and parser.map_content_type(kind) in parser.html_types:
        _set(entry, "link", given["href"])
    return FeedParserDict(given)


def _guid(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    parser.guidislink = (leaf.given or {}).get("ispermalink", "true") == "true"
    value = _written(parser, entry, "id", leaf.text)
    _set(entry, "written_id", parser.last_written)
    dict.setdefault(entry, "guidislink", parser.guidislink and "link" not in entry)
    if parser.guidislink:
        dict.setdefault(entry, "link", value)


def _published(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    _set(entry, "published_parsed", Unparsed(_written(parser, entry, "published", leaf.text)))


def _updated(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    _set(entry, "updated_parsed", Unparsed(_written(parser, entry, "updated", leaf.text)))


def _author(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    person = FeedParserDict()
    dict.setdefault(entry, "authors", []).append(person)
    inner = None if leaf.inner is None else leaf.inner.strip()
    if inner:
        _set(person, "name", inner)
        _set(entry, "author_detail", FeedParserDict(name=inner))
        _set(entry, "author", inner)
        return
    if inner is not None:
        parser._save_author("name", inner)
    name = _written(parser, entry, "author", leaf.text)
    if "@" in name or inner is not None:
        parser._sync_author_detail()
    elif name:
        _set(person, "name", name)
        _set(entry, "author_detail", person)


def _category(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    given = leaf.given or {}
    parser._add_tag(given.get("term"), given.get("scheme", given.get("domain")), given.get("label"))
    value = leaf.text.strip()
    value = value if value.isascii() else repaired(value)
    if not value:
        return
    tags = dict.__getitem__(entry, "tags")
    if tags and not tags[-1]["term"]:
        tags[-1]["term"] = value
    else:
        parser._add_tag(value, None, None)


def _enclosure(parser: Texts, _entry: dict[str, Any], leaf: Leaf) -> None:
    parser._start_enclosure(leaf.given)


def _plain_text(parser: Texts, entry: dict[str, Any], leaf: Leaf) -> None:
    _written(parser, entry, leaf.name, leaf.text)


_LINK = frozenset({"rel", "type", "href", "hreflang", "title", "length"})
_TAG = frozenset({"term", "scheme", "domain", "label"})
KINDS = {
    "title": _Kind("title", _RICH, _title),
    "link": _Kind("", _LINK, _link),
    "guid": _Kind("id", frozenset({"ispermalink"}), _guid),
    "id": _Kind("id", _NONE, _guid),
    "pubdate": _Kind("published", _NONE, _published),
    "published": _Kind("published", _NONE, _published),
    "updated": _Kind("updated", _NONE, _updated),
    "dc_date": _Kind("updated", _NONE, _updated),
    "author": _Kind("author", _NONE, _author),
    "dc_creator": _Kind("author", _NONE, _author),
    "category": _Kind("", _TAG, _category),
    "description": _Kind("summary", _RICH, _description),
    "summary": _Kind("summary", _RICH, _summary),
    "content": _Kind("content", _RICH, _content),
    "content_encoded": _Kind("content", _RICH, _encoded),
    "enclosure": _Kind("", frozenset({"url", "type", "length"}), _enclosure),
    "comments": _Kind("", _NONE, _plain_text),
    "wfw_commentrss": _Kind("", _NONE, _plain_text),
    "slash_comments": _Kind("", _NONE, _plain_text),
}
_MEDIA = frozenset({"media_content", "media_thumbnail", "media_credit", "media_rating", CAPTION})
BY_HANDLERS: Mapping[str, frozenset[str]] = {
    # element -> what may stand in it. They fill nothing that only one may fill (an author is
    # counted as the plain one is), and read nothing of a plain one.
    "author": frozenset({"name", "uri", "url", "email", "gd_image"}),
    "media_group": _MEDIA,
    "media_content": _MEDIA,
    **dict.fromkeys(
        (
            CAPTION, "media_thumbnail", "media_credit", "media_rating", "feedburner_origlink",
            "feedburner_origenclosurelink", "thr_total", "yt_videoid", "yt_channelid",
            "itunes_duration", "itunes_explicit", "itunes_image", "itunes_keywords",
            "itunes_episode", "itunes_episodetype", "itunes_season", "itunes_block",
            "slash_section", "slash_department", "slash_hit_parade", "dc_subject", "post-id",
        ),
        _NONE,
    ),
}  # fmt: skip
