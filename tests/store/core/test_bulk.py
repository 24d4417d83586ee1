"""Values for IN, in lists that a statement can take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, true, update

from service.store import tables as t
from service.store.core.bulk import among, among_given, lots
from tests import builders


@given(st.lists(st.integers(0, 50)), st.integers(1, 20))
def test_every_value_once_and_no_other(values, most):
    made = list(lots(values, most))
    assert [one for some in made for one in some] == list(dict.fromkeys(values))
    assert all(1 <= len(some) <= most for some in made)


def test_nothing_is_no_statement():
    assert list(lots([])) == []


def test_one_of_many_ids_is_found_by_its_index_alone_or_beside_others(store, now):
    """Compared with 1, as SQLAlchemy would have a condition that it does not know, it uses none."""
    with store.write() as connection:
        topics = [builders.add_topic(connection, now, f"chu-de-{number}") for number in range(4)]
        some = among(connection, t.topic.c.id, topics[1:3])
        bound = among_given(t.topic.c.id, "ids", "sqlite")
        for wanted in (some, some & true(), t.topic.c.title.is_not(None) & some, bound):
            asked = select(t.topic.c.id).where(wanted).order_by(t.topic.c.id)
            spelt = str(asked.compile(connection))
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {spelt}", ("[]",)).all()
            assert not any(row[3].startswith("SCAN topic") for row in plan), spelt
            given = {"ids": topics[1:3]} if wanted is bound else {}
            assert list(connection.scalars(asked, given)) == topics[1:3]
        others = select(t.topic.c.id).where(~some).order_by(t.topic.c.id)
        assert list(connection.scalars(others)) == [topics[0], topics[3]]
        connection.execute(update(t.topic).where(some).values(title="x"))
        titled = select(t.topic.c.id).where(t.topic.c.title == "x").order_by(t.topic.c.id)
        assert list(connection.scalars(titled)) == topics[1:3]
