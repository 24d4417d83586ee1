"""A store is copied to the other database row by row, and goes on after it was killed."""

from __future__ import annotations

import signal
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from service.errors import SchemaError, StoreError
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.migrate import is_current, migrate
from service.store.kept.copying import copy
from tests import builders, levels
from tests.running import KILLED_COPY, PATIENCE_S, started
from tests.store.kept.test_backup import address, empty_postgres

__all__ = ["empty_postgres"]


def fill(store, now, articles=30):
    """An office with every shape of value, and articles that became one with later ones."""
    with store.write() as connection:
        source = builders.add_source(connection, now, weight=1.5, etag=b'"\x00\xff"')
        topic = builders.add_topic(connection, now)
        digest = builders.add_digest(connection, now)
        reader = builders.add_subscription(
            connection, digest=digest, starts_at=now, topics=["giao-duc"], paused_until=now
        )
        made = [
            builders.add_story(
                connection, source=source, topics=[topic], title=f"Tin số {number} – “ệ”",
                entered_at=now + timedelta(microseconds=number),
            )
            for number in range(articles)
        ]  # fmt: skip
        (first, one), (second, two), *_, (_, last) = made
        connection.execute(
            update(t.article).where(t.article.c.id == one).values(merged_into=last, image=None)
        )
        connection.execute(
            update(t.article)
            .where(t.article.c.id == two)
            .values(enclosures=[{"z": -0.0, "a": [1, 2.5, 1e-7, 1e22, True, None, "ệ"]}])
        )
        connection.execute(update(t.story).where(t.story.c.id == first).values(merged_into=second))
        connection.execute(
            insert(t.document).values(
                feed="giao-duc", format="atom", body=b"\x00<", gzip=b"", etag="x", changed_at=now,
                basis=b"",
            )
        )  # fmt: skip
        connection.execute(
            insert(t.article_key),
            [{"key": f"{n % 7} ệ {n} Z_a", "article_id": last} for n in range(1200)],
        )
        facts.put(connection, "search_indexed", "1 7")
        facts.secret(connection)
    return reader


@pytest.fixture
def full(any_store, now):
    fill(any_store, now)
    return any_store


WAYS = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
one_way = pytest.mark.parametrize("any_store", levels.each(WAYS, of="way"), indirect=True)
"""In a sample from one of the two; every row is copied both ways in each run all the same."""


@pytest.fixture
def place(full, tmp_path, request):
    """The address of an empty store of the other kind."""
    if full.is_sqlite:
        return request.getfixturevalue("postgres_database")
    return f"sqlite:///{tmp_path}/to/bantin.db"


def origin(store):
    """Its address, with nobody connected."""
    for engine in (store._readers, store._engine, store._ledger):
        engine.dispose()
    return address(store)


def rows(store):
    """Table -> its rows, by key."""
    with store.read() as connection:
        return {
            table.name: {
                tuple(row._mapping[column] for column in table.primary_key): row._asdict()
                for row in connection.execute(select(table))
                if table is not t.fact or row.name != "search_indexed"
            }
            for table in t.metadata.sorted_tables
        }


def test_every_row_arrives_and_numbers_go_on(full, place, now):
    before = rows(full)
    done = copy(origin(full), place)
    assert {one.name: one.rows for one in done} == {
        name: len(those)
        for name, those in before.items()
        if name not in ("stale_search", "running_process")
    }
    with closing(Store(place)) as store:
        assert is_current(store)
        assert rows(store) == before
        with store.write() as connection:
            assert facts.get(connection, "search_indexed") is None, "the index is made anew"
            assert facts.get(connection, "copied_from") is None
            highest = connection.scalar(select(func.max(t.article.c.id)))
            _, new = builders.add_story(
                connection, source=1, topics=[], entered_at=now, title="Tin sau"
            )
        assert new == highest + 1
    assert rows(full) == before, "FROM is as it was"


@pytest.mark.sampled
@one_way
def test_it_comes_back_the_same(full, place, tmp_path, empty_postgres):
    before = rows(full)
    copy(origin(full), place)
    back = f"sqlite:///{tmp_path}/back.db" if full.is_sqlite else empty_postgres()
    copy(place, back)
    with closing(Store(back)) as store:
        assert rows(store) == before


@pytest.mark.sampled
@one_way
def test_a_place_that_holds_something_else_is_refused(full, place, now):
    with closing(Store(place)) as store:
        migrate(store)
        fill(store, now, articles=3)
        before = rows(store)
    with pytest.raises(StoreError, match="TO: it is not empty"):
        copy(origin(full), place)
    with closing(Store(place)) as store:
        assert rows(store) == before


@pytest.mark.sampled
@one_way
def test_a_place_that_was_only_looked_at_is_empty(full, place, now):
    with closing(Store(place)) as store:
        migrate(store)
        with store.write() as connection:
            builders.add_source(connection, now, "another")
            facts.secret(connection)
    copy(origin(full), place)
    with closing(Store(place)) as store:
        assert rows(store) == rows(full)


@pytest.mark.sampled
@one_way
def test_a_store_that_is_in_use_is_refused(full, place):
    where = origin(full)
    with full.read() as connection:
        connection.execute(select(t.article)).all()
        with pytest.raises(StoreError, match=r"FROM: .*stop the service first"):
            copy(where, place)


class KilledError(Exception):
    """What a test ends a copy with."""


@pytest.mark.processes
@pytest.mark.sampled
@pytest.mark.parametrize("after", levels.each(["topic", "article_key"], of="killed"))
def test_a_copy_that_was_killed_is_no_store_and_goes_on(full, place, now, after, tmp_path):
    before = rows(full)
    process = started([str(KILLED_COPY), origin(full), place, after], cwd=tmp_path)
    assert process.wait(PATIENCE_S) == -signal.SIGKILL
    with closing(Store(place)) as store:
        with pytest.raises(SchemaError, match="its copy was broken off"):
            migrate(store)
        # What stands there otherwise than it should is written anew.
        with store.write() as connection:
            connection.execute(update(t.source).values(title="?"))
    done = {one.name: one for one in copy(origin(full), place)}
    assert (done["source"].kept, done["source"].rows) == (0, 1)
    assert done["topic"].kept == 1
    with closing(Store(place)) as store:
        assert rows(store) == before


@pytest.mark.sampled
@one_way
def test_what_from_has_no_more_is_taken_out_again(full, place):
    """It was started in between, after the copy was killed."""

    def progress(table, _done):
        if table == "article_key":
            raise KilledError

    with pytest.raises(KilledError):
        copy(origin(full), place, progress)
    with full.write() as connection:
        connection.execute(text("DELETE FROM article_key WHERE key LIKE '3%'"))
        connection.execute(text("UPDATE article SET title = 'Tin khác' WHERE id = 3"))
    copy(origin(full), place)
    with closing(Store(place)) as store:
        assert rows(store) == rows(full)


@pytest.mark.sampled
@one_way
def test_an_unfinished_copy_of_another_store_is_refused(full, place, tmp_path, now):
    def progress(table, _done):
        raise KilledError(table)

    with pytest.raises(KilledError):
        copy(origin(full), place, progress)
    another = f"sqlite:///{tmp_path}/another.db"
    with closing(Store(another)) as store:
        migrate(store)
        fill(store, now, articles=3)
    with pytest.raises(StoreError, match="TO: it holds an unfinished copy of another store"):
        copy(another, place)


@pytest.mark.parametrize(
    ("language", "words"), [("x" * 60, "too long"), ("v\x00i", r"NUL \(0x00\)")]
)
def test_what_the_other_database_cannot_hold_is_named(
    sqlite_url, postgres_database, now, language, words
):
    """SQLite takes any text in any column."""
    with closing(Store(sqlite_url)) as store:
        fill(store, now, articles=3)
        with store.write() as connection:
            connection.execute(
                update(t.article).where(t.article.c.id == 2).values(language=language)
            )
    with pytest.raises(StoreError, match=rf"TO: article \(id 2\): .*{words}"):
        copy(sqlite_url, postgres_database)


def test_neither_nowhere_nor_itself(sqlite_url, tmp_path):
    with pytest.raises(StoreError, match="FROM: nothing is stored there"):
        copy(f"sqlite:///{tmp_path}/none.db", sqlite_url)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(StoreError, match="the same"):
        copy(sqlite_url, sqlite_url)
