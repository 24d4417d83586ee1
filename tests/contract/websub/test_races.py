"""Hubs that call, polls that find news, and renewals, all at one subscription at one time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.collect.websub import callback
from service.collect.websub.callback import Call
from service.collect.websub.subscriber import polled_at
from service.store import tables as t
from service.store.core.database import Store
from service.store.sources import poll_results, polling_queue, push_state
from service.store.websub import hub_subscriptions as rows
from tests.builders import add_source

TIMES = 40
TOPIC = "https://bao.example/rss"


@pytest.mark.postgres
def test_they_do_not_wait_for_one_another_for_ever(postgres_database, now):
    """PostgreSQL ends one of two that do, after a second, with an error."""
    store = Store(postgres_database)
    with store.write() as connection:
        add_source(
            connection, now, "bao", hubs=["https://hub.example/"], hub_topic=TOPIC,
            first_collected_at=now, last_ok_at=now,
        )  # fmt: skip
        (offer,) = rows.offers(connection, now)
        rows.want(connection, offer, offer.hubs[0], token="t", callback="x", now=now)
    later = now + timedelta(hours=1)
    errors: list[BaseException] = []

    def verify() -> None:
        with store.write() as connection:
            connection.execute(update(t.websub).values(asked_mode="subscribe"))
        callback.verify(store, now, "t", Call("subscribe", TOPIC, "abc", "60"), lambda: 0.0)

    def deliver() -> None:
        one = callback.find(store, now, "t")
        assert one is not None
        callback.deliver(store, now, one, b"key", b"body", "", ["sha1=0"], timedelta(0))

    def poll() -> None:
        owner = str(threading.get_ident())
        with store.write() as connection:
            due = polling_queue.named(connection, ["bao"])
            claimed = polling_queue.claim(connection, due, owner, later, later, at_once=True)
        with store.write() as connection:
            for source_id in poll_results.held(connection, claimed):
                push_state.missed(connection, source_id, later)

    def lapse() -> None:
        with store.write() as connection:
            for row_id, source_id in rows.lapsed(connection, later):
                rows.lapse(
                    connection, row_id, source_id, later, lambda silent: polled_at(silent, later)
                )

    def again_and_again(step: Callable[[], None]) -> None:
        try:
            for _ in range(TIMES):
                step()
        except BaseException as error:  # noqa: BLE001 - handed to the assertion below
            errors.append(error)

    steps = (verify, deliver, poll, lapse) * 2
    threads = [threading.Thread(target=again_and_again, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with store.read() as connection:
        assert len(connection.execute(select(t.websub.c.id)).all()) == 1
    store.close()
