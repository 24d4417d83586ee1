"""Who runs the service where it is many processes, and which configuration is in force."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from service.store.core.column_types import Json, UtcDateTime
from service.store.tables.base import metadata

running_process = Table(
    "running_process",
    metadata,
    Column("id", String(64), primary_key=True),  # one start of one process, as in leases
    Column("machine", String(255), nullable=False),  # its host name
    Column("name", String(64), nullable=False),  # which of that machine's processes
    Column("role", String(16), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(32), nullable=False),  # of the program
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    # What it said when it was last seen; None: an older version, which does not say it.
    Column("configuration_hash", LargeBinary),  # what it works with
    Column("clock_ahead_s", Integer),  # its machine's clock before the database's
    Column("doing", Json),  # job -> since when it runs
    Index("ix_running_process_seen_at", "seen_at"),
)

configuration = Table(
    "configuration",
    metadata,
    # The configurations that were applied, one after the other: the last one is in force.
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    Column("applied_at", UtcDateTime, nullable=False),
)
