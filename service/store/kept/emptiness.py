"""Whether a database holds nothing that anybody would miss, and taking the rest out of it."""

from __future__ import annotations

import time

from sqlalchemy import Connection, inspect, text

from service.store import tables as t
from service.store.core.revisions import UNFINISHED, revision_of

_SAID = (
    t.entry,
    t.article,
    t.subscriber,
    t.suppression,
    t.edition,
    t.delivery,
    t.websub_delivery,
    t.story_act,
)
"""Where anything stands once a store was in use. Names of the TOML and secrets are made anew."""

_BESIDE = ("article_search", "procrastinate_")
"""What the names of tables begin with that are ours, and not declared with the others."""

_LINGER_S = 3.0


def tables_of(connection: Connection) -> set[str]:
    """The names of all tables in the database's own schema."""
    return set(inspect(connection).get_table_names())


def is_empty(connection: Connection) -> bool:
    """Whether there is nothing in it, or tables of ours without anything that was said or told.

    So is one whose restore, or copying, was broken off.
    """
    there = tables_of(connection)
    if not there:
        return True
    if revision_of(connection) in UNFINISHED:
        return True
    ours = {"alembic_version"} | {table.name for table in t.metadata.sorted_tables}
    if not all(name.startswith(_BESIDE) for name in there - ours):
        return False
    return not any(
        connection.execute(text(f"SELECT 1 FROM {table.name} LIMIT 1")).first()  # noqa: S608
        for table in _SAID
        if table.name in there
    )


def empty(connection: Connection) -> None:
    """Drop what is ours in PostgreSQL, but for the engine's queue. Only where `is_empty`."""
    for name in sorted(tables_of(connection)):
        if name.startswith("procrastinate_"):
            continue  # it has types and functions besides, which are of this version
        quoted = connection.dialect.identifier_preparer.quote(name)
        connection.execute(text(f"DROP TABLE {quoted} CASCADE"))
    connection.execute(text("DROP FUNCTION IF EXISTS told_keeps()"))  # migration 0018


def others(connection: Connection) -> int:
    """How many sessions of this user there are in PostgreSQL's database beside our own.

    The server notices a moment later that a process was killed: it gets a few seconds.
    """
    counted = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = current_user AND pid <> pg_backend_pid()"
    )
    give_up = time.monotonic() + _LINGER_S
    while (found := connection.scalar(counted) or 0) and time.monotonic() < give_up:
        time.sleep(0.1)
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    return found
