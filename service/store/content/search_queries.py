"""Which articles answer a question: candidates by the index, each then asked itself.

Those with the question's own marks come first, then the others, the newest of each first. Of more
than are asked for, those that came last are taken: the archive behind them may be of any size.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    case,
    column,
    func,
    literal,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import OperationalError

from service.store.content.articles import beginning
from service.store.content.search_index import (
    NEWEST,
    RANGE,
    indexed_up_to,
    numbers,
    range_token,
    source_token,
    topic_token,
    waiting,
)
from service.store.core.bulk import lots
from service.store.tables import article, article_topic, entry, source, topic
from service.text.search_tokens import article_tokens

TAIL = 2000
"""Articles that are asked themselves at the most, beside the index: a few milliseconds."""

_STEPS = (1, 2, 8, 64)
"""Ranges that are asked at a time on PostgreSQL, the newest first; then all that are left."""

_OPCODES = 1000
"""Between two looks at the clock on SQLite: a tenth of a millisecond."""

_TOO_LONG = re.compile("interrupted|statement timeout")

_FTS = table("article_search", column("rowid"), column("article_search"), column("tokens"))
_GIN = table("article_search", column("article_id"), column("tokens", ARRAY(Integer)))

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class IndexTerms:
    """A question as the index is asked. `phrases`: folded words in a row, all of which must stand.

    `tokens` are those of the phrases; `marked` are instead of them where the marks count, None
    where the question has none. `topics`, `sources`: ids of the TOML, one of each that is given
    must hold. `since`: not before, None = whenever.
    """

    phrases: tuple[tuple[str, ...], ...]
    tokens: frozenset[str]
    marked: frozenset[str] | None = None
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None


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
    run = _SearchRun(connection, terms, most, give_up, clock, tail)
    complete = run.complete()
    marked = _newest_first(connection, run.marked)
    others = _newest_first(connection, run.others[: most - len(marked)])
    first = others if terms.marked is None else marked
    indexing = run.older_wait and len(first) < most
    return FoundArticles(
        (*marked, *others), len(marked), complete and not indexing, indexing=indexing
    )


class _TimeIsUpError(Exception):
    """Between two statements."""


class _SearchRun:
    """One question: what was found so far."""

    def __init__(
        self,
        connection: Connection,
        terms: IndexTerms,
        most: int,
        give_up: float,
        clock: Clock,
        tail: int,
    ) -> None:
        self._connection = connection
        self._terms = terms
        self._most = most
        self._give_up = give_up
        self._clock = clock
        self._tail = tail
        self.marked: list[int] = []
        self.others: list[int] = []
        self.older_wait = False

    def complete(self) -> bool:
        """Find. False: the time was up first."""
        try:
            with _bounded(self._connection, self._give_up, self._clock):
                self._find()
        except _TimeIsUpError:
            return False
        except OperationalError as error:
            if not _TOO_LONG.search(str(error.orig)):
                raise
            self._connection.rollback()
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
        last = indexed_up_to(connection)
        self.older_wait = waiting(connection, low, self._tail + 1) > self._tail
        self._look_at_new(max(last, low))
        if terms.marked is not None:
            asked = _Asked(terms.marked, groups, low, last)
            self._add(self.marked, self._by_index(asked), self._most)
        room = self._most - len(self.marked)
        if len(self.others) < room:
            asked = _Asked(terms.tokens, groups, low, last)
            self._add(self.others, self._by_index(asked), room)

    def _add(self, found: list[int], ids: Iterator[int], most: int) -> None:
        seen = {*self.marked, *self.others}
        for one in ids:
            if len(found) >= most:
                return
            if one not in seen:
                found.append(one)

    def _look_at_new(self, last: int) -> None:
        """The latest articles behind the last one that is indexed."""
        latest = (
            select(article.c.id)
            .where(article.c.id > last)
            .order_by(article.c.id.desc())
            .limit(self._tail)
            .subquery()
        )
        found = (
            select(article.c.id, article.c.title, article.c.lead, beginning())
            .where(article.c.id.in_(select(latest.c.id)), *_conditions(self._terms))
            .order_by(article.c.id.desc())
            .limit(self._most)
        )
        for row in self._connection.execute(found):
            if self._clock() > self._give_up:  # a long text takes milliseconds to part
                raise _TimeIsUpError
            tokens = article_tokens(row.title, row.lead, row.content)
            if self._terms.tokens <= tokens:
                marked = self._terms.marked
                has_marks = marked is not None and marked <= tokens
                (self.marked if has_marks else self.others).append(row.id)

    def _by_index(self, asked: _Asked) -> Iterator[int]:
        connection = self._connection
        _hurry(connection, self._give_up, self._clock)
        if connection.dialect.name == "sqlite":
            query = _by_fts(asked, self._terms, self._most)
            yield from (row.id for row in connection.execute(query))
            return
        for high, narrowed in _ranges(asked):
            _hurry(connection, self._give_up, self._clock)
            query = _by_gin(narrowed, self._terms, high, self._most)
            yield from (row.id for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the index is asked: all of `tokens`, one of each group; ids from `low` to `last`."""

    tokens: frozenset[str]
    groups: Sequence[Sequence[str]]
    low: int
    last: int


def _by_fts(asked: _Asked, terms: IndexTerms, most: int) -> Select[tuple[int]]:
    """The statement on SQLite: FTS5 gives rows in their order, until there are enough."""
    row = _FTS.c.rowid
    return (
        select(article.c.id)
        .select_from(_FTS.join(article, article.c.id == NEWEST - row))
        .where(
            _FTS.c.article_search.op("MATCH")(_fts_query(asked)),
            row < NEWEST - asked.low,
            *_conditions(terms),
        )
        .order_by(row)
        .limit(most)
    )


def _by_gin(asked: _Asked, terms: IndexTerms, high: int, most: int) -> Select[tuple[int]]:
    """The statement on PostgreSQL, for articles up to `high`: all candidates, then the newest."""
    has, either = _GIN.c.tokens.contains, _GIN.c.tokens.overlap
    every = [has(numbers(asked.tokens))] if asked.tokens else []
    candidates = (
        select(_GIN.c.article_id)
        .where(*every, *(either(numbers(group)) for group in asked.groups if group))
        .cte("candidates")
        .prefix_with("MATERIALIZED")
    )
    own = candidates.c.article_id
    newest = select(own).where(own > asked.low, own <= high).order_by(own.desc()).subquery()
    return (
        select(article.c.id)
        .join(newest, newest.c.article_id == article.c.id)
        .where(*_conditions(terms))
        .order_by(newest.c.article_id.desc())
        .limit(most)
    )


def _ranges(asked: _Asked) -> Iterator[tuple[int, _Asked]]:
    """Up to which id, and the question narrowed to some ranges; the newest first, once each."""
    high, lowest = asked.last // RANGE, asked.low // RANGE
    for step in _STEPS:
        if high < lowest:
            return
        low = max(high - step + 1, lowest)
        some = [range_token(one) for one in range(low, high + 1)]
        yield high * RANGE + RANGE - 1, replace(asked, groups=[*asked.groups, some])
        high = low - 1
    if high >= lowest:
        yield high * RANGE + RANGE - 1, asked


def _fts_query(asked: _Asked) -> str:
    """The question in the language of FTS5. Tokens have neither quotes nor spaces."""
    groups = [[one] for one in sorted(asked.tokens)] + [list(one) for one in asked.groups if one]
    quoted = [[f'"{one}"' for one in group] for group in groups]
    return " AND ".join(f"({' OR '.join(group)})" for group in quoted)


def _conditions(terms: IndexTerms) -> list[ColumnElement[bool]]:
    """What holds of each article that answers, whatever the index says."""
    conditions: list[ColumnElement[bool]] = [article.c.merged_into.is_(None)]
    said = literal(" ") + article.c.folded + literal(" ")
    conditions += [said.contains(f" {' '.join(one)} ", autoescape=True) for one in terms.phrases]
    if terms.topics:
        inside = (
            select(article_topic.c.article_id)
            .join(topic, topic.c.id == article_topic.c.topic_id)
            .where(article_topic.c.article_id == article.c.id, topic.c.name.in_(terms.topics))
        )
        conditions.append(inside.exists())
    if terms.sources:
        named = source.c.name.in_(terms.sources)
        told = (
            select(entry.c.id)
            # By the article's entries, which are few, and not by the source's: hence the 0.
            .join(source, source.c.id == entry.c.source_id + 0)
            .where(entry.c.article_id == article.c.id, named)
        )
        own = select(source.c.id).where(source.c.id == article.c.source_id, named)
        conditions.append(or_(told.exists(), own.exists()))
    if terms.since is not None:
        conditions.append(_came_out() >= terms.since)
    return conditions


def _came_out() -> ColumnElement[datetime]:
    """When lists count an article as new: as its outlet says, if that was before we saw it."""
    seen = article.c.first_seen_at
    return case((article.c.published_at < seen, article.c.published_at), else_=seen)


def _newest_first(connection: Connection, ids: Sequence[int]) -> list[int]:
    keys: list[tuple[float, int]] = []
    for some in lots(ids):
        rows = connection.execute(
            select(article.c.id, article.c.published_at, article.c.first_seen_at).where(
                article.c.id.in_(some)
            )
        )
        for row in rows:
            at = min(row.published_at or row.first_seen_at, row.first_seen_at)
            keys.append((-at.timestamp(), -row.id))
    return [-number for _, number in sorted(keys)]


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


@contextmanager
def _bounded(connection: Connection, give_up: float, clock: Clock) -> Iterator[None]:
    """Statements inside end by themselves when the time is up, with an OperationalError."""
    if connection.dialect.name != "sqlite":
        # Candidates come by the index, articles by their ids and only as many as are asked for: how
        # many fit the planner cannot know, and it would rather read all.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        _hurry(connection, give_up, clock)
        try:
            yield
        finally:
            connection.rollback()  # what was set is for these statements alone
        return
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.set_progress_handler(lambda: clock() > give_up, _OPCODES)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


def _hurry(connection: Connection, give_up: float, clock: Clock) -> None:
    """Let the next statement have the time that is left. Raises _TimeIsUpError where none is."""
    left_ms = int((give_up - clock()) * 1000)
    if left_ms <= 0:
        raise _TimeIsUpError
    if connection.dialect.name != "sqlite":
        connection.execute(text(f"SET LOCAL statement_timeout = {left_ms}"))
