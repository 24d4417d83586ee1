"""docs/schema.md says of every table what the declaration says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from sqlalchemy import Integer, LargeBinary

from service.store import tables as t
from service.store.core.column_types import UtcDateTime

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "schema.md").read_text(encoding="utf-8")
STORE = ROOT / "service" / "store"
NAME = re.compile(r"`(\w+)`")


def rows():
    """Table -> the cells of its row: what a row is, its key, who writes it, when it is deleted."""
    found = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)
    return {name: cells for name, *cells in found}


def columns():
    """Table -> its columns, as listed below the tables."""
    found = re.findall(r"^`(\w+)`: ((?:.+\n)+)", PAGE, re.MULTILINE)
    return {name: NAME.findall(text) for name, text in found}


def test_each_table_is_there_with_its_key_and_all_its_columns():
    tables = t.metadata.tables
    told = rows()
    assert set(told) == set(tables)
    assert {name: NAME.findall(key) for name, (_, key, _, _) in told.items()} == {
        name: [column.name for column in table.primary_key] for name, table in tables.items()
    }
    assert columns() == {name: list(table.c.keys()) for name, table in tables.items()}
    assert all(all(cells) for cells in told.values())


def test_a_columns_name_says_what_it_holds():
    """Instants, seconds, hashes and references are known by their endings, and only they are."""
    ends = {
        ("_at", "_since", "_until", "_from", "_to"): lambda one: isinstance(one.type, UtcDateTime),
        ("_s",): lambda one: isinstance(one.type, Integer) and not one.foreign_keys,
        ("hash",): lambda one: isinstance(one.type, LargeBinary),
    }
    for table in t.metadata.tables.values():
        for column in table.c:
            for endings, holds in ends.items():
                told = column.name.endswith(endings)
                assert not told or holds(column), f"{column} tells something else"
            instant = isinstance(column.type, UtcDateTime)
            assert not instant or column.name.endswith(next(iter(ends))), f"{column} is an instant"
            named = column.name.endswith(("_id", "merged_into"))
            assert not column.foreign_keys or named, f"{column} is a reference"


def test_each_reference_is_drawn_and_no_other():
    drawn = set(re.findall(r"^    (\w+) (\S+) (\w+) : (\w+)$", PAGE, re.MULTILINE))
    assert drawn == {
        (key.column.table.name, _line(column), table.name, column.name)
        for table in t.metadata.tables.values()
        for column in table.c
        for key in column.foreign_keys
    }


def _line(column):
    """Mermaid's line: whether there must be one on the left, and how many stand on the right."""
    if list(column.table.primary_key) == [column]:
        return "||--o|"
    return "|o--o{" if column.nullable else "||--o{"


WRITES = {
    "insert", "update", "delete", "upsert", "upsert_for", "inserting", "Copied", "RowInsert",
    "RowUpdate",
}  # fmt: skip
ANY_OF = {
    "content/merges.py": {"article_key", "article_topic", "entry"},
    "sources/registry.py": {"source", "source_poll", "source_counts", "topic", "digest"},
    "sources/renames.py": {"source", "topic", "digest", "edition_story", "dropped_story"},
    "recalled/frozen_stories.py": {"edition_story", "dropped_story"},
    "reviews/stories.py": {"edition_story", "dropped_story"},
}
"""Modules that write a table which they get as a value, and which these are."""
HELPERS = {
    "core/arrays.py", "core/bulk.py", "core/lease.py", "clock_repair.py", "core/statements.py",
    "kept/after_restore.py", "kept/copying.py", "kept/rows.py",
}  # fmt: skip
"""Whose tables are their callers', or all of them."""


def writers():
    """Table -> the modules that write it, as their statements say."""
    found = {name: set() for name in t.metadata.tables}
    unnamed = set()
    for path in sorted(STORE.rglob("*.py")):
        module = str(path.relative_to(STORE))
        if module in HELPERS or {"migrations", "tables"} & set(path.parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {"t": None} | {
            one.asname or one.name: one.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "service.store.tables"
            for one in node.names
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in WRITES:
                table = next((_table(one, names) for one in call.args[:2] if _table(one, names)), 0)
                found.get(table, unnamed).add(path.name if table else module)
    for module, names in ANY_OF.items():
        for name in names:
            found[name].add(Path(module).name)
    assert unnamed == set(ANY_OF)
    found["source_poll"].add("polling_queue.py")  # its claims are written by the lease alone
    return found


def _table(given, names):
    if isinstance(given, ast.Name):
        return names.get(given.id)
    of_all = isinstance(given, ast.Attribute) and isinstance(given.value, ast.Name)
    return given.attr if of_all and given.attr in t.metadata.tables else None


def test_the_page_names_all_that_writes_a_table_and_nothing_else():
    told = {
        name: {Path(one).name for one in re.findall(r"`([\w/]+\.py)`", cell)}
        for name, (_, _, cell, _) in rows().items()
    }
    assert told == writers()


def test_what_writes_a_table_stands_where_the_page_says():
    for name, (_, _, writers, _) in rows().items():
        modules = re.findall(r"`([\w/]+\.py)`", writers)
        assert modules, name
        for module in modules:
            path = Path("service/store") / module.removeprefix("service/").removeprefix("store/")
            found = list((ROOT / "service" / "store").rglob(path.name))
            assert found, f"{name}: {module}"
            if "/" in module:
                assert (ROOT / path).is_file(), f"{name}: {module}"
