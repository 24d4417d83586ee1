"""Counting letters must not read the mail of years."""

from __future__ import annotations

from sqlalchemy import event

from service.store import letters


def test_the_count_of_all_is_answered_by_the_index_of_letters(store, now):
    asked = []

    @event.listens_for(store._readers, "before_cursor_execute")
    def _see(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    with store.read() as connection:
        assert letters.signups_of_all(connection, now) == 0
        statement, parameters = asked[-1]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    assert any("ix_delivery_letters" in row[-1] for row in plan), plan
