"""Rows for tests that begin in the middle of the street: a source, stories in topics, subscribers.

Everything is inserted as the service itself would have left it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, bindparam, insert, select

from service.store import tables as t
from service.store.core import facts
from service.text import mailboxes
from service.text.fold import folded_tokens


def _id(connection: Connection, table: Table, **values: object) -> int:
    # Values beside the statement: to build it anew for each row took longer than to insert.
    result = connection.execute(_insert(table), values)
    return int(result.inserted_primary_key[0])


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


_BY_KEY = select(t.subscriber.c.id).where(t.subscriber.c.address_key == bindparam("key"))


def add_source(connection: Connection, now: datetime, name: str = "bao-a", **values: object) -> int:
    row = {
        "title": name.title(),
        "home": f"https://{name}.example/",
        "url": f"https://{name}.example/rss",
        "kind": "feed",
        "language": "vi",
        "weight": 1.0,
        "created_at": now,
        "paused": False,
    }
    told = {**row, **values}
    counts = {key: told.pop(key) for key in values.keys() & t.source_counts.c.keys()}
    polled = {key: told.pop(key) for key in values.keys() & t.source_poll.c.keys()}
    one = _id(connection, t.source, name=name, **told)
    _id(connection, t.source_poll, source_id=one, **{"next_poll_at": now, **polled})
    _id(connection, t.source_counts, source_id=one, **counts)
    return one


def sources():
    """Sources with all that is known of them: a statement to narrow further."""
    whole = t.source.join(t.source_poll, t.source.c.id == t.source_poll.c.source_id).join(
        t.source_counts
    )
    return select(t.source, t.source_poll, t.source_counts).select_from(whole)


def add_topic(
    connection: Connection, now: datetime, name: str = "giao-duc", title: str = ""
) -> int:
    return _id(connection, t.topic, name=name, title=title or name.title(), created_at=now)


def add_digest(
    connection: Connection,
    now: datetime,
    name: str = "tuan",
    *,
    scope: str = "news",
    position: int = 0,
) -> int:
    return _id(
        connection, t.digest, name=name, title=name.title(), scope=scope, position=position,
        created_at=now,
    )  # fmt: skip


def add_edition(connection: Connection, digest: int, cut: datetime, since: datetime) -> int:
    """A weekly edition that was frozen and planned at its cut."""
    return _id(
        connection, t.edition, digest_id=digest, cadence="weekly", cut_at=cut, covers_from=since,
        covers_to=cut, period_from=since, listed=True, more=0, frozen_at=cut, planned_at=cut,
    )  # fmt: skip


def add_story(
    connection: Connection,
    *,
    source: int,
    topics: Iterable[int],
    entered_at: datetime,
    title: str,
    quiet: bool = False,
    published: datetime | None = None,
    story: int | None = None,
    **values: object,
) -> tuple[int, int]:
    """An article in topics. `story`: an existing story that it joins. Returns (story, article).

    `values`: columns of the article that are to be others.
    """
    row = _article(source, title, entered_at, published) | values
    article = _id(connection, t.article, **row)
    if story is None:
        public = row["public_id"]
        story = _id(
            connection, t.story, public_id=public, article_id=article, created_at=entered_at
        )
    connection.execute(_insert(t.story_article), {"article_id": article, "story_id": story})
    entered = [
        {
            "article_id": article,
            "topic_id": topic,
            "entered_at": entered_at,
            "quiet": quiet,
            "listed_at": min(entered_at, published or entered_at),
            "reason": {"word": title.split(maxsplit=1)[0]},
        }
        for topic in topics
    ]
    if entered:
        connection.execute(_insert(t.article_topic), entered)
    return story, article


def add_stories(
    connection: Connection, *, source: int, entered_at: datetime, titles: Iterable[str]
) -> list[int]:
    """Many at once: an article and a story of each title, in no topic. Returns the articles."""
    rows = [_article(source, title, entered_at, None) for title in titles]
    connection.execute(_insert(t.article), rows)
    found = connection.execute(select(t.article.c.public_id, t.article.c.id))
    ids = {row.public_id: row.id for row in found}
    articles = [ids[row["public_id"]] for row in rows]
    stories = [
        {"public_id": row["public_id"], "article_id": ids[row["public_id"]],
         "created_at": entered_at}
        for row in rows
    ]  # fmt: skip
    connection.execute(_insert(t.story), stories)
    homes = select(t.story.c.article_id, t.story.c.id.label("story_id"))
    connection.execute(
        _insert(t.story_article),
        [
            one._asdict()
            for one in connection.execute(homes.where(t.story.c.article_id.in_(articles)))
        ],
    )
    return articles


def _article(
    source: int, title: str, entered_at: datetime, published: datetime | None
) -> dict[str, Any]:
    public = hashlib.sha256(f"https://example/{title}/{source}".encode()).hexdigest()[:24]
    return {
        "public_id": public,
        "source_id": source,
        "link": f"https://s{source}.example/{public}",
        "title": title,
        "lead": f"Sapo của {title}.",
        "content": "",
        "folded": folded_tokens(f"{title} Sapo của {title}."),
        "authors": [],
        "categories": [],
        "enclosures": [],
        "published_at": published or entered_at,
        "first_seen_at": entered_at,
        "hash": hashlib.sha256(title.encode()).digest(),
        "language": "vi",
    }


def add_subscription(
    connection: Connection,
    *,
    digest: int,
    starts_at: datetime,
    address: str = "minh@example.vn",
    cadence: str = "weekly",
    next_cut_at: datetime | None = None,
    **values: object,
) -> int:
    """An active subscription; its subscriber is found by address or made."""
    key = mailboxes.key(facts.secret(connection), address)
    subscriber = connection.execute(_BY_KEY, {"key": key}).scalar() or _id(
        connection, t.subscriber, address_key=key, address=address, created_at=starts_at
    )
    row = {
        "created_at": starts_at,
        "starts_at": starts_at,
        "covered_to": starts_at,
        "next_cut_at": next_cut_at,
        "welcome_due": False,
        "token": secrets.token_hex(16),
    }
    return _id(
        connection, t.subscription, subscriber_id=subscriber, digest_id=digest, cadence=cadence,
        **{**row, **values},
    )  # fmt: skip
