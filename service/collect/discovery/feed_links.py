"""Where a page says that its site has feeds, without asking for any of them. Pure.

What is declared to machines (`<link rel="alternate">`) stands before links that people see, and
those whose address is a feed's before those that only call themselves "RSS", which on many
Vietnamese papers lead to a page that lists the feeds of all sections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import unquote, urlsplit

from lxml.html import HtmlElement

from service.parse.html.blocks import text_of
from service.parse.urls import web_address, without_feed_scheme
from service.text.clean import title_text
from service.text.fold import fold
from service.text.web.sites import site_of

MOST = 200
"""Candidates of one page: a page with more is not a list of feeds."""


class LinkOrigin(IntEnum):
    """How we know of a feed, the most trusted way first."""

    ASKED = 0
    DECLARED = 1
    LINKED = 2
    NAMED = 3
    GUESSED = 4


@dataclass(frozen=True, slots=True)
class FeedLink:
    """An address that may be a feed. `title`: what the page calls it. `why`: in plain words."""

    url: str
    origin: LinkOrigin
    title: str
    why: str


_TYPES = re.compile(r"(?i)(rss|atom|rdf)[\w.-]*\+?xml|feed\+json")
_ANY_DATA = re.compile(r"(?i)^(application|text)/(xml|json)\b")
_NO_FEED = re.compile(r"(?i)oembed|/wp-json|opensearch|xmlrpc|wlwmanifest|sitemap|\bamp\b|rsd\b")
_ADDRESS = re.compile(
    r"(?i)(^|[/._])(rss2?|atom|rdf|feeds?)([/._]|$)|[-_]rss(\.\w{2,5})?$"
    r"|\.(rss|atom|rdf)$|listfeed\.aspx$|/index\.xml$"
)
_QUERY = re.compile(
    r"(?i)(^|&)(format|type|feed|alt|output|view)=(rss2?|atom|feed)(&|$)|(^|&)(rss|feed)(=|&|$)"
    r"|getRSS"
)
_CALLED = re.compile(
    r"(\w+ ){0,4}(rss|atom|web|json)([ -]?(feeds?|2(\.0)?))?s?|(rss|atom)([ -]\w+){0,2}"
)
"""What links to feeds are called, whole: "RSS", "Kênh tin RSS", "RSS-Feeds"."""

_CLASS = re.compile(r"(?i)(^|[\s_-])(rss|feed)([\s_-]|$)")
_FEED_HOST = re.compile(r"(?i)feeds?\d?\.|rss\.")
_FILE = re.compile(r"(?i)\.(png|gif|jpe?g|svg|webp|css|js|pdf|docx?|zip|mp[34])$")
_READER = re.compile(r"(?i)^/i/(?:subscription|discover/sources/search)/feed(?:/|%2F)(https?.+)$")
_COMMENTS = re.compile(
    r"\bcomments? (on|for|to|feed)\b|[»|:-] ?comments?$|^comments?$"
    r"|\bdong (binh luan|phan hoi)|\b(binh luan|phan hoi) (cho|ve)\b"
    r"|\bkommentar\w*[- ](feed|zu|fur)|\b(rss|flux|feed|fuente) d\w{1,3} (los )?comm?ent"
    r"|\bcommentaires? (sur|pour)\b|\bcomentarios? (en|para)\b"
)
"""A section of opinions may be called "Bình luận" as well: only what says whose comments."""

_COMMENT_ADDRESS = re.compile(r"(?i)/comments?(/|$)|feed=comments|/replies/|[?&]comments=")


def feeds_of(tree: HtmlElement, base: str, here: str) -> list[FeedLink]:
    """Each address once, the most trusted first, else in the order of the page.

    `base`: what relative addresses are read against. `here`: the page's own address, no feed.
    """
    found: dict[str, FeedLink] = {}
    own = here.partition("#")[0]
    for one in (*_declared(tree, base), *_linked(tree, base)):
        known = found.get(one.url)
        if one.url.partition("#")[0] == own or (known and known.origin <= one.origin):
            continue
        found[one.url] = one
        if len(found) == MOST:
            break
    return sorted(found.values(), key=lambda one: one.origin)


def is_of_comments(title: str, url: str) -> bool:
    """Whether a feed brings what readers say of articles."""
    return bool(_COMMENTS.search(fold(title)) or _COMMENT_ADDRESS.search(url))


def _declared(tree: HtmlElement, base: str) -> Iterator[FeedLink]:
    for element in tree.iter("link", "a"):
        rel = (element.get("rel") or "").lower().split()
        if "feed" not in rel and "alternate" not in rel and "service.feed" not in rel:
            continue
        url = web_address(without_feed_scheme(element.get("href")), base)
        if url is None or _NO_FEED.search(url) or not _is_typed(element, url, rel):
            continue
        title = title_text(element.get("title") or "")
        yield FeedLink(url, LinkOrigin.DECLARED, title, "the page declares it")


def _is_typed(element: HtmlElement, url: str, rel: list[str]) -> bool:
    """A feed's own type; where it says XML or JSON alone, the address must say the rest."""
    kind = element.get("type") or ""
    if _NO_FEED.search(kind):
        return False
    if _TYPES.search(kind):
        return True
    loose = bool(_ANY_DATA.match(kind)) or (not kind and "alternate" not in rel)
    return loose and (is_feed_like(url) or "feed" in rel)


def _linked(tree: HtmlElement, base: str) -> Iterator[FeedLink]:
    for anchor in tree.iter("a", "area"):
        url = web_address(without_feed_scheme(anchor.get("href")), base)
        subscribed = None if url is None else _subscribed(url, base)
        url = subscribed or url
        if url is None or _NO_FEED.search(url):
            continue
        name = _name(anchor)
        if subscribed or (is_feed_like(url) and _is_theirs(url, base, name)):
            yield FeedLink(url, LinkOrigin.LINKED, name, "the page links it")
        elif _is_called_feed(anchor, name) and _is_page_of(url, base):
            yield FeedLink(url, LinkOrigin.NAMED, name, f"the page links it as {name or 'RSS'!r}")


def _is_theirs(url: str, base: str, name: str) -> bool:
    """Elsewhere much is called feed: what a button shares, what a podcast's player plays."""
    return (
        site_of(url) == site_of(base)
        or bool(_FEED_HOST.match(urlsplit(url).netloc))
        or bool(_CALLED.fullmatch(fold(name)))
    )


def _is_page_of(url: str, base: str) -> bool:
    return site_of(url) == site_of(base) and not _FILE.search(urlsplit(url).path)


def is_feed_like(url: str) -> bool:
    """Whether an address is written as those of feeds are."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if _FEED_HOST.match(parts.netloc) and path.strip("/"):
        return True
    if _FILE.search(path):
        return False
    return bool(_ADDRESS.search(path.rstrip("/")) or _QUERY.search(parts.query))


def _subscribed(url: str, base: str) -> str | None:
    """The feed that a button for a reader names in its own address."""
    inner = _READER.match(urlsplit(url).path) if "feedly.com/" in url else None
    return web_address(unquote(inner[1]), base) if inner else None


def _name(anchor: HtmlElement) -> str:
    said = (text_of(anchor), anchor.get("title"), anchor.get("aria-label"), _picture(anchor))
    return title_text(next((one for one in said if one and one.strip()), ""))[:200]


def _picture(anchor: HtmlElement) -> str:
    return next((one.get("alt") or "" for one in anchor.iter("img")), "")


def _is_called_feed(anchor: HtmlElement, name: str) -> bool:
    if _CALLED.fullmatch(fold(name).strip(" .:[]()")):
        return True
    inner = " ".join(one.get("class") or "" for one in anchor.iter())
    return not name and bool(_CLASS.search(inner))
