"""When a redirect is believed: a permanent one, seen several times over days, all to one place.

Pure. A server that is set up wrongly for an afternoon must not move a source for good; a moved
source must not cost its old server a redirect for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from yarl import URL

from service.net.answers import Hop, moved_to

SIGHTINGS = 3
SPAN = timedelta(days=7)
"""How often and over how long a move is seen before it is believed."""


@dataclass(frozen=True, slots=True)
class WatchedRedirect:
    """A redirect that is being watched: where to, since when, how often seen."""

    to: str
    since: datetime
    seen: int

    def is_settled(self, now: datetime) -> bool:
        return self.seen >= SIGHTINGS and now - self.since >= SPAN


def seen(
    known: WatchedRedirect | None, asked: str, hops: Sequence[Hop], now: datetime
) -> WatchedRedirect | None:
    """After an answer that could be read, reached over `hops`. None: nothing to watch."""
    to = moved_to(hops)
    if to is None or to == asked or _is_downgrade(asked, to):
        return None
    if known is None or known.to != to:
        return WatchedRedirect(to, now, 1)
    return WatchedRedirect(to, known.since, min(known.seen + 1, 1000))


def _is_downgrade(asked: str, to: str) -> bool:
    """From TLS to none: followed, since the client was told so over TLS, but never remembered."""
    return URL(asked).scheme == "https" and URL(to).scheme != "https"
