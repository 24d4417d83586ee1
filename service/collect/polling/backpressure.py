"""How many bytes of bodies may be between the network and the database at once.

Counting bodies alone would bound nothing: one may have 10 MB, and a document takes several times
its body.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import suppress

from service.net.limits import MEBI

IN_FLIGHT = 128
"""Fetches at once. While all servers answer after 200 ms that is 640 a second at best, so it grows
where what comes needs no room: when nothing has changed, or when servers say nothing at all."""

MOST_IN_FLIGHT = 384
"""Sockets, of the 1,024 that a process may have on most systems; connections by TLS take
some 140 KB each."""

ENOUGH = 32
"""Of these while bodies come faster than they are stored: each more would wait with its own."""

SMALL = 3 * MEBI
"""Of small bodies between the network and the database: a few hundred, more than enough to keep
all workers busy. What is made of a body takes some ten times its bytes until it is stored."""

LARGE = 40 * MEBI
"""Of bodies of more than 1 MB, from when they grow beyond it: four of the largest."""


class Room:
    """Places for `most` bytes, given in the order in which they were asked for.

    What is larger than all there is gets it once it is empty.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size: int) -> None:
        """Wait until so many bytes are free. Give them back with `leave`."""
        if not self._waiting and self._fits(size):
            self._taken += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(size)  # it was given just as the task was cancelled
            else:
                with suppress(ValueError):  # it was cancelled too, and has passed it on already
                    self._waiting.remove((size, turn))
                self._admit()
            raise

    def leave(self, size: int) -> None:
        """So many bytes are free again."""
        self._taken -= size
        self._admit()

    @property
    def is_filling(self) -> bool:
        """Whether more than half of it is taken."""
        return 2 * self._taken > self._most

    def _fits(self, size: int) -> bool:
        return self._taken == 0 or self._taken + size <= self._most

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._taken += size
            turn.set_result(None)


class Bodies:
    """The bodies of a pass, each by the row of its source; they leave once they are stored.

    Large ones have a room of their own from when they begin to be large, so that servers that send
    much and slowly hold up large bodies alone, and all that comes at once stays within bounds.
    """

    def __init__(self) -> None:
        self._small = Room(SMALL)
        self._large = Room(LARGE)
        self._held: defaultdict[int, list[tuple[Room, int]]] = defaultdict(list)
        self._window = IN_FLIGHT

    @property
    def at_once(self) -> int:
        """How many fetches may run at once."""
        return ENOUGH if self._small.is_filling else self._window

    def widen(self, by: int = 1) -> None:
        """So many more may run at once, since a fetch is over or too many of them hang.

        Where bodies wait to be stored, or grow large, it begins again from IN_FLIGHT.
        """
        if self._small.is_filling or self._large.is_filling:
            self._window = IN_FLIGHT
        else:
            self._window = min(self._window + by, MOST_IN_FLIGHT)

    async def grow(self, source_id: int, size: int) -> None:
        """Wait until a body may grow to this size."""
        await self._take(source_id, self._large, size)

    async def take(self, source_id: int, size: int) -> None:
        """Wait until a body of this size may be read and stored; one that grew large may."""
        if source_id not in self._held:
            await self._take(source_id, self._small, size)

    def leave(self, source_id: int) -> None:
        """It is stored, or it came to nothing."""
        for room, size in self._held.pop(source_id, ()):
            room.leave(size)

    async def _take(self, source_id: int, room: Room, size: int) -> None:
        await room.take(size)
        self._held[source_id].append((room, size))
