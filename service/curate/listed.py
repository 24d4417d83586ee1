"""Entries whose own pages are read before they become articles: which, and as what they wait. Pure.

A list names a headline, and often neither the time nor the first sentences; a plain sitemap names
an address alone. The entry is packed as the list told it, since its page comes later and elsewhere.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from service.curate.articles import entry_hash
from service.model import Enclosure, Entry, Image
from service.text.web.canonical import is_home, is_web

_INSTANTS = ("published", "updated")
_CUT = ("…", "...", "[…]", "[...]")


@dataclass(frozen=True, slots=True)
class Visits:
    """Whose pages are read. `all`: every new entry's; else of those that lack something.

    `dates_count`: whether another date makes another entry; a list's "2 hours ago" does not. `most`
    of one document, the newest.
    """

    all: bool
    dates_count: bool
    most: int


def is_cut(text: str) -> bool:
    """Whether somebody left out the rest of a text."""
    return text.rstrip().endswith(_CUT)


def lacks(entry: Entry) -> bool:
    """Whether headline, time or first sentences are missing, or cut short."""
    lead = entry.summary.strip() or entry.content.strip()
    return not entry.title or entry.published is None or not lead or is_cut(entry.title)


def wanted(entries: Mapping[str, Entry], visits: Visits | None) -> set[str]:
    """Those of these entries, by key, whose pages are to be read; the newest where it is many."""
    if visits is None:
        return set()
    keys = [
        key
        for key, entry in entries.items()
        if entry.address and is_web(entry.address) and not is_home(entry.address)
        if visits.all or lacks(entry)
    ]
    if len(keys) > visits.most:
        keys.sort(key=lambda key: _age(entries[key]), reverse=True)
    return set(keys[: visits.most])


def listed_hash(entry: Entry, visits: Visits | None) -> bytes:
    """A hash of what the list says of an entry, not its page: equal means unchanged."""
    if visits is not None and not visits.dates_count:
        entry = replace(entry, published=None, updated=None)
    return entry_hash(entry)


def pack(entry: Entry) -> bytes:
    """The entry as bytes, whatever letters are in it."""
    told = asdict(entry)
    for name in _INSTANTS:
        told[name] = told[name].isoformat() if told[name] else None
    return zlib.compress(json.dumps(told).encode())


def unpack(packed: bytes) -> Entry:
    """What `pack` was given."""
    told: dict[str, Any] = json.loads(zlib.decompress(packed))
    for name in _INSTANTS:
        told[name] = datetime.fromisoformat(told[name]) if told[name] else None
    told["enclosures"] = tuple(Enclosure(**one) for one in told["enclosures"])
    told["image"] = Image(**told["image"]) if told["image"] else None
    for name in ("authors", "categories", "twins"):
        told[name] = tuple(told.get(name, ()))
    return Entry(**told)


def _age(entry: Entry) -> float:
    instants: Iterable[datetime | None] = (entry.published, entry.updated)
    return max((at.timestamp() for at in instants if at is not None), default=0.0)
