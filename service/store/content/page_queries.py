"""What pages and feeds ask beside stories: topics and how much is in them, digests, editions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, or_, select

from service.store.core import facts
from service.store.core.database import Store
from service.store.reviews.hidden import public
from service.store.tables import (
    article,
    article_topic,
    digest,
    edition,
    edition_story,
    redirect,
    source,
    story,
    story_article,
    topic,
)

COUNTED_AT_ONCE = 200_000
"""Articles of an archive whose topics are counted whenever the front page is made."""

COUNTED_EVERY = timedelta(days=1)

_COUNTED = "topics_counted"

LATEST = 1000
"""Articles of a topic by which its sources are counted, and not all that were ever told: they are
counted for each build of its feed."""


@dataclass(frozen=True, slots=True)
class PublishedTopic:
    """A topic. `id` is the row's own, which no renaming changes; `name` the TOML's."""

    id: int
    name: str
    title: str
    created_at: datetime
    retired: bool


@dataclass(frozen=True, slots=True)
class PublishedDigest:
    """A digest of the TOML; `name` is its id there."""

    id: int
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class PublishedEdition:
    """A frozen edition. `period_from` is where its own period begins, the previous cut.

    `opening`: an editor's words above its stories, "" = none.
    """

    id: int
    digest: str
    digest_title: str
    cadence: str
    cut_at: datetime
    period_from: datetime
    covers_to: datetime
    listed: bool
    more: int
    opening: str = ""


@dataclass(frozen=True, slots=True)
class EditionPlace:
    """Where a story stands in an edition: at which `place` of how many, the first being 1.

    `topics` are those by which it is there; `standing`: as in `store.mailing.editions.Frozen`.
    """

    edition: PublishedEdition
    place: int
    of: int
    topics: tuple[str, ...]
    standing: dict[str, Any] | None


def topics(connection: Connection, *, retired: bool = False) -> list[PublishedTopic]:
    """The topics of the TOML by title. `retired`: those that have left it as well."""
    statement = select(topic).order_by(topic.c.title, topic.c.id)
    if not retired:
        statement = statement.where(topic.c.retired_at.is_(None))
    return [_topic(row) for row in connection.execute(statement)]


def one_topic(connection: Connection, name: str) -> PublishedTopic | None:
    """The topic of this name, a retired one too. None: there never was one."""
    row = connection.execute(select(topic).where(topic.c.name == name)).one_or_none()
    return None if row is None else _topic(row)


def counts(connection: Connection, at_once: int = COUNTED_AT_ONCE) -> dict[str, int]:
    """How many stories each topic of the TOML has, if it has any.

    In an archive of more than `at_once` articles as many as when they were counted last
    (`keep_counts`): the front page is made anew with each piece of news, and to count ten million
    takes ten seconds. A topic that was empty then, or was added since, is counted now.
    """
    kept = _kept_counts(connection) if _is_large(connection, at_once) else None
    numbers = _counted(connection) if kept is None else kept[1]
    is_live = select(topic.c.id, topic.c.name).where(topic.c.retired_at.is_(None))
    live = {row.id: row.name for row in connection.execute(is_live)}
    if kept is not None and (missing := live.keys() - numbers.keys()):
        numbers = {**numbers, **_counted_alone(connection, missing)}
    return {name: numbers[row] for row, name in live.items() if row in numbers}


def keep_counts(store: Store, now: datetime, at_once: int = COUNTED_AT_ONCE) -> None:
    """Count the stories of a large archive's topics for `counts`, once a day."""
    with store.read() as connection:
        if not _is_large(connection, at_once):
            return
        kept = _kept_counts(connection)
        if kept is not None and timedelta() <= now - kept[0] < COUNTED_EVERY:
            return
        numbers = _counted(connection)
    with store.write() as connection:
        facts.put(connection, _COUNTED, json.dumps([now.isoformat(), numbers]))


def _is_large(connection: Connection, at_once: int) -> bool:
    return (connection.scalar(select(func.max(article.c.id))) or 0) > at_once


def _kept_counts(connection: Connection) -> tuple[datetime, dict[int, int]] | None:
    """When they were counted, and topic row -> how many."""
    kept = facts.get(connection, _COUNTED)
    if kept is None:
        return None
    at, numbers = json.loads(kept)
    return datetime.fromisoformat(at), {int(row): number for row, number in numbers.items()}


def _counted(connection: Connection) -> dict[int, int]:
    """Topic row -> how many stories it has.

    As many as it has articles, less those that tell a story again: few do, and to ask each article
    for its story takes half a second with some hundred thousand.
    """
    rows = connection.execute(
        select(article_topic.c.topic_id, func.count().label("n")).group_by(article_topic.c.topic_id)
    )
    again = _told_again(connection)
    return {row.topic_id: row.n - again.get(row.topic_id, 0) for row in rows}


def _counted_alone(connection: Connection, wanted: set[int]) -> dict[int, int]:
    """The same of these topics, by what they have alone and not by all stories of the archive."""
    known = story_article.c.story_id
    stories = func.count() - func.count(known) + func.count(known.distinct())
    rows = connection.execute(
        select(article_topic.c.topic_id, stories.label("n"))
        .outerjoin(story_article, story_article.c.article_id == article_topic.c.article_id)
        .where(article_topic.c.topic_id.in_(wanted))
        .group_by(article_topic.c.topic_id)
    )
    return {row.topic_id: row.n for row in rows}


def _told_again(connection: Connection) -> dict[int, int]:
    """Topic row -> how many of its articles tell a story that another one there tells."""
    several = (
        select(story_article.c.story_id)
        .group_by(story_article.c.story_id)
        .having(func.count() > 1)
        .subquery()
    )
    again = func.count() - func.count(story_article.c.story_id.distinct())
    rows = connection.execute(
        select(article_topic.c.topic_id, again.label("n"))
        .select_from(several)
        .join(story_article, story_article.c.story_id == several.c.story_id)
        .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
        .group_by(article_topic.c.topic_id)
    )
    return {row.topic_id: row.n for row in rows}


def sources_in(connection: Connection, topic_id: int | None, among: int = LATEST) -> int:
    """How many sources tell a topic: the latest `among` of its articles.

    None: all topics of the TOML, where an article counts once for each of its topics. Retired
    sources do not count.
    """
    chosen: ColumnElement[bool]
    if topic_id is None:
        # "In a live one" would be looked up topic by topic, and all that is found then sorted.
        retired = select(topic.c.id).where(topic.c.retired_at.is_not(None))
        chosen = article_topic.c.topic_id.not_in(retired)
    else:
        chosen = article_topic.c.topic_id == topic_id
    told = (
        select(article_topic.c.article_id)
        .where(chosen)
        .order_by(article_topic.c.listed_at.desc(), article_topic.c.article_id.desc())
        .limit(among)
        .subquery()
    )
    statement = (
        select(func.count(article.c.source_id.distinct()))
        .join(told, told.c.article_id == article.c.id)
        .join(source, source.c.id == article.c.source_id)
        .where(source.c.retired_at.is_(None))
    )
    return connection.scalar(statement) or 0


def digests(connection: Connection) -> list[PublishedDigest]:
    """The digests of the TOML in its order."""
    rows = connection.execute(
        select(digest).where(digest.c.retired_at.is_(None)).order_by(digest.c.position, digest.c.id)
    )
    return [PublishedDigest(row.id, row.name, row.title) for row in rows]


def one_digest(connection: Connection, name: str) -> PublishedDigest | None:
    """The digest of this name, a retired one too: its archive stays. None: there never was one."""
    row = connection.execute(select(digest).where(digest.c.name == name)).one_or_none()
    return None if row is None else PublishedDigest(row.id, row.name, row.title)


def editions(
    connection: Connection,
    name: str | None = None,
    *,
    listed: bool = True,
    hidden: bool = False,
    cut_at: datetime | None = None,
    limit: int | None = None,
) -> list[PublishedEdition]:
    """Editions, newest first: of a digest (None: of all), of one cut (None: of all).

    `listed`: only those that stand in the archive. `hidden`: also those that have no page, since
    their editors have not let them go.
    """
    statement = _editions(
        of_one=name is not None, at_one=cut_at is not None, listed=listed, hidden=hidden,
        some=limit is not None,
    )  # fmt: skip
    given = {"name": name, "cut_at": cut_at, "limit": limit}
    asked = {name: value for name, value in given.items() if value is not None}
    return [_edition(row) for row in connection.execute(statement, asked)]


@cache
def _editions(*, of_one: bool, at_one: bool, listed: bool, hidden: bool, some: bool) -> Select[Any]:
    """Made once of each kind: each page of a site asks for several."""
    conditions: list[ColumnElement[bool]] = [] if hidden else [public()]
    if of_one:
        conditions.append(digest.c.name == bindparam("name"))
    if at_one:
        conditions.append(edition.c.cut_at == bindparam("cut_at"))
    if listed:
        conditions.append(edition.c.listed.is_(True))
    statement = (
        select(edition, digest.c.name, digest.c.title)
        .join(digest, digest.c.id == edition.c.digest_id)
        .where(*conditions)
        .order_by(edition.c.cut_at.desc(), edition.c.id)
    )
    return statement.limit(bindparam("limit", type_=Integer)) if some else statement


def places(connection: Connection, story_id: int) -> list[EditionPlace]:
    """Where a story, or one that has become it, stands in editions; the newest edition first."""
    rows = connection.execute(
        select(
            edition,
            digest.c.name,
            digest.c.title,
            edition_story.c.position,
            edition_story.c.topics,
            edition_story.c.standing,
        )
        .join(digest, digest.c.id == edition.c.digest_id)
        .join(edition_story, edition_story.c.edition_id == edition.c.id)
        .join(story, story.c.id == edition_story.c.story_id)
        .where(or_(story.c.id == story_id, story.c.merged_into == story_id), public())
        .order_by(edition.c.cut_at.desc(), edition.c.id, edition_story.c.position)
    ).all()
    of = sizes(connection, [row.id for row in rows])
    return [
        EditionPlace(
            _edition(row),
            row.position + 1,
            of[row.id],
            tuple(n for n, _ in row.topics),
            row.standing,
        )
        for row in rows
    ]


def listed_with(connection: Connection, one: PublishedEdition) -> PublishedEdition | None:
    """The edition in the archive that stands for an unlisted one.

    The one whose period holds its cut, else the last before it. None: there is neither.
    """
    in_archive = editions(connection, one.digest)
    after = [other for other in in_archive if other.period_from < one.cut_at <= other.cut_at]
    before = [other for other in in_archive if other.cut_at <= one.cut_at]
    return next(iter(after[-1:] or before), None)


def headlines(connection: Connection, edition_ids: list[int], most: int) -> dict[int, list[str]]:
    """The first headlines of each edition, at most `most` of each."""
    rows = connection.execute(
        select(edition_story.c.edition_id, edition_story.c.view)
        .where(edition_story.c.edition_id.in_(edition_ids), edition_story.c.position <= most)
        .order_by(edition_story.c.edition_id, edition_story.c.position)
    )
    found: dict[int, list[str]] = {number: [] for number in edition_ids}
    for row in rows:
        if len(found[row.edition_id]) < most and "recall" not in row.view:  # what was taken back
            found[row.edition_id].append(row.view["title"])
    return found


def sizes(connection: Connection, edition_ids: list[int]) -> dict[int, int]:
    """How many stories are frozen in each edition."""
    rows = connection.execute(
        select(edition_story.c.edition_id, func.count().label("stories"))
        .where(edition_story.c.edition_id.in_(edition_ids))
        .group_by(edition_story.c.edition_id)
    )
    return dict.fromkeys(edition_ids, 0) | {row.edition_id: row.stories for row in rows}


def in_editions(connection: Connection) -> set[int]:
    """The stories of all editions."""
    return set(connection.execute(select(edition_story.c.story_id).distinct()).scalars())


def in_earlier_editions(connection: Connection, one: PublishedEdition) -> set[int]:
    """Stories of an edition that an earlier edition in the archive of its digest has as well."""
    here = select(edition_story.c.story_id).where(edition_story.c.edition_id == one.id)
    earlier = (
        select(edition_story.c.story_id)
        .join(edition, edition.c.id == edition_story.c.edition_id)
        .join(digest, digest.c.id == edition.c.digest_id)
        .where(
            digest.c.name == one.digest,
            edition.c.listed.is_(True),
            edition.c.cut_at < one.cut_at,
            public(),
            edition_story.c.story_id.in_(here),
        )
    )
    return set(connection.execute(earlier).scalars())


def renamed_topics(connection: Connection) -> dict[str, str]:
    """Old name -> new name of every topic that was renamed."""
    rows = connection.execute(select(redirect).where(redirect.c.kind == "topic"))
    return {row.old_name: row.new_name for row in rows}


def _topic(row: Any) -> PublishedTopic:
    return PublishedTopic(row.id, row.name, row.title, row.created_at, row.retired_at is not None)


def _edition(row: Any) -> PublishedEdition:
    return PublishedEdition(
        id=row.id,
        digest=row.name,
        digest_title=row.title,
        cadence=row.cadence,
        cut_at=row.cut_at,
        period_from=row.period_from,
        covers_to=row.covers_to,
        listed=row.listed,
        more=row.more,
        opening=row.opening or "",
    )
