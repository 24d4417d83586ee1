"""How much of the service searches may take: so many of one visitor, so many at one time.

They have threads of their own, so that a crowd that searches holds up no other page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from service.web.limiter import Limiter

SEARCHES_A_MINUTE = 60
"""From one address: a reader of feeds on a server may follow dozens of questions."""

AT_ONCE = 2
"""Searches at one time."""

MOST_WAITING = 8
"""Searches under way and waiting at the most: the last would wait some seconds."""

Result = TypeVar("Result")


class TooManySearchesError(Exception):
    """As many wait as may."""


@dataclass
class SearchLimits:
    """`visitors` counts what each asks; `run` lets as many search as may, and some wait."""

    visitors: Limiter = field(
        default_factory=lambda: Limiter(SEARCHES_A_MINUTE, timedelta(minutes=1))
    )
    most_waiting: int = MOST_WAITING
    _under_way: int = 0

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "search")

    async def run(self, search: Callable[[], Result]) -> Result:
        """What `search` gives, from a thread. Raises TooManySearchesError, and what it raises."""
        if self._under_way >= self.most_waiting:
            raise TooManySearchesError
        self._under_way += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, search)
        running.add_done_callback(self._ended)
        # A visitor who has gone does not end the thread: it counts until it is done.
        return await asyncio.shield(running)

    def _ended(self, _done: object) -> None:
        self._under_way -= 1
