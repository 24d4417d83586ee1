"""How a source is asked: its rhythm, its publisher's hints, where it has moved to.

These columns of `source_poll` are read with every claim and written with every answer; what becomes
of them is decided in collect.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from service.store.tables import source_poll as t


@dataclass(frozen=True, slots=True)
class PollState:
    """None everywhere: nothing is known yet. Seconds and instants, as in `source_poll`.

    `full_fetch_at`: when it was last asked without validators. `redirect_*`: a permanent redirect
    that is being watched. `moved_url`: where the source is fetched instead of at its own address.
    """

    interval_s: int | None = None
    usual_gap_s: int | None = None
    longest_gap_s: int | None = None
    last_news_at: datetime | None = None
    fresh_s: int | None = None
    every_s: int | None = None
    phase_s: int | None = None
    skips: int | None = None
    full_fetch_at: datetime | None = None
    redirect_url: str | None = None
    redirect_since: datetime | None = None
    redirect_seen: int | None = None
    moved_url: str | None = None


_NAMES = tuple(field.name for field in fields(PollState))
_read = attrgetter(*_NAMES)

COLUMNS = tuple(t.c[name] for name in _NAMES)
"""In the order of the fields."""

NOT_MOVED: dict[str, Any] = {
    "redirect_url": None,
    "redirect_since": None,
    "redirect_seen": None,
    "moved_url": None,
}
"""What a source knows of moves at an address that is new to it."""


def values(poll_state: PollState) -> dict[str, Any]:
    """The values for a statement."""
    return dict(zip(_NAMES, _read(poll_state), strict=True))
