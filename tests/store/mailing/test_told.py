"""The ledger and the windows that hang on it: what is known, and what a release gives back."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, text, update

from service.errors import ConflictError
from service.model import DeliveryKind
from service.store import tables as t
from service.store.mailing import deliveries, release, segments, told
from service.store.mailing.deliveries import NewDelivery
from service.store.mailing.segments import Segment
from service.store.mailing.told import DeliveryContents
from tests import builders
from tests.running import until
from tests.store.watching import written

MANY = 501
"""More articles than one list of ids takes."""

of_many = pytest.mark.parametrize("number", [MANY])


@pytest.fixture
def number():
    """Of articles."""
    return 3


@pytest.fixture
def ledger(any_store, now, number):
    """Two digests of two scopes and one reader of both. Returns how to tell him articles."""
    with any_store.write() as connection:
        source = builders.add_source(connection, now)
        articles = builders.add_stories(
            connection, source=source, entered_at=now, titles=[f"Tin {n}" for n in range(number)]
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


@pytest.fixture
def bare(ledger, now):
    """What a row of the ledger names, which nothing else names. And how to have it told."""
    store, _, articles, subscriptions, _ = ledger
    with store.ledger() as connection:
        reader = builders._id(connection, t.subscriber, address_key=b"x", created_at=now)
        row = connection.execute(select(t.article).where(t.article.c.id == articles[0])).one()
        values = {**row._mapping, "id": articles[-1] + 1, "public_id": "bare"}
        connection.execute(insert(t.article).values(values))
        new = NewDelivery(
            subscription_id=subscriptions["tuan"], kind=DeliveryKind.WELCOME, dated_at=now,
            segment_id=segments.put(connection, Segment(None, b"bare", "vi", [], b"")),
            message_id="bare@a",
        )  # fmt: skip
        [mail] = deliveries.add(connection, [new], now)
    rows = {"subscriber": reader, "article": values["id"], "delivery": mail}

    def tell(connection, **other):
        names = rows | other
        what = {names["article"]: True}
        told.write(
            connection, [DeliveryContents(names["subscriber"], "news", names["delivery"], what)]
        )

    return store, rows, tell


def test_a_scope_is_written_as_it_is_called(ledger):
    store, reader, articles, _, tell = ledger
    mail = tell("tuan", articles[0])
    name = "a\\b\tc\nd\re \\N é"
    with store.ledger() as connection:
        what = {articles[2]: True, articles[1]: False}
        told.write(connection, [DeliveryContents(reader, name, mail, what)])
    with store.read() as connection:
        assert told.known(connection, name, [reader], articles) == {reader: set(what)}
        rows = connection.execute(select(t.told).where(t.told.c.scope == name)).all()
    assert {row.article_id: row.shown for row in rows} == what
    assert {row.delivery_id for row in rows} == {mail}


NAMED = ["article", "delivery", "subscriber"]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.both_engines
def test_what_was_told_of_cannot_go_before_its_row(bare, name):
    """Whoever deletes it, by whatever program; what nothing names any more may go."""
    store, rows, tell = bare
    table = t.metadata.tables[name]
    mine = table.c.id == rows[name]
    with store.ledger() as connection:
        tell(connection)
    for change in (delete(table).where(mine), update(table).where(mine).values(id=10**9)):
        with pytest.raises(ConflictError), store.ledger() as connection:
            connection.execute(change)
    with store.ledger() as connection:
        connection.execute(update(table).where(mine).values(id=rows[name]))
        told.forget(connection, [rows["delivery"]])
        assert connection.execute(delete(table).where(mine)).rowcount == 1


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.both_engines
def test_nothing_is_told_of_what_is_not_there(bare, name):
    store, _, tell = bare
    with pytest.raises(ConflictError), store.ledger() as connection:
        tell(connection, **{name: 10**9})
    with store.read() as connection:
        assert connection.execute(select(t.told)).all() == []


@pytest.mark.postgres
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("first", ["told", "deleted"])
def test_who_tells_and_who_deletes_at_once_see_each_other(bare, name, first):
    """The second waits for the first one's commit, and is refused."""
    store, rows, tell = bare
    if store.is_sqlite:
        return  # one writer
    table = t.metadata.tables[name]

    def deletes(connection):
        connection.execute(delete(table).where(table.c.id == rows[name]))

    def does(act):
        with store.ledger() as connection:
            act(connection)

    one, other = (tell, deletes) if first == "told" else (deletes, tell)
    with ThreadPoolExecutor(1) as apart:
        with store.ledger() as connection:
            one(connection)
            later = apart.submit(does, other)
            until(lambda: later.done() or waiting(store), 60)
            assert not later.done()
        with pytest.raises(ConflictError):
            later.result(60)
    with store.read() as connection:
        assert len(connection.execute(select(t.told)).all()) == (first == "told")


def waiting(store):
    held = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    with store.read() as connection:
        return connection.scalar(text(held))


@pytest.mark.large
@of_many
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


@pytest.mark.postgres
@of_many
def test_what_was_told_is_looked_up_as_fast_once_postgresql_plans_it_no_more(ledger):
    """After ten times on a connection it knows neither the articles nor how many there are."""
    store, reader, articles, _, _ = ledger
    if store.is_sqlite:
        return
    with written(store, store._ledger) as asked, store.read() as connection:
        told.known(connection, "news", [reader], articles)
    [sql] = [one for one in asked if "LATERAL" in one]
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    for n, name in enumerate(names, 1):
        sql = sql.replace(f"%({name})s", f"${n}")
    with store.read() as connection:
        run = connection.exec_driver_sql
        run(f"PREPARE asked AS {sql}")
        run("SET LOCAL plan_cache_mode = force_generic_plan")
        plan = "\n".join(
            run(f"EXPLAIN EXECUTE asked({', '.join(['NULL'] * len(names))})").scalars()
        )
        run("DEALLOCATE asked")
    assert "hashed SubPlan" in plan
    assert "= ANY (" not in plan


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


@of_many
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
