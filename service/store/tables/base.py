"""What all tables share: the metadata with its names of constraints, and the table of facts."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

fact = Table(
    "fact",
    metadata,
    # Single values that outlive the TOML: the secret of all HMACs, authority and year of tag: ids.
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)
