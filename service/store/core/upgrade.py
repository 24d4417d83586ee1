"""Bring a database to the declared schema, while the version of yesterday goes on working on it.

SQLite: all migrations in one transaction. PostgreSQL: each in its own, so that a lock of one does
not last until the end of all, and an index may be built CONCURRENTLY. None waits long for a table:
whoever reads it next would have to wait behind it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from service.errors import SchemaError, StoreBusyError, StoreError
from service.store.core import facts
from service.store.core.database import (
    Store,
    begin_patiently,
    errors_as_ours,
    writing_at_once,
)
from service.store.core.revisions import OLDEST, UNFINISHED

_LOCK = 0x62616E74696E  # "bantin": the advisory lock of migrations on PostgreSQL

_PAUSE_S = 0.2

_TABLE_WAIT = "2s"
"""How long a migration waits for a table that somebody uses; others wait behind it meanwhile."""

_TABLE_LIMIT_S = 120.0
"""For how long it is tried again."""

_NO_LOCK = {"55P03", "40P01"}
"""PostgreSQL's lock_not_available and deadlock_detected."""

_UNFINISHED = re.compile(r"\d{4}|0001_first")
"""Revisions of before the first schema was settled; since then a revision bears its file's name."""


Step = Callable[[Connection], None]
"""Something more to do in the same transaction."""


def upgrade(
    store: Store,
    to: str = "head",
    before: Step | None = None,
    after: Step | None = None,
    *,
    more: Path | None = None,
) -> None:
    """Apply what is missing. A second caller waits, then finds nothing to do. Raises StoreError.

    `to`: a revision to stop at. `before` and `after` are done in the same transaction, which is one
    for all migrations then: where nobody else uses the database. `more`: a folder of further
    migrations, which follow ours.

    SchemaError where the database is of a version that cannot be brought here, StoreBusyError where
    somebody held a table for minutes; what was applied until then stays.
    """
    with errors_as_ours(), store.engine.connect() as connection:
        if store.is_sqlite:
            # A batch ALTER of a parent table with foreign keys on empties its children.
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                with writing_at_once(connection):
                    _at_once(connection, to, before, after, more)
            finally:
                raw.execute("PRAGMA foreign_keys=ON")
            return
        with _alone(store):
            if before is None and after is None:
                _in_steps(connection, to, more)
            else:
                _at_once(connection, to, before, after, more)


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """Nobody else migrates meanwhile.

    The lock stands on a connection of its own, idle in a transaction, which an index that is built
    CONCURRENTLY does not wait for. It would wait for a statement that waits for the lock: so that
    is asked for again and again.
    """
    asked = text("SELECT pg_try_advisory_xact_lock(:key)")
    with store.engine.connect() as connection:
        while not connection.scalar(asked, {"key": _LOCK}):
            connection.rollback()
            time.sleep(_PAUSE_S)
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield


def _at_once(
    connection: Connection,
    to: str,
    before: Step | None,
    after: Step | None,
    more: Path | None,
) -> None:
    """All in one transaction, which nobody sees before its end."""
    begin_patiently(connection)
    if before is not None:
        before(connection)
    _upgrade(connection, to, more)
    if after is not None:
        after(connection)
    connection.commit()


def _in_steps(connection: Connection, to: str, more: Path | None) -> None:
    """A transaction for each migration; tried again where others use its table."""

    @event.listens_for(connection, "begin")
    def _wait_briefly(begun: Connection) -> None:
        # Without a transaction, as for CONCURRENTLY, this sets nothing: nobody waits behind that.
        begun.exec_driver_sql(f"SET LOCAL lock_timeout = '{_TABLE_WAIT}'")

    give_up = time.monotonic() + _TABLE_LIMIT_S
    while True:
        try:
            _upgrade(connection, to, more, in_steps=True)
            connection.commit()
        except OperationalError as error:
            connection.rollback()
            if getattr(error.orig, "sqlstate", "") not in _NO_LOCK:
                raise
            if time.monotonic() > give_up:
                held = "a table that a migration changes is held by another transaction"
                raise StoreBusyError(f"{held}; what was applied before it stays") from error
            time.sleep(_PAUSE_S)
        else:
            return


def _upgrade(connection: Connection, to: str, more: Path | None, *, in_steps: bool = False) -> None:
    config = config_of_migrations(more)
    config.attributes.update(connection=connection, in_steps=in_steps)
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise SchemaError(of_another_version(connection, current))
    if in_steps:
        connection.commit()  # Alembic begins one for each migration only outside of any
    command.upgrade(config, to)
    if to == "head":
        facts.put(connection, OLDEST, oldest_program(scripts))
    if connection.dialect.name == "sqlite" and _takes_away(scripts, current):
        _check_references(connection)  # all rows are read; what only adds breaks none


def oldest_program(scripts: ScriptDirectory) -> str:
    """The last revision of the oldest program that may work on the newest tables."""
    every = list(scripts.walk_revisions())
    named = (getattr(script.module, OLDEST, None) for script in every)
    return next((name for name in named if name), every[-1].revision)


def _takes_away(scripts: ScriptDirectory, current: str | None) -> bool:
    """Whether a migration after `current` does more than add."""
    later = (one for one in scripts.walk_revisions() if one.revision > (current or ""))
    return any(hasattr(one.module, OLDEST) for one in later)


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        connection.rollback()
        raise StoreError(f"a migration broke {len(broken)} references; nothing was changed")


def of_another_version(connection: Connection, revision: str) -> str:
    """What to do about a revision that no migration of this program makes."""
    if connection.dialect.name == "sqlite":
        anew = "delete this file and its -wal and -shm, or name another one in [store] url"
    else:
        anew = "drop this database and make an empty one, or name another one in [store] url"
    if revision in UNFINISHED:
        what = revision.partition(" ")[2]
        return f"its {what} was broken off, or still goes on; begin it again, or {anew}"
    if _UNFINISHED.fullmatch(revision):
        return f"its tables are of a version before the first release; to start anew, {anew}"
    return (
        f"its tables are of a newer version than this program (revision {revision}); "
        f"use that version, or, to start anew, {anew}"
    )


def config_of_migrations(more: Path | None = None) -> Config:
    """Alembic's configuration: no file, the migrations of this package, and those of `more`."""
    config = Config()
    ours = Path(__file__).parents[1] / "migrations"
    config.set_main_option("script_location", str(ours))
    if more is not None:
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", f"{ours / 'versions'}\n{more}")
    return config
