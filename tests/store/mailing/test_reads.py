"""What the mail queue reads of a large edition for each handful of mails, on PostgreSQL.

Its plans follow what it knows of the tables, which is of a time before the edition: nothing is
analysed here either. Small tables would be gone through whole; that is forbidden.
"""

from __future__ import annotations

from contextlib import closing

import pytest
from sqlalchemy import event, select

from service.store import tables as t
from service.store.core.database import Store
from service.store.mailing import claims, deliveries
from tests.bench.scale_plans import Plans
from tests.mail import stock

MANY, FEW = 200, 5


@pytest.fixture
def queue(postgres_database, now):
    """An edition of MANY mails, all planned at one instant."""
    with closing(Store(postgres_database)) as store:
        stock.fill(store, now, [f"ban-doc-{number}@example.vn" for number in range(MANY)])
        store.engine.dispose()

        @event.listens_for(store.engine, "connect")
        def _as_if_tables_were_large(connection, _record):
            connection.execute("SET enable_seqscan = off")
            connection.commit()

        yield store


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
