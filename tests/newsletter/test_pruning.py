"""The ledger forgets what no edition reaches back to, and nothing that one still does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from service.config.schema import Settings
from service.newsletter.pruning import prune, spans
from service.store import tables as t
from service.store.mailing import uncertain_deliveries
from tests.mail import stock
from tests.store.watching import written

DAY = timedelta(days=1)


def _settings(**digests):
    return Settings.model_validate({"site": {"timezone": "UTC"}, "digest": digests})


@pytest.mark.parametrize(
    ("cadence", "least", "most"),
    [("daily", 35, 35), ("weekly", 35, 35), ("monthly", 56, 62), ("half-yearly", 362, 368),
     ("0 7 1 1 *", 730, 732)],
)  # fmt: skip
def test_it_is_kept_for_twice_the_longest_cadence_of_its_scope(now, cadence, least, most):
    kept = spans(_settings(tuan={"cadence": "daily", "cadences": ["daily", cadence]}), now)
    assert least <= kept["news"].days <= most


def _told(store):
    with store.read() as connection:
        return connection.scalar(select(func.count()).select_from(t.told))


def _date(store, delivery, **values):
    with store.ledger() as connection:
        connection.execute(update(t.delivery).where(t.delivery.c.id == delivery).values(**values))


@pytest.fixture
def told(any_store, now):
    """One delivery that told one article in the scope `news`."""
    delivery = stock.fill(any_store, now, ["an@example.vn"]).deliveries[0]
    with any_store.ledger() as connection:
        connection.execute(t.told.delete())
        article = connection.scalar(select(func.min(t.article.c.id)))
        person = connection.scalar(select(func.min(t.subscriber.c.id)))
        connection.execute(
            insert(t.told).values(
                subscriber_id=person, scope="news", article_id=article, delivery_id=delivery,
                shown=True,
            )
        )  # fmt: skip
    return delivery


def test_old_rows_go_and_young_ones_and_those_of_open_mails_stay(any_store, told, now):
    weekly = _settings(tuan={"cadence": "weekly"})
    _date(any_store, told, dated_at=now - 34 * DAY, state="accepted")
    assert prune(any_store, weekly, now) == 0
    _date(any_store, told, dated_at=now - 36 * DAY, state="uncertain")
    assert prune(any_store, weekly, now) == 0
    assert _told(any_store) == 1
    _date(any_store, told, dated_at=now - 36 * DAY, state="accepted")
    assert prune(any_store, weekly, now) == 1
    assert _told(any_store) == 0


@pytest.mark.parametrize("scope", ["news", "roi-toml"])
def test_who_may_have_to_be_reached_back_for_keeps_what_he_was_told(any_store, told, now, scope):
    """A mail was uncertain for two months; released, its window begins then."""
    weekly = _settings(tuan={"cadence": "weekly"})
    _date(any_store, told, dated_at=now - 36 * DAY, state="accepted")
    with any_store.ledger() as connection:
        connection.execute(update(t.told).values(scope=scope))
        connection.execute(update(t.digest).values(scope=scope))
        row = connection.execute(select(t.delivery)).one()
        edition = connection.execute(select(t.edition)).one()
        older = {**edition._asdict(), "id": 99, "cut_at": now - 60 * DAY}
        connection.execute(insert(t.edition).values(**older))
        values = {
            **row._asdict(), "id": 99, "message_id": "x@y", "edition_id": 99,
            "covers_from": now - 67 * DAY, "dated_at": now - 60 * DAY, "state": "uncertain",
        }  # fmt: skip
        connection.execute(insert(t.delivery).values(**values))
    assert prune(any_store, weekly, now) == 0
    with any_store.ledger() as connection:
        connection.execute(update(t.subscription).values(starts_at=now - 90 * DAY))
        assert uncertain_deliveries.drop(connection, [99], now, untold=True) == [99]
    assert prune(any_store, weekly, now) == 0
    with any_store.ledger() as connection:  # the next edition has reached back
        connection.execute(update(t.subscription).values(covered_to=now))
    assert prune(any_store, weekly, now) == 1


def test_a_scope_that_left_the_toml_is_kept_as_long_as_the_longest(any_store, told, now):
    reviews = _settings(**{"nua-nam": {"cadence": "half-yearly", "scope": "review"}})
    _date(any_store, told, dated_at=now - 100 * DAY, state="accepted")
    assert prune(any_store, reviews, now) == 0
    _date(any_store, told, dated_at=now - 400 * DAY)
    assert prune(any_store, reviews, now) == 1


def _two_scopes(store, now, many):
    """As many readers who were each told something in `news` and, before that, in `review`.

    All a hundred days ago.
    """
    with store.ledger() as connection:
        connection.execute(t.told.delete())
        row = connection.execute(select(t.delivery)).one()._asdict()
        person = connection.execute(select(t.subscriber)).one()._asdict()
        article = connection.scalar(select(func.min(t.article.c.id)))
        people = [
            {**person, "id": 1000 + n, "address": f"r{n}@a.vn", "address_key": b"%d" % n}
            for n in range(many)
        ]
        connection.execute(insert(t.subscriber), people)
        for at, scope in enumerate(["review", "news"]):
            ids = [10_000 * (at + 1) + n for n in range(many)]
            connection.execute(
                insert(t.delivery),
                [
                    {
                        **row, "id": one, "edition_id": None, "kind": "welcome",
                        "message_id": f"{one}@a", "state": "accepted",
                        "dated_at": now - 100 * DAY,
                    }
                    for one in ids
                ],
            )  # fmt: skip
            connection.execute(
                insert(t.told),
                [
                    {
                        "subscriber_id": person["id"], "scope": scope, "article_id": article,
                        "delivery_id": one, "shown": True,
                    }
                    for one, person in zip(ids, people, strict=True)
                ],
            )  # fmt: skip


def test_of_a_scope_that_is_kept_long_each_delivery_is_looked_at_once(any_store, told, now):
    """Else each transaction of the other scope would go through all of them once more."""
    both = _settings(tuan={"cadence": "weekly"}, nam={"cadence": "half-yearly", "scope": "review"})
    many = 2500
    _two_scopes(any_store, now, many)
    with written(any_store, any_store._ledger) as asked:
        assert prune(any_store, both, now) == many
    looks = [one for one in asked if "WHERE told.delivery_id > " in one]
    deletions = [one for one in asked if one.startswith("DELETE")]
    assert len(deletions) <= many // 200 + 6
    assert len(looks) <= len(deletions) + many // 500 + 6
    with any_store.read() as connection:
        assert set(connection.scalars(select(t.told.c.scope))) == {"review"}
    assert _told(any_store) == many
