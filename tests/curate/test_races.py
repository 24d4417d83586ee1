"""Workers on PostgreSQL that admit, merge and match anew at once: nothing lost, nothing broken."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.config.schema import Settings
from service.curate.rematch import rematch
from service.store import tables as t
from service.store.core.database import Store
from tests.curate.desk import Desk, broken, entry
from tests.levels import some

pytestmark = pytest.mark.postgres
ROUNDS = some(40, 15)


def together(*jobs):
    """Run each in a thread; what one raises fails the test."""
    failures = []

    def run(job):
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - handed to the assertion below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.sampled
def test_entries_that_move_between_shared_addresses(postgres_database, now):
    """Each round a source's entries are somewhere else: articles are found, made and merged."""
    sources = {name: {"url": f"https://{name}.vn/rss"} for name in "abc"}
    settings = Settings.model_validate(
        {"source": sources, "topic": {"t": {"any": ["học sinh"]}, "s": {"sources": ["b"]}}}
    )
    stores = {name: Store(postgres_database) for name in "abcr"}
    desks = {name: Desk(stores[name], now, settings) for name in "abc"}

    def tell(name):
        rng = random.Random(name)
        for at in range(ROUNDS):
            places = rng.sample(range(60), 3)
            desks[name].says(
                name,
                *(
                    entry(f"{key}", f"https://chung.vn/{place}", f"Học sinh {key} {at}")
                    for key, place in enumerate(places)
                ),
                at=now + timedelta(minutes=at),
            )

    def match_anew():
        for at in range(ROUNDS * 3):
            changed = settings.topic["t"].model_copy(update={"none": (f"x {at}",)})
            topics = {**settings.topic, "t": changed}
            rematch(stores["r"], settings.model_copy(update={"topic": topics}), now)

    together(*(lambda name=name: tell(name) for name in "abc"), match_anew)
    with stores["r"].read() as connection:
        assert broken(connection) == []
        assert connection.scalar(select(func.count()).select_from(t.entry)) == 9
        assert connection.scalar(select(func.count(t.entry.c.article_id))) == 9
        merged = connection.scalar(select(func.count(t.article.c.merged_into)))
        assert merged >= 1
    for store in stores.values():
        store.close()


def test_the_same_document_of_one_source_twice_at_once(postgres_database, now):
    """As when a lease lapsed under a slow worker: the second finds what the first kept."""
    stores = [Store(postgres_database), Store(postgres_database)]
    desks = [Desk(store, now) for store in stores]
    entries = [entry(str(n), f"https://a.vn/{n}", f"Học sinh {n}") for n in range(200)]
    turned = [replace(one, summary="Bản hai.") for one in reversed(entries)]
    together(lambda: desks[0].says("a", *entries), lambda: desks[1].says("a", *turned))
    assert desks[0].count(t.article) == desks[0].count(t.entry) == 200
    with stores[0].read() as connection:
        assert broken(connection) == []
    for store in stores:
        store.close()
