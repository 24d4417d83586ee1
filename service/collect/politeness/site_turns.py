"""The sites that a pass asks and no other process: the gap between requests holds for all of them.

Only sites that want a gap are taken; those of this machine want none (CONTRACT).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.collect.politeness import site_rules
from service.collect.politeness.rate_limit import NO_GAP
from service.config.schema import Settings
from service.store.core.database import Connection
from service.store.sources import site_leases
from service.store.sources.polling_queue import Due


class Turns:
    """What one pass has taken. `owner`: one start of one process."""

    def __init__(self, settings: Settings, owner: str) -> None:
        self._settings = settings
        self._owner = owner
        self._gaps: dict[str, float] = {}  # sites that are ours -> seconds

    def __len__(self) -> int:
        return len(self._gaps)

    def take(
        self,
        connection: Connection,
        turn: Iterable[tuple[str, Due]],
        now: datetime,
        until: datetime,
    ) -> set[str]:
        """Take the sites of these sources. Returns those that another process is asking."""
        gaps = {site: self._gap_s(source) for site, source in turn}
        spaced = {site: gap for site, gap in gaps.items() if gap is not None}
        ours = site_leases.take(connection, spaced, self._owner, now, until)
        self._gaps |= {site: spaced[site] for site in ours}
        return spaced.keys() - ours

    def renew(self, connection: Connection, until: datetime) -> None:
        """Keep the sites that are ours; called from a thread."""
        site_leases.LEASE.renew(connection, self._owner, tuple(self._gaps), until)

    def leave(self, connection: Connection, now: datetime) -> None:
        """Let others ask them, each after its gap."""
        free_at = {site: now + timedelta(seconds=gap) for site, gap in self._gaps.items()}
        site_leases.leave(connection, free_at, self._owner, now)
        self._gaps.clear()

    def _gap_s(self, source: Due) -> float | None:
        told = self._settings.source[source.name]
        gap = site_rules.gap(told, self._settings.collect, source.url)
        return None if gap == NO_GAP else gap.delay_s
