"""How many bytes of bodies may be between the network and the database at once.

Counting bodies alone would bound nothing: one may have 10 MB, and a document takes several times
its body.
"""

from __future__ import annotations

import asyncio
from collections import deque


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
                self._waiting.remove((size, turn))
                self._admit()
            raise

    def leave(self, size: int) -> None:
        """So many bytes are free again."""
        self._taken -= size
        self._admit()

    def _fits(self, size: int) -> bool:
        return self._taken == 0 or self._taken + size <= self._most

    def _admit(self) -> None:
        while self._waiting and self._fits(self._waiting[0][0]):
            size, turn = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._taken += size
            turn.set_result(None)
