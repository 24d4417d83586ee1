"""Stories as feeds, pages and mails list them: the read model. Newest first by `sort_at`.

A story is listed once it is in a topic and, where stories are judged, its article has been.
`everywhere` lists the stories of all topics that are in the TOML now; an article that no topic
wants has a story too, found by its id alone.

Every call takes a handful of statements, however many stories it gives. They are made once for each
database: each page and feed asks them all, and to make them took longer than their answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, bindparam, func, or_, select

from service.model import Enclosure, Image, Outlet, Story, TopicEntry
from service.store.content import hot_stories, story_rows
from service.store.core.bulk import among_given, lots
from service.store.tables import (
    article,
    article_topic,
    entry,
    hot_story,
    source,
    story,
    story_article,
    topic,
)

FIRST_SCAN, _LARGEST_SCAN = 256, 16384

_BY_NAME = select(topic.c.id).where(topic.c.name == bindparam("name"))
_BY_PUBLIC_ID = select(story.c.id).where(story.c.public_id == bindparam("public_id"))


def in_topic(
    connection: Connection, name: str, limit: int = 100, *, scan: int = FIRST_SCAN
) -> list[Story]:
    """The newest stories of a topic, quiet ones too. Unknown name: [].

    `scan`: how many rows are read at first; more are read as they are needed.
    """
    return _in_order(connection, latest(connection, name, limit, scan=scan))


def everywhere(connection: Connection, limit: int = 100, *, scan: int = FIRST_SCAN) -> list[Story]:
    """The newest stories that are in any topic that is not retired. `scan`: as in `in_topic`."""
    return _in_order(connection, latest(connection, None, limit, scan=scan))


def latest(
    connection: Connection, name: str | None, limit: int, *, scan: int = FIRST_SCAN
) -> dict[int, datetime]:
    """The newest stories of a topic, None: of all; and when each came out, its `sort_at`."""
    if name is None:
        return _newest(connection, None, limit, scan)
    found = connection.scalar(_BY_NAME, {"name": name})
    return {} if found is None else _newest(connection, found, limit, scan)


def hot(connection: Connection, limit: int = 100) -> list[Story]:
    """The stories that became hot last; newest first, as all lists are."""
    return sorted(_in_order(connection, hot_stories.newest(connection, limit)), key=listed)


def by_public_id(connection: Connection, public_id: str) -> Story | None:
    """The story with this id, or the one that it has become. None: there never was one."""
    found = connection.scalar(_BY_PUBLIC_ID, {"public_id": public_id})
    return None if found is None else by_ids(connection, [found]).get(found)


def by_ids(connection: Connection, ids: Iterable[int]) -> dict[int, Story]:
    """Requested id -> story. A story that was merged stands as the one that it has become."""
    survivors: dict[int, int] = {}
    for batch in lots(ids):
        rows = connection.execute(_survivors(connection.dialect.name), {"ids": batch})
        survivors |= {row.id: row.merged_into or row.id for row in rows}
    loaded = _load(connection, set(survivors.values()))
    return {wanted: loaded[found] for wanted, found in survivors.items() if found in loaded}


def listed(one: Story) -> tuple[float, str]:
    """Sorts stories as they are listed: the newest first."""
    return (-one.sort_at.timestamp(), one.public_id)


@cache
def _survivors(dialect: str) -> Select[Any]:
    return select(story.c.id, story.c.merged_into).where(among_given(story.c.id, "ids", dialect))


def _newest(
    connection: Connection, topic_id: int | None, limit: int, size: int
) -> dict[int, datetime]:
    """Read rows of `article_topic` by when lists count them as new, as far back as it takes.

    A story sorts no later than any row of its articles: once `limit` stories are newer than the
    last row that was read, no row before it can bring a newer one.
    """
    chosen = {"topic_id": topic_id, "judged_to": story_rows.listed_to(connection)}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    order: dict[int, tuple[float, str]] = {}
    last: tuple[datetime, int] | None = None
    while True:
        behind = {} if last is None else {"at": last[0], "article_id": last[1]}
        given = {**chosen, **behind, "size": size}
        rows = connection.execute(_scan(*given), given).all()
        fresh = {row.story_id for row in rows} - order.keys()
        order |= _sort_keys(connection, fresh)
        ranked = sorted(order, key=order.__getitem__)[:limit]
        if len(rows) < size:
            break
        last = (rows[-1].listed_at, rows[-1].article_id)
        if len(ranked) == limit and -order[ranked[-1]][0] > last[0].timestamp():
            break
        size = min(size * 4, _LARGEST_SCAN)
    return {found: datetime.fromtimestamp(-order[found][0], UTC) for found in ranked}


def _in_order(connection: Connection, ids: Iterable[int]) -> list[Story]:
    wanted = list(ids)
    loaded = _load(connection, wanted)
    return [loaded[found] for found in wanted]


@cache
def _scan(*given: str) -> Select[Any]:
    """Rows by these values: of a topic, else of all; up to an article; behind what was read."""
    listed, number = article_topic.c.listed_at, article_topic.c.article_id
    statement = (
        select(story_article.c.story_id, number, listed)
        .join(story_article, story_article.c.article_id == number)
        .order_by(listed.desc(), number.desc())
        .limit(bindparam("size", type_=Integer))
    )
    if "topic_id" in given:
        statement = statement.where(article_topic.c.topic_id == bindparam("topic_id"))
    else:
        # "In a live one" would be looked up topic by topic, and all that is found then sorted.
        retired = select(topic.c.id).where(topic.c.retired_at.is_not(None))
        statement = statement.where(article_topic.c.topic_id.not_in(retired))
    if "judged_to" in given:
        statement = statement.where(story_rows.listable_to(bindparam("judged_to")))
    if "at" in given:
        at, last = bindparam("at", type_=listed.type), bindparam("article_id", type_=number.type)
        # The same article may stand here once for each topic: those rows say nothing new.
        statement = statement.where(or_(listed < at, and_(listed == at, number < last)))
    return statement


def _sort_keys(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[float, str]]:
    keys = {}
    for batch in lots(ids):
        rows = connection.execute(_sorting(connection.dialect.name), {"ids": batch})
        for row in rows:
            at = min(row.published_at or row.entered_at, row.entered_at)
            keys[row.id] = (-at.timestamp(), row.public_id)
    return keys


@cache
def _sorting(dialect: str) -> Select[Any]:
    entered = func.min(article_topic.c.entered_at)
    return (
        select(story.c.id, story.c.public_id, article.c.published_at, entered.label("entered_at"))
        .join(article, article.c.id == story.c.article_id)
        .join(story_article, story_article.c.story_id == story.c.id)
        .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
        .where(among_given(story.c.id, "ids", dialect))
        .group_by(story.c.id, story.c.public_id, article.c.published_at)
    )


def _load(connection: Connection, ids: Iterable[int]) -> dict[int, Story]:
    loaded: dict[int, Story] = {}
    for batch in lots(ids):
        articles = _articles(connection, batch)
        outlets = _outlets(connection, batch)
        topics = _topics(connection, batch)
        heads = connection.execute(_heads(connection.dialect.name), {"ids": batch})
        for head in heads.all():
            loaded[head.story_id] = _story(
                head, articles[head.story_id], outlets[head.story_id], topics[head.story_id]
            )
    return loaded


@cache
def _heads(dialect: str) -> Select[Any]:
    return (
        select(
            story.c.id.label("story_id"),
            story.c.public_id.label("story_public_id"),
            hot_story.c.hot_at,
            article,
            source.c.name.label("source"),
            source.c.title.label("source_title"),
            source.c.home,
            source.c.weight,
        )
        .join(article, article.c.id == story.c.article_id)
        .join(source, source.c.id == article.c.source_id)
        .outerjoin(hot_story, hot_story.c.story_id == story.c.id)
        .where(among_given(story.c.id, "ids", dialect))
    )


def _articles(connection: Connection, ids: list[int]) -> defaultdict[int, list[int]]:
    rows = connection.execute(_members(connection.dialect.name), {"ids": ids})
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row in rows:
        found[row.story_id].append(row.article_id)
    return found


@cache
def _members(dialect: str) -> Select[Any]:
    return (
        select(story_article.c.story_id, story_article.c.article_id)
        .where(among_given(story_article.c.story_id, "ids", dialect))
        .order_by(story_article.c.article_id)
    )


def _outlets(connection: Connection, ids: list[int]) -> defaultdict[int, list[Outlet]]:
    """Story -> every source that told it, with the address it gave; whose words they are first."""
    found: defaultdict[int, list[Outlet]] = defaultdict(list)
    for statement in _telling(connection.dialect.name):
        for story_id, name, title, home, link in connection.execute(statement, {"ids": ids}):
            found[story_id].append(Outlet(name, title, home, link))
    return found


@cache
def _telling(dialect: str) -> tuple[Select[Any], Select[Any]]:
    told_by = (source.c.name, source.c.title, source.c.home)
    own = (
        select(story_article.c.story_id, *told_by, article.c.link)
        .join(article, article.c.id == story_article.c.article_id)
        .join(source, source.c.id == article.c.source_id)
        .where(among_given(story_article.c.story_id, "ids", dialect))
        .order_by(article.c.id)
    )
    seen = (
        select(story_article.c.story_id, *told_by, entry.c.link)
        .join(entry, entry.c.article_id == story_article.c.article_id)
        .join(source, source.c.id == entry.c.source_id)
        .where(among_given(story_article.c.story_id, "ids", dialect))
        .order_by(entry.c.id)
    )
    return own, seen


def _topics(
    connection: Connection, ids: list[int]
) -> defaultdict[int, list[tuple[TopicEntry, bool]]]:
    """Story -> its topics, and whether each is still in the TOML."""
    rows = connection.execute(_entering(connection.dialect.name), {"ids": ids})
    found: defaultdict[int, list[tuple[TopicEntry, bool]]] = defaultdict(list)
    for row in rows:
        one = TopicEntry(row.name, row.title, row.entered_at, quiet=row.quiet)
        found[row.story_id].append((one, row.retired_at is None))
    return found


@cache
def _entering(dialect: str) -> Select[Any]:
    return (
        select(
            story_article.c.story_id,
            topic.c.name,
            topic.c.title,
            topic.c.retired_at,
            article_topic.c.quiet,
            func.min(article_topic.c.entered_at).label("entered_at"),
        )
        .join(article_topic, article_topic.c.article_id == story_article.c.article_id)
        .join(topic, topic.c.id == article_topic.c.topic_id)
        .where(among_given(story_article.c.story_id, "ids", dialect))
        .group_by(
            story_article.c.story_id,
            topic.c.id,
            topic.c.name,
            topic.c.title,
            topic.c.retired_at,
            article_topic.c.quiet,
        )
        .order_by(topic.c.id, article_topic.c.quiet)
    )


def _story(
    head: Any,
    articles: list[int],
    outlets: list[Outlet],
    topics: list[tuple[TopicEntry, bool]],
) -> Story:
    own = Outlet(head.source, head.source_title, head.home, head.link)
    listed: dict[str, TopicEntry] = {}
    for one, live in topics:
        if live:
            listed.setdefault(one.name, one)  # what is news stands before what is quiet
    return Story(
        id=head.story_id,
        public_id=head.story_public_id,
        article_ids=(head.id, *(number for number in articles if number != head.id)),
        outlet=own,
        title=head.title,
        lead=head.lead,
        content=head.content,
        authors=tuple(head.authors),
        language=head.language,
        published=head.published_at,
        updated=head.updated_at,
        entered_at=min((one.entered_at for one, _live in topics), default=None),
        first_seen_at=head.first_seen_at,
        weight=head.weight,
        image=Image(**head.image) if head.image else None,
        enclosures=tuple(Enclosure(**one) for one in head.enclosures),
        others=_others(own, outlets),
        topics=tuple(listed.values()),
        hot=head.hot_at is not None,
    )


def _others(own: Outlet, outlets: list[Outlet]) -> tuple[Outlet, ...]:
    """Other outlets that told it, each name once: two feeds of one outlet are one to a reader."""
    names = {own.title.casefold()}
    others = []
    for one in outlets:
        if one.source != own.source and one.title.casefold() not in names:
            names.add(one.title.casefold())
            link = None if one.link == own.link else one.link
            others.append(Outlet(one.source, one.title, one.home, link))
    return tuple(others)
