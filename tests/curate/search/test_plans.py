"""How SQLite goes about a question: by the index and by ids, through no table as a whole."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from service.curate.search.answers import find_stories
from service.curate.search.question import parse
from tests.curate.desk import entry
from tests.curate.search.conftest import SearchDesk

KINDS = [
    "chính phủ", "chinh phu", '"chính phủ"', "học since:7d", "học topic:giao-duc",
    "học source:a", "source:a source:b topic:giao-duc since:30d", "topic:tat-ca", "không có",
]  # fmt: skip

NO_TABLE = "SCAN article_search VIRTUAL TABLE", "SCAN CONSTANT ROW", "SCAN anon_"
"""The walk through FTS5 for the question's words, and what a part of the same statement gives."""


@contextmanager
def asked(store):
    seen = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        if statement.startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    event.listen(store._readers, "before_cursor_execute", note)
    yield seen
    event.remove(store._readers, "before_cursor_execute", note)


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "new"])
def test_no_question_goes_through_a_table_as_a_whole(store, now, indexed):
    """Nor through all entries of a source; and FTS5 gives articles in the order they are wanted."""
    desk = SearchDesk(store, now)
    desk.says("a", *(entry(str(n), f"https://a.vn/{n}", f"{n} Học chính phủ") for n in range(9)))
    desk.says("b", entry("x", "https://b.vn/x", "Chính phủ họp"))
    if indexed:
        desk.indexed()
    settings = desk.settings
    for kind in KINDS:
        question = parse(kind, settings.topic, settings.source, settings.zone, now)
        with asked(store) as seen, store.read() as connection:
            find_stories(connection, question, 100)
        assert len(seen) > 3
        for statement, parameters in seen:
            with store.read() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                lines = [row[3] for row in plan]
            if "MATCH" in statement:
                assert not any("TEMP B-TREE" in one for one in lines), (kind, lines)
            entries = {one for one in lines if one.startswith("SEARCH entry")}
            assert entries <= {"SEARCH entry USING INDEX ix_entry_article_id (article_id=?)"}, kind
            scans = [
                one for one in lines if one.startswith("SCAN") and not one.startswith(NO_TABLE)
            ]
            assert not scans, (kind, statement, lines)
