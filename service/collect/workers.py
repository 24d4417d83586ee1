"""Parsing in processes that can die or hang one by one, each document paying for itself alone.

Documents that wait together travel together, since a task costs 2 ms. When such a batch dies or
overruns its time, each of its documents is tried again alone: a document that then kills or hangs
its worker is put aside with a reason, and its neighbours get their results.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import ForkServerContext
from types import TracebackType
from typing import Self, TypeVar, cast

from pebble import ProcessExpired, ProcessPool

from service.collect.jobs import Brought, Job
from service.errors import BantinError, ParseError, PutAsideError

TIMEOUT_S = 30.0
"""For one document, or a batch. 10 MB take feedparser some 5 s; what takes longer is no feed."""

BATCH = 8
"""Documents in one task at most."""

BATCH_BYTES = 1024 * 1024
"""Of one task; larger documents travel alone."""

MAX_TASKS = 500
"""Of one worker before it is replaced: feedparser grows in long runs."""

MEMORY_BYTES = 2 * 1024**3
"""Address space of one worker: a document that wants more fails instead of the machine."""

_POLITE = 10  # the workers' nice level: readers of our own pages come first


PUT_ASIDE = "put aside: "
"""How the reason begins when a document killed or hung its worker."""

_NOT_STARTED = "the processes that read documents cannot be started"

Outcome = Brought | str
Result = TypeVar("Result")
_Waiting = tuple[Job, asyncio.Future[Brought]]


class Parsers:
    """A pool of parser processes (`async with`), started when the first document comes."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_tasks: int = MAX_TASKS,
    ) -> None:
        self._workers = workers or max(1, min(os.cpu_count() or 1, 8))
        self._timeout_s = timeout_s
        self._max_tasks = max_tasks
        self._pool: ProcessPool | None = None
        self._waiting: deque[_Waiting] = deque()
        self._batches: set[asyncio.Task[None]] = set()

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
        """Stop the processes. What still waits is cancelled."""
        for batch in tuple(self._batches):
            batch.cancel()
        await asyncio.gather(*self._batches, return_exceptions=True)
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(_stop, pool)

    async def read(self, job: Job) -> Brought:
        """What the document says. Raises ParseError with a reason in plain words.

        Raises BantinError when the fault is ours and says nothing about the document.
        """
        future: asyncio.Future[Brought] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        self._pump()
        return await future

    async def call(self, function: Callable[..., Result], *args: object) -> Result:
        """What a pure function of a module says of these arguments, in a worker of its own.

        Raises what it raises, PutAsideError when it dies or takes too long, BantinError when the
        fault is ours.
        """
        for _ in range(2):
            pool = self._pool = self._pool or self._started()
            try:
                future = pool.schedule(function, args=args, timeout=self._timeout_s)
                return cast("Result", await asyncio.wrap_future(future))
            except TimeoutError as error:
                raise PutAsideError(self._too_long()) from error
            except ProcessExpired as error:
                raise PutAsideError(_kills(error)) from error
            except (BrokenProcessPool, RuntimeError):
                await self._drop(pool)
        raise BantinError(_NOT_STARTED)

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
        try:
            outcomes = await self._outcomes([job for job, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            self._fail(batch, BantinError(f"the process that reads documents failed: {error}"))
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if future.done():
                continue  # nobody waits for it any more
            if isinstance(outcome, Brought):
                future.set_result(outcome)
            else:
                kind = PutAsideError if outcome.startswith(PUT_ASIDE) else ParseError
                future.set_exception(kind(outcome))

    def _fail(self, batch: Sequence[_Waiting], error: BantinError) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)

    async def _outcomes(self, jobs: list[Job]) -> list[Outcome]:
        try:
            return await self._ask(jobs)
        except (ProcessExpired, TimeoutError):
            return [await self._alone(job) for job in jobs]

    async def _alone(self, job: Job) -> Outcome:
        try:
            (outcome,) = await self._ask([job])
        except TimeoutError:
            return self._too_long()
        except ProcessExpired as error:
            return _kills(error)
        return outcome

    async def _ask(self, jobs: list[Job]) -> list[Outcome]:
        """One task of the pool. A pool that broke (a worker was killed while idle) is replaced."""
        for _ in range(2):
            pool = self._pool = self._pool or self._started()
            try:
                future = pool.schedule(read_all, args=(jobs,), timeout=self._timeout_s)
                return await asyncio.wrap_future(future)
            except (BrokenProcessPool, RuntimeError):
                await self._drop(pool)
        raise BantinError(_NOT_STARTED)

    async def _drop(self, pool: ProcessPool) -> None:
        if self._pool is pool:
            self._pool = None
        await asyncio.to_thread(_stop, pool)

    def _too_long(self) -> str:
        return f"{PUT_ASIDE}reading this document took longer than {self._timeout_s:g} s"

    def _started(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=self._max_tasks,
            initializer=_settle_in,
            context=_processes(),
        )


def _processes() -> ForkServerContext:
    """New workers are forked from one small process that has everything loaded and nothing open.

    One begins in a moment instead of half a second, and they share the memory of what was loaded.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["service.collect.forked"])
    return context


def _kills(error: ProcessExpired) -> str:
    return f"{PUT_ASIDE}this document kills the process that reads it (exit {error.exitcode})"


def read_all(jobs: Sequence[Job]) -> list[Outcome]:
    """Runs in the worker: each document's own result or reason."""
    from service.collect.bringing import bring  # noqa: PLC0415 - only workers pay for this import

    outcomes: list[Outcome] = []
    for job in jobs:
        try:
            outcome: Outcome = bring(job)
        except ParseError as error:
            outcome = str(error)
        except MemoryError:
            outcome = f"{PUT_ASIDE}reading this document takes more memory than there is"
        except Exception as error:  # noqa: BLE001 - one document must not cost its neighbours
            outcome = f"the document cannot be read ({type(error).__name__}: {error})"[:300]
        outcomes.append(outcome)
    return outcomes


def _settle_in() -> None:
    """Runs once in each worker. Its imports must not count against the first document's time."""
    from service.collect import bringing  # noqa: F401, PLC0415 - as in read_all

    with contextlib.suppress(OSError):
        os.nice(_POLITE)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()
