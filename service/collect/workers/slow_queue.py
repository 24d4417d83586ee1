"""Slow documents go to a separate single-worker queue, and hold up nobody but each other.

    too long beside others ──> wait in the queue (not for ever) ──> one process, the whole time

One process reads them one by one, started when one comes and ended when none waits. What waits is
bounded in bytes and in time: an attacker with a hundred documents that hang keeps neither the
memory nor the pass of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from pebble import ProcessExpired

from service.collect.workers.processes import QUARANTINED, Outcome, OverTimeError, Processes, Result
from service.collect.workers.task import ParseTask
from service.errors import BantinError, QuarantinedError

WAIT_S = 60.0
"""How long a document waits for its turn here."""

WAITING_BYTES = 20 * 1024 * 1024
"""Bytes of bodies in the lane, less than half of what all bodies may take together."""

_NICE = 15  # behind the other readers

_BUSY = "not read this time: other documents that take very long were before it"


class SlowLane:
    """Reads one document at a time, each for `timeout_s` seconds at most."""

    def __init__(
        self, timeout_s: float, *, wait_s: float = WAIT_S, most_bytes: int = WAITING_BYTES
    ) -> None:
        self._timeout_s = timeout_s
        self._wait_s = wait_s
        self._most_bytes = most_bytes
        self._bytes = 0
        self._inside = 0
        self._free = asyncio.Lock()
        self._processes = Processes(1, max_tasks=0, nice=_NICE)

    async def stop(self) -> None:
        """End its process."""
        await self._processes.stop()

    async def read(self, job: ParseTask, *, tries: int) -> Outcome:
        """What the document says, or why it does not.

        `tries`: how often it may kill its reader before it is quarantined. Raises BantinError when
        the lane is full: that says nothing about this document.
        """
        async with self._turn(len(job.body)):
            died = ""
            for _ in range(tries):
                try:
                    (outcome,) = await self._processes.ask([job], self._timeout_s)
                except OverTimeError:
                    return took_too_long(self._timeout_s)
                except ProcessExpired as error:
                    died = killed(error)
                else:
                    return outcome
            return died

    async def call(self, function: Callable[..., Result], args: Sequence[object]) -> Result:
        """What a function says. Raises QuarantinedError when it kills or hangs its process."""
        async with self._turn(0):
            try:
                return await self._processes.run(function, args, self._timeout_s)
            except OverTimeError as error:
                raise QuarantinedError(took_too_long(self._timeout_s)) from error
            except ProcessExpired as error:
                raise QuarantinedError(killed(error)) from error

    @asynccontextmanager
    async def _turn(self, size: int) -> AsyncIterator[None]:
        if self._inside and self._bytes + size > self._most_bytes:
            raise BantinError(_BUSY)
        self._bytes += size
        self._inside += 1
        try:
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._free.acquire()
            except TimeoutError:
                raise BantinError(_BUSY) from None
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._bytes -= size
            self._inside -= 1
            if not self._inside:
                await self._processes.stop()


def took_too_long(seconds: float) -> str:
    """The reason that `status` shows for a document that hung its reader."""
    return f"{QUARANTINED}reading this document took longer than {seconds:g} s"


def killed(error: ProcessExpired) -> str:
    """The same for one that ended the process."""
    return f"{QUARANTINED}this document kills the process that reads it (exit {error.exitcode})"
