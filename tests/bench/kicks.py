"""How soon a kick reaches another process: from the commit of a transaction to a job's beginning.

By hand: `python -m tests.bench.kicks [--kicks 500]`, with BANTIN_TEST_POSTGRES as in tests. Both
processes are on one machine, whose monotonic clock they share.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from service.runtime.distributed import DistributedEngine
from service.runtime.engine import Engine, PeriodicJob
from service.store.core import processes
from service.store.core.database import Store
from service.store.core.job_queue import bring_up
from service.store.core.kicks import Kick, kick
from service.store.core.migrate import migrate
from service.store.core.processes import ServiceProcess
from tests.bench.own_database import own_database

RARELY_S = 3600.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the times of the kicks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kicks", type=int, default=500)
    options = parser.parse_args(arguments)
    with own_database("kicks") as url:
        took = sorted(_measured(url, options.kicks))
    half, most = took[len(took) // 2], took[int(0.99 * len(took))]
    print(f"{len(took)} kicks: p50 {half:.1f} ms, p99 {most:.1f} ms, most {took[-1]:.1f} ms")


def _measured(url: str, number: int) -> list[float]:
    store = Store(url)
    migrate(store)
    bring_up(store, "0")
    now = datetime.now(UTC)
    with store.write() as connection:
        processes.show(
            connection,
            ServiceProcess("1", "vm", "mail", "mail", 1, "0", started_at=now, seen_at=now),
        )
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_other, args=(url, there), daemon=True)
    process.start()
    try:
        here.recv()  # its look at the start
        while not here.poll(0.2):
            _tell(store)  # until the queue is heard
        while here.poll(0.5):
            here.recv()
        took = []
        for _ in range(number):
            told = _tell(store)
            took.append(1000 * (here.recv() - told))
            time.sleep(0.01)
        return took
    finally:
        process.kill()
        process.join()
        store.close()


def _tell(store: Store) -> float:
    """Commit what wakes the mail. When that began: a commit may be heard before it returns."""
    with store.write() as connection:
        kick(connection, Kick.MAIL)
        return time.monotonic()


def _other(url: str, told: Connection) -> None:
    async def mail() -> bool:
        told.send(time.monotonic())
        return False

    async def live() -> None:
        jobs = [PeriodicJob("mail", mail, RARELY_S)]
        DistributedEngine(url, Engine(jobs), jobs).start()
        await asyncio.Event().wait()

    asyncio.run(live())


if __name__ == "__main__":
    main()
