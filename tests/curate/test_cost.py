"""What a document costs the database: few statements, whatever its length."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from service.store.database import Store
from tests.curate.desk import Desk, entry


@contextmanager
def executions(store):
    """Statements sent, a statement with many rows counted once."""
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine, "before_cursor_execute", note)


class Watched(Desk):
    checks = False  # they would be counted

    def costs(self, *told):
        with executions(self.store) as sent:
            self.says("a", *told)
        return len([one for one in sent if not one.startswith("BEGIN")])


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
