"""What a document costs the database: few statements, whatever its length and what is stored."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from service.store import tables as t
from service.store.content import topics
from service.store.core.database import Store
from tests.curate.desk import Desk, entry

GROWING = {"entry", "article", "article_key", "story", "story_article", "article_topic"}
"""Tables that are never cut: to go through one of them costs more with every year."""


@contextmanager
def executions(store):
    """Statements sent, a statement with many rows counted once."""
    sent = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        sent.append((statement, parameters[0] if many else parameters))

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


class Watched(Desk):
    checks = False  # they would be counted

    def costs(self, *told):
        with executions(self.store) as sent:
            self.says("a", *told)
        return len([one for one, _ in sent if not one.startswith("BEGIN")])


@pytest.fixture
def watched(any_store: Store, now):
    return Watched(any_store, now)


def many(number, **values):
    return [
        entry(str(n), f"https://a.vn/{n}", f"Học sinh lớp {n}", **values) for n in range(number)
    ]


def test_a_document_in_which_nothing_is_new_costs_one_question(watched):
    watched.says("a", *many(300))
    assert watched.costs(*many(300)) == 1


def test_the_cost_of_news_and_of_edits_does_not_grow_with_their_number(watched):
    few = watched.costs(*many(5))
    lots = watched.costs(*many(300))
    assert few <= lots <= few + 6  # one database takes the rows of an INSERT in several parts
    assert lots <= 26
    edits = watched.costs(*many(300, summary="Bản sửa."))
    assert edits <= 20


def gone_through(store, sent):
    """(Table that SQLite reads from its beginning to its end, for which statement).

    Tables are seen by their own names: a statement that gives one another name is not judged.
    """
    found = set()
    for statement, parameters in sent:
        if not statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
            continue
        with store.read() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        scans = (re.match(r"SCAN (\w+)", row[3]) for row in plan)
        found |= {(scan[1], statement) for scan in scans if scan and scan[1] in GROWING}
    return found


def test_no_step_goes_through_all_that_was_ever_stored(store, now):
    """A step that did is nothing with hundreds of articles and takes a second with millions."""
    desk = Watched(store, now)
    with executions(store) as sent:
        desk.says("a", *many(3), first=True)
        desk.says("b", *many(3), entry("x", "https://b.vn/x", "Chỉ ở đây"))
        desk.says("a", *many(3, summary="Bản sửa."))
        desk.says("a", entry("0", "https://a.vn/0", "Giá vàng"))  # leaves a topic
        desk.says("a", entry("y", "https://a.vn/y", "Học sinh lớp 2"))
        before = desk.count(t.story) - merged(store)
        # What a alone tells links to another one: the two become one.
        desk.says("a", entry("y", "https://a.vn/2", "Học sinh lớp 1"))
    assert desk.count(t.story) - merged(store) < before
    assert gone_through(store, sent) == set()


def merged(store):
    with store.read() as connection:
        return connection.scalar(
            select(func.count()).select_from(t.story).where(t.story.c.merged_into.is_not(None))
        )


@pytest.mark.parametrize("statement", ["SELECT * FROM story", "DELETE FROM entry WHERE title = ?"])
def test_a_step_that_goes_through_a_table_is_seen(store, statement):
    parameters = ("x",) * statement.count("?")
    ((_table, found),) = gone_through(store, [(statement, parameters)])
    assert found == statement


def test_a_new_article_is_listed_by_when_it_came_out(any_store, now):
    """The same as what a look at its story says, which is spared."""
    desk = Desk(any_store, now)
    hour = timedelta(hours=1)
    came_out = {"none": None, "before": now - hour, "after": now + hour}
    desk.says(
        "a",
        *(entry(key, f"https://a.vn/{key}", published=at) for key, at in came_out.items()),
        # The second entry of one article: what it was made of says when it came out.
        entry("again", "https://a.vn/before", published=now - 2 * hour),
    )
    with any_store.write() as connection:
        made = listed(connection)
        topics.list_anew(connection, made)
        assert made == listed(connection)
        assert sorted(made.values()) == [now - hour, now, now]


def listed(connection):
    """Article -> when lists count it as new."""
    rows = connection.execute(select(t.article_topic.c.article_id, t.article_topic.c.listed_at))
    return {row.article_id: row.listed_at for row in rows}
