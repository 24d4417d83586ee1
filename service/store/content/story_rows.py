"""Which story each article is in, as judging reads and writes it.

The rows are the truth: a judge takes what they say, and moves nothing that has moved since.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from service.store.content import topics, versions
from service.store.content.articles import beginning
from service.store.core import facts
from service.store.core.bulk import Many, among_given, lots
from service.store.recalled import marks
from service.store.tables import article, article_topic, story, story_article, topic

_MOVE = Many(
    lambda _: (
        update(story_article)
        .where(story_article.c.article_id == bindparam("moved"))
        .values(story_id=bindparam("to"))
    )
)
_BECOME = Many(
    lambda _: (
        update(story)
        .where(or_(story.c.id == bindparam("empty"), story.c.merged_into == bindparam("empty")))
        .values(merged_into=bindparam("into"))
    )
)
_TELL = Many(
    lambda _: (
        update(story).where(story.c.id == bindparam("told")).values(article_id=bindparam("by"))
    )
)

_JUDGED_TO = "stories_judged_to"
_LISTED_BEFORE = "stories_listed_before"


@dataclass(frozen=True, slots=True)
class Judgeable:
    """An article as it is judged, with the story that it is in now. `content` is its beginning."""

    id: int
    story_id: int
    title: str
    lead: str
    content: str
    language: str | None
    first_seen_at: datetime


def judged_to(connection: Connection) -> int | None:
    """The last article that was judged; None: none ever was."""
    stored = facts.get(connection, _JUDGED_TO)
    return None if stored is None else int(stored)


def has_unjudged(connection: Connection) -> bool:
    """Whether there are articles that nobody has judged, or judging has never begun."""
    to = judged_to(connection)
    return to is None or newest(connection) > to


def keep_judged_to(connection: Connection, article_id: int) -> None:
    """All articles up to this one have been judged. Needs a write transaction."""
    facts.put(connection, _JUDGED_TO, str(article_id))


def begin_judging(connection: Connection, article_id: int) -> None:
    """From now on new articles wait for a judge, and all up to this one need none.

    What is there by now has been listed, and stays so while it waits. Needs a write transaction
    that holds admission off.
    """
    keep_judged_to(connection, article_id)
    facts.put(connection, _LISTED_BEFORE, str(newest(connection)))


def stop_judging(connection: Connection) -> None:
    """Nobody judges any more: nothing waits for it. Needs a write transaction."""
    facts.forget(connection, _JUDGED_TO)
    facts.forget(connection, _LISTED_BEFORE)


def last_before(connection: Connection, instant: datetime) -> int:
    """The last article that was seen first before an instant, 0 for none."""
    before = select(func.max(article.c.id)).where(article.c.first_seen_at < instant)
    return connection.execute(before).scalar() or 0


def listed_to(connection: Connection) -> int | None:
    """The last article that lists may show: those behind it wait for a judge. None: none does.

    One that was listed as a story of its own, and joined another's afterwards, would have been told
    twice by every reader's program. What was listed before anybody judged stays a story of its own
    until it is judged: readers have seen it already.
    """
    known = facts.several(connection, _JUDGED_TO, _LISTED_BEFORE)
    return max(map(int, known.values())) if _JUDGED_TO in known else None


def listable(connection: Connection) -> ColumnElement[bool]:
    """Which rows of `article_topic` lists may show: not those of articles that wait for a judge."""
    to = listed_to(connection)
    return true() if to is None else listable_to(to)


def listable_to(to: int | BindParameter[int]) -> ColumnElement[bool]:
    """The same, up to this article."""
    # "+ 0": no index is asked, since those that lists are sorted by do better.
    return article_topic.c.article_id + 0 <= to


def newest(connection: Connection) -> int:
    """The last article that there is, 0 for none."""
    return connection.execute(select(func.max(article.c.id))).scalar() or 0


def ids_after(connection: Connection, last: int) -> list[int]:
    """The articles that came after one."""
    return list(connection.scalars(select(article.c.id).where(article.c.id > last)))


def after(connection: Connection, last: int, limit: int) -> list[Judgeable]:
    """The articles that came after one, in order of arrival."""
    return _read(connection, article.c.id > last, limit)


def within(
    connection: Connection, since: datetime, after_id: int, to: int, limit: int
) -> list[Judgeable]:
    """Articles seen first at `since` or later, after one and up to another, in order of arrival."""
    inside = (article.c.first_seen_at >= since) & (article.c.id > after_id) & (article.c.id <= to)
    return _read(connection, inside, limit)


def homes(connection: Connection, since: datetime, to: int) -> dict[int, int]:
    """Article -> story, of what was seen first at `since` or later, up to an article.

    Not what was taken back: it has no words any more to be like others.
    """
    rows = connection.execute(
        select(story_article.c.article_id, story_article.c.story_id)
        .join(article, article.c.id == story_article.c.article_id)
        .where(
            article.c.first_seen_at >= since,
            article.c.id <= to,
            article.c.merged_into.is_(None),
            ~marks.is_recalled(article.c.id),
        )
    )
    return {row.article_id: row.story_id for row in rows}


def articles_of(connection: Connection, story_id: int) -> list[int]:
    """The articles of a story in order of arrival, without those that were merged into others."""
    rows = connection.scalars(
        select(article.c.id)
        .join(story_article, story_article.c.article_id == article.c.id)
        .where(story_article.c.story_id == story_id, article.c.merged_into.is_(None))
        .order_by(article.c.id)
    )
    return list(rows)


def story_of(connection: Connection, article_id: int) -> int | None:
    """The story that an article is in; None: there is no such article."""
    own = story_article.c.article_id == article_id
    found: int | None = connection.scalar(select(story_article.c.story_id).where(own))
    return found


def represented_by(connection: Connection, story_id: int) -> int | None:
    """The article that stands for a story; None: there is no such story."""
    living = func.coalesce(article.c.merged_into, article.c.id)
    found: int | None = connection.scalar(
        select(living).join(story, story.c.article_id == article.c.id).where(story.c.id == story_id)
    )
    return found


def of_articles(connection: Connection, article_ids: Iterable[int]) -> dict[int, int]:
    """Article -> its story."""
    found: dict[int, int] = {}
    for batch in lots(article_ids):
        rows = connection.execute(_homes(connection.dialect.name), {"ids": batch})
        found |= {row.article_id: row.story_id for row in rows}
    return found


@cache
def _homes(dialect: str) -> Select[Any]:
    own = story_article.c
    return select(own.article_id, own.story_id).where(among_given(own.article_id, "ids", dialect))


def named(connection: Connection, public_id: str) -> int | None:
    """The story with this id, or the one that it has become. None: there never was one."""
    survivor = func.coalesce(story.c.merged_into, story.c.id)
    found: int | None = connection.scalar(select(survivor).where(story.c.public_id == public_id))
    return found


def public_ids(connection: Connection, stories: Iterable[int]) -> dict[int, str]:
    """Story -> the id that people know it by."""
    found: dict[int, str] = {}
    for batch in lots(stories):
        rows = connection.execute(
            select(story.c.id, story.c.public_id).where(story.c.id.in_(batch))
        )
        found.update((row.id, row.public_id) for row in rows)
    return found


def has_begun(connection: Connection, public_id: str) -> bool:
    """Whether there is, or was, a story of this id."""
    return bool(connection.scalar(select(exists().where(story.c.public_id == public_id))))


def begin(connection: Connection, public_id: str, article_id: int, now: datetime) -> int:
    """A story without articles; `article_id` stands for it until some are placed there."""
    row = {"public_id": public_id, "article_id": article_id, "created_at": now}
    added = connection.execute(insert(story).values(row))
    (number,) = added.inserted_primary_key or (0,)
    return int(number)


def place(connection: Connection, moves: Mapping[int, int]) -> set[str]:
    """Put articles into other stories. Returns the topics whose lists look otherwise now.

    What was merged into an article goes with it. A story that is left empty has become the one
    which most of its articles went to, ties to the lowest; a story that lost the article which
    represents it is represented by its first one. Needs a write transaction that holds admission
    off (`entries.queue`).
    """
    moves = {**moves, **_merged_with(connection, moves)}
    before = of_articles(connection, moves)
    moves = {one: to for one, to in moves.items() if before[one] != to}
    if not moves:
        return set()
    to = judged_to(connection)
    judged = to is None or min(moves) <= to
    versions.raise_(connection, [versions.HOMES, *([versions.REGROUPED] if judged else [])])
    _MOVE(connection, [{"moved": one, "to": there} for one, there in sorted(moves.items())])
    left = {before[one] for one in moves}
    went: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for one, to in moves.items():
        went[before[one]][to] += 1
    _BECOME(
        connection,
        [
            {"empty": empty, "into": min(went[empty], key=lambda to: (-went[empty][to], to))}
            for empty in sorted(left - _inhabited(connection, left))
        ],
    )
    touched = left | set(moves.values())
    topics.list_anew(connection, {*moves, *_represent(connection, touched)})
    return topics_of_stories(connection, touched)


def drop_empty(connection: Connection, stories: Iterable[int]) -> None:
    """Delete those of these stories that nothing was placed in, and nobody has seen yet."""
    for batch in lots(stories):
        empty = set(batch) - _inhabited(connection, batch)
        connection.execute(delete(story).where(story.c.id.in_(empty)))


def topics_of(connection: Connection, articles: Iterable[int]) -> set[str]:
    """The topics of the TOML that these articles are in."""
    return _topic_names(connection, _TOPIC_NAMES, article_topic.c.article_id, articles)


def topics_of_stories(connection: Connection, stories: Iterable[int]) -> set[str]:
    """The topics of the TOML that articles of these stories are in."""
    told = _TOPIC_NAMES.join(
        story_article, story_article.c.article_id == article_topic.c.article_id
    )
    return _topic_names(connection, told, story_article.c.story_id, stories)


_TOPIC_NAMES = (
    select(topic.c.name)
    .distinct()
    .join(article_topic, article_topic.c.topic_id == topic.c.id)
    .where(topic.c.retired_at.is_(None))
)


def _topic_names(
    connection: Connection, topics: Select[Any], column: ColumnElement[int], ids: Iterable[int]
) -> set[str]:
    found: set[str] = set()
    for batch in lots(ids):
        found.update(connection.scalars(topics.where(column.in_(batch))))
    return found


def _read(connection: Connection, chosen: object, limit: int) -> list[Judgeable]:
    rows = connection.execute(
        select(
            article.c.id,
            story_article.c.story_id,
            article.c.title,
            article.c.lead,
            beginning(),
            article.c.language,
            article.c.first_seen_at,
        )
        .join(story_article, story_article.c.article_id == article.c.id)
        .where(
            chosen,  # type: ignore[arg-type]
            article.c.merged_into.is_(None),
            ~marks.is_recalled(article.c.id),
        )
        .order_by(article.c.id)
        .limit(limit)
    )
    return [Judgeable(*row) for row in rows]


def _merged_with(connection: Connection, moves: Mapping[int, int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for batch in lots(moves):
        rows = connection.execute(
            select(article.c.id, article.c.merged_into).where(article.c.merged_into.in_(batch))
        )
        found.update((row.id, moves[row.merged_into]) for row in rows)
    return found


def _inhabited(connection: Connection, stories: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for batch in lots(stories):
        there = exists().where(story_article.c.story_id == story.c.id)
        found.update(connection.scalars(select(story.c.id).where(story.c.id.in_(batch), there)))
    return found


def _represent(connection: Connection, stories: Iterable[int]) -> list[int]:
    """Each story whose article is elsewhere now by its first one. Returns the articles of these."""
    lost: list[int] = []
    for batch in lots(stories):
        elsewhere = (
            select(story.c.id)
            .join(story_article, story_article.c.article_id == story.c.article_id)
            .where(story.c.id.in_(batch), story_article.c.story_id != story.c.id)
        )
        lost += connection.scalars(elsewhere)
    homes: defaultdict[int, list[Any]] = defaultdict(list)
    for batch in lots(lost):
        rows = connection.execute(
            select(story_article.c.story_id, article.c.id, article.c.merged_into)
            .join(story_article, story_article.c.article_id == article.c.id)
            .where(story_article.c.story_id.in_(batch))
        )
        for row in rows:
            homes[row.story_id].append(row)
    first = [
        {"told": one, "by": min(rows, key=lambda row: (row.merged_into is not None, row.id)).id}
        for one, rows in sorted(homes.items())  # the others have become another
    ]
    _TELL(connection, first)
    return [row.id for rows in homes.values() for row in rows]
