"""Addresses that must not be written to, by key: a row outlives the address itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from service.store.statements import upsert
from service.store.tables import suppression


def reason(connection: Connection, address_key: bytes) -> str | None:
    """Why this address must not be written to; None if it may."""
    return connection.execute(
        select(suppression.c.reason).where(suppression.c.address_key == address_key)
    ).scalar()


def add(connection: Connection, address_key: bytes, why: str, now: datetime, evidence: str) -> None:
    """Write to it no more. The first reason stands: it is the one that explains the silence."""
    row = upsert(connection, suppression).values(
        address_key=address_key, reason=why, since=now, evidence=evidence
    )
    connection.execute(row.on_conflict_do_nothing())
