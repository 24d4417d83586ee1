"""The tables of procrastinate, which carries kicks and ticks between processes, on PostgreSQL.

They are brought up together with ours and hold nothing that is not found again without them.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sqlalchemy import make_url, text

from service.errors import StoreError
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.kicks import has_queue

FORGET_KICKS = """
    DELETE FROM procrastinate_jobs
    WHERE task_name = %(name)s AND status = 'todo' AND queueing_lock IS NULL
"""
"""The kicks of a job that wait: what was told before a run begins is found by it."""

_LOCK = 0x656E67696E65  # "engine": of processes that start together


def address(url: str) -> str:
    """The store's address as libpq has it."""
    plain = make_url(url).set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


def bring_up(store: Store) -> None:
    """Make the tables, or apply what a newer procrastinate changed. Raises StoreError."""
    try:
        files = resources.files("procrastinate.sql")
    except ModuleNotFoundError as error:
        raise StoreError("roles need the extra: pip install 'bantin[postgres]'") from error
    scripts = sorted(Path(str(files / "migrations")).glob("*.sql"))
    with store.write() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        known = facts.get(connection, facts.ENGINE_SCHEMA)
        if not has_queue(connection):
            wanted = [files / "schema.sql"]
        else:
            wanted = [script for script in scripts if known is not None and script.stem > known]
        for script in wanted:
            # As it is: its percent signs and colons are no parameters.
            driver = connection.connection.driver_connection
            assert driver is not None
            try:
                driver.execute(script.read_text(encoding="utf-8"))
            except Exception as error:
                raise StoreError(f"the tables of the job queue ({script.name}): {error}") from error
        if known is None or known < scripts[-1].stem:  # an older program leaves it as it is
            facts.put(connection, facts.ENGINE_SCHEMA, scripts[-1].stem)
