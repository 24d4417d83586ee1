"""A pool that is stopped while one worker takes long to end and another has not begun yet.

Usage: python -m tests.collect.workers.stopped_early FILE, which does not exist.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from typing import Any

from service.collect.workers.processes import Processes


class Nice(int):
    """A level whose worker gets it, and all that comes after it, late: the first at once."""

    file: str

    def __reduce__(self) -> tuple[Any, ...]:
        return level, (self.file,)


def level(file: str) -> Nice:
    """Runs in each worker before it knows the locks of its pool."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        time.sleep(1.5)
    number = Nice(0)
    number.file = file
    return number


def hard_to_end() -> None:
    """Runs in the first worker."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    time.sleep(2)


async def stop_early(file: str) -> None:
    nice = Nice(0)
    nice.file = file
    processes = Processes(2, max_tasks=5, nice=nice)
    waiting = asyncio.create_task(processes.run(hard_to_end, (), 5.0))
    while not os.path.exists(file):  # noqa: ASYNC110, ASYNC240, PTH110 - another process makes it
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    await processes.stop()
    (came,) = await asyncio.gather(waiting, return_exceptions=True)
    sys.stdout.write(f"{came!r}\n")


if __name__ == "__main__":
    asyncio.run(stop_early(sys.argv[1]))
