"""The statements of a search, each made once for all questions of one shape.

To put one together costs SQLAlchemy more than to run it costs the database. All that questions of a
shape differ in is bound: `values` and what each statement names besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    column,
    literal,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY

from service.store.content.articles import beginning
from service.store.content.search_index import NEWEST
from service.store.core.column_types import UtcDateTime
from service.store.recalled import marks
from service.store.tables import article, article_topic, entry, source, topic

_SHAPES = 200
"""Shapes whose statements are kept: how many phrases, which filters."""

_FTS = table("article_search", column("rowid"), column("article_search"), column("tokens"))
_GIN = table("article_search", column("article_id"), column("tokens", ARRAY(Integer)))
_FOUND = (article.c.id, article.c.published_at, article.c.first_seen_at)


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


class Shape(NamedTuple):
    """What statements differ in. `tokens`: it asks for words, and not for filters alone."""

    phrases: int
    tokens: bool
    topics: bool
    sources: bool
    since: bool

    @classmethod
    def of(cls, terms: IndexTerms) -> Shape:
        filters = bool(terms.topics), bool(terms.sources), terms.since is not None
        return cls(len(terms.phrases), bool(terms.tokens), *filters)


def values(terms: IndexTerms) -> dict[str, Any]:
    """What an article is asked itself, in every statement."""
    said = {f"phrase{n}": _like(one) for n, one in enumerate(terms.phrases)}
    filters = {"topics": terms.topics, "sources": terms.sources, "since": terms.since}
    return {**said, **{name: value for name, value in filters.items() if value}}


def _like(phrase: Sequence[str]) -> str:
    words = " ".join(phrase).replace("/", "//").replace("%", "/%").replace("_", "/_")
    return f"% {words} %"


@lru_cache(_SHAPES)
def not_indexed(shape: Shape) -> Select[Any]:
    """Of the latest `tail` articles behind `last`, at the most `most`, with their words."""
    latest = (
        select(article.c.id)
        .where(article.c.id > _number("last"))
        .order_by(article.c.id.desc())
        .limit(_number("tail"))
        .subquery()
    )
    return (
        select(*_FOUND, article.c.title, article.c.lead, beginning())
        .where(article.c.id.in_(select(latest.c.id)), *_conditions(shape))
        .order_by(article.c.id.desc())
        .limit(_number("most"))
    )


@lru_cache(_SHAPES)
def by_fts(shape: Shape) -> Select[Any]:
    """On SQLite: what `match` finds behind the article `low`, at the most `most`.

    FTS5 gives rows in their order, until there are enough.
    """
    row = _FTS.c.rowid
    return (
        select(*_FOUND)
        .select_from(_FTS.join(article, article.c.id == NEWEST - row))
        .where(
            _FTS.c.article_search.op("MATCH")(bindparam("match", type_=Text)),
            row < NEWEST - _number("low"),
            *_conditions(shape),
        )
        .order_by(row)
        .limit(_number("most"))
    )


@lru_cache(_SHAPES)
def by_gin(shape: Shape, *, ranged: bool) -> Select[Any]:
    """On PostgreSQL: all candidates, then the newest that answer, at the most `most`.

    They have all `tokens`, one of each `group0`, `group1` and, if `ranged`, one of `ranges`, and
    are behind the article `low`, up to `high`.
    """
    own = _GIN.c.tokens
    asked = [own.contains(_numbers("tokens"))] if shape.tokens else []
    groups = [f"group{number}" for number in range(shape.topics + shape.sources)]
    some = [*groups, "ranges"] if ranged else groups
    candidates = (
        select(_GIN.c.article_id)
        .where(*asked, *(own.overlap(_numbers(name)) for name in some))
        .cte("candidates")
        .prefix_with("MATERIALIZED")
    )
    at = candidates.c.article_id
    inside = at > _number("low"), at <= _number("high")
    newest = select(at).where(*inside).order_by(at.desc()).subquery()
    return (
        select(*_FOUND)
        .join(newest, newest.c.article_id == article.c.id)
        .where(*_conditions(shape))
        .order_by(newest.c.article_id.desc())
        .limit(_number("most"))
    )


def _conditions(shape: Shape) -> list[ColumnElement[bool]]:
    """What holds of each article that answers, whatever the index says."""
    conditions = [article.c.merged_into.is_(None), ~marks.is_recalled(article.c.id)]
    said = literal(" ") + article.c.folded + literal(" ")
    phrases = (bindparam(f"phrase{number}", type_=Text) for number in range(shape.phrases))
    conditions += [said.like(phrase, escape="/") for phrase in phrases]
    if shape.topics:
        named = topic.c.name.in_(bindparam("topics", expanding=True))
        inside = (
            select(article_topic.c.article_id)
            .join(topic, topic.c.id == article_topic.c.topic_id)
            .where(article_topic.c.article_id == article.c.id, named)
        )
        conditions.append(inside.exists())
    if shape.sources:
        named = source.c.name.in_(bindparam("sources", expanding=True))
        told = (
            select(entry.c.id)
            # By the article's entries, which are few, and not by the source's: hence the 0.
            .join(source, source.c.id == entry.c.source_id + 0)
            .where(entry.c.article_id == article.c.id, named)
        )
        own = select(source.c.id).where(source.c.id == article.c.source_id, named)
        conditions.append(or_(told.exists(), own.exists()))
    if shape.since:
        conditions.append(_came_out() >= bindparam("since", type_=UtcDateTime))
    return conditions


def _came_out() -> ColumnElement[datetime]:
    """When lists count an article as new: as its outlet says, if that was before we saw it."""
    seen = article.c.first_seen_at
    return case((article.c.published_at < seen, article.c.published_at), else_=seen)


def _number(name: str) -> Any:
    return bindparam(name, type_=BigInteger)


def _numbers(name: str) -> Any:
    return bindparam(name, type_=ARRAY(Integer))
