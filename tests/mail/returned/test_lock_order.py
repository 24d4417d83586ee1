"""Who takes in returned mail, who sends and who forgets never wait for each other in a circle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from sqlalchemy import select, text, update

from service.audience.forgetting import forget
from service.mail.relays import outbox_of
from service.mail.returned.intake import ReturnedAction, take
from service.mail.returned.opened import open_mail
from service.store import tables as t
from service.store.audience import suppressions
from service.store.core import facts
from service.store.core.database import Store
from service.text import mailboxes
from tests.mail.returned.samples import dsn
from tests.mail.returned.test_intake import LAN, MINH, Sent

pytestmark = pytest.mark.postgres

WAITS_HERE = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
"""Who waits for a lock in this database: other tests have theirs on the same server."""


@pytest.fixture
def sent(postgres_database, now, tmp_path):
    with closing(Store(postgres_database)) as store:
        yield Sent(store, now, tmp_path)


@pytest.fixture
def sender(postgres_database) -> Iterator[Store]:
    with closing(Store(postgres_database)) as store:
        yield store


@contextmanager
def beside(store, work) -> Iterator[Future[object]]:
    """The work in another thread, as soon as it waits for a lock that is held in the block."""
    with ThreadPoolExecutor(1) as pool:
        begun = pool.submit(work)
        waiting = text(WAITS_HERE)
        for _ in range(3000):
            with store.read() as connection:
                if connection.scalar(waiting):
                    break
            assert not begun.done(), begun.result()
            time.sleep(0.01)
        else:
            pytest.fail("it waits for no lock")
        yield begun


def lock(connection, table, *of):
    """As a sender that settles these does it; never longer than a moment."""
    connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    connection.execute(select(table.c.id).where(table.c.id.in_(of)).with_for_update()).all()


def returned(sent, *places):
    who = (LAN, MINH)
    return [open_mail(dsn(sent.paths[place], who[place])) for place in places]


def keys(sent):
    with sent.store.write() as connection:
        secret = facts.secret(connection)
    return {place: mailboxes.key(secret, one) for place, one in enumerate((LAN, MINH))}


def test_a_sender_that_has_a_delivery_gets_the_suppression_that_it_needs(sent, sender, now):
    known, (_, minhs) = keys(sent), sent.made.deliveries
    with sender.ledger() as connection:
        lock(connection, t.delivery, minhs)
        with beside(sent.store, lambda: take(sent.store, now, returned(sent, 0, 1))) as intake:
            suppressions.add(connection, known[0], "address_refused", now, "")
            connection.commit()
    assert intake.result() == [ReturnedAction.SUPPRESS, ReturnedAction.SUPPRESS]
    assert sent.suppressed() == {LAN: "address_refused", MINH: "bounced"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_who_read_the_same_mails_in_another_order_take_them_in_one(sent, sender, now, order):
    known = keys(sent)
    first, last = sorted(known.values())
    with sender.ledger() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        suppressions.add(connection, first, "complained", now, "")
        with beside(sent.store, lambda: take(sent.store, now, returned(sent, *order))) as intake:
            suppressions.add(connection, last, "complained", now, "")
            connection.commit()
    assert intake.result() == [ReturnedAction.SUPPRESS, ReturnedAction.SUPPRESS]


def test_a_sender_that_has_a_delivery_gets_the_person_who_is_forgotten(sent, sender, now):
    lans = sent.made.deliveries[0]
    said = update(t.delivery).where(t.delivery.c.id == lans).values(reply=f"550 {LAN}?")
    with sent.store.ledger() as connection:
        connection.execute(said)
        people = connection.scalars(select(t.subscriber.c.id)).all()
    outbox = outbox_of(sent.settings)
    with sender.ledger() as connection:
        lock(connection, t.delivery, lans)
        with beside(sent.store, lambda: forget(sent.store, now, LAN, outbox)) as forgetting:
            lock(connection, t.subscriber, *people)
            connection.commit()
    assert forgetting.result().known
    with sent.store.read() as connection:
        assert connection.scalars(select(t.subscriber.c.address)).all().count(None) == 1
