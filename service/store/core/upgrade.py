"""Bring a database to the declared schema: all migrations, in one transaction, under a lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.errors import SchemaError, StoreError
from service.store.core.database import Store, begin_patiently, errors_as_ours
from service.store.core.migrate import UNFINISHED

_LOCK = 0x62616E74696E  # "bantin": the advisory lock of migrations on PostgreSQL


_UNFINISHED = re.compile(r"\d{4}|0001_first")
"""Revisions of before the first schema was settled; since then a revision bears its file's name."""


Step = Callable[[Connection], None]
"""Something more to do in the same transaction."""


def upgrade(
    store: Store, to: str = "head", before: Step | None = None, after: Step | None = None
) -> None:
    """Apply what is missing. A second caller waits, then finds nothing to do. Raises StoreError.

    `to`: a revision to stop at. `before` and `after` are done in the same transaction.

    SchemaError where the database is of a version that cannot be brought here.
    """
    with errors_as_ours(), store.engine.connect() as connection:
        if store.is_sqlite:
            # A batch ALTER of a parent table with foreign keys on empties its children.
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                begun = connection.execution_options(bantin_begin="BEGIN IMMEDIATE")
                _upgrade(begun, to, before, after)
            finally:
                raw.execute("PRAGMA foreign_keys=ON")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _upgrade(connection, to, before, after)


def _upgrade(
    connection: Connection, to: str, before: Step | None = None, after: Step | None = None
) -> None:
    config = _config()
    config.attributes["connection"] = connection
    if not connection.in_transaction():
        begin_patiently(connection)
    if before is not None:
        before(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in known:
        raise SchemaError(_of_another_version(connection, current))
    command.upgrade(config, to)
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            connection.rollback()
            raise StoreError(f"a migration broke {len(broken)} references; nothing was changed")
    if after is not None:
        after(connection)
    connection.commit()


def _of_another_version(connection: Connection, revision: str) -> str:
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


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    return config
