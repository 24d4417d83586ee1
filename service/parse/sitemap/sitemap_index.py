"""Which sitemaps of an index are read on a visit, and what is remembered of them. Pure.

The memory is small: a hash of the address -> when it had last changed, "" where the index does not
say; a "?" before it where the sitemap has never been read, "?!" where it could not be.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from service.model import Further

AT_ONCE = 5
"""Sitemaps of one index that a visit reads at most."""

MOST = 5000
"""Sitemaps of one index that are remembered; what changed last comes first."""

_UNREAD = "?"
_MISSED = "?!"
_NO_NEWS = re.compile(
    r"(?i)(categor|taxonom|tag|author|user|page|image|video|product|attachment|local|menu|static|"
    r"chuyen-?muc|danh-?muc|tac-?gia)[\w-]*sitemap|sitemap[-_](categor|tag|author|page|image|video|"
    r"product|static|topic|chuyen-?muc|danh-?muc|tac-?gia)"
)

Memory = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SitemapPlan:
    """`wanted`: what to read now, the last changed first. `more`: what waits for the next visit.

    `old`: addresses of those that were there before and have never been read: what they have is
    old, unless it says otherwise.
    """

    wanted: tuple[Further, ...]
    more: bool
    old: frozenset[str]


def plan(children: Sequence[Further], memory: Memory | None) -> SitemapPlan:
    """What of an index must be read. `memory` None: the index is seen for the first time."""
    known = memory or {}
    wanted = [one for one in _in_order(children) if _is_news(one, known)]
    old = frozenset(one.url for one in wanted if known.get(_name(one), "").startswith(_UNREAD))
    first = memory is None
    return SitemapPlan(
        tuple(wanted[:AT_ONCE]),
        more=not first and any(one.changed for one in wanted[AT_ONCE:]),
        old=old,
    )


def remember(
    children: Sequence[Further],
    memory: Memory | None,
    read: Sequence[Further],
    wanted: Sequence[Further],
) -> dict[str, str]:
    """The memory after a visit that wanted some of them and could read these."""
    known = memory or {}
    done = {one.url for one in read}
    missed = {one.url for one in wanted} - done
    after: dict[str, str] = {}
    for one in _in_order(children)[:MOST]:
        name = _name(one)
        if one.url in done:
            after[name] = _changed(one)
        elif name in known:
            after[name] = known[name]
        elif memory is None:
            after[name] = _MISSED if one.url in missed else f"{_UNREAD}{_changed(one)}"
    return after


def is_undated(children: Sequence[Further]) -> bool:
    """Whether the index does not say what changed: it must be gone through each time."""
    return any(one.changed is None for one in children)


def _in_order(children: Sequence[Further]) -> list[Further]:
    news = [one for one in children if not _NO_NEWS.search(urlsplit(one.url).path)]
    dated = [one for one in news if one.changed is not None]
    dated.sort(key=lambda one: one.changed.timestamp() if one.changed else 0.0, reverse=True)
    undated = [one for one in news if one.changed is None]
    undated.sort(key=lambda one: _age(one.url), reverse=True)
    return [*dated, *undated]


def _age(url: str) -> tuple[bool, list[int]]:
    """News come first, then the highest number or latest day in the name."""
    path = urlsplit(url).path
    return "news" in path, [int(number[:9]) for number in re.findall(r"[0-9]+", path)]


def _is_news(one: Further, known: Memory) -> bool:
    before = known.get(_name(one))
    return before is None or one.changed is None or before.lstrip(_UNREAD) != _changed(one)


def _changed(one: Further) -> str:
    return "" if one.changed is None else one.changed.isoformat()


def _name(one: Further) -> str:
    return hashlib.blake2b(one.url.encode("utf-8", "replace"), digest_size=9).hexdigest()
