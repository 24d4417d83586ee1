"""How the ways out of mail fare: known after a restart and to other commands."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from service.store.core.column_types import UtcDateTime
from service.store.tables.base import metadata

relay = Table(
    "relay",
    metadata,
    Column("name", String(64), primary_key=True),  # its id in the TOML, or "(outbox)"
    Column("failing_since", UtcDateTime),  # None: it took the last message that it was offered
    Column("answer", Text, nullable=False),  # what it said last, when it took or refused us
    Column("answered_at", UtcDateTime, nullable=False),
    Column("next_try_at", UtcDateTime),  # of the next probe; None: it does not fail
)
