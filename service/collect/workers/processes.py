"""The processes that read documents, in a pool that is made anew when it breaks.

Started when the first document comes. A process that dies or overruns its time is ended and
replaced by itself; the others work on. Parse timeouts count CPU time: on a machine that has other
things to do every document takes long, and none is to blame.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import TypeVar, cast

from pebble import ProcessExpired, ProcessPool

from service.collect.workers.task import ParseTask, PreparedResult
from service.errors import BantinError, ParseError

MEMORY_BYTES = 2 * 1024**3
"""Address space of one process: a document that wants more fails instead of the machine."""

STARVED = 4.0
"""How many times as long as its time a document may take by the clock on the wall."""

QUARANTINED = "quarantined: "
"""How the reason begins when a document killed or hung its worker."""

Outcome = PreparedResult | str
Result = TypeVar("Result")


class OverTimeError(Exception):
    """A task took longer than it may. Not a TimeoutError, which a function may raise itself."""


class Processes:
    """`number` of them. `nice` is their level: readers of our own pages come first."""

    def __init__(self, number: int, *, max_tasks: int, nice: int) -> None:
        self._number = number
        self._max_tasks = max_tasks
        self._nice = nice
        self._pool: _Pool | None = None
        self._stops = 0

    async def ask(self, jobs: Sequence[ParseTask], timeout_s: float) -> list[Outcome]:
        """One task: each document's result or reason. Raises as `run` does."""
        return await self.run(read_all, (jobs,), timeout_s)

    async def run(
        self, function: Callable[..., Result], args: Sequence[object], timeout_s: float
    ) -> Result:
        """One task. Raises what the function raises, OverTimeError, or pebble's ProcessExpired.

        `timeout_s`: seconds of the processor, or STARVED times as many by the clock. A pool that
        broke (a process was killed while idle) is replaced. Raises BantinError when none can be
        started, or when they were stopped meanwhile.

        What the function raises comes back as a value: pebble's own RuntimeError says that the pool
        is broken, and would be taken for it.
        """
        stops = self._stops
        for _ in range(2):
            pool = self._pool = self._pool or self._started()
            try:
                came = await pool.ask(_within, (timeout_s, function, args), STARVED * timeout_s)
            except TimeoutError as error:
                raise OverTimeError from error
            except ProcessExpired as error:
                if error.exitcode == -signal.SIGPROF:
                    raise OverTimeError from error
                raise
            except (BrokenProcessPool, RuntimeError) as error:
                if self._stops != stops:
                    raise BantinError("the processes that read documents were stopped") from error
                if self._pool is pool:  # else another task, which saw it as well, stops it
                    self._pool = None
                    await asyncio.to_thread(pool.stop)
            else:
                if isinstance(came, _Raised):
                    raise came.error()
                return cast("Result", came)
        raise BantinError("the processes that read documents cannot be started")

    async def stop(self) -> None:
        """End them. They are started again when somebody asks; who waits now gets BantinError."""
        self._stops += 1
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.stop)

    def _started(self) -> _Pool:
        return _Pool(
            ProcessPool(
                max_workers=self._number,
                max_tasks=self._max_tasks,
                initializer=_settle_in,
                initargs=(self._nice,),
                context=_context(),
            )
        )


class _Pool:
    """One pool of processes, and what it has been asked and has not answered."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool
        self._asked: set[Future[object]] = set()

    async def ask(
        self, function: Callable[..., object], args: Sequence[object], timeout_s: float
    ) -> object:
        """Raises what pebble's future raises; BrokenProcessPool when it is stopped meanwhile."""
        future = self._pool.schedule(function, args=args, timeout=timeout_s)
        self._asked.add(future)
        future.add_done_callback(self._asked.discard)
        return await asyncio.wrap_future(future)

    def stop(self) -> None:
        """End its processes. Pebble leaves tasks that nobody works on any more without an end."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()
        for future in self._asked.copy():
            with contextlib.suppress(InvalidStateError):  # it was cancelled
                future.set_exception(BrokenProcessPool("it was stopped"))


@dataclass(frozen=True, slots=True)
class _Raised:
    """What a function raised, on its way back. `packed` None: it cannot travel, its words can."""

    packed: bytes | None
    words: str

    def error(self) -> Exception:
        error = None if self.packed is None else pickle.loads(self.packed)  # noqa: S301 - our own
        return error if isinstance(error, Exception) else BantinError(self.words)


def _raised(error: Exception) -> _Raised:
    """Tried here whether it can be read there: an error that cannot would end the whole pool."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever its class does
        packed = None
    return _Raised(packed, f"{type(error).__name__}: {error}"[:300])


def _within(
    cpu_s: float, function: Callable[..., Result], args: Sequence[object]
) -> Result | _Raised:
    """Runs in the process, which ends by SIGPROF when its time is over, also within C."""
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - raised in the caller
        return _raised(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _context() -> ForkServerContext:
    """New ones are forked from one small process that has everything loaded and nothing open.

    One begins in a moment instead of half a second, and they share the memory of what was loaded.
    None of them hears Ctrl-C, which a terminal sends to all: their parent ends them.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["service.collect.workers.forkserver"])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def read_all(jobs: Sequence[ParseTask]) -> list[Outcome]:
    """Runs in the process: each document's own result or reason."""
    # Only they pay for this import.
    from service.collect.workers.parse_task import bring  # noqa: PLC0415

    outcomes: list[Outcome] = []
    for job in jobs:
        try:
            outcome: Outcome = bring(job)
        except ParseError as error:
            outcome = str(error)
        except MemoryError:
            outcome = f"{QUARANTINED}reading this document takes more memory than there is"
        except Exception as error:  # noqa: BLE001 - one document must not cost its neighbours
            outcome = f"the document cannot be read ({type(error).__name__}: {error})"[:300]
        outcomes.append(outcome)
    return outcomes


def _settle_in(nice: int) -> None:
    """Runs once in each. Its imports must not count against the first document's time."""
    from service.collect.workers import parse_task  # noqa: F401, PLC0415 - as in read_all

    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with contextlib.suppress(OSError):
        os.nice(nice)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
