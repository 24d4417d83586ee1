"""Which schema a database has, and which are known: each migration is a revision."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

VERSIONS = Path(__file__).parents[1] / "migrations" / "versions"

UNFINISHED_RESTORE = "unfinished restore"
UNFINISHED_COPY = "unfinished copy"
UNFINISHED = frozenset({UNFINISHED_RESTORE, UNFINISHED_COPY})
"""What stands for a revision in a database that is not whole yet: no version opens it."""

OLDEST = "oldest_program"
"""The fact that says who may still work on these tables: the last revision which the oldest of
these programs knows. A migration that takes away what earlier ones use declares it by this name."""


def newest() -> str:
    """The revision of the last migration; files are named by theirs."""
    return max(revisions())


def revisions() -> set[str]:
    """The revisions of all migrations."""
    return {path.stem for path in VERSIONS.glob("[0-9]*.py")}


def revision_of(connection: Connection) -> str | None:
    """The revision of a database, or what stands for one; None: it has no tables of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found
