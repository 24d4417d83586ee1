"""Which article is in which topic, since when, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, select, update

from service.store.core.bulk import Many, Statement, lots
from service.store.core.statements import upsert
from service.store.tables import article, article_topic, story, story_article, topic


@dataclass(frozen=True, slots=True)
class TopicArticle:
    """An article in a topic. `quiet`: shown, never mailed."""

    article_id: int
    topic_id: int
    quiet: bool
    reason: dict[str, Any]


def ids(connection: Connection) -> dict[str, int]:
    """Id in the TOML -> row, of every topic that is not retired."""
    rows = connection.execute(select(topic.c.name, topic.c.id).where(topic.c.retired_at.is_(None)))
    return {row.name: row.id for row in rows}


def row(connection: Connection, name: str, was: str | None = None) -> int | None:
    """The row of a topic, retired ones too; else that of its former id. None: there is neither."""
    found: int | None = connection.scalar(
        select(topic.c.id)
        .where(topic.c.name.in_([name] if was is None else [name, was]))
        .order_by(topic.c.name != name)
        .limit(1)
    )
    return found


def rules(connection: Connection) -> dict[str, bytes | None]:
    """Topic -> hash of the rules that its articles were matched with; None: never matched."""
    rows = connection.execute(
        select(topic.c.name, topic.c.rules_hash).where(topic.c.retired_at.is_(None))
    )
    return {row.name: row.rules_hash for row in rows}


def keep_rules(connection: Connection, name: str, rules_hash: bytes) -> None:
    """The stored articles have been matched with these rules."""
    connection.execute(update(topic).where(topic.c.name == name).values(rules_hash=rules_hash))


def of_articles(
    connection: Connection, article_ids: Iterable[int]
) -> dict[int, dict[int, TopicArticle]]:
    """Article -> topic row -> how it stands there."""
    found: defaultdict[int, dict[int, TopicArticle]] = defaultdict(dict)
    for batch in lots(article_ids):
        rows = connection.execute(
            select(
                article_topic.c.article_id,
                article_topic.c.topic_id,
                article_topic.c.quiet,
                article_topic.c.reason,
            ).where(article_topic.c.article_id.in_(batch))
        )
        for row in rows:
            found[row.article_id][row.topic_id] = TopicArticle(*row)
    return found


def _entering(connection: Connection) -> Statement:
    columns = ("article_id", "topic_id", "entered_at", "listed_at", "quiet", "reason")
    values = {name: bindparam(name, type_=article_topic.c[name].type) for name in columns}
    statement = upsert(connection, article_topic).values(values)
    return statement.on_conflict_do_update(
        index_elements=["article_id", "topic_id"], set_={"reason": statement.excluded.reason}
    )


_ENTER = Many(_entering)


def enter(
    connection: Connection,
    rows: Sequence[TopicArticle],
    now: datetime,
    fresh: Mapping[int, datetime | None] = MappingProxyType({}),
) -> None:
    """Put articles into topics; one that is there already gets the new reason alone.

    `fresh`: articles made just now, and when each came out (None: unknown). Such a one is all of
    its story, so that its place in lists follows from itself; the others' stories are looked at.
    """
    _ENTER(
        connection,
        [
            {
                "article_id": row.article_id,
                "topic_id": row.topic_id,
                "entered_at": now,
                "listed_at": min(fresh.get(row.article_id) or now, now),
                "quiet": row.quiet,
                "reason": row.reason,
            }
            for row in rows
        ],
    )
    list_anew(connection, {row.article_id for row in rows} - fresh.keys())


def become_news(connection: Connection, article_ids: Sequence[int], now: datetime) -> None:
    """Quiet articles are news from now on: somebody told them after his first collection."""
    if article_ids:
        connection.execute(
            update(article_topic)
            .where(article_topic.c.article_id.in_(article_ids), article_topic.c.quiet.is_(True))
            .values(quiet=False, entered_at=now)
        )
        list_anew(connection, article_ids)


def list_anew(connection: Connection, article_ids: Iterable[int]) -> None:
    """Say anew when lists count these as new: their story must count as no newer in any topic.

    It counts from when its first article entered, or from when the one that represents it came out
    if that was before. Whatever changes the one or the other for the later calls this.
    """
    published = (
        select(article.c.published_at)
        .join(story, story.c.article_id == article.c.id)
        .join(story_article, story_article.c.story_id == story.c.id)
        .where(story_article.c.article_id == article_topic.c.article_id)
        .scalar_subquery()
    )
    before = case((published < article_topic.c.entered_at, published))
    for some in lots(article_ids):
        connection.execute(
            update(article_topic)
            .where(article_topic.c.article_id.in_(some))
            .values(listed_at=func.coalesce(before, article_topic.c.entered_at))
        )


def leave(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Take articles out of topics: (article, topic row)."""
    for some in lots(pairs, 256):
        same = [
            and_(article_topic.c.article_id == one, article_topic.c.topic_id == two)
            for one, two in some
        ]
        connection.execute(delete(article_topic).where(or_(*same)))
