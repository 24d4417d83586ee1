"""The few statements whose spelling differs between the two databases."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT, for the database at hand."""
    return upsert_for(connection.dialect.name, table)


def upsert_for(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The same for a statement that is made once for each database."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
