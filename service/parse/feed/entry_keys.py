"""Finds the key of each entry within its source, over a whole document. Pure.

guid -> its own key; a guid that the document repeats -> guid and link; no guid -> the link if it is
a key -> else a hash of title, date and text. Where the document names the publisher's own address
besides, that goes before the link: it stays when the outlet leaves FeedBurner.

An address is a key of the article unless it is a home page or stands in the document under several
headlines, as that of a page with live news does. Entries with the same address and the same
headline are one article, whatever their guids: each names the next ones of its kind as `twins`.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urldefrag

from service.model import Entry
from service.text.fold import fold, words_of
from service.text.web.canonical import canonical, display_link, is_home

LONGEST_KEY = 500
"""Characters. An index of PostgreSQL takes 2,700 bytes; longer keys are hashed."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before its key is known, with its date as it was written ("" = none)."""

    entry: Entry
    date: str


def settle(drafts: Sequence[Draft], homes: Sequence[str | None]) -> tuple[Entry, ...]:
    """Give each its key, in order. What stands in the document twice, word for word, counts once.

    `homes`: addresses that are the source's own front pages and so never a key.
    """
    drafts = _without_doubles(drafts)
    own = {canonical(home) for home in homes if home}
    drafts = [_without_idle_origin(draft, own) for draft in drafts]
    named = [addresses(draft.entry) for draft in drafts]
    alike = _alike(drafts, named, own)
    guids = Counter(draft.entry.guid for draft in drafts if draft.entry.guid)
    taken: set[str] = set()
    entries = []
    for draft, (link, origin) in zip(drafts, named, strict=True):
        entry = draft.entry
        link_is_key = _is_key(link, alike, own)
        origin_is_key = _is_key(origin, alike, own)
        unique = (origin if origin_is_key else None) or (link if link_is_key else None)
        repeated = guids[entry.guid or ""] > 1
        key = _free(_key(draft, origin or link, unique, repeated=repeated), draft, taken)
        taken.add(key)
        entries.append(
            replace(entry, key=key, link_is_key=link_is_key, origin_is_key=origin_is_key)
        )
    return _with_twins(entries, alike.values())


_Alike = dict[str, list[list[int]]]
"""Address -> the numbers of the entries that name it, those with the same headline together."""


def _alike(
    drafts: Sequence[Draft],
    named: Sequence[tuple[str | None, str | None]],
    homes: Container[str],
) -> _Alike:
    """The addresses that several entries name, without home pages."""
    times = Counter(address for both in named for address in both if address)
    groups: defaultdict[str, defaultdict[tuple[str, str], list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for number, (draft, both) in enumerate(zip(drafts, named, strict=True)):
        for address, written in zip(both, (draft.entry.link, draft.entry.origin), strict=True):
            if not address or not written or times[address] == 1 or _is_home(address, homes):
                continue
            groups[address][_place(written), _headline(draft.entry)].append(number)
    return {address: list(some.values()) for address, some in groups.items()}


def _place(address: str) -> str:
    """Where in a page: each answer of a forum has an anchor of its own, and no headline."""
    return urldefrag(display_link(address)).fragment


def _headline(entry: Entry) -> str:
    """The headline without case, marks and punctuation; without one the text stands for it."""
    told = entry.title or f"{entry.summary} {entry.content}"
    return " ".join(words_of(told)[1]) or fold(told).strip()


def _is_key(address: str | None, alike: _Alike, homes: Container[str]) -> bool:
    if address is None or _is_home(address, homes):
        return False
    return len(alike.get(address, ())) <= 1


def _is_home(address: str, homes: Container[str]) -> bool:
    return address in homes or is_home(address)


def _with_twins(
    entries: Sequence[Entry], alike: Iterable[Iterable[Sequence[int]]]
) -> tuple[Entry, ...]:
    """Each with the keys of the entries next to it that tell the same: chained, they are one."""
    twins: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for groups in alike:
        for group in groups:
            for one, other in itertools.pairwise(group):
                twins[one][entries[other].key] = None
                twins[other][entries[one].key] = None
    return tuple(
        replace(entry, twins=tuple(twins[number])) if number in twins else entry
        for number, entry in enumerate(entries)
    )


def _key(draft: Draft, address: str | None, unique: str | None, *, repeated: bool) -> str:
    """`unique`: the address of this entry alone. Both are canonical."""
    guid = draft.entry.guid
    if guid:
        return f"{guid} {address or ''}".strip() if repeated else guid
    return unique or _hash(draft)


def addresses(entry: Entry) -> tuple[str | None, str | None]:
    """Its link and its origin, canonical: neither moves when an outlet adds a campaign."""
    link, origin = entry.link, entry.origin
    return (canonical(link) if link else None, canonical(origin) if origin else None)


def _without_idle_origin(draft: Draft, homes: Container[str]) -> Draft:
    """An origin that is the link again, or a front page, says nothing of this entry."""
    link, origin = addresses(draft.entry)
    if origin is None or (origin != link and origin not in homes and not is_home(origin)):
        return draft
    return replace(draft, entry=replace(draft.entry, origin=None))


def _free(key: str, draft: Draft, taken: set[str]) -> str:
    """The key, made longer by what else tells the entry apart where another one has it."""
    short = _short(key)
    if short not in taken:
        return short
    link = draft.entry.address or ""
    wider = (f"{key} {link}", f"{key} {_hash(draft)}", f"{key} {link} {_hash(draft)}")
    return next((one for one in map(_short, wider) if one not in taken), _short(wider[-1]))


def _without_doubles(drafts: Sequence[Draft]) -> list[Draft]:
    seen: dict[tuple[object, ...], Draft] = {}
    for draft in drafts:
        entry = draft.entry
        where = (entry.link, entry.origin)
        what = (entry.guid, *where, entry.title, draft.date, entry.summary, entry.content)
        seen.setdefault(what, draft)
    return list(seen.values())


def _hash(draft: Draft) -> str:
    entry = draft.entry
    told = (entry.title, draft.date, entry.summary, entry.content)
    text = "\0".join(told)
    return "hash:" + hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _short(key: str) -> str:
    if len(key) <= LONGEST_KEY:
        return key
    digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{key[:100]} hash:{digest}"
