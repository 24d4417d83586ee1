"""The one loop that waits for sites' turns and bounds what runs at once.

waiting --its site's turn--> taken (claimed) --> asked, the site is busy --> the rest, it is free

A caller with claimed rows renews their leases around the loop (`store.core.lease.in_hand`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from math import inf
from typing import Generic, TypeVar

from service.collect.politeness.rate_limit import RequestQueue, Sites
from service.collect.politeness.site_rules import SiteRules
from service.collect.polling.backpressure import Bodies
from service.errors import first_of

CLAIMS = 16
"""Free places that are worth a visit to the database: one claim alone costs as much as a fetch."""

STALLED_S = 0.5
"""Stall timeout: when nothing ends or is stored for so long, the concurrency limit doubles."""

Item = TypeVar("Item")
Other = TypeVar("Other")
Turn = tuple[str, Item]
"""A site, and what is to be asked of it."""

Rest = Callable[[], Awaitable[None]]
"""What is left to do with an answer once its site is free for others."""


class Dispatcher(Generic[Item]):
    """What waits for its turn, asked as sites allow.

    `ask(site, item)` asks, and gives the rest, None where there is none. `at_once`: how many run at
    most, their rest included; or the bodies that bound how many are asked. `claim` says what is to
    be asked of a turn, None for each that another process has. `more` lines up what is due besides,
    where there is room; False: nothing is until something ends. An error of these ends the loop.
    """

    def __init__(
        self,
        sites: Sites,
        ask: Callable[[str, Item], Awaitable[Rest | None]],
        at_once: int | Bodies,
        *,
        claim: Callable[[Sequence[Turn[Item]]], Awaitable[Sequence[Item | None]]] | None = None,
        more: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._waiting = RequestQueue[Item](sites)
        self._ask = ask
        self._at_once = at_once
        self._claim = claim
        self._more = more
        self._asking = 0
        self._running = 0
        self._freed = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    def __len__(self) -> int:
        """How many wait for their turns."""
        return len(self._waiting)

    def add(self, url: str, rules: SiteRules, item: Item, *, first: bool = False) -> None:
        """Line it up at the site of `url`. `first`: before all others there."""
        self._waiting.add(rules.site(url), rules.gap(url), item, first=first)

    def again(self, site: str, item: Item) -> None:
        """What is being asked needs another turn: this one went to the site's robots.txt."""
        self._waiting.again(site, item)

    def drop(self, site: str) -> list[Item]:
        """Give back what waits for a site: it wants to be left alone."""
        return self._waiting.drop(site)

    def withdraw(self, kind: type[Other]) -> list[Other]:
        """Take back all of a kind that waits."""
        return self._waiting.withdraw(kind)

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do this beside the others, without a turn. Within `run`."""
        self._running += 1
        self._tasks.create_task(self._ended(work))

    def wake(self) -> None:
        """Something ended elsewhere, so that there may be room."""
        self._freed.set()

    async def run(self, until_s: float = inf) -> None:
        """Ask until nothing waits or runs, or, by the loop's clock, `until_s`; what runs ends."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                while loop.time() < until_s:
                    self._freed.clear()
                    goes_on = self._more is not None and await self._more()
                    free = self._free()
                    turn = self._waiting.take(loop.time(), free)
                    if turn:
                        await self._start_turn(turn)
                    elif self._waiting or self._running:
                        await self._wait(until_s, has_room=free > 0)
                    elif not goes_on:
                        return
        except ExceptionGroup as errors:
            raise first_of(errors) from errors
        finally:
            self._waiting.close(loop.time())

    def _free(self) -> int:
        if isinstance(self._at_once, int):
            return max(self._at_once - self._running, 0)
        free = self._at_once.at_once - self._asking
        return free if free >= CLAIMS else 0

    async def _wait(self, until_s: float, *, has_room: bool) -> None:
        """Waits until something ends, is stored, or a site is free. What all wait for may hang."""
        bodies = None if isinstance(self._at_once, int) else self._at_once
        if has_room:
            until_s = min(self._waiting.next_at() or inf, until_s)
        elif bodies is not None:
            until_s = min(asyncio.get_running_loop().time() + STALLED_S, until_s)
        try:
            async with asyncio.timeout_at(until_s):
                await self._freed.wait()
        except TimeoutError:
            if bodies is not None and not has_room:
                bodies.widen(by=bodies.at_once)

    async def _start_turn(self, turn: Sequence[Turn[Item]]) -> None:
        items: Sequence[Item | None] = [item for _, item in turn]
        if self._claim is not None:
            items = await self._claim(turn)
        for (site, _), item in zip(turn, items, strict=True):
            if item is None:
                self._waiting.done(site, asyncio.get_running_loop().time())
            else:
                self._asking += 1
                self.start(self._one(site, item))

    async def _one(self, site: str, item: Item) -> None:
        try:
            rest = await self._ask(site, item)
        finally:
            self._asking -= 1
            if not isinstance(self._at_once, int):
                self._at_once.widen()
            self._waiting.done(site, asyncio.get_running_loop().time())
            self._freed.set()
        if rest is not None:
            await rest()

    async def _ended(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        finally:
            self._running -= 1
            self._freed.set()
