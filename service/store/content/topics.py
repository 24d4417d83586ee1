"""Which article is in which topic, since when, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, func, or_, select, update

from service.store.core.bulk import Many, Statement, inserting, lots
from service.store.core.statements import upsert
from service.store.tables import (
    article,
    article_topic,
    story,
    story_article,
    topic,
    unplaced_article,
)


@dataclass(frozen=True, slots=True)
class TopicArticle:
    """An article in a topic. `quiet`: shown, never mailed."""

    article_id: int
    topic_id: int
    quiet: bool
    reason: dict[str, Any]


# Asked for with each document: to build them anew took longer than their answers.
_IDS = select(topic.c.name, topic.c.id).where(topic.c.retired_at.is_(None))
_RULED = select(topic.c.name, topic.c.id, topic.c.rules_hash, topic.c.in_force_hash).where(
    topic.c.retired_at.is_(None)
)
_OF_ARTICLES = select(
    article_topic.c.article_id,
    article_topic.c.topic_id,
    article_topic.c.quiet,
    article_topic.c.reason,
).where(article_topic.c.article_id.in_(bindparam("articles", expanding=True)))
_BECOME_NEWS = (
    update(article_topic)
    .where(
        article_topic.c.article_id.in_(bindparam("articles", expanding=True)),
        article_topic.c.quiet.is_(True),
    )
    .values(quiet=False, entered_at=bindparam("now"))
)
_PUBLISHED = (
    select(article.c.published_at)
    .join(story, story.c.article_id == article.c.id)
    .join(story_article, story_article.c.story_id == story.c.id)
    .where(story_article.c.article_id == article_topic.c.article_id)
    .scalar_subquery()
)
_LIST_ANEW = (
    update(article_topic)
    .where(article_topic.c.article_id.in_(bindparam("articles", expanding=True)))
    .values(
        listed_at=func.coalesce(
            case((article_topic.c.entered_at > _PUBLISHED, _PUBLISHED)), article_topic.c.entered_at
        )
    )
)


def ids(connection: Connection) -> dict[str, int]:
    """Id in the TOML -> row, of every topic that is not retired."""
    return {row.name: row.id for row in connection.execute(_IDS)}


def row(connection: Connection, name: str, was: str | None = None) -> int | None:
    """The row of a topic, retired ones too; else that of its former id. None: there is neither."""
    found: int | None = connection.scalar(
        select(topic.c.id)
        .where(topic.c.name.in_([name] if was is None else [name, was]))
        .order_by(topic.c.name != name)
        .limit(1)
    )
    return found


@dataclass(frozen=True, slots=True)
class Ruled:
    """A topic and hashes of its rules.

    `matched_hash`: what its stored articles were matched with; None: never matched.
    `in_force_hash`: of the configuration that was applied last; None: none ever was.
    """

    row: int
    matched_hash: bytes | None
    in_force_hash: bytes | None

    def is_ruled_by(self, rules_hash: bytes | None) -> bool:
        """Whether these are its rules. None: they do not know the topic."""
        return self.in_force_hash is None or self.in_force_hash == rules_hash


def ruled(connection: Connection) -> dict[str, Ruled]:
    """Id in the TOML -> rules, of every topic that is not retired."""
    return {name: Ruled(*rest) for name, *rest in connection.execute(_RULED)}


def put_in_force(connection: Connection, hashes: Mapping[str, bytes]) -> None:
    """These are the rules of topics from now on: what others place is placed anew by them.

    Nobody may admit meanwhile (`entries.queue`).
    """
    values = [{"topic": name, "rules": one} for name, one in hashes.items()]
    if values:
        where = topic.c.name == bindparam("topic")
        connection.execute(
            update(topic).where(where).values(in_force_hash=bindparam("rules")), values
        )


def keep_rules(connection: Connection, name: str, rules_hash: bytes) -> None:
    """The stored articles have been matched with these rules."""
    connection.execute(update(topic).where(topic.c.name == name).values(rules_hash=rules_hash))


def of_articles(
    connection: Connection, article_ids: Iterable[int]
) -> dict[int, dict[int, TopicArticle]]:
    """Article -> topic row -> how it stands there."""
    found: defaultdict[int, dict[int, TopicArticle]] = defaultdict(dict)
    for batch in lots(article_ids):
        for row in connection.execute(_OF_ARTICLES, {"articles": batch}):
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
        connection.execute(_BECOME_NEWS, {"articles": list(article_ids), "now": now})
        list_anew(connection, article_ids)


def list_anew(connection: Connection, article_ids: Iterable[int]) -> None:
    """Say anew when lists count these as new: their story must count as no newer in any topic.

    It counts from when its first article entered, or from when the one that represents it came out
    if that was before. Whatever changes the one or the other for the later calls this.
    """
    for some in lots(article_ids):
        connection.execute(_LIST_ANEW, {"articles": some})


def leave(connection: Connection, pairs: Iterable[tuple[int, int]]) -> None:
    """Take articles out of topics: (article, topic row)."""
    for some in lots(pairs, 256):
        same = [
            and_(article_topic.c.article_id == one, article_topic.c.topic_id == two)
            for one, two in some
        ]
        connection.execute(delete(article_topic).where(or_(*same)))


_LEAVE_UNPLACED = inserting(unplaced_article, "article_id", "quiet", unless="article_id")


def leave_unplaced(connection: Connection, articles: Mapping[int, bool]) -> None:
    """Leave these to whoever has the rules in force. Article -> whether it enters topics quietly.

    It is news if it is once.
    """
    rows = [{"article_id": one, "quiet": quiet} for one, quiet in sorted(articles.items())]
    _LEAVE_UNPLACED(connection, rows)
    for some in lots(one for one, quiet in articles.items() if not quiet):
        these = unplaced_article.c.article_id.in_(some)
        connection.execute(update(unplaced_article).where(these).values(quiet=False))


def are_unplaced(connection: Connection) -> bool:
    """Whether any article waits for the rules in force."""
    return connection.scalar(select(unplaced_article.c.article_id).limit(1)) is not None


def unplaced(connection: Connection, most: int) -> dict[int, tuple[int, bool]]:
    """Some that wait -> the article that it has become, or is; and whether it enters quietly."""
    became = func.coalesce(article.c.merged_into, article.c.id)
    rows = connection.execute(
        select(article.c.id, became, unplaced_article.c.quiet)
        .join(article, article.c.id == unplaced_article.c.article_id)
        .order_by(article.c.id)
        .limit(most)
    )
    return {waiting: (now_is, quiet) for waiting, now_is, quiet in rows}


def among_unplaced(connection: Connection, article_ids: Iterable[int]) -> set[int]:
    """Those of them that wait."""
    found: set[int] = set()
    for some in lots(article_ids):
        these = unplaced_article.c.article_id.in_(some)
        found |= set(connection.scalars(select(unplaced_article.c.article_id).where(these)))
    return found


def placed(connection: Connection, article_ids: Iterable[int]) -> None:
    """These wait no more."""
    for some in lots(article_ids):
        connection.execute(delete(unplaced_article).where(unplaced_article.c.article_id.in_(some)))
