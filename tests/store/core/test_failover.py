"""Two processes that notice one thing at a time: who was slower follows the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.store.core import failover
from service.store.core.database import Store
from service.store.core.failover import Primary
from service.store.core.migrate import migrate

pytestmark = pytest.mark.postgres

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


@pytest.fixture
def store(postgres_database):
    store = Store(postgres_database)
    migrate(store)
    yield store
    store.close()


def look(store: Store) -> Primary:
    with store.read() as connection:
        return failover.look(connection)


def note(store: Store, found: Primary, now: datetime) -> datetime | None:
    with store.ledger() as connection:
        return failover.note(connection, found, now)


def test_the_first_use_by_two_at_once_is_no_other_server(store):
    one, two = look(store), look(store)
    assert one.changed
    assert two.changed
    assert note(store, one, NOW) is None
    assert note(store, two, NOW) is None
    assert look(store) == Primary(one.timeline)


def test_another_server_that_two_notice_keeps_mail_waiting_from_the_first_on(store):
    note(store, Primary("00000000", changed=True), NOW - timedelta(days=1))
    one, two = look(store), look(store)
    assert note(store, one, NOW) == NOW
    assert note(store, two, NOW + timedelta(seconds=9)) == NOW
    assert look(store) == Primary(one.timeline, since=NOW)
