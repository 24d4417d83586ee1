"""What the statements of a piece of work read, beside what they return, on PostgreSQL.

Each statement is explained where it is about to be executed: in its own transaction, inside a
savepoint that is rolled back, with its own parameters. So a claim is explained before it claims.
What is sent for many rows is explained for the first of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from service.store.core.database import Store

FEW = 300
"""Rows that anything may read: small tables are read whole, whatever is asked of them."""

TIMES = 4
"""So many rows may be read of each table for each row that is returned."""

_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
_PLANNED = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE|\()", re.IGNORECASE)


@dataclass(slots=True)
class Plan:
    """A statement with what it did. `read`: rows of tables and indexes, `buffers` of 8 kB.

    `tables`: scans in it, the tables that are gone through whole in `whole`. `ms` is the time
    that PostgreSQL itself needed, `times` how often it was sent, `sent` how many rows with it.
    """

    way: str
    statement: str
    returned: int = 0
    read: int = 0
    buffers: int = 0
    scans: int = 0
    whole: tuple[str, ...] = ()
    ms: float = 0.0
    times: int = 0
    tree: Any = None
    parameters: Any = None

    @property
    def reads_much(self) -> bool:
        """Whether it reads far more than it returns."""
        return self.read > FEW + TIMES * self.scans * max(self.returned, 1)

    @property
    def excess(self) -> float:
        """Rows read for each that is returned."""
        return self.read / max(self.returned, 1)


@dataclass
class Plans:
    """Of all pieces of work, by their name and the statement; of one sent often its worst run."""

    found: dict[tuple[str, str], Plan] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, store: Store, way: str) -> Iterator[None]:
        """Explain what is executed inside the block."""

        def note(
            connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any,
            executemany: bool,
        ) -> None:  # fmt: skip
            if _PLANNED.match(statement) is None or "pg_advisory" in statement:
                return
            several = executemany and isinstance(parameters, list | tuple)
            first = parameters[0] if several else parameters
            self._add(way, statement, first, _explained(connection, statement, first))

        event.listen(store.engine, "before_cursor_execute", note)
        begun = time.perf_counter()
        try:
            yield
        finally:
            event.remove(store.engine, "before_cursor_execute", note)
            self.seconds[way] = time.perf_counter() - begun

    def _add(self, way: str, statement: str, parameters: Any, told: Any) -> None:
        plan = self.found.setdefault((way, _shape(statement)), Plan(way, statement))
        plan.times += 1
        read, scans, whole = 0, 0, set[str]()
        for node in _nodes(told["Plan"]):
            rows = _rows_read(node)
            if rows is not None:
                read, scans = read + rows, scans + 1
                if node["Node Type"] in {"Seq Scan", "Parallel Seq Scan"} and rows > FEW:
                    whole.add(node.get("Relation Name", "?"))
        returned = _returned(told["Plan"])
        buffers = told["Plan"].get("Shared Hit Blocks", 0) + told["Plan"].get(
            "Shared Read Blocks", 0
        )
        if read - returned >= plan.read - plan.returned:
            plan.read, plan.returned, plan.scans = read, returned, scans
            plan.buffers, plan.whole = buffers, tuple(sorted(whole))
            plan.ms, plan.tree, plan.parameters = told["Execution Time"], told, parameters

    def much(self) -> list[Plan]:
        """Those that read far more than they return, the worst first."""
        return sorted((one for one in self.found.values() if one.reads_much), key=lambda p: -p.read)

    def lines(self, *, every: bool = False) -> list[str]:
        """A table, as Markdown."""
        shown = list(self.found.values()) if every else self.much()
        head = "| way | statement | times | returned | read | buffers | ms | whole |"
        return [head, "| --- | --- | --- | --- | --- | --- | --- | --- |"] + [
            f"| {one.way} | {brief(one.statement)} | {one.times} | {one.returned:,} | {one.read:,}"
            f" | {one.buffers:,} | {one.ms:.1f} | {', '.join(one.whole)} |"
            for one in shown
        ]


def _explained(connection: Any, statement: str, parameters: Any) -> Any:
    with connection.connection.driver_connection.cursor() as own:
        own.execute("SAVEPOINT explained")
        own.execute(_EXPLAIN + statement, parameters)
        (told,) = own.fetchone()
        own.execute("ROLLBACK TO SAVEPOINT explained")
        own.execute("RELEASE SAVEPOINT explained")
        return told[0]


def _nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from _nodes(one)


def _rows_read(node: Any) -> int | None:
    """Rows that a scan has gone through; None: it is no scan of a table or an index."""
    kind = node["Node Type"]
    if not kind.endswith(("Seq Scan", "Index Scan", "Index Only Scan", "Heap Scan")):
        return None
    if kind == "Bitmap Index Scan":  # the heap's scan says what came of it; index rows are cheap
        return int(node["Actual Rows"] * node["Actual Loops"])
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return int((node["Actual Rows"] + removed) * node["Actual Loops"])


def _returned(plan: Any) -> int:
    """Rows that came back, or were changed where none do."""
    if plan["Node Type"] == "ModifyTable" and not plan["Actual Rows"]:
        return int(plan["Plans"][0]["Actual Rows"])
    return int(plan["Actual Rows"])


def _shape(statement: str) -> str:
    """The statement without the numbers of what it was sent with."""
    return re.sub(r"(%\(\w+\)s(::\w+)?(, )?)+", "?", " ".join(statement.split()))


def brief(statement: str) -> str:
    """Its kind, its tables and its conditions, in some words."""
    one = _shape(statement)
    one = re.sub(r"^SELECT .*? FROM ", "SELECT … FROM ", one)
    return one[:170].replace("|", "/")
