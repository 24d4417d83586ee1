"""What a freeze chooses from, as light rows: a half-year of stories must not be loaded whole.

Beside it, what has become of frozen stories and articles since: two may have been found to be one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, exists, func, select

from service.store.content import story_rows
from service.store.core.bulk import lots
from service.store.tables import (
    article,
    article_topic,
    dropped_article,
    hot_story,
    story,
    story_article,
    topic,
)

LOT = 2000
"""Candidates at a time: some 5 MB with what their order follows from."""

_OF: BindParameter[Any] = bindparam("of", expanding=True)
_TELLING = story_article.c.story_id.in_(_OF)
_IN_TOPICS = topic.c.name.in_(bindparam("names", expanding=True))
_NEWS = article_topic.c.quiet.is_(False)

# Each freeze asks for all of these: to build them took longer than most of their answers.
_TOLD = (
    select(story_article.c.story_id)
    .distinct()
    .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
    .join(topic, topic.c.id == article_topic.c.topic_id)
    .where(
        _IN_TOPICS,
        topic.c.retired_at.is_(None),
        _NEWS,
        article_topic.c.entered_at < bindparam("until"),
    )
)
_ENTRANCES = (
    select(
        story_article.c.story_id,
        topic.c.name,
        func.min(article_topic.c.entered_at).label("entered_at"),
    )
    .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
    .join(topic, topic.c.id == article_topic.c.topic_id)
    .where(_TELLING, _IN_TOPICS, _NEWS)
    .group_by(story_article.c.story_id, topic.c.id, topic.c.name)
    .order_by(story_article.c.story_id, topic.c.id)
)
_FIRST_ENTRANCES = (
    select(story_article.c.story_id, func.min(article_topic.c.entered_at))
    .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
    .where(_TELLING, _NEWS)
    .group_by(story_article.c.story_id)
)
_HEADS = (
    select(story.c.id, story.c.public_id, hot_story.c.hot_at, article.c.published_at)
    .join(article, article.c.id == story.c.article_id)
    .outerjoin(hot_story, hot_story.c.story_id == story.c.id)
    .where(story.c.id.in_(_OF))
)
_MERGED = select(story.c.id, story.c.merged_into).where(
    story.c.id.in_(_OF), story.c.merged_into.is_not(None)
)
_ARTICLES = select(story_article.c.story_id, story_article.c.article_id).where(_TELLING)
_SAME = [
    select(article.c.id, article.c.merged_into).where(column.in_(_OF))
    for column in (article.c.id, article.c.merged_into)
]
_MINE = dropped_article.c.digest_id == bindparam("of_digest")
_HAS_DROPPED = select(exists().where(_MINE))
_NOT_DROPPED = ~exists().where(_MINE, dropped_article.c.article_id == article_topic.c.article_id)


@dataclass(frozen=True, slots=True)
class DigestCandidate:
    """A story that is news in a window. `topics`: the asked ones that it is in, and since when."""

    story_id: int
    public_id: str
    topics: tuple[tuple[str, datetime], ...]
    published: datetime | None

    @property
    def entered_at(self) -> datetime:
        """When it first entered one of the asked topics."""
        return min(at for _, at in self.topics)

    @property
    def out_at(self) -> datetime:
        """When it came out, as its outlet says, but no later than it entered."""
        return min(self.published or self.entered_at, self.entered_at)


def entered(
    connection: Connection,
    topics: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    hot: bool = False,
    most: int = LOT,
    digest_id: int | None = None,
) -> Iterator[list[DigestCandidate]]:
    """Stories that entered one of `topics` in [since, until), and not quietly; `most` at a time.

    A story enters a topic with its first article there that is news; an outlet that joins it later
    makes it no newer. What came so late that it waits for a judge is left to the next edition,
    which reaches back to it by its hour of overlap. `hot`: only stories that are hot, and each
    enters a topic no sooner than it became so. `digest_id`: articles that an editor took out of an
    edition of this digest count for nothing, so that their stories come again with news alone.
    """
    names = list(topics)
    kept = _kept(connection, digest_id)
    told = _TOLD.where(story_rows.listable(connection), *kept)
    begun = told.where(article_topic.c.entered_at >= bindparam("since"))
    if hot:
        begun = begun.join(hot_story, hot_story.c.story_id == story_article.c.story_id)
    asked = {"names": names, "until": until, "of_digest": digest_id}
    ids = set(connection.execute(begun, {**asked, "since": since}).scalars())
    if hot:
        # Not one question with an "or": it would go through all that the topics ever had.
        heated = select(hot_story.c.story_id).where(
            hot_story.c.hot_at >= since, hot_story.c.hot_at < until
        )
        for batch in lots(connection.execute(heated).scalars()):
            ids |= set(connection.execute(told.where(_TELLING), {**asked, "of": batch}).scalars())
    for batch in lots(sorted(ids), most):
        found: list[DigestCandidate] = []
        when = _entrances(connection, batch, kept, asked)
        for head in connection.execute(_HEADS, {"of": batch}).all():
            hot_at = head.hot_at if hot else None
            since_when = ((name, max(at, hot_at or at)) for name, at in when[head.id])
            inside = tuple((name, at) for name, at in since_when if at < until)
            if any(at >= since for _, at in inside):
                found.append(
                    DigestCandidate(
                        story_id=head.id,
                        public_id=head.public_id,
                        topics=inside,
                        published=head.published_at,
                    )
                )
        yield found


def first_entrances(connection: Connection, stories: Iterable[int]) -> dict[int, datetime]:
    """Story -> when it first entered any topic at all as news."""
    found: dict[int, datetime] = {}
    for batch in lots(stories):
        rows = connection.execute(_FIRST_ENTRANCES, {"of": batch})
        found.update((row[0], row[1]) for row in rows)
    return found


def surviving_stories(connection: Connection, stories: Iterable[int]) -> dict[int, int]:
    """Story -> the one that it has become; itself where nothing happened."""
    become = {one: one for one in stories}
    moved = dict(become)
    while moved:
        following: dict[int, int] = {}
        for batch in lots(moved.values()):
            rows = connection.execute(_MERGED, {"of": batch})
            following.update((row.id, row.merged_into) for row in rows)
        moved = {first: following[at] for first, at in moved.items() if at in following}
        become.update(moved)
    return become


def articles_of(connection: Connection, stories: Iterable[int]) -> dict[int, set[int]]:
    """Story -> the articles that tell it now."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for batch in lots(stories):
        for row in connection.execute(_ARTICLES, {"of": batch}):
            found[row.story_id].add(row.article_id)
    return found


def same_articles(connection: Connection, articles: Iterable[int]) -> dict[int, int]:
    """Every article that is, or has become, the same as one of these -> the one that stands now.

    The ledger may hold any of them: whoever was told one was told all.
    """
    known: dict[int, int | None] = {}
    asked: set[int] = set()
    fresh = set(articles)
    while fresh:
        asked |= fresh
        for batch in lots(fresh):
            for same in _SAME:
                rows = connection.execute(same, {"of": batch})
                known.update((row.id, row.merged_into) for row in rows)
        ahead = {into for into in known.values() if into is not None}
        fresh = (known.keys() | ahead) - asked
    return {one: _last(known, one) for one in known}


def _last(become: dict[int, int | None], one: int) -> int:
    while (into := become.get(one)) is not None:
        one = into
    return one


def _kept(connection: Connection, digest_id: int | None) -> tuple[ColumnElement[bool], ...]:
    """The condition that no editor of a digest took an article out; () where none took any."""
    if digest_id is None or not connection.scalar(_HAS_DROPPED, {"of_digest": digest_id}):
        return ()
    return (_NOT_DROPPED,)


def _entrances(
    connection: Connection,
    stories: list[int],
    kept: tuple[ColumnElement[bool], ...],
    asked: dict[str, Any],
) -> defaultdict[int, list[tuple[str, datetime]]]:
    rows = connection.execute(_ENTRANCES.where(*kept), {**asked, "of": stories})
    found: defaultdict[int, list[tuple[str, datetime]]] = defaultdict(list)
    for row in rows:
        found[row.story_id].append((row.name, row.entered_at))
    return found
