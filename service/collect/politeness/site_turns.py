"""The sites that a pass asks and no other process: the gap between requests holds for all of them.

Only sites that want a gap are taken; those of this machine want none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from service.collect.politeness.rate_limit import NO_GAP, Sites
from service.collect.politeness.site_rules import rules_of
from service.config.schema import Settings
from service.store.core.database import Connection, Store
from service.store.core.lease import Term, renewed
from service.store.core.threads import in_thread
from service.store.sources import site_leases
from service.store.sources.polling_queue import Due


class Turns:
    """What one pass has taken.

    `owner`: one start of one process. `sites`: what each asked for, which others must hear too.
    """

    def __init__(self, settings: Settings, owner: str, sites: Sites) -> None:
        self._settings = settings
        self._owner = owner
        self._sites = sites
        self._gaps: dict[str, float] = {}  # sites that are ours -> seconds

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

    @asynccontextmanager
    async def kept(
        self, store: Store, clock: Callable[[], datetime], term: Term
    ) -> AsyncIterator[None]:
        """Keep the sites that are ours within the block; then others ask each after its gap."""

        def renew() -> None:
            with store.write() as connection:
                until = clock() + term.lasts
                site_leases.LEASE.renew(connection, self._owner, tuple(self._gaps), until)

        def leave() -> None:
            now = clock()
            free_at = {
                site: now + timedelta(seconds=max(gap, self._sites.delay_s(site)))
                for site, gap in self._gaps.items()
            }
            with store.write() as connection:
                site_leases.leave(connection, free_at, self._owner, now)

        try:
            async with renewed(renew, term):
                yield
        finally:
            if self._gaps:
                await in_thread(leave)

    def _gap_s(self, source: Due) -> float | None:
        gap = rules_of(self._settings, source.name).gap(source.url)
        return None if gap == NO_GAP else gap.delay_s
