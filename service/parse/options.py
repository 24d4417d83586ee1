"""The options of a parse, small enough to travel to a worker with each document."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache

from service.model import SourceKind

READER = 2
"""Raise it when documents are read otherwise than before: every source is then read once more."""


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
class ParseOptions:
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
def _fingerprint(reading: ParseOptions) -> bytes:
    """Most sources are read alike."""
    return hashlib.blake2b(repr((READER, reading)).encode(), digest_size=8).digest()
