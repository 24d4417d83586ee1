"""Many processes on one PostgreSQL: ticks come once, kicks at once, and neither is needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import Connection, text

from service.errors import StatementError, StoreBusyError
from service.runtime.distributed import DistributedEngine, cron
from service.runtime.engine import Engine, PeriodicJob
from service.store.core import facts, processes
from service.store.core.database import Store
from service.store.core.job_queue import bring_up
from service.store.core.kicks import Kick, has_queue, kick
from service.store.core.processes import ServiceProcess

pytestmark = pytest.mark.postgres

RARELY_S = 3600.0
PATIENCE_S = 60.0

OWN_LOOKS = 2
"""Of two processes, each at its start."""

Run = Callable[[], Awaitable[bool]]


@pytest.fixture
def many(postgres_database):
    """A store with the engine's tables, in which a process of many was seen."""
    store = Store(postgres_database)
    bring_up(store, "0")
    now = datetime.now(UTC)
    with store.write() as connection:
        processes.show(
            connection,
            ServiceProcess("one", "vm", "all", "all", 1, "0", started_at=now, seen_at=now),
        )
    yield store
    store.close()


@asynccontextmanager
async def running(url: str, ticks_s: float = RARELY_S, **runs: Run) -> AsyncIterator[Engine]:
    """A process that does these jobs; its own look comes once, at the start."""
    jobs = [PeriodicJob(name, run, ticks_s) for name, run in runs.items()]
    if ticks_s == RARELY_S:
        _without_the_hours_ticks(url, runs)
    engine = Engine([PeriodicJob(job.name, job.run, RARELY_S) for job in jobs])
    process = DistributedEngine(url, engine, jobs)
    process.start()
    try:
        yield engine
    finally:
        assert await process.stop(5)


def _without_the_hours_ticks(url: str, names: Iterable[str]) -> None:
    """Note that the ticks of this hour and of the next have been given out.

    The queue gives out at the start what was due in the ten minutes before it: a test that began
    shortly after the full hour would count one run more.
    """
    hour = int(time.time() / RARELY_S) * int(RARELY_S)
    given = [(name, hour + after) for name in names for after in (0, int(RARELY_S))]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.cursor().executemany(
            "INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)"
            " VALUES (%s, '', %s) ON CONFLICT DO NOTHING",
            given,
        )


def counting(runs: list[float]) -> Run:
    async def run() -> bool:
        runs.append(time.monotonic())
        return False

    return run


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.005)


async def settled(url: str, *kinds: list[float]) -> None:
    """Each job has had its look at the start, and the queue is heard: a kick comes through."""
    await until(lambda: all(kinds))
    store = Store(url)
    for runs in kinds:
        before = len(runs)
        while len(runs) == before:
            _tell(store, Kick.MAIL, Kick.FEEDS)
            await asyncio.sleep(0.1)
    await asyncio.sleep(0.2)
    store.close()


def _tell(store: Store, *kicks: Kick) -> None:
    with store.write() as connection:
        for one in kicks:
            kick(connection, one)


async def test_a_kick_reaches_another_process_at_its_commit_and_never_if_it_is_undone(
    many, postgres_database
):
    mails: list[float] = []
    async with running(postgres_database, mail=counting(mails)):
        await settled(postgres_database, mails)
        await until(lambda: _waiting(many, "mail") == 0)  # or it would be heard below
        before = len(mails)
        with pytest.raises(StatementError), many.write() as connection:
            kick(connection, Kick.MAIL)
            connection.execute(text("SELECT 1 / 0"))
        await asyncio.sleep(0.3)
        assert len(mails) == before
        await asyncio.to_thread(_tell, many, Kick.MAIL)
        await until(lambda: len(mails) > before)


async def test_a_tick_comes_once_for_all_processes(many, postgres_database):
    one, other = list[float](), list[float]()
    begun = int(time.time())
    async with (
        running(postgres_database, 1, publish=counting(one)),
        running(postgres_database, 1, publish=counting(other)),
    ):
        await until(lambda: bool(one) and bool(other))
        await until(lambda: len(one) + len(other) >= OWN_LOOKS + 4)
        runs = len(one) + len(other)
        # However late they come: those of each second since then, and the one before.
        assert runs <= OWN_LOOKS + int(time.time()) - begun + 1


async def test_who_is_busy_leaves_the_next_to_another(many, postgres_database):
    other: list[float] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def long() -> bool:
        begun.set()
        await go_on.wait()
        return False

    async with running(postgres_database, mail=long):
        await begun.wait()
        await asyncio.to_thread(_tell, many, Kick.MAIL)
        await until(lambda: _in_hand(many) == 1)  # which keeps its only place
        async with running(postgres_database, mail=counting(other)):
            await settled(postgres_database, other)
            for _ in range(3):
                before = len(other)
                await asyncio.to_thread(_tell, many, Kick.MAIL)
                await until(lambda before=before: len(other) > before)
        go_on.set()


async def test_stale_feeds_wait_for_the_pass_that_runs_in_the_same_process(many, postgres_database):
    published: list[float] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def collect() -> bool:
        begun.set()
        await go_on.wait()
        return False

    async with running(postgres_database, collect=collect, publish=counting(published)):
        await begun.wait()
        await until(lambda: bool(published))
        await asyncio.sleep(0.5)
        before = len(published)
        await asyncio.to_thread(_tell, many, Kick.FEEDS)
        await asyncio.sleep(0.5)
        assert len(published) == before
        go_on.set()
        await until(lambda: len(published) > before)


async def test_stale_feeds_that_wait_for_a_pass_keep_no_other_job_from_its_turn(
    many, postgres_database
):
    published, delivered = list[float](), list[float]()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def collect() -> bool:
        begun.set()
        await go_on.wait()
        return False

    async with running(
        postgres_database,
        collect=collect, publish=counting(published), delivered=counting(delivered),
    ):  # fmt: skip
        await begun.wait()
        await until(lambda: bool(published and delivered))
        await asyncio.sleep(0.5)
        for _ in range(9):
            await asyncio.to_thread(_tell, many, Kick.FEEDS)
            await asyncio.sleep(0.05)
        before = len(delivered)
        await asyncio.to_thread(_tell, many, Kick.DELIVERED)
        await until(lambda: len(delivered) > before)
        go_on.set()


async def test_kicks_that_nobody_took_are_one_run_later(many, postgres_database):
    for _ in range(200):
        _tell(many, Kick.MAIL)
    mails: list[float] = []

    async def slow() -> bool:
        mails.append(time.monotonic())
        await asyncio.sleep(0.05)
        return False

    async with running(postgres_database, mail=slow):
        await until(lambda: bool(mails) and _waiting(many) == 0)
        await asyncio.sleep(0.3)
        assert len(mails) <= 5


async def test_an_empty_or_wedged_queue_costs_time_and_nothing_else(many, postgres_database):
    """Its own look goes on; a job of a worker that died stops no other."""
    mails: list[float] = []
    engine = Engine([PeriodicJob("mail", counting(mails), 0.2)])
    process = DistributedEngine(
        postgres_database, engine, [PeriodicJob("mail", counting(mails), RARELY_S)]
    )
    process.start()
    try:
        await until(lambda: bool(mails))
        await asyncio.to_thread(_drop, many)
        before = len(mails)
        await until(lambda: len(mails) > before + 2)
        await asyncio.to_thread(_tell, many, Kick.MAIL)  # whose transaction is kept
    finally:
        assert await process.stop(5)


def _drop(store: Store) -> None:
    """Not on the event loop: whoever has the table in hand just now works there.

    Again where a worker has it in hand and asks for another one that this has taken.
    """
    for _ in range(20):
        with suppress(StoreBusyError), store.write() as connection:
            connection.execute(text("DROP TABLE procrastinate_jobs CASCADE"))
            return


async def test_a_queue_that_is_locked_holds_up_no_transaction_for_long(many):
    with many.write() as connection:
        connection.execute(text("LOCK TABLE procrastinate_jobs IN ACCESS EXCLUSIVE MODE"))
        await asyncio.wait_for(asyncio.to_thread(_tell_and_note, many), PATIENCE_S)
    with many.read() as connection:
        assert facts.get(connection, "noted") == "yes"
    _tell(many, Kick.MAIL)
    assert _waiting(many) == 1


def _tell_and_note(store: Store) -> None:
    with store.write() as connection:
        facts.put(connection, "noted", "yes")
        kick(connection, Kick.MAIL)


async def test_kicks_for_a_role_that_nobody_has_are_not_queued(postgres_database):
    store = Store(postgres_database)
    bring_up(store, "0")
    now = datetime.now(UTC)
    one = ServiceProcess("one", "vm", "web", "web", 1, "0", started_at=now, seen_at=now)
    with store.write() as connection:
        processes.show(connection, one)
    _tell(store, Kick.MAIL, Kick.FEEDS)
    assert _waiting(store) == 0
    with store.write() as connection:
        processes.show(connection, replace(one, id="two", name="mail", role="mail"))
    _tell(store, Kick.MAIL, Kick.FEEDS, Kick.DELIVERED)
    assert _waiting(store) == 3, "mail, digests, publish"
    store.close()


async def test_all_goes_on_after_the_database_has_dropped_its_connections(many, postgres_database):
    mails: list[float] = []
    async with running(postgres_database, mail=counting(mails)):
        await settled(postgres_database, mails)
        with many.read() as connection:
            _drop_connections(connection)
        await settled(postgres_database, mails)


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


JOB = {"job": '{"type": "job_inserted", "job_id": 1}'}


def _drop_connections(connection: Connection) -> None:
    connection.execute(text(f"SELECT pg_terminate_backend(pid) {OTHERS}"))


async def test_it_stops_though_the_database_drops_its_connections_just_then(
    many, postgres_database
):
    """What a worker says of that, instead of "cancelled", must not let it begin anew."""
    mails: list[float] = []
    jobs = [PeriodicJob("mail", counting(mails), RARELY_S)]
    process = DistributedEngine(postgres_database, Engine(jobs), jobs)
    process.start()
    await settled(postgres_database, mails)
    with many.write() as connection:
        lock = text("LOCK TABLE procrastinate_jobs IN ACCESS EXCLUSIVE MODE")
        await asyncio.to_thread(connection.execute, lock)  # workers here may have it in hand
        with many.write() as telling:
            telling.execute(text("SELECT pg_notify('procrastinate_queue_v1#mail', :job)"), JOB)
        waiting = text(f"SELECT count(*) {OTHERS} AND wait_event_type = 'Lock'")
        await until(lambda: bool(connection.scalar(waiting)))
        stopping = asyncio.create_task(process.stop(5))
        await asyncio.sleep(0.2)
        _drop_connections(connection)
    assert await asyncio.wait_for(stopping, PATIENCE_S)


async def test_nothing_is_queued_where_no_process_of_many_lives(postgres_database):
    store = Store(postgres_database)
    bring_up(store, "0")
    _tell(store, Kick.MAIL)
    assert _waiting(store) == 0
    store.close()


def test_the_engines_tables_are_made_once_and_by_one(postgres_database):
    store = Store(postgres_database)
    for _ in range(2):
        bring_up(store, "0")
    with store.read() as connection:
        assert has_queue(connection)
    store.close()


@pytest.mark.parametrize(
    ("every_s", "said"),
    [
        (0.2, "* * * * * */1"),
        (5, "* * * * * */5"),
        (59, "* * * * * */30"),
        (60, "*/1 * * * * 0"),
        (3600, "0 * * * * 0"),
    ],
)
def test_ticks_are_told_in_the_words_of_cron(every_s, said):
    assert cron(every_s) == said


def _in_hand(store: Store) -> int:
    """Jobs that a process has taken from the queue and not ended yet."""
    of = text("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'")
    with store.read() as connection:
        found = connection.scalar(of)
    assert isinstance(found, int)
    return found


def _waiting(store: Store, name: str = "") -> int:
    """Jobs in the queue, waiting or in hand: all, or those of this name."""
    of = text("SELECT count(*) FROM procrastinate_jobs WHERE :name IN ('', task_name)")
    with store.read() as connection:
        found = connection.scalar(of, {"name": name})
    assert isinstance(found, int)
    return found
