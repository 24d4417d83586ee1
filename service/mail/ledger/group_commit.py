"""One commit for all that wait: a commit to the disk costs the same for one row as for fifty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_PAUSE_S = 0.001
_CALM_S = 0.003
"""A pause that took no longer than this: nobody else had anything to do meanwhile."""

_LONGEST_S = 0.02
"""How long is waited for others at most."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Gathers what comes while the last commit is still running, and commits it together.

    `commit` runs in a thread and gives one result per item, in order. What it raises, every one
    of its batch gets.
    """

    def __init__(
        self,
        commit: Callable[[list[Item]], Sequence[Result]],
        most: Callable[[], int] = lambda: 0,
    ) -> None:
        """`most`: how many may be held up. Those who have something to do are waited for.

        On a busy machine the time goes to their work, and a commit for each of them would take of
        it; on an idle one that is a millisecond.
        """
        self._commit = commit
        self._most = most
        self._held_up = 0  # of those that wait, whoever cannot go on meanwhile
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: Item, *, holds_up: bool = True) -> Result:
        """The result for this item, once it is committed.

        `holds_up` False: the caller goes on with something else meanwhile, which may wait as well.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._held_up += holds_up
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        while self._waiting:
            await self._gather()
            batch, self._waiting, self._held_up = self._waiting, [], 0
            try:
                results = await asyncio.to_thread(self._commit, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed on to all that wait for it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(batch, results, strict=True):
                    if not future.done():
                        future.set_result(result)

    async def _gather(self) -> None:
        ticks = asyncio.get_running_loop().time
        begun = now = ticks()
        while self._held_up < self._most() and now < begun + _LONGEST_S:
            await asyncio.sleep(_PAUSE_S)
            before, now = now, ticks()
            if now - before < _CALM_S:
                return
