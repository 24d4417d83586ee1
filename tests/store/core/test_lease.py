"""One lease for all that a process has in hand: taken, renewed, lost, given back."""

from __future__ import annotations

import asyncio
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.errors import StoreBusyError
from service.store import tables as t
from service.store.core.lease import FURTHEST, LASTS, RENEW_EVERY_S, Term, in_hand, renewed
from service.store.core.threads import claimed_in_thread, in_thread
from service.store.mailing import deliveries
from service.store.sources import (
    article_page_queue,
    dead_sources,
    polling_queue,
    site_leases,
)
from service.store.sources.dead_sources import Suggestion
from service.store.sources.polling_queue import LEASE as OF_SOURCES
from service.store.websub import hub_subscriptions
from tests.builders import add_source

SECOND = timedelta(seconds=1)
BEAT = Term(LASTS, 0.01)


def owners(connection):
    columns = t.source_poll.c.lease_owner, t.source_poll.c.lease_until
    ordered = select(*columns).order_by(t.source_poll.c.source_id)
    return [tuple(row) for row in connection.execute(ordered)]


def claim(connection, now, owner):
    due = polling_queue.named(connection, ["bao-a"])
    return polling_queue.claim(connection, due, owner, now, now + LASTS, at_once=True)


def test_a_dead_owner_is_known_in_less_than_a_minute():
    assert timedelta(seconds=RENEW_EVERY_S) * 3 <= LASTS <= timedelta(seconds=30)


def test_leases_have_one_spelling():
    """And one that lasts as long as any other: a queue of its own kind would be read wrongly."""
    leased = {
        table.name
        for table in t.metadata.tables.values()
        if any("owner" in column.name or "lease" in column.name for column in table.c)
    }
    known = (
        polling_queue.LEASE, article_page_queue.LEASE, site_leases.LEASE, hub_subscriptions.LEASE,
        deliveries.LEASE,
    )  # fmt: skip
    assert leased == {lease.table.name for lease in known}
    for table in leased:
        named = {one.name for one in t.metadata.tables[table].c}
        assert {one for one in named if "owner" in one or "lease" in one} == {
            "lease_owner", "lease_until",
        }  # fmt: skip


def test_a_lease_is_renewed_by_its_owner_alone(any_store, now):
    with any_store.write() as connection:
        one, two = add_source(connection, now), add_source(connection, now, "bao-b")
        claim(connection, now, "a")
        until = now + 2 * LASTS
        OF_SOURCES.renew(connection, "b", [one, two], until)
        assert owners(connection) == [("a", now + LASTS), (None, None)]
        OF_SOURCES.renew(connection, "a", [one, two], until)
        assert owners(connection) == [("a", until), (None, None)]
        assert claim(connection, until - SECOND, "b") == []
        # Late, and taken by nobody: it is its owner's still. Late, and taken: it is not.
        OF_SOURCES.renew(connection, "a", [one], until + LASTS)
        assert claim(connection, until, "b") == []
        assert len(claim(connection, until + LASTS, "b")) == 1
        OF_SOURCES.renew(connection, "a", [one], until + 5 * LASTS)
        OF_SOURCES.release(connection, "a", [one])
        assert owners(connection)[0] == ("b", until + 2 * LASTS)


def test_many_rows_are_renewed_and_given_back(store, now):
    with store.write() as connection:
        ids = [add_source(connection, now, f"s{n}") for n in range(1200)]
        connection.execute(update(t.source_poll).values(lease_owner="a", lease_until=now))
        OF_SOURCES.renew(connection, "a", ids, now + LASTS)
        assert set(owners(connection)) == {("a", now + LASTS)}
        OF_SOURCES.release(connection, "a", ids)
        assert set(owners(connection)) == {(None, None)}


def test_a_lease_of_a_clock_that_was_ahead_is_void(store, now):
    with store.write() as connection:
        add_source(connection, now)
        assert len(claim(connection, now + timedelta(hours=1), "ahead")) == 1
        assert len(claim(connection, now, "b")) == 1
        assert claim(connection, now + LASTS - FURTHEST, "c") == []  # so far apart clocks may be


@pytest.mark.postgres
def test_who_renews_waits_for_nobody(postgres_database, now):
    """Two that wait for each other's rows would both wait for ever."""
    from service.store.core.database import Store  # noqa: PLC0415 - of this test alone

    store, other = Store(postgres_database), Store(postgres_database)
    try:
        with store.write() as connection:
            ids = [add_source(connection, now, f"s{n}") for n in range(3)]
            connection.execute(update(t.source_poll).values(lease_owner="a", lease_until=now))
        with other.write() as writing:
            writing.execute(
                update(t.source_poll).where(t.source_poll.c.source_id == ids[1]).values(failures=1)
            )
            with store.write() as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
                OF_SOURCES.renew(connection, "a", ids, now + LASTS)
        with store.read() as connection:
            rows = connection.execute(
                select(t.source_poll.c.lease_until).order_by(t.source_poll.c.source_id)
            ).scalars()
            assert list(rows) == [now + LASTS, now, now + LASTS]
    finally:
        store.close()
        other.close()


async def test_a_renewal_that_fails_costs_a_beat_and_not_the_work():
    beats: list[str] = []
    enough = threading.Event()

    def renew() -> None:
        beats.append(threading.current_thread().name)
        if len(beats) == 1:
            raise StoreBusyError("another process is writing to the database")
        if len(beats) == 2:
            raise RuntimeError("a bug of ours")
        enough.set()

    async with renewed(renew, BEAT):
        assert await asyncio.to_thread(enough.wait, 20)
    number = len(beats)
    assert number >= 3
    assert threading.current_thread().name not in beats
    await asyncio.sleep(0.05)
    assert len(beats) == number  # it is over with the block


async def test_a_renewal_does_not_wait_for_the_threads_that_all_share():
    beat, go = threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    busy = [loop.run_in_executor(None, go.wait, 30) for _ in range(64)]
    async with renewed(beat.set, BEAT):
        for _ in range(2000):
            if beat.is_set():
                break
            await asyncio.sleep(0.01)
    assert beat.is_set()
    go.set()
    await asyncio.gather(*busy)


async def test_what_is_in_hand_is_kept_for_the_block_and_then_given_back(store, now):
    with store.write() as connection:
        one, two = add_source(connection, now), add_source(connection, now, "bao-b")
        connection.execute(update(t.source_poll).values(lease_owner="a", lease_until=now))
    clock = iter(now + n * SECOND for n in range(100_000))
    was_kept = asyncio.Event()

    async def works() -> None:
        async with in_hand(store, OF_SOURCES, "a", [one, two], lambda: next(clock), BEAT):
            with store.write() as connection:  # this one is lost meanwhile
                mine = update(t.source_poll).where(t.source_poll.c.source_id == two)
                connection.execute(mine.values(lease_owner="b", lease_until=now + LASTS))
            kept = now
            while kept < now + LASTS:
                await asyncio.sleep(0.01)
                with store.read() as connection:
                    kept, other = (until for _, until in owners(connection))
            assert other == now + LASTS
            was_kept.set()
            await asyncio.sleep(60)

    working = asyncio.create_task(works())
    await asyncio.wait_for(was_kept.wait(), 60)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    with store.read() as connection:
        assert owners(connection) == [(None, None), ("b", now + LASTS)]


async def test_what_a_thread_claimed_for_who_was_cancelled_is_given_back():
    begun, go = asyncio.Event(), threading.Event()
    loop, done = asyncio.get_running_loop(), []

    def claim_slowly() -> list[int]:
        loop.call_soon_threadsafe(begun.set)
        go.wait(60)
        done.append("claimed")
        return [1, 2]

    task = asyncio.create_task(claimed_in_thread(claim_slowly, done.append))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0.02)
    task.cancel()  # as often as one likes
    await asyncio.sleep(0.02)
    assert not task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["claimed", [1, 2]]


async def test_who_is_cancelled_ends_after_its_thread():
    begun, go = asyncio.Event(), threading.Event()
    loop, done = asyncio.get_running_loop(), []

    def write() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait(60)
        done.append("written")

    task = asyncio.create_task(in_thread(write))
    await begun.wait()
    task.cancel()
    loop.call_later(0.05, go.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == ["written"]


def test_a_search_that_is_over_too_late_does_not_undo_anothers(any_store, now):
    found = Suggestion("feed", "https://bao.example/moi.rss", "Báo", 3)
    with any_store.write() as connection:
        add_source(connection, now, dead_since=now, failures=9)

        def wanting(at):
            return dead_sources.wanting(
                connection, at, dead_before=at, sought_before=at - LASTS, failures=1
            )

        (slow,) = dead_sources.claim(connection, wanting(now), "slow", now, now + LASTS)
        assert dead_sources.claim(connection, wanting(now), "b", now, now + LASTS) == []
        assert claim(connection, now, "b") == []  # nor is it polled meanwhile
        later = now + LASTS
        (quick,) = dead_sources.claim(connection, wanting(later), "b", later, later + LASTS)
        assert dead_sources.suggest(connection, quick, "b", later, [found])
        assert not dead_sources.suggest(connection, slow, "slow", later + SECOND, [])
        row = connection.execute(select(t.source_poll)).one()
        assert row.suggestions[0]["url"] == found.url
        assert (row.searched_at, row.lease_owner) == (later, None)


def test_the_columns_of_the_lease_are_spelt_in_one_place():
    """Conditions and values come from `Lease`; what is left are names of rows that were read."""
    store = Path(__file__).parents[3] / "service" / "store"
    spelt = re.compile(r"\.c\.lease_|[\"']lease_(owner|until)|lease_(owner|until)=")
    found = {
        str(path.relative_to(store))
        for path in store.rglob("*.py")
        if not {"migrations", "tables"} & set(path.parts)
        and spelt.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"core/lease.py"}
