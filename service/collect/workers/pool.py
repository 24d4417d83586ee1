"""Parsing in processes that can die or hang one by one, each document paying for itself alone.

    waiting ──batch──> a process ──> results
                  └─ dies, or takes too long ──> each of the batch alone ──> a result
                                                     ├─ dies again ────────> quarantined
                                                     └─ too long again ──> the slow lane

Documents that wait together travel together, since a task costs 2 ms. A document that kills or
hangs its reader twice is quarantined with a reason; its neighbours get their results.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from pebble import ProcessExpired

from service.collect.workers.processes import QUARANTINED, Outcome, OverTimeError, Processes
from service.collect.workers.slow_queue import WAIT_S, SlowLane, killed
from service.collect.workers.task import ParseTask, PreparedResult
from service.errors import BantinError, ParseError, QuarantinedError

TIMEOUT_S = 30.0
"""For one document. 10 MB take feedparser some 5 s; what takes longer is not a feed."""

QUICK_S = 6.0
"""For a document, or a batch, beside others. Slow documents go to a separate single-worker
queue: each of the processes here is wanted by hundreds of sources."""

BATCH = 8
"""Documents in one task at most."""

BATCH_BYTES = 1024 * 1024
"""Of one task; larger documents travel alone."""

MAX_TASKS = 500
"""Of one worker before it is replaced: feedparser grows in long runs."""

_POLITE = 10  # the workers' nice level: readers of our own pages come first

Result = TypeVar("Result")
_Waiting = tuple[ParseTask, asyncio.Future[PreparedResult]]


class Parsers:
    """A pool of parser processes (`async with`), started when the first document comes."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        quick_s: float = QUICK_S,
        wait_s: float = WAIT_S,
        max_tasks: int = MAX_TASKS,
    ) -> None:
        self._workers = workers or max(1, min(os.cpu_count() or 1, 8))
        self._quick_s = min(quick_s, timeout_s)
        self._processes = Processes(self._workers, max_tasks=max_tasks, nice=_POLITE)
        self._slow = SlowLane(timeout_s, wait_s=wait_s)
        self._waiting: deque[_Waiting] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._slowly: set[asyncio.Task[None]] = set()
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop the processes. What still waits is cancelled; `call` starts none any more."""
        self._closed = True
        running = (*self._batches, *self._slowly)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        await asyncio.gather(self._processes.stop(), self._slow.stop())

    async def read(self, job: ParseTask) -> PreparedResult:
        """What the document says. Raises ParseError with a reason in plain words.

        Raises BantinError when the fault is ours and says nothing about the document.
        """
        future: asyncio.Future[PreparedResult] = asyncio.get_running_loop().create_future()
        if job.suspect:
            self._send_on((job, future), tries=2)
        else:
            self._waiting.append((job, future))
            self._pump()
        return await future

    async def call(self, function: Callable[..., Result], *args: object) -> Result:
        """What a pure function of a module says of these arguments, in one of the processes.

        Raises what it raises, QuarantinedError when it kills or hangs them twice, BantinError when
        the fault is ours, or after `close`: whoever asks from another thread may not have heard.
        """
        self._be_open()
        with suppress(ProcessExpired, OverTimeError):
            return await self._processes.run(function, args, self._quick_s)
        self._be_open()
        return await self._slow.call(function, args)

    def _be_open(self) -> None:
        if self._closed:
            raise BantinError("the processes that read documents were stopped")

    def _pump(self) -> None:
        """Keep every worker busy with one batch, and one more at hand."""
        while self._waiting and len(self._batches) < 2 * self._workers:
            batch = asyncio.get_running_loop().create_task(self._run(self._next_batch()))
            self._batches.add(batch)
            batch.add_done_callback(self._finished)

    def _finished(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        if not batch.cancelled():
            self._pump()

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0][0].body)
        while self._waiting and len(batch) < BATCH:
            size += len(self._waiting[0][0].body)
            if size > BATCH_BYTES:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _run(self, batch: Sequence[_Waiting]) -> None:
        with _nobody_waits_for_ever(batch):
            try:
                outcomes = await self._processes.ask([job for job, _ in batch], self._quick_s)
            except ProcessExpired:
                await self._one_by_one(batch)
            except OverTimeError:
                if len(batch) == 1:
                    self._send_on(batch[0], tries=1)
                else:
                    await self._one_by_one(batch)
            else:
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    _settle(future, outcome)

    async def _one_by_one(self, batch: Sequence[_Waiting]) -> None:
        for job, future in batch:
            try:
                (outcome,) = await self._processes.ask([job], self._quick_s)
            except OverTimeError:
                self._send_on((job, future), tries=1)
            except ProcessExpired as error:
                _settle(future, killed(error))
            else:
                _settle(future, outcome)

    def _send_on(self, one: _Waiting, tries: int) -> None:
        """Into the slow lane, where it holds up nobody here."""
        task = asyncio.get_running_loop().create_task(self._read_slowly(one, tries))
        self._slowly.add(task)
        task.add_done_callback(self._slowly.discard)

    async def _read_slowly(self, one: _Waiting, tries: int) -> None:
        job, future = one
        with _nobody_waits_for_ever([one]):
            try:
                _settle(future, await self._slow.read(job, tries=tries))
            except BantinError as error:
                _fail(future, error)


@contextmanager
def _nobody_waits_for_ever(batch: Sequence[_Waiting]) -> Iterator[None]:
    """Whatever happens within, each future of the batch that is not given away is settled."""
    try:
        yield
    except asyncio.CancelledError:
        for _, future in batch:
            future.cancel()
        raise
    except Exception as error:  # noqa: BLE001 - see above
        for _, future in batch:
            _fail(future, BantinError(f"the process that reads documents failed: {error}"))


def _settle(future: asyncio.Future[PreparedResult], outcome: Outcome) -> None:
    if isinstance(outcome, str):
        _fail(
            future, (QuarantinedError if outcome.startswith(QUARANTINED) else ParseError)(outcome)
        )
    elif not future.done():  # else nobody waits for it any more
        future.set_result(outcome)


def _fail(future: asyncio.Future[PreparedResult], error: BantinError) -> None:
    if not future.done():
        future.set_exception(error)
