"""The tables of procrastinate, which carries kicks and ticks between processes, on PostgreSQL.

They are brought up together with ours and hold nothing that is not found again without them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, text

from service.errors import StoreBusyError, StoreError
from service.store.core import facts, processes
from service.store.core.database import Store
from service.store.core.kicks import has_queue
from service.store.core.server_address import conninfo, libpq

FORGET_KICKS = """
    DELETE FROM procrastinate_jobs
    WHERE task_name = %(name)s AND status = 'todo' AND queueing_lock IS NULL
"""
"""The kicks of a job that wait: what was told before a run begins is found by it."""

_LOCK = 0x656E67696E65  # "engine": of processes that start together

TABLE_WAIT_MS = 10_000
"""How long a step waits for a table that somebody uses; others wait behind it meanwhile."""

_NO_LOCK = "55P03"
"""PostgreSQL's lock_not_available."""


def address(url: str) -> str:
    """The store's address as libpq has it, the password in it."""
    return conninfo(libpq(url))


def bring_up(store: Store, version: str, table_wait_ms: int = TABLE_WAIT_MS) -> None:
    """Make the tables, or apply what a newer procrastinate changed. Raises StoreError.

    `version`: of this program. While others of another version run, the last steps wait which take
    away what these still call (procrastinate names them "post"); a later start applies them.
    """
    try:
        files = Path(str(resources.files("procrastinate.sql")))
    except ModuleNotFoundError as error:
        raise StoreError("roles need the extra: pip install 'bantin[postgres]'") from error
    while _step(store, version, files, table_wait_ms):
        pass


def _step(store: Store, version: str, files: Path, table_wait_ms: int) -> bool:
    """Apply one script, in a transaction of its own; False: there was none.

    Of its own, since what one adds to an enum may not be used before it is committed.
    """
    scripts = sorted((files / "migrations").glob("*.sql"))
    with store.write() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        known = facts.get(connection, facts.ENGINE_SCHEMA)
        if not has_queue(connection):
            _apply(connection, files / "schema.sql", table_wait_ms)
            known = None
        if known is None:
            facts.put(connection, facts.ENGINE_SCHEMA, scripts[-1].stem)
            return False
        missing = [script for script in scripts if script.stem > known]
        if any(one.version != version for one in processes.seen(connection)):
            missing = _without_last_posts(missing)
        if not missing:
            return False
        _apply(connection, missing[0], table_wait_ms)
        facts.put(connection, facts.ENGINE_SCHEMA, missing[0].stem)
    return True


def _without_last_posts(scripts: list[Path]) -> list[Path]:
    """All up to the last one that a new program needs, "post" steps of earlier versions too."""
    needed = [number for number, script in enumerate(scripts) if "_post_" not in script.stem]
    return scripts[: needed[-1] + 1] if needed else []


def _apply(connection: Connection, script: Path, table_wait_ms: int) -> None:
    """Raises StoreBusyError where somebody has held one of its tables for long."""
    driver = connection.connection.driver_connection
    assert driver is not None
    connection.execute(text(f"SET LOCAL lock_timeout = {table_wait_ms:d}"))
    try:
        # As it is: its percent signs and colons are no parameters.
        driver.execute(script.read_text(encoding="utf-8"))
    except Exception as error:
        fault = StoreBusyError if getattr(error, "sqlstate", "") == _NO_LOCK else StoreError
        raise fault(f"the tables of the job queue ({script.name}): {error}") from error
