"""Who an entry is within its source (LEDGER: `entry`): pure, over a whole document.

guid -> its own key; a guid that the document repeats -> guid and link; no guid -> the link if it is
a key (unique in the document, no home page) -> else a hash of title, date and text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.curate.canonical import canonical, is_home
from service.model import Entry

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
    same = [canonical(draft.entry.link) if draft.entry.link else None for draft in drafts]
    links = Counter(link for link in same if link)
    guids = Counter(draft.entry.guid for draft in drafts if draft.entry.guid)
    own = {canonical(home) for home in homes if home}
    taken: set[str] = set()
    entries = []
    for draft, link in zip(drafts, same, strict=True):
        entry = draft.entry
        is_key = link is not None and links[link] == 1 and link not in own and not is_home(link)
        repeated = guids[entry.guid or ""] > 1
        key = _free(_key(draft, link, is_key=is_key, repeated=repeated), draft, taken)
        taken.add(key)
        entries.append(replace(entry, key=key, link_is_key=is_key))
    return tuple(entries)


def _key(draft: Draft, link: str | None, *, is_key: bool, repeated: bool) -> str:
    """`link` is canonical: a key must not move when the outlet adds a campaign or goes to https."""
    guid = draft.entry.guid
    if guid:
        return f"{guid} {link or ''}".strip() if repeated else guid
    return link if is_key and link else _hash(draft)


def _free(key: str, draft: Draft, taken: set[str]) -> str:
    """The key, made longer by what else tells the entry apart where another one has it."""
    short = _short(key)
    if short not in taken:
        return short
    link = draft.entry.link or ""
    wider = (f"{key} {link}", f"{key} {_hash(draft)}", f"{key} {link} {_hash(draft)}")
    return next((one for one in map(_short, wider) if one not in taken), _short(wider[-1]))


def _without_doubles(drafts: Sequence[Draft]) -> list[Draft]:
    seen: dict[tuple[object, ...], Draft] = {}
    for draft in drafts:
        entry = draft.entry
        what = (entry.guid, entry.link, entry.title, draft.date, entry.summary, entry.content)
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
