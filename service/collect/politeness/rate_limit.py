"""Politeness between the sources of one site: a gap between requests, few at once. Pure.

`Sites` is the memory of a process: it outlives a pass, so that two passes in a row keep the gap.
`RequestQueue` is what one pass still has to do. Times are seconds of a monotonic clock, given as
arguments.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Gap:
    """`delay_s` between two requests to one site, at most `connections` of them at once."""

    delay_s: float
    connections: int


NO_GAP = Gap(0.0, 1_000_000)

BUSY_S = 1.0
"""How long to wait before looking again at a site that another pass is asking."""


@dataclass(slots=True)
class _Site:
    running: int = 0
    free_at: float = 0.0
    delay_s: float = 0.0  # as its robots.txt asks


class Sites:
    """What each site has been asked lately."""

    def __init__(self) -> None:
        self._sites: dict[str, _Site] = {}

    def free_at(self, site: str, gap: Gap) -> float | None:
        """From when the site may be asked; None while it is busy."""
        known = self._sites.get(site)
        if known is None:
            return 0.0
        return None if known.running >= gap.connections else known.free_at

    def begin(self, site: str, gap: Gap, now_s: float) -> None:
        known = self._sites.setdefault(site, _Site())
        known.running += 1
        known.free_at = max(known.free_at, now_s + max(gap.delay_s, known.delay_s))

    def end(self, site: str, gap: Gap, now_s: float) -> None:
        """The request is over. The gap counts from here: a slow site is not asked faster."""
        known = self._sites[site]
        known.running -= 1
        known.free_at = max(known.free_at, now_s + max(gap.delay_s, known.delay_s))

    def slow_down(self, site: str, delay_s: float) -> None:
        """A site that is being asked wants a longer gap between all requests."""
        if delay_s:
            known = self._sites.setdefault(site, _Site())
            known.delay_s = max(known.delay_s, delay_s)

    def delay_s(self, site: str) -> float:
        """The longer gap that a site wants; 0: it does not say, or was not asked lately."""
        known = self._sites.get(site)
        return 0.0 if known is None else known.delay_s

    def forget(self, now_s: float) -> None:
        """Drop what no longer matters, so that the memory stays as small as the last minutes."""
        self._sites = {
            site: known
            for site, known in self._sites.items()
            if known.running or known.free_at > now_s
        }


@dataclass(slots=True)
class _Queue(Generic[Item]):
    gap: Gap
    items: list[Item] = field(default_factory=list)  # mostly one; a deque has room for 64
    running: int = 0  # of this pass; another pass may be asking the same site
    look_at: float | None = None  # when it is looked at again


class RequestQueue(Generic[Item]):
    """The requests of one pass, each given out when its site may be asked."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._queues: dict[str, _Queue[Item]] = {}
        self._order: list[tuple[float, int, str]] = []
        self._turn = 0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, site: str, gap: Gap, item: Item, *, first: bool = False) -> None:
        """Sources of one site may ask for different gaps: the more careful one holds for all.

        `first`: before all others of its site.
        """
        queue = self._queues.setdefault(site, _Queue(gap))
        if gap != queue.gap:
            queue.gap = Gap(
                max(queue.gap.delay_s, gap.delay_s), min(queue.gap.connections, gap.connections)
            )
        if first:
            queue.items.insert(0, item)
        else:
            queue.items.append(item)
        self._length += 1
        self._look(site, queue, 0.0)

    def again(self, site: str, item: Item) -> None:
        """Put back a request that was taken and is not done yet: it needs another turn."""
        self.add(site, self._queues[site].gap, item, first=True)

    def take(self, now_s: float, most: int) -> list[tuple[str, Item]]:
        """Up to `most` requests, with their sites, that may start now. End each with `done`."""
        taken: list[tuple[str, Item]] = []
        while len(taken) < most and self._order and self._order[0][0] <= now_s:
            at, _, site = heapq.heappop(self._order)
            queue = self._queues.get(site)
            if queue is None or queue.look_at != at:
                continue  # it was looked at earlier than planned
            queue.look_at = None
            while queue.items and len(taken) < most:
                free_at = self._sites.free_at(site, queue.gap)
                if free_at is None or free_at > now_s:
                    break
                self._sites.begin(site, queue.gap, now_s)
                queue.running += 1
                taken.append((site, queue.items.pop(0)))
                self._length -= 1
            self._plan(site, queue, now_s)
        return taken

    def done(self, site: str, now_s: float) -> None:
        """A request that was taken is over."""
        queue = self._queues[site]
        queue.running -= 1
        self._sites.end(site, queue.gap, now_s)
        self._plan(site, queue, now_s)

    def close(self, now_s: float) -> None:
        """End all that was taken and is not done: the pass broke off, its sites outlive it."""
        for site, queue in self._queues.items():
            for _ in range(queue.running):
                self._sites.end(site, queue.gap, now_s)
            queue.running = 0

    def drop(self, site: str) -> list[Item]:
        """Give back what still waits for a site: it has asked to be left alone."""
        queue = self._queues.get(site)
        if queue is None:
            return []
        dropped = list(queue.items)
        queue.items.clear()
        self._length -= len(dropped)
        if not queue.running:
            del self._queues[site]
        return dropped

    def withdraw(self, kind: type[Other]) -> list[Other]:
        """Take back all requests of a kind, without their turns."""
        taken: list[Other] = []
        for queue in self._queues.values():
            taken += [item for item in queue.items if isinstance(item, kind)]
            queue.items = [item for item in queue.items if not isinstance(item, kind)]
        self._length -= len(taken)
        return taken

    def next_at(self) -> float | None:
        """When `take` may have something again; None: only once something is done."""
        while self._order:
            at, _, site = self._order[0]
            queue = self._queues.get(site)
            if queue is not None and queue.look_at == at:
                return at
            heapq.heappop(self._order)
        return None

    def _plan(self, site: str, queue: _Queue[Item], now_s: float) -> None:
        if not queue.items:
            if not queue.running:
                del self._queues[site]
            return
        free_at = self._sites.free_at(site, queue.gap)
        if free_at is not None:
            self._look(site, queue, max(free_at, now_s))
        elif not queue.running:
            self._look(site, queue, now_s + BUSY_S)  # somebody else's request will end some time

    def _look(self, site: str, queue: _Queue[Item], at: float) -> None:
        if queue.look_at is None or at < queue.look_at:
            queue.look_at = at
            self._turn += 1  # sites that become free together take turns
            heapq.heappush(self._order, (at, self._turn, site))
