"""Column types that answer alike on SQLite and PostgreSQL, and arrays for PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import JSON, TypeDecorator, TypeEngine

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


_NULL = "NULL"


class Written(TypeDecorator[Sequence[Any]]):
    """An array of values of a type as PostgreSQL reads it written out: `{1,2,3}`. For it alone.

    Its driver looks up for each element how it is written, in Python: a fifth of the time that
    planning took went into that.
    """

    impl = ARRAY
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        super().__init__(kind)
        self.kind = kind

    def bind_processor(self, dialect: Dialect) -> Callable[[Sequence[Any] | None], str | None]:
        """What makes an array of a list."""
        own = self.kind.dialect_impl(dialect)
        if isinstance(own, Integer):
            return _numbers
        process = None if isinstance(own, LargeBinary) else own.bind_processor(dialect)

        def written(values: Sequence[Any] | None) -> str | None:
            if values is None:
                return None
            known: dict[Any, str] = {}
            made = []
            for value in values:
                text = known.get(value)
                if text is None:
                    text = known[value] = _element(process(value) if process else value)
                made.append(text)
            return f"{{{','.join(made)}}}"

        return written


IDS = Written(BigInteger())
"""A list of ids."""


def _numbers(values: Sequence[int | None] | None) -> str | None:
    if values is None:
        return None
    return f"{{{','.join([_NULL if one is None else str(int(one)) for one in values])}}}"


def _element(value: Any) -> str:
    """Of texts, bytes and instants, whose equal values are written alike. Raises TypeError."""
    if value is None:
        return _NULL
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f'"\\\\x{value.hex()}"'
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    raise TypeError(f"not written as an element of an array: {value!r}")
