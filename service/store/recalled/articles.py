"""Recalls as rows: who took back which articles, when and why, and what was given back since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, insert, or_, select, true, update

from service.store.core.bulk import lots
from service.store.tables import (
    article,
    entry,
    recall,
    recalled_article,
    source,
    story,
    story_article,
)

SAME_TITLE = timedelta(days=7)
"""For so long a new article with the very headline of one that was taken back is taken for it."""


@dataclass(frozen=True, slots=True)
class Recall:
    """An admin's word. `undone_at` None: it is in force. `title`: "" where it is taken back too.

    `public_id` is the story's whose page says so, `published` when its article came out.
    """

    id: int
    story_id: int
    public_id: str
    title: str
    outlet: str
    actor: str
    reason: str
    hides_title: bool
    published: datetime
    recalled_at: datetime
    undone_at: datetime | None
    undone_by: str | None


@dataclass(frozen=True, slots=True)
class RecalledPlace:
    """Where a story stood in feeds. `topics`: topic rows; `listed_at`: where lists sort it."""

    recall: Recall
    topics: frozenset[int]
    listed_at: datetime
    hot: bool


@dataclass(frozen=True, slots=True)
class NewWords:
    """What a new article may be known again by. `title_hash` None: its headline is too short."""

    article_id: int
    hash: bytes
    title_hash: bytes | None


def add(
    connection: Connection,
    story_id: int,
    actor: str,
    reason: str,
    now: datetime,
    *,
    hides_title: bool,
) -> int:
    """Keep an admin's word. Returns its id."""
    row = {
        "story_id": story_id,
        "actor": actor,
        "reason": reason,
        "hides_title": hides_title,
        "recalled_at": now,
    }
    added = connection.execute(insert(recall).values(row))
    (number,) = added.inserted_primary_key or (0,)
    return int(number)


def undo(connection: Connection, recall_id: int, actor: str, now: datetime) -> None:
    """It is in force no more."""
    this = recall.c.id == recall_id
    connection.execute(update(recall).where(this).values(undone_at=now, undone_by=actor))


def hide_title(connection: Connection, recall_id: int) -> None:
    """The headline goes as well."""
    this = recall.c.id == recall_id
    connection.execute(update(recall).where(this).values(hides_title=True))


def one(connection: Connection, recall_id: int) -> Recall:
    """The recall of this id, which must be there."""
    return several(connection, [recall_id])[recall_id]


def several(connection: Connection, ids: Iterable[int]) -> dict[int, Recall]:
    """Id -> recall."""
    found: dict[int, Recall] = {}
    for some in lots(set(ids)):
        found |= {row.id: row for row in _recalls(connection, recall.c.id.in_(some))}
    return found


def of_story(connection: Connection, story_id: int) -> Recall | None:
    """The recall in force of a story: of the article that stands for it. None: there is none."""
    own = (
        select(recalled_article.c.recall_id)
        .join(article, article.c.id == recalled_article.c.article_id)
        .join(story_article, story_article.c.article_id == article.c.id)
        .where(story_article.c.story_id == story_id, article.c.merged_into.is_(None))
        .order_by(recalled_article.c.recall_id)
        .limit(1)
    )
    found = connection.scalar(own)
    if found is None:
        return None
    # A word that took in a reprint too stands on each story's own page.
    (said,) = _recalls(connection, recall.c.id == found, story_id)
    return said


def history(connection: Connection, story_ids: Iterable[int]) -> list[Recall]:
    """All recalls of these stories, in force or not, the oldest first."""
    found: list[Recall] = []
    for some in lots(story_ids):
        found += _recalls(connection, recall.c.story_id.in_(some))
    return found


def in_force(connection: Connection, since: datetime | None = None) -> list[Recall]:
    """The recalls that are not undone, the oldest first. `since`: only those from then on."""
    asked = _IN_FORCE if since is None else _IN_FORCE_SINCE
    return [_said(row) for row in connection.execute(asked, {"since": since})]


def members(connection: Connection, recall_id: int) -> list[int]:
    """The articles that are taken back by it."""
    own = recalled_article.c.recall_id == recall_id
    rows = select(recalled_article.c.article_id).where(own).order_by(recalled_article.c.article_id)
    return list(connection.scalars(rows))


def stories(connection: Connection) -> list[int]:
    """The stories that are taken back now."""
    rows = (
        select(story_article.c.story_id)
        .distinct()
        .join(recalled_article, recalled_article.c.article_id == story_article.c.article_id)
        .order_by(story_article.c.story_id)
    )
    return list(connection.scalars(rows))


def with_merged(connection: Connection, articles: Iterable[int]) -> list[int]:
    """These articles and all that have become one of them."""
    found: set[int] = set(articles)
    for some in lots(sorted(found)):
        found.update(
            connection.scalars(select(article.c.id).where(article.c.merged_into.in_(some)))
        )
    return sorted(found)


def places(connection: Connection, recall_id: int | None = None) -> list[RecalledPlace]:
    """Where stories that are taken back stood in feeds, those of one story put together.

    `recall_id`: those that this word took back; None: all.
    """
    only = true() if recall_id is None else recalled_article.c.recall_id == recall_id
    rows = connection.execute(
        select(recalled_article.c.topics, story_article.c.story_id, recalled_article.c.recall_id)
        .join(story_article, story_article.c.article_id == recalled_article.c.article_id)
        .join(article, article.c.id == recalled_article.c.article_id)
        .where(article.c.merged_into.is_(None), only)
        .order_by(recalled_article.c.article_id)
    ).all()
    known = several(connection, [row.recall_id for row in rows])
    stood: dict[int, list[Any]] = {}
    for row in rows:
        stood.setdefault(row.story_id, []).append(row)
    found = []
    for story_id, some in stood.items():
        kept = [one for row in some for one in row.topics["topics"]]
        if not kept:
            continue
        said = known[some[0].recall_id]
        if said.story_id != story_id:  # of a reprint, which stands on its own story's page
            (said,) = _recalls(connection, recall.c.id == said.id, story_id)
        found.append(
            RecalledPlace(
                recall=said,
                topics=frozenset(one["topic_id"] for one in kept),
                listed_at=min(datetime.fromisoformat(one["listed_at"]) for one in kept),
                hot=any(row.topics["hot"] for row in some),
            )
        )
    return found


def links(connection: Connection, articles: Iterable[int]) -> set[str]:
    """The addresses that these articles, and what told them, are shown with."""
    found: set[str | None] = set()
    for some in lots(articles):
        found.update(connection.scalars(select(article.c.link).where(article.c.id.in_(some))))
        found.update(connection.scalars(select(entry.c.link).where(entry.c.article_id.in_(some))))
    return {one for one in found if one}


def known_again(connection: Connection, new: Sequence[NewWords], now: datetime) -> dict[int, int]:
    """Which of these tell again what was taken back -> the recall."""
    found: dict[int, int] = {}
    for some in lots(new, 256):
        hashes = {one.hash for one in some}
        titles = {one.title_hash for one in some if one.title_hash is not None}
        same_title = and_(
            recalled_article.c.title_hash.in_(titles), recall.c.recalled_at > now - SAME_TITLE
        )
        rows = connection.execute(
            select(
                recalled_article.c.hash,
                recalled_article.c.title_hash,
                recalled_article.c.recall_id,
                recall.c.recalled_at,
            )
            .join(recall, recall.c.id == recalled_article.c.recall_id)
            .where(or_(recalled_article.c.hash.in_(hashes), same_title))
        ).all()
        by_hash = {row.hash: row.recall_id for row in rows}
        by_title = {
            row.title_hash: row.recall_id for row in rows if row.recalled_at > now - SAME_TITLE
        }
        for one in some:
            known = by_hash.get(one.hash)
            if known is None and one.title_hash is not None:
                known = by_title.get(one.title_hash)
            if known is not None:
                found[one.article_id] = known
    return found


def _recalls(connection: Connection, chosen: Any, story_id: int | None = None) -> list[Recall]:
    """`story_id`: as that story's page says it, None = as the page of its own story does."""
    rows = connection.execute(_recalls_of(story_id).where(chosen))
    return [_said(row, story_id) for row in rows]


def _said(row: Any, story_id: int | None = None) -> Recall:
    return Recall(
        id=row.id,
        story_id=row.story_id if story_id is None else story_id,
        public_id=row.public_id,
        title="" if row.hides_title else row.title,
        outlet=row.outlet,
        actor=row.actor,
        reason=row.reason,
        hides_title=row.hides_title,
        published=min(row.published_at or row.first_seen_at, row.first_seen_at),
        recalled_at=row.recalled_at,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )


def _recalls_of(story_id: int | None = None) -> Select[Any]:
    return (
        select(
            recall,
            story.c.public_id,
            article.c.title,
            source.c.title.label("outlet"),
            article.c.published_at,
            article.c.first_seen_at,
        )
        .select_from(recall)
        .join(story, story.c.id == (recall.c.story_id if story_id is None else story_id))
        .join(article, article.c.id == story.c.article_id)
        .join(source, source.c.id == article.c.source_id)
        .order_by(recall.c.id)
    )


# Each plan asks: to build it took longer than to say that nothing is taken back.
_IN_FORCE = _recalls_of().where(recall.c.undone_at.is_(None))
_IN_FORCE_SINCE = _IN_FORCE.where(recall.c.recalled_at > bindparam("since"))
