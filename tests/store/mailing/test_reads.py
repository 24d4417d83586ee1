"""What the mail queue reads of a large edition for each handful of mails, on PostgreSQL.

Its plans follow what it knows of the tables, which is of a time before the edition: nothing is
analysed here either. Small tables would be gone through whole; that is forbidden.
"""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from service.model import DeliveryKind
from service.store import tables as t
from service.store.core.database import Store
from service.store.mailing import claims, deliveries, edition_numbers
from service.store.mailing.deliveries import NewDelivery
from tests.bench.scale_plans import Plans
from tests.builders import add_edition
from tests.databases import on_server, postgres_url
from tests.mail import stock

MANY, FEW = 200, 5


@pytest.fixture(scope="module")
def _filled(_postgres_pattern, now):
    """An edition of MANY mails, all planned at one instant, to clone."""
    name = f"bantin_mails_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name} TEMPLATE {_postgres_pattern} STRATEGY file_copy")
    with closing(Store(postgres_url(name))) as store:
        stock.fill(store, now, [f"ban-doc-{number}@example.vn" for number in range(MANY)])
    yield name
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def queue(_filled):
    name = f"bantin_test_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name} TEMPLATE {_filled} STRATEGY file_copy")
    with closing(Store(postgres_url(name))) as store:

        @event.listens_for(store.engine, "connect")
        def _as_if_tables_were_large(connection, _record):
            connection.execute("SET enable_seqscan = off")
            connection.commit()

        yield store
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


def _most(plans):
    """Rows that a statement of the queue alone has read, of its table and indexes, at the most."""
    return max(one.read for one in plans.found.values() if "subscriber" not in one.statement)


def test_a_claim_reads_as_many_mails_as_it_takes(queue, now):
    plans = Plans()
    with plans.of(queue, "claim"), queue.ledger() as connection:
        claimed = claims.claim(connection, "one", now, FEW).claimed
    assert len(claimed) == FEW
    assert _most(plans) <= 3 * FEW


def test_planning_asks_for_the_open_mails_of_its_batch_alone(queue, now):
    with queue.read() as connection:
        some = list(connection.scalars(select(t.subscription.c.id).limit(FEW)))
    plans = Plans()
    with plans.of(queue, "open"), queue.read() as connection:
        assert deliveries.open_among(connection, some) == set(some)
    assert _most(plans) <= 2 * FEW, "an index, and what it leads to"


def test_planning_asks_who_has_this_edition_in_its_batch_alone(queue, now):
    with queue.read() as connection:
        some = list(connection.scalars(select(t.subscription.c.id).limit(FEW)))
        edition = connection.scalar(select(t.edition.c.id))
    plans = Plans()
    with plans.of(queue, "served"), queue.read() as connection:
        found = deliveries.open_and_served(connection, some, edition)
        other = deliveries.open_and_served(connection, some, edition + 1)
    assert found == (set(some), set(some))
    assert other == (set(some), set())
    assert _most(plans) <= 3 * FEW


def test_the_numbers_of_an_edition_go_through_its_own_mails(queue, now):
    """Each reader of it has had an edition before, and one in a hundred has left."""
    with queue.ledger() as connection:
        [(edition, digest)] = connection.execute(select(t.edition.c.id, t.edition.c.digest_id))
        people = list(connection.scalars(select(t.subscription.c.id)))
        segment = connection.scalar(select(t.segment.c.id))
        for week in range(1, 10):
            cut = now - timedelta(days=7 * week)
            earlier = add_edition(connection, digest, cut, cut)
            mails = [
                NewDelivery(
                    one, segment, DeliveryKind.EDITION, f"{week}-{one}@x.vn", cut, earlier
                )
                for one in people
            ]  # fmt: skip
            deliveries.add(connection, mails, cut)
    with queue.ledger() as connection:
        connection.execute(
            update(t.delivery).values(state="accepted", settled_at=t.delivery.c.dated_at)
        )
    for one in people[::100]:
        stock.end(queue, one, now)
    plans = Plans()
    with plans.of(queue, "numbers"), queue.read() as connection:
        assert edition_numbers.by_state(connection, [edition]) == {edition: {"accepted": MANY}}
        assert edition_numbers.left(connection, [edition]) == {edition: MANY // 100}
        assert len(list(edition_numbers.accepted(connection, [edition]))) == 1
        assert edition_numbers.returned(connection, [edition]) == {}
    for one in plans.found.values():
        assert one.whole == (), one.statement
        assert one.read <= 5 * MANY, one.statement


def test_sqlite_finds_the_mails_of_an_edition_by_the_edition(store):
    """Without figures of its tables it would go by the state: through all mails, for each mail."""
    asked = (
        edition_numbers.by_state,
        edition_numbers.left,
        edition_numbers.returned,
        edition_numbers.accepted,
    )
    plans = []

    def explain(connection, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append([row[3] for row in cursor])

    event.listen(store._readers, "before_cursor_execute", explain)
    with store.read() as connection:
        for numbers in asked:
            list(numbers(connection, [1]))
    assert len(plans) == len(asked)
    for plan in plans:
        [found] = [one for one in plan if " delivery " in one]
        assert "ix_delivery_edition_id" in found
        assert not [one for one in plan if "ix_delivery_queue" in one]
