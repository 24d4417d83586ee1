"""The results of a pass on their way to the store: many fetch, one writes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from service.collect.polling.record import PART, Recorded
from service.collect.polling.request import PolledDocument, Result
from service.store.core.threads import in_thread

MOST = 200
"""Results in one visit to the database."""


class Results:
    """A queue with one writer. Results may be put until `end`."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Result | None] = asyncio.Queue()

    async def put(self, result: Result) -> None:
        await self._queue.put(result)

    async def end(self) -> None:
        """Nothing comes any more: the writer ends once all is written."""
        await self._queue.put(None)

    async def write(
        self,
        record: Callable[[Sequence[Result]], list[Recorded]],
        settled: Callable[[Recorded], None],
    ) -> None:
        """Take what has come meanwhile, in one visit. `record` is called in a thread.

        Large documents wait until nothing else does: one takes as long as hundreds of others.
        """
        ending = False
        large: deque[Result] = deque()
        while large or not ending:
            batch: list[Result] = []
            while not (ending or self._queue.empty()) or not (batch or large or ending):
                result = await self._queue.get()
                if result is None:
                    ending = True
                elif _is_large(result):
                    large.append(result)
                else:
                    batch.append(result)
                if len(batch) >= MOST:
                    break
            if not batch and large:
                batch = [large.popleft()]
            if batch:
                for recorded in await in_thread(record, batch):
                    settled(recorded)


def _is_large(result: Result) -> bool:
    return isinstance(result, PolledDocument) and len(result.parsed.made) > PART
