"""What a run has in hand: deliveries claimed in small batches, renewed while they wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

from service.store import claims
from service.store.claims import Claim, Claimed
from service.store.database import Store

BATCH = 20
"""Deliveries claimed at once: few enough that a dead owner holds up little, for one lease."""


class Supply:
    """Hands out due deliveries of one run, to however many channels ask."""

    def __init__(
        self, store: Store, clock: Callable[[], datetime], owner: str, digest: str | None
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._digest = digest
        self._ready: deque[Claimed] = deque()
        self._lock = asyncio.Lock()
        self.suppressed = 0

    async def take(self, *, one: bool) -> Claimed | None:
        """The next delivery; None when nothing is due. `one`: claim no more than that."""
        async with self._lock:
            while not self._ready:
                claim = await asyncio.to_thread(self._claim, 1 if one else BATCH)
                self.suppressed += claim.suppressed
                if claim.empty:
                    return None
                self._ready.extend(claim.claimed)
            return self._ready.popleft()

    def put_back(self, delivery: Claimed) -> None:
        """It was not begun; the next channel takes it first."""
        self._ready.appendleft(delivery)

    async def let_go(self) -> None:
        """Give back what was claimed and not begun."""
        async with self._lock:
            ids = [delivery.id for delivery in self._ready]
            self._ready.clear()
            if ids:
                await asyncio.to_thread(self._unclaim, ids)

    def _claim(self, limit: int) -> Claim:
        with self._store.ledger() as connection:
            return claims.claim(connection, self._owner, self._clock(), limit, self._digest)

    def _unclaim(self, ids: list[int]) -> None:
        with self._store.ledger() as connection:
            claims.unclaim(connection, self._owner, ids)
