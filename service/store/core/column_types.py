"""Column types that answer alike on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON, TypeDecorator

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A surrogate id: 64 bits on both (SQLite counts rowids only for INTEGER)."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON value; None is SQL NULL."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, in and out, to the microsecond. A naive one is a bug: ValueError.

    SQLite keeps text of fixed width, so that text order is time order; PostgreSQL timestamptz.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant without a zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        if dialect.name == "sqlite":
            return _read
        return super().result_processor(dialect, coltype)

    def process_result_value(
        self,
        value: Any | None,
        dialect: Dialect,  # noqa: ARG002 - the signature is SQLAlchemy's
    ) -> datetime | None:
        if value is None:
            return None
        assert isinstance(value, datetime)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _read(text: str | None) -> datetime | None:
    return None if text is None else _read_once(text)


@lru_cache(4096)
def _read_once(text: str) -> datetime:
    """Many rows share an instant: when an edition ended, when a batch was planned."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
