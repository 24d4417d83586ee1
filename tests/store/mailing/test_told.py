"""The ledger and the windows that hang on it: what is known, and what a release gives back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.model import DeliveryKind
from service.store import tables as t
from service.store.mailing import deliveries, release, segments, told
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.segments import Segment
from service.store.mailing.told import DeliveryContents
from tests import builders
from tests.store.watching import written

MANY = 501
"""More articles than one list of ids takes."""


@pytest.fixture
def ledger(any_store, now):
    """Two digests of two scopes and one reader of both. Returns how to tell him articles."""
    with any_store.write() as connection:
        source = builders.add_source(connection, now)
        articles = builders.add_stories(
            connection, source=source, entered_at=now, titles=[f"Tin {n}" for n in range(MANY)]
        )
        digests = {
            name: builders.add_digest(connection, now, name, scope=scope)
            for name, scope in (("tuan", "news"), ("ngay", "news"), ("nam", "review"))
        }
        subscriptions = {
            name: builders.add_subscription(
                connection, digest=row, starts_at=now - timedelta(days=9), covered_to=now
            )
            for name, row in digests.items()
        }
        reader = connection.execute(select(t.subscriber.c.id)).scalar_one()

    def tell(digest, *chosen, covers_from=None):
        with any_store.ledger() as connection:
            parts = Segment(None, digest.encode(), "vi", [], b"")
            new = NewDelivery(
                subscription_id=subscriptions[digest], kind=DeliveryKind.WELCOME,
                segment_id=segments.put(connection, parts), message_id=f"{digest}@a",
                dated_at=now, covers_from=covers_from,
            )  # fmt: skip
            [delivery] = deliveries.add(connection, [new], now)
            scope = "review" if digest == "nam" else "news"
            told.write(
                connection, [DeliveryContents(reader, scope, delivery, dict.fromkeys(chosen, True))]
            )
            return delivery

    return any_store, reader, articles, subscriptions, tell


@pytest.mark.large
def test_of_very_many_articles_each_that_was_told_is_known(ledger):
    store, reader, articles, _, tell = ledger
    chosen = [articles[at] for at in (0, MANY // 2, MANY - 1)]
    tell("tuan", *chosen)
    with store.read() as connection:
        assert told.known(connection, "news", [reader], articles) == {reader: set(chosen)}
        for one in chosen:
            assert told.known(connection, "news", [reader], [one]) == {reader: {one}}
        assert told.known(connection, "news", [reader], [articles[1]]) == {reader: set()}
        assert told.known(connection, "review", [reader], articles) == {reader: set()}


def test_a_release_lets_the_subscriptions_of_its_scope_alone_reach_back(ledger, now):
    store, _, articles, subscriptions, tell = ledger
    back_to = now - timedelta(days=2)
    released = tell("tuan", articles[0], covers_from=back_to)
    tell("nam", articles[0], covers_from=back_to)
    with store.ledger() as connection:
        release.release(connection, [released])
    with store.read() as connection:
        rows = connection.execute(select(t.subscription.c.id, t.subscription.c.covered_to))
        covered = {row.id: row.covered_to for row in rows}
        left = connection.execute(select(t.told.c.scope)).scalars().all()
    assert {name: covered[row] for name, row in subscriptions.items()} == {
        "tuan": back_to,
        "ngay": back_to,
        "nam": now,
    }
    assert left == ["review"]


@pytest.mark.large
def test_what_is_old_is_found_by_what_was_told_first(ledger, now):
    """As many statements however many deliveries there are, and behind those that are held back."""
    store, reader, articles, subscriptions, _ = ledger
    old, before = now - timedelta(days=90), now - timedelta(days=35)
    with store.ledger() as connection:
        part = segments.put(connection, Segment(None, b"one", "vi", [], b""))
        each = [
            NewDelivery(subscriptions["tuan"], part, DeliveryKind.WELCOME, f"{n}@a", dated_at=at)
            for n, at in zip(range(MANY), [old] * (MANY - 1) + [now], strict=True)
        ]
        ids = deliveries.add(connection, each, now)
        told.write(
            connection,
            [
                DeliveryContents(reader, "news", one, {article: False})
                for one, article in zip(ids, articles, strict=True)
            ],
        )
        settled = update(t.delivery).values(state="accepted")
        connection.execute(settled.where(t.delivery.c.id > ids[-3]))
    with written(store, store._ledger) as asked, store.ledger() as connection:
        gone, far = told.prune(connection, before, scope="news", known={"news"})
    assert (gone, far) == (1, ids[-2])
    assert len([one for one in asked if one.startswith("SELECT DISTINCT told")]) <= 2
    with written(store, store._ledger) as asked, store.ledger() as connection:
        assert told.prune(connection, old, scope="news", known={"news"}) == (0, None)
    assert [one.split()[0] for one in asked if not one.startswith(("BEGIN", "SAVE"))] == [
        "SELECT",
        "SELECT",
    ]
    with store.read() as connection:
        kept = set(connection.scalars(select(t.told.c.delivery_id)))
    assert kept == set(ids) - {ids[-2]}
