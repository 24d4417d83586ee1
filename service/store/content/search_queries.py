"""Which articles answer a question: candidates by the index, each then asked itself.

Those with the question's own marks come first, then the others, the newest of each first. Of more
than are asked for, those that came last are taken: the archive behind them may be of any size.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from service.store.content import search_statements
from service.store.content.search_index import (
    RANGE,
    numbers,
    progress,
    range_token,
    source_token,
    topic_token,
)
from service.store.content.search_statements import IndexTerms, Shape
from service.store.core.time_limit import Clock, TimeIsUpError, TimeLimit
from service.store.tables import article, source, topic
from service.text.search_tokens import article_tokens

TAIL = 2000
"""Articles that are asked themselves at the most, beside the index: a few milliseconds."""

_STEPS = (2, 16)
"""Ranges that are asked at a time on PostgreSQL, the newest first; then all that are left.

A frequent word is in enough articles of the first. To narrow a question to more of them costs more
than to look for a rare word in all, so that this is done where there will be enough."""

_OFF = ("seqscan", "hashjoin", "mergejoin")
"""Candidates come by the index, articles by their ids and only as many as are asked for: how many
fit PostgreSQL's planner cannot know, and it would rather read all."""


@dataclass(frozen=True, slots=True)
class FoundArticles:
    """Articles by id in their order. `complete` False: some were not looked at.

    The first `marked` of them have the question's own marks. `indexing`: older articles wait for
    the index; else it was the time that was up.
    """

    ids: tuple[int, ...] = ()
    marked: int = 0
    complete: bool = True
    indexing: bool = False


def search(
    connection: Connection,
    terms: IndexTerms,
    most: int,
    give_up: float,
    clock: Clock = time.monotonic,
    tail: int = TAIL,
) -> FoundArticles:
    """The articles that answer, `most` at the most. `give_up`: the time by `clock` to end at.

    `tail`: of so many that were not indexed yet, the latest, each is asked itself.
    What was found by then is the answer. Ends the transaction on PostgreSQL.
    """
    limit = TimeLimit(connection, give_up, clock, _OFF)
    run = _SearchRun(connection, terms, most, limit, tail)
    complete = run.complete()
    marked = _newest_first(run.marked)
    others = _newest_first(run.others[: most - len(marked)])
    first = others if terms.marked is None else marked
    indexing = run.older_wait and len(first) < most
    return FoundArticles(
        (*marked, *others), len(marked), complete and not indexing, indexing=indexing
    )


class _Found(NamedTuple):
    """Sorts by when it came out, the newest first."""

    key: float
    minus_id: int

    @classmethod
    def of(cls, row: Any) -> _Found:
        at = min(row.published_at or row.first_seen_at, row.first_seen_at)
        return cls(-at.timestamp(), -row.id)


class _SearchRun:
    """One question: what was found so far."""

    def __init__(
        self, connection: Connection, terms: IndexTerms, most: int, limit: TimeLimit, tail: int
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._shape = Shape.of(terms)
        self._values = search_statements.values(terms)
        self._most = most
        self._limit = limit
        self._tail = tail
        self.marked: list[_Found] = []
        self.others: list[_Found] = []
        self.older_wait = False

    def complete(self) -> bool:
        """Find. False: the time was up first."""
        try:
            with self._limit.held():
                self._find()
        except TimeIsUpError:
            return False
        return True

    def _find(self) -> None:
        connection, terms = self._connection, self._terms
        groups = [
            [topic_token(row) for row in _rows(connection, topic, terms.topics)],
            [source_token(row) for row in _rows(connection, source, terms.sources)],
        ]
        if (terms.topics and not groups[0]) or (terms.sources and not groups[1]):
            return
        low = 0 if terms.since is None else _before(connection, terms.since)
        index = progress(connection, low, self._tail + 1)
        last = index.last
        self.older_wait = index.waiting > self._tail
        if index.newest > max(last, low):
            self._look_at_new(max(last, low))
        if terms.marked is not None:
            asked = _Asked(terms.marked, groups, low, last)
            self._add(self.marked, self._by_index(asked), self._most)
        room = self._most - len(self.marked)
        if len(self.others) < room:
            asked = _Asked(terms.tokens, groups, low, last)
            self._add(self.others, self._by_index(asked), room)

    def _add(self, found: list[_Found], rows: Iterator[Any], most: int) -> None:
        seen = {*self.marked, *self.others}
        for row in rows:
            one = _Found.of(row)
            if one not in seen:
                found.append(one)
            if len(found) >= most:
                return

    def _look_at_new(self, last: int) -> None:
        """The latest articles behind the last one that is indexed."""
        bound = {"last": last, "tail": self._tail, "most": self._most, **self._values}
        for row in self._connection.execute(search_statements.not_indexed(self._shape), bound):
            self._limit.look()  # a long text takes milliseconds to part
            tokens = article_tokens(row.title, row.lead, row.content)
            if self._terms.tokens <= tokens:
                marked = self._terms.marked
                has_marks = marked is not None and marked <= tokens
                (self.marked if has_marks else self.others).append(_Found.of(row))

    def _by_index(self, asked: _Asked) -> Iterator[Any]:
        bound = {"low": asked.low, "most": self._most, **self._values}
        if self._connection.dialect.name == "sqlite":
            self._limit.look()
            found = search_statements.by_fts(self._shape), {"match": _fts_query(asked), **bound}
            yield from self._connection.execute(*found)
            return
        groups = [numbers(group) for group in asked.groups if group]
        bound |= {f"group{number}": group for number, group in enumerate(groups)}
        yield from self._by_gin(asked, {"tokens": numbers(asked.tokens), **bound})

    def _by_gin(self, asked: _Asked, bound: dict[str, Any]) -> Iterator[Any]:
        high, lowest = asked.last // RANGE, min(asked.low, asked.last) // RANGE
        passed = found = 0
        for step in (*_STEPS, None):
            left = high - lowest + 1
            if left <= 0:
                return
            number = min(step or left, left)
            if step and number < left and 2 * found * (passed + step) < self._most * passed:
                continue  # at the rate of the newest not half of what is wanted would be there
            self._limit.look()
            bound["high"] = high * RANGE + RANGE - 1
            if number <= _STEPS[-1]:
                some = (range_token(high - behind) for behind in range(number))
                bound["ranges"] = numbers(some)
            statement = search_statements.by_gin(self._shape, ranged=number <= _STEPS[-1])
            for row in self._connection.execute(statement, bound):
                found += 1
                yield row
            passed, high = passed + number, high - number


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the index is asked: all of `tokens`, one of each group; ids from `low` to `last`."""

    tokens: frozenset[str]
    groups: Sequence[Sequence[str]]
    low: int
    last: int


def _fts_query(asked: _Asked) -> str:
    """The question in the language of FTS5. Tokens have neither quotes nor spaces."""
    groups = [[one] for one in sorted(asked.tokens)] + [list(one) for one in asked.groups if one]
    quoted = [[f'"{one}"' for one in group] for group in groups]
    return " AND ".join(f"({' OR '.join(group)})" for group in quoted)


def _newest_first(found: Sequence[_Found]) -> list[int]:
    return [-one.minus_id for one in sorted(found)]


def _before(connection: Connection, since: datetime) -> int:
    """An id behind which all articles stand that were seen since then, also by a clock set back."""
    own = article.c
    first = select(own.id).where(own.first_seen_at >= since).order_by(own.first_seen_at).limit(1)
    found = connection.scalar(first)
    if found is None:
        found = (connection.scalar(select(func.max(own.id))) or 0) + 1
    return max(found - RANGE, 0)


def _rows(connection: Connection, of: Table, names: Sequence[str]) -> list[int]:
    if not names:
        return []
    return list(connection.execute(select(of.c.id).where(of.c.name.in_(names))).scalars())
