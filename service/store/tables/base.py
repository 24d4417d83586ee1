"""What all tables share: the metadata with its names of constraints, and the table of facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import CheckConstraint, Column, MetaData, String, Table, Text

from service.store.core.column_types import UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def leased() -> tuple[Column[Any], Column[Any], CheckConstraint]:
    """The columns of the one lease (store/core/lease.py), which are filled together or not."""
    return (
        Column("lease_owner", String(64)),
        Column("lease_until", UtcDateTime),
        CheckConstraint("(lease_owner IS NULL) = (lease_until IS NULL)", name="leased"),
    )


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """The column holds one of these words, or NULL where it may be NULL."""
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=column)


fact = Table(
    "fact",
    metadata,
    # Single values that outlive the TOML: the secret of all HMACs, authority and year of tag: ids.
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
