"""The two databases behind one door: reads, writes, and the writes of the delivery ledger.

SQLite: WAL, every write unit of work is `BEGIN IMMEDIATE` (a deferred one fails at once when two
processes write), `synchronous=FULL` for the ledger, since NORMAL may undo the last commits after a
power cut. PostgreSQL: plain transactions.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import LRUCache

from service.errors import ConflictError, StatementError, StoreBusyError, StoreError
from service.store.core import kicks, private_files
from service.store.core.database_clock import DatabaseClock
from service.store.core.server_address import PATIENCE, SERVER_PATIENCE, parsed

__all__ = ["BUSY_LIMIT_S", "Connection", "Store", "is_there"]
# Rooms name the type of what a block gives them without importing the library behind it.

BUSY_LIMIT_S = 60.0
"""How long a writer waits for another process's write lock. Commands run beside the service."""

_READER_LIMIT_S = 5.0
"""How long who only reads waits: a page says after that that it cannot be read just now."""

_BUSY_PAUSE_S = 0.05

_CHECKPOINT_PAGES = 24_000
"""Of SQLite's log before it is carried over: 96 MB. Indexes of addresses are written all over, and
at SQLite's own 1,000 a first collection of thousands of sources wrote each page a dozen times."""

_READS_KB, _WRITES_KB = 300, 3000
"""SQLite's own cache for each connection. There are as many that read as threads, and what they
read the system has in its cache; those that write come back to a page for each of their rows. What
a range of an edition tells is written into some hundred pages of three indexes: with the small one
each of them was spilled and read again many times, which took three times as long."""

_BEGIN = "bantin_begin"
"""Where a connection keeps the words that begin its transactions, if others than BEGIN."""

_COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""SQL of statements for SQLite, at most 1.5 times as many; threads may share it. A file has three
engines: with SQLAlchemy's own cache for each, most statements were compiled two or three times."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """Connections to a database: in use just now, idle, and how many there may be at most."""

    in_use: int
    idle: int
    most: int


class Store:
    """An open database. Threads may share it; `close()` it at the end."""

    def __init__(self, url: str) -> None:
        """Open `url`: `sqlite:///PATH` or `postgresql://…`. Raises StoreError."""
        place = parsed(url)
        self.is_sqlite = place.get_backend_name() == "sqlite"
        self.path = _path(place)
        self._write_lock = threading.Lock()
        self._kicked: kicks.Listener = _nobody
        self._has_queue = False  # as far as is known: it may yet be made
        self._clock = DatabaseClock()
        try:
            self._readers, self._engine, self._ledger = self._engines(url)
        except ModuleNotFoundError as error:
            raise StoreError(
                "PostgreSQL needs the extra: pip install 'bantin[postgres]'"
            ) from error

    def _engines(self, url: str) -> tuple[Engine, Engine, Engine]:
        """The engines for reads, for writes, and for the ledger."""
        place = parsed(url)
        if not self.is_sqlite:
            if place.get_backend_name() != "postgresql":
                raise StoreError(f"{place.get_backend_name()!r} is neither sqlite nor postgresql")
            engine = create_engine(
                place.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                pool_size=10,
                connect_args={one: PATIENCE[one] for one in PATIENCE.keys() - place.query.keys()},
            )
            event.listen(engine, "connect", self._prepare)
            return engine, engine, engine
        if self.path is not None:
            _make_private(self.path)
        return (
            _sqlite_engine(url, "NORMAL", _READS_KB, _READER_LIMIT_S),
            _sqlite_engine(url, "NORMAL", _WRITES_KB, BUSY_LIMIT_S),
            _sqlite_engine(url, "FULL", _WRITES_KB, BUSY_LIMIT_S),
        )

    @property
    def engine(self) -> Engine:
        """The engine for migrations alone."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For questions; nothing written in it is kept.

        On SQLite a consistent view; on PostgreSQL each statement sees what is committed by then.
        """
        with errors_as_ours(), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One unit of work: committed at the end of the block, undone when it raises.

        Raises StoreBusyError when another process held the lock for BUSY_LIMIT_S.
        """
        with self._transaction(self._engine) as connection:
            yield connection

    @contextmanager
    def ledger(self) -> Iterator[Connection]:
        """Like `write`, and on the disk when it returns: for rows that decide about mail."""
        with self._transaction(self._ledger) as connection:
            yield connection

    def tell(self, listener: kicks.Listener) -> None:
        """From now on tell `listener` what each commit of this process makes true."""
        self._kicked = listener

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        if not self.is_sqlite:
            with errors_as_ours(), engine.begin() as connection:
                kicks.taken(connection)  # of a transaction before, which was undone
                yield connection
                kicked = kicks.taken(connection)
                if kicked:
                    self._defer(connection, kicked)
            if kicked:
                self._kicked(kicked)
            return
        # Threads of this process queue here instead of spinning on SQLite's own lock.
        with (
            self._write_lock, errors_as_ours(), engine.connect() as connection,
            writing_at_once(connection),
        ):  # fmt: skip
            begin_patiently(connection)
            kicks.taken(connection)  # of a transaction before, which was undone
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            kicked = kicks.taken(connection)
            connection.commit()
        if kicked:
            self._kicked(kicked)

    def _defer(self, connection: Connection, kicked: frozenset[kicks.Kick]) -> None:
        # A process that kicks while it begins is often there before the queue, or alone for a year.
        has_queue = self._has_queue or kicks.has_queue(connection)
        self._has_queue = has_queue and kicks.defer(connection, kicked)  # else it may be gone

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """SQLite's own connection outside of any transaction, while no thread of ours writes."""
        with self._write_lock, errors_as_ours():
            lent = self._engine.raw_connection()
            try:
                yield lent.driver_connection
            except sqlite3.OperationalError as error:
                raise OperationalError(str(error), None, error) from error
            finally:
                lent.close()

    @property
    def clock(self) -> DatabaseClock | None:
        """PostgreSQL's, measured with each new connection; None: SQLite has none."""
        return None if self.is_sqlite else self._clock

    def measure_clock(self) -> None:
        """Measure the database's clock once more; nothing for SQLite. Raises StoreError."""
        if self.is_sqlite:
            return
        asked = text("SELECT clock_timestamp()")
        with self.read() as connection:
            connection.execute(asked)  # a transaction begins with a round trip of its own
            self._clock.measure(lambda: connection.execute(asked).scalar_one())

    def _prepare(self, connection: Any, _record: Any) -> None:
        """Prepare a new connection to PostgreSQL.

        It may lead to another server than the one before: its clock is asked before all else.
        """
        # Compiling took 0.1-0.6 s of statements whose rows took some milliseconds: planning a
        # welcome went from 1.65 s to 1.02 s without. PgBouncer refuses options at the start of a
        # connection, and what is set inside a transaction goes with its rollback.
        connection.autocommit = True
        connection.execute(f"SET jit = off; {SERVER_PATIENCE}")
        self._clock.measure(lambda: connection.execute("SELECT clock_timestamp()").fetchone()[0])
        connection.autocommit = False

    def pools(self) -> dict[str, PoolUse]:
        """How many connections are open, by what they are for; with PostgreSQL all are for all."""
        if not self.is_sqlite:
            engines = {"all": self._engine}
        else:
            engines = {"read": self._readers, "write": self._engine, "ledger": self._ledger}
        return {
            name: PoolUse(pool.checkedout(), pool.checkedin(), pool.size() + pool._max_overflow)  # noqa: SLF001 - there is no other word for it
            for name, engine in engines.items()
            if isinstance(pool := engine.pool, QueuePool)
        }

    def close(self) -> None:
        """Close all connections; one that a thread still has, as soon as it comes back."""
        for engine in (self._readers, self._engine, self._ledger):
            if isinstance(pool := engine.pool, QueuePool) and pool.checkedout():
                event.listen(pool, "checkin", _close)
            engine.dispose()


def _close(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.close()


def _nobody(_kicked: frozenset[kicks.Kick]) -> None:
    """No engine runs in this process."""


def is_there(url: str) -> bool:
    """Whether an SQLite file is there, which looking would make. A server is taken to be there."""
    place = parsed(url)
    return place.get_backend_name() != "sqlite" or Path(place.database or "").is_file()


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None: it is on a server, or in memory."""
    place = parsed(url)
    is_file = place.get_backend_name() == "sqlite" and place.database
    return Path(str(place.database)) if is_file else None


def _path(place: URL) -> Path | None:
    """The file of an SQLite database; None where there is none."""
    is_file = place.get_backend_name() == "sqlite" and place.database not in (None, "", ":memory:")
    return Path(place.database or "") if is_file else None


def _make_private(path: Path) -> None:
    """The file and SQLite's own beside it, for nobody else to read. Folders are made if needed."""
    try:
        private_files.make_folder(path.parent)
        private_files.make_file(path)
        for suffix in ("-wal", "-shm"):
            private_files.close(path.with_name(path.name + suffix))
    except PermissionError:
        return  # somebody else's, whom only reading is left to; SQLite says what does not go
    except OSError as error:
        where = error.filename or path.parent
        raise StoreError(f"the folder {where} cannot be made: {error.strerror}") from error


def _sqlite_engine(url: str, synchronous: str, cache_kb: int, limit_s: float) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": _READER_LIMIT_S, "check_same_thread": False},
        execution_options={"compiled_cache": _COMPILED},
    )
    engine.dialect = _sqlite_dialect()

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        # SQLite does not wait by itself here where another process has just made the file.
        _patiently(lambda: cursor.execute("PRAGMA journal_mode=WAL"), limit_s)
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.execute(f"PRAGMA cache_size=-{cache_kb}")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # an address is not left in a freed cell
        cursor.close()

    return engine


class _SqliteDialect(SQLiteDialect_pysqlite):
    """Begins a transaction as its connection says, where the driver would wait for a write.

    An engine with a listener for "begin" asks for listeners seven times a statement, which took a
    fifth of a short question.
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.driver_connection.execute(dbapi_connection.info.get(_BEGIN, "BEGIN"))


@cache
def _sqlite_dialect() -> Dialect:
    """The dialect of all engines for SQLite, since compiled statements are kept by dialect.

    What it learns from its first connection is the version of the library, the same for each file.
    One for PostgreSQL would hold facts of a server; and there a store has one engine anyway.
    """
    dialect = _SqliteDialect(dbapi=sqlite3)
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        dialect.initialize(connection)
    engine.dispose()
    return dialect


@contextmanager
def writing_at_once(connection: Connection) -> Iterator[None]:
    """Within, each transaction of a connection to SQLite begins with the lock for writing."""
    info = connection.info
    info[_BEGIN] = "BEGIN IMMEDIATE"
    try:
        yield
    finally:
        info.pop(_BEGIN, None)


def begin_patiently(connection: Connection) -> None:
    """Begin, and wait up to BUSY_LIMIT_S for another process's lock."""
    _patiently(connection.begin, BUSY_LIMIT_S)


def _patiently(step: Callable[[], object], limit_s: float) -> None:
    """The step, again and again for up to `limit_s` while another process holds the lock."""
    give_up = time.monotonic() + limit_s
    while True:
        try:
            step()
        except (OperationalError, sqlite3.OperationalError) as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(_BUSY_PAUSE_S)
        else:
            return


@contextmanager
def errors_as_ours() -> Iterator[None]:
    """What the libraries raise becomes one of ours.

    SQLite's own errors come through where a connection is prepared (`_sqlite_engine`).
    """
    try:
        yield
    except NoConnectionLeftError as error:
        raise StoreBusyError("all connections to the database are in use") from error
    except IntegrityError as error:
        raise ConflictError(f"the database refused: {error.orig}") from error
    except (ProgrammingError, DataError, NotSupportedError) as error:
        raise StatementError(f"the database refused: {error.orig}") from error
    except DBAPIError as error:
        raise _unusable(error.orig) from error
    except sqlite3.Error as error:
        raise _unusable(error) from error


def _unusable(error: BaseException | None) -> StoreError:
    if "deadlock" in str(error):
        return StoreBusyError("another process writes to the same rows of the database")
    if "locked" in str(error):
        return StoreBusyError("another process is writing to the database")
    return StoreError(f"the database cannot be used: {error}")
