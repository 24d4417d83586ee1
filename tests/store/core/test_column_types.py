"""Arrays that are written out for PostgreSQL come to it as the values that they were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import BigInteger, LargeBinary, Text, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import StatementError

from service.store.core.column_types import UtcDateTime, Written
from service.store.core.database import Store

AT = datetime(2026, 11, 30, 6, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def connection(postgres_database):
    store = Store(postgres_database)
    with store.read() as connection:
        yield connection
    store.close()


VALUES = [
    (BigInteger(), []),
    (BigInteger(), [1, -2, 2**62, None, 1]),
    (
        Text(),
        ["", " ", "a,b", "{x}", "NULL", "null", None, 'a"b', "a\\b", "\\", "'", "a\nb\t\r"],
    ),
    (Text(), ["Tin số 1 😀", "\ufdd0", "%s", ":x", "a" * 9000]),
    (LargeBinary(), [b"", b"\0\xff\\\"'", None]),
    (UtcDateTime(), [AT, None, AT, AT.astimezone(timezone(timedelta(hours=7)))]),
    (UtcDateTime(), [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]),
]


def test_each_value_comes_to_the_server_as_it_is(connection):
    for kind, values in VALUES:
        asked = literal(values, Written(kind))
        same = select(asked, asked == literal(values, ARRAY(kind)))
        got, equal = connection.execute(same).one()
        assert (equal, list(got)) == (True, values)


def test_what_it_cannot_write_is_refused(connection):
    for value in (1.5, object()):
        with pytest.raises((StatementError, TypeError)):
            connection.execute(select(literal([value], Written(Text()))))


def test_an_instant_without_a_zone_is_a_bug(connection):
    with pytest.raises((StatementError, ValueError), match="without a zone"):
        connection.execute(select(literal([datetime(2026, 1, 1)], Written(UtcDateTime()))))  # noqa: DTZ001
