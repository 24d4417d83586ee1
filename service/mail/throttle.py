"""Rates of relays and destinations: messages are spaced evenly, over all processes that send.

Moments to send at are taken from the store (store.mailing.relays.rates), as many at once as there
are mails in hand, for a second at most, so that a batch costs one statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.mail.domains import destination_of
from service.store.core.database import Store
from service.store.mailing.relays import rates

PATIENCE = timedelta(seconds=2)
"""How long a connection waits for a destination; it waits for its own relay as long as it takes."""

_NEARLY = 0.001
"""Of the time between two moments, for sums of fractions."""

_FULL_S = 0.5
"""How long a destination without a free moment is not asked for one again."""


@dataclass(slots=True)
class _Moments:
    """What is in hand of one rate, in seconds that only grow: none from `end` on."""

    gap: float
    next: float = 0.0
    end: float = 0.0
    full_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Throttle:
    """Hands out moments to send at to the channels of one run."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        ticks: Callable[[], float],
        limits: Mapping[str, float],
    ) -> None:
        """`ticks` gives seconds that only grow. `limits`: name -> messages a second."""
        self._store = store
        self._clock = clock
        self._ticks = ticks
        self._limits = limits
        self._in_hand = {name: _Moments(1 / rate) for name, rate in limits.items()}

    def limits(self, name: str) -> bool:
        """Whether there is a rate of this name."""
        return name in self._in_hand

    def limits_to(self, address: str | None) -> bool:
        """Whether the destination of an address has a rate."""
        return self.limits(f"@{destination_of(address)}")

    async def reserve(self, name: str, wanted: int = 1) -> float:
        """Take the next moment; the seconds to wait until it comes. 0 where there is no rate.

        `wanted`: how many mails are in hand for it. Raises StoreError.
        """
        found = await self._reserve(name, wanted, None)
        assert not isinstance(found, datetime)
        return found

    async def reserve_soon(self, name: str, wanted: int = 1) -> float | datetime:
        """The same, where it comes within PATIENCE; else about when to ask again, and none taken.

        Mails that ask again are spread: each is told an instant of its own.
        """
        return await self._reserve(name, wanted, PATIENCE)

    async def _reserve(self, name: str, wanted: int, within: timedelta | None) -> float | datetime:
        mine = self._in_hand.get(name)
        if mine is None:
            return 0.0
        async with mine.lock:
            lead = 0.0
            while True:
                now = self._ticks()
                moment = max(now, mine.next)
                # As many as were taken, a gap apart, lie before the end: what comes after it may be
                # another process's.
                if moment + _NEARLY * mine.gap < mine.end:
                    mine.next = moment + mine.gap
                    return moment - now
                if within is not None and now < mine.full_until:
                    return await asyncio.to_thread(self._queue, name, self._clock())
                later = await self._take(name, mine, now, lead, wanted, within)
                if later is not None:
                    mine.full_until = now + _FULL_S
                    return later
                lead = self._ticks() - now

    async def _take(
        self,
        name: str,
        mine: _Moments,
        now: float,
        lead: float,
        wanted: int,
        within: timedelta | None,
    ) -> datetime | None:
        """Take moments from `lead` seconds after `now` on, which was before the statement."""
        rate = self._limits[name]
        number = max(1, min(wanted, int(rate)))
        begin = self._clock() + timedelta(seconds=lead)

        def take() -> datetime | None:
            with self._store.write() as connection:
                return rates.take(connection, name, begin, rate, number, within)

        first = await asyncio.to_thread(take)
        if first is None:
            return await asyncio.to_thread(self._queue, name, begin)
        mine.next = now + lead + (first - begin).total_seconds()
        mine.end = mine.next + number * mine.gap
        return None

    def _queue(self, name: str, now: datetime) -> datetime:
        with self._store.write() as connection:
            return rates.queue(connection, name, now, self._limits[name])
