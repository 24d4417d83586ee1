"""What admins said by hand about stories: which articles are together, and which are apart.

An act names articles, not stories: these come and go as articles are judged. An act that came later
counts more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, func, insert, literal, select

from service.model import StoryAct, StoryActKind
from service.store.content import story_rows
from service.store.core.bulk import lots
from service.store.tables import article, story_act, story_act_article, story_article


def add(
    connection: Connection, kind: StoryActKind, sides: Mapping[int, int], actor: str, now: datetime
) -> int:
    """Remember an act. `sides`: article -> the side that it is on. Returns the act's id."""
    row = {"kind": kind.value, "actor": actor, "happened_at": now}
    added = connection.execute(insert(story_act).values(row))
    (number,) = added.inserted_primary_key or (0,)
    connection.execute(
        insert(story_act_article),
        [{"act_id": number, "article_id": one, "side": side} for one, side in sides.items()],
    )
    return int(number)


def of_stories(connection: Connection, stories: Iterable[int]) -> list[StoryAct]:
    """The acts about articles that are in these stories now, the oldest first."""
    found: set[int] = set()
    for batch in lots(stories):
        rows = connection.scalars(
            select(story_act_article.c.act_id)
            .distinct()
            .join(story_article, story_article.c.article_id == story_act_article.c.article_id)
            .where(story_article.c.story_id.in_(batch))
        )
        found.update(rows)
    return _acts(connection, found)


def living(connection: Connection, since: datetime) -> list[StoryAct]:
    """The acts about stories that have an article first seen since then, the oldest first."""
    other = story_article.alias()
    rows = connection.scalars(
        select(story_act_article.c.act_id)
        .distinct()
        .join(story_article, story_article.c.article_id == story_act_article.c.article_id)
        .join(other, other.c.story_id == story_article.c.story_id)
        .join(article, article.c.id == other.c.article_id)
        .where(article.c.first_seen_at >= since)
    )
    return _acts(connection, rows)


def apart(connection: Connection, one: int, other: int) -> bool:
    """Whether an admin put articles of two stories apart, whatever was said later."""
    mine, theirs = story_act_article.alias(), story_act_article.alias()
    home, away = story_article.alias(), story_article.alias()
    found = connection.scalar(
        select(literal(1))
        .select_from(mine)
        .join(home, home.c.article_id == mine.c.article_id)
        .join(story_act, story_act.c.id == mine.c.act_id)
        .join(theirs, theirs.c.act_id == mine.c.act_id)
        .join(away, away.c.article_id == theirs.c.article_id)
        .where(
            home.c.story_id == one,
            away.c.story_id == other,
            story_act.c.kind == StoryActKind.APART.value,
            mine.c.side != theirs.c.side,
        )
        .limit(1)
    )
    return found is not None


def homes(connection: Connection, acts: Iterable[StoryAct]) -> dict[int, int]:
    """Article -> the story that it is in, of all that these acts name."""
    return story_rows.of_articles(connection, (one for act in acts for one in act.sides))


def _acts(connection: Connection, ids: Iterable[int]) -> list[StoryAct]:
    heads = {}
    sides: dict[int, dict[int, int | None]] = {}
    survivor = func.coalesce(article.c.merged_into, article.c.id)
    for batch in lots(ids):
        for row in connection.execute(select(story_act).where(story_act.c.id.in_(batch))):
            heads[row.id], sides[row.id] = row, {}
        rows = connection.execute(
            select(story_act_article.c.act_id, survivor.label("article"), story_act_article.c.side)
            .join(article, article.c.id == story_act_article.c.article_id)
            .where(story_act_article.c.act_id.in_(batch))
            .order_by(story_act_article.c.article_id)
        )
        for row in rows:
            known = sides[row.act_id].setdefault(row.article, row.side)
            if known != row.side:
                sides[row.act_id][row.article] = None  # two sides have become one article
    return [
        StoryAct(
            id=number,
            kind=StoryActKind(head.kind),
            actor=head.actor,
            happened_at=head.happened_at,
            sides={one: side for one, side in sides[number].items() if side is not None},
        )
        for number, head in sorted(heads.items())
    ]
