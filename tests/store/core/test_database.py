"""The door of the store: what a unit of work keeps, undoes, and how two writers meet."""

from __future__ import annotations

import sqlite3
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select

from service.errors import StatementError, StoreError
from service.store.content import stale_feeds
from service.store.core import facts
from service.store.core.database import Store
from service.store.tables import fact


def test_a_unit_of_work_that_raises_leaves_nothing(any_store):
    with pytest.raises(RuntimeError), any_store.write() as connection:
        connection.execute(insert(fact).values(name="a", value="1"))
        raise RuntimeError
    with any_store.read() as connection:
        assert facts.get(connection, "a") is None


def test_a_connection_that_comes_back_after_the_store_was_closed_is_closed(sqlite_url):
    """A thread may still read then. Python warns of what is only forgotten."""
    store = Store(sqlite_url)
    with store.read() as connection:
        lent = connection.connection.driver_connection
        store.close()
        assert facts.get(connection, "a") is None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        lent.execute("SELECT 1")


def test_writers_in_threads_never_find_the_database_locked(any_store):
    def add(worker: int) -> None:
        for n in range(25):
            with any_store.write() as connection:
                connection.execute(select(fact)).all()  # read, then write
                connection.execute(insert(fact).values(name=f"{worker}-{n}", value="x"))

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_store.read() as connection:
        written = select(fact).where(fact.c.value == "x")
        assert len(connection.execute(written).all()) == 100


def test_a_second_store_on_the_same_file_waits_for_the_first(sqlite_url):
    one, two = Store(sqlite_url), Store(sqlite_url)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with one.write() as connection:
            connection.execute(insert(fact).values(name="one", value="1"))
            entered.set()
            leave.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(60)
    threading.Timer(0.3, leave.set).start()
    with two.ledger() as connection:
        assert facts.get(connection, "one") == "1"
    holder.join()
    one.close()
    two.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite:////proc/no/such.db"])
def test_an_address_that_is_no_database_is_a_clear_error(url):
    with pytest.raises((StoreError, OSError)), Store(url).read() as connection:
        connection.execute(select(fact))


@pytest.mark.postgres
def test_postgresql_compiles_nothing_and_no_transaction_is_left_open(postgres_database):
    store = Store(postgres_database)
    lent = store.engine.raw_connection()
    try:
        assert lent.driver_connection.info.transaction_status.name == "IDLE"
        assert not lent.driver_connection.autocommit
    finally:
        lent.close()
    with pytest.raises(RuntimeError), store.write() as connection:
        connection.exec_driver_sql("SELECT 1")
        raise RuntimeError
    with store.read() as connection:
        assert connection.exec_driver_sql("SHOW jit").scalar() == "off"
    store.close()


def test_instants_come_back_as_they_went_in_and_naive_ones_are_refused(any_store):
    saigon = timezone(timedelta(hours=7))
    at = datetime(2026, 11, 24, 15, 0, 0, 123456, tzinfo=saigon)
    with any_store.write() as connection:
        stale_feeds.mark(connection, ["giao-duc"], at)
        assert stale_feeds.marked(connection) == {"giao-duc": at}
        assert stale_feeds.marked(connection)["giao-duc"].tzinfo is UTC
    with pytest.raises(Exception, match="without a zone"), any_store.write() as connection:
        stale_feeds.mark(connection, ["y-te"], at.replace(tzinfo=None))


def test_a_mark_set_while_a_feed_is_built_survives_the_clearing(any_store, now):
    later = now + timedelta(seconds=1)
    with any_store.write() as connection:
        stale_feeds.mark(connection, ["giao-duc"], now)
        stale_feeds.mark(connection, ["giao-duc"], later)
        stale_feeds.clear(connection, "giao-duc", now)
        assert stale_feeds.marked(connection) == {"giao-duc": later}
        stale_feeds.clear(connection, "giao-duc", later)
        assert stale_feeds.marked(connection) == {}


def test_the_secret_and_the_tag_authority_are_made_once(any_store):
    with any_store.write() as connection:
        first = facts.secret(connection)
        assert len(first) == 32
        assert facts.tag_authority(connection, "tin.example.vn", 2026) == "tin.example.vn,2026"
    with any_store.write() as connection:
        assert facts.secret(connection) == first
        assert facts.tag_authority(connection, "other.example", 2027) == "tin.example.vn,2026"


def test_what_works_and_refuses_us_is_told_from_what_cannot_be_used(any_store, tmp_path):
    with pytest.raises(StatementError), any_store.read() as connection:
        statement = "SELECT ?, ?" if any_store.is_sqlite else "SELECT nothing"
        connection.exec_driver_sql(statement, (1,) if any_store.is_sqlite else None)
    (tmp_path / "no.db").write_bytes(b"no database" * 1000)
    broken = Store(f"sqlite:///{tmp_path / 'no.db'}")
    unusable = pytest.raises(StoreError, match="cannot be used: file is not a database")
    with unusable as found, broken.read() as connection:
        connection.exec_driver_sql("SELECT 1")
    broken.close()
    assert not isinstance(found.value, StatementError)
