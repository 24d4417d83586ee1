"""What a search on a site found: what can be collected there, the best first. Pure.

Everything here was fetched and read, so what is offered works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from service.collect.discovery.common_paths import is_home
from service.collect.discovery.feed_links import LinkOrigin, is_of_comments
from service.model import Document, Entry, SourceKind
from service.parse.html.listing.suggest_selectors import Selected
from service.text.fold import fold
from service.text.web.canonical import canonical

STALE = timedelta(days=365)
"""A feed without news for so long stands behind those that have some: many portals still declare
the feed of the site that they had before."""

SAME = 0.8
"""Share of equal links from which two feeds are one in two formats."""

_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class SourceCandidate:
    """One thing that can be collected.

    `why`: how it was found, in words. `newest`: of its entries' dates, None = none has one.
    `titles`: its first headlines. `also`: addresses that give the same entries. `selected`: of a
    page, selectors that give the same entries. `goes_on`: a page's list has a next page.
    `sitemaps`: how many an index names.
    """

    kind: SourceKind
    url: str
    title: str
    why: str
    origin: LinkOrigin
    entries: int
    newest: datetime | None
    titles: tuple[str, ...]
    links: frozenset[str]
    comments: bool = False
    also: tuple[str, ...] = ()
    selected: Selected | None = None
    goes_on: bool = False
    sitemaps: int = 0

    @property
    def is_good(self) -> bool:
        """Whether it is news of the site: neither empty nor what readers say."""
        return self.entries > 0 and not self.comments


@dataclass(frozen=True, slots=True)
class Discovery:
    """A search: where it began and led to, what it found, what it asked in vain.

    `site`: what the site calls itself. `asked`: number of requests. `refused`: address and reason,
    in the order asked; `guessed`: those that nobody had named. `ended`: why the search was broken
    off, "" = it came to its end.
    """

    url: str
    site: str
    offers: tuple[SourceCandidate, ...]
    asked: int
    refused: tuple[tuple[str, str], ...] = ()
    guessed: frozenset[str] = frozenset()
    ended: str = ""


def offer_of(
    kind: SourceKind, url: str, document: Document, why: str, origin: LinkOrigin, title: str = ""
) -> SourceCandidate:
    """`title`: what the page that names it calls it; the document's own stands first."""
    entries = document.entries
    dates = [at for at in map(_instant, entries) if at is not None]
    called = document.title or title
    said = [one.title or one.link or "" for one in entries]
    return SourceCandidate(
        kind=kind,
        url=url,
        title=called,
        why=why,
        origin=origin,
        entries=len(entries),
        newest=max(dates, default=None),
        titles=tuple(one for one in said if one)[:_SAMPLES],
        links=frozenset(canonical(one.address) for one in entries if one.address),
        comments=is_of_comments(f"{title} {document.title}", url),
        goes_on=kind is SourceKind.PAGE and bool(document.further),
        sitemaps=len(document.further) if kind is SourceKind.SITEMAP else 0,
    )


def in_order(
    offers: Iterable[SourceCandidate], asked: str, now: datetime
) -> tuple[SourceCandidate, ...]:
    """The best first: feeds, those of the section that was asked for before the whole site's.

    What is empty, stale, or of comments comes last, in this order. Without a feed, a section's own
    list stands before a sitemap of the whole site, and a home page's behind one with headlines.
    """
    ranked = sorted(_once(offers), key=lambda one: _rank(one, asked, now))
    return tuple(ranked)


def clear(offers: Sequence[SourceCandidate], asked: str) -> SourceCandidate | None:
    """The feed that is meant where only one can be; None where a person must choose."""
    good = [one for one in offers if one.kind is SourceKind.FEED and one.is_good]
    declared = [one for one in good if one.origin <= LinkOrigin.DECLARED]
    own = [one for one in good if is_own(one.url, asked)]
    for some in (own, declared, good):
        if some:
            return some[0] if len(some) == 1 else None
    return None


def is_own(url: str, asked: str) -> bool:
    """Whether a feed's address is about the section that was asked for: below it, or called so."""
    if is_home(asked):
        return False
    section, place = urlsplit(asked).path.strip("/"), urlsplit(url).path.strip("/")
    stem = re.sub(r"\.\w{2,5}$", "", section)
    names = re.sub(r"\.\w{2,5}$", "", place).split("/")
    return place.startswith(f"{stem}/") or stem.rpartition("/")[2] in names


def is_stale(one: SourceCandidate, now: datetime) -> bool:
    """Whether it has had no news for a year."""
    return one.newest is not None and now - one.newest > STALE


def _rank(
    one: SourceCandidate, asked: str, now: datetime
) -> tuple[bool, bool, bool, int, bool, int]:
    return (
        one.comments,
        not one.entries,
        is_stale(one, now),
        _tier(one, asked),
        not is_own(one.url, asked),
        one.origin,
    )


def _tier(one: SourceCandidate, asked: str) -> int:
    if one.kind is SourceKind.FEED:
        return 0
    if one.kind is SourceKind.PAGE:
        return 2
    with_headlines = any(not title.startswith("http") for title in one.titles)
    if not with_headlines:
        return 4
    return 1 if is_home(asked) else 3


def _once(offers: Iterable[SourceCandidate]) -> list[SourceCandidate]:
    """Feeds that give the same entries as one: the first stands, and knows the others."""
    kept: list[SourceCandidate] = []
    for one in offers:
        place = next((n for n, other in enumerate(kept) if _is_same(one, other)), None)
        if place is None:
            kept.append(one)
        elif one.url not in (kept[place].url, *kept[place].also):
            kept[place] = replace(kept[place], also=(*kept[place].also, one.url))
    return kept


def _is_same(one: SourceCandidate, other: SourceCandidate) -> bool:
    if one.url == other.url and one.kind is other.kind:
        return True
    if one.kind is not SourceKind.FEED or other.kind is not SourceKind.FEED:
        return False
    # Of two formats of one feed the shorter one holds its newest; a section's feed may stand
    # whole in its site's as well, but is called otherwise.
    sizes = len(one.links), len(other.links)
    needed = min(sizes) if fold(one.title) == fold(other.title) else max(sizes)
    return min(sizes) > 0 and len(one.links & other.links) >= SAME * needed


def _instant(entry: Entry) -> datetime | None:
    return entry.published or entry.updated
