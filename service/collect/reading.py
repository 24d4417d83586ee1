"""How a source is read: what the parser needs of the configuration, small enough to hand over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from service.curate.listed import Visits
from service.curate.prepare import Told
from service.model import SourceKind

if TYPE_CHECKING:  # workers read without a configuration, and need not load its library
    from service.config.schema import Site, Source

READER = 2
"""Raise it when documents are read otherwise than before: every source is then read once more."""


FIRST, MOST = 50, 1000
"""Entries of one document whose pages are read: of what was there at first, and later."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors of a page: `entry` in the page, the others in the entry's block."""

    entry: str
    title: str = "a"
    link: str | None = None
    date: str | None = None
    lead: str | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What decides how the same bytes are read.

    `zone`: IANA name for dates that carry none. `order`: of bare numbers in dates, None = by sense.
    `language`: of the source, None = not said. `full`: the whole text of an article's own page is
    wanted. `place`: where in a page its list was found last time; a memory of ours, so no reason to
    read the same body again. `told_order`: as `order`, of dates in attributes; None = as `order`.
    It is found in each document.
    """

    kind: SourceKind = SourceKind.FEED
    selectors: Selectors | None = None
    zone: str = "UTC"
    order: str | None = None
    language: str | None = None
    place: str | None = field(default=None, repr=False)
    full: bool = False
    told_order: str | None = field(default=None, repr=False)

    @property
    def fingerprint(self) -> bytes:
        """8 bytes that change when the same body would be read otherwise."""
        return _fingerprint(self)


@lru_cache(maxsize=256)
def _fingerprint(reading: Reading) -> bytes:
    """Most sources are read alike."""
    return hashlib.blake2b(repr((READER, reading)).encode(), digest_size=8).digest()


def reading_of(source: Source, site: Site) -> Reading:
    """What the TOML says about one source; its zone is the site's where it names none."""
    dates = source.dates
    page = source.page
    return Reading(
        kind=source.kind,
        selectors=Selectors(**page.model_dump()) if page else None,
        zone=(dates.zone if dates else None) or site.timezone or "UTC",
        order=dates.order if dates else None,
        language=source.language,
        full=source.full_text,
    )


def visits_of(source: Source, *, first: bool) -> Visits | None:
    """Whose pages are read besides; None: nobody's. `first`: it has never been collected."""
    is_feed = source.kind is SourceKind.FEED
    lacking = not is_feed if source.article_pages is None else source.article_pages
    if not (source.full_text or lacking):
        return None
    return Visits(source.full_text, dates_count=is_feed, most=FIRST if first else MOST)


def told_of(name: str, source: Source, *, first: bool) -> Told:
    """What the TOML says of a source to those who make its entries ready. `first`: as above."""
    title, visits = source.title or None, visits_of(source, first=first)
    return Told(name, title, source.language, source.topics, visits)
