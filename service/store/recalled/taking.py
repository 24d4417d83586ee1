"""Takes articles back, and gives them back.

An article that is taken back keeps its id, its keys, its link and, unless that is taken back as
well, its headline. Its words, its picture and its place in topics are gone from its row. A
headline that is taken back is set aside in a row that nothing shows, to be given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from service.store.content import feed_documents, search_index, story_rows, topics
from service.store.core.bulk import lots
from service.store.core.statements import upsert
from service.store.recalled.articles import with_merged
from service.store.tables import (
    article,
    article_reference,
    article_topic,
    entry,
    hot_story,
    recalled_article,
    source_poll,
    source_snapshot,
    story_article,
    topic,
    unplaced_article,
    unread_page,
)


def take_out(
    connection: Connection,
    recall_id: int,
    articles: Mapping[int, bytes | None],
    *,
    hides_title: bool,
) -> set[str]:
    """Take articles back: out of topics, references and the search, and their words with them.

    `articles`: id -> the hash of its headline. Done again it takes out what has come since.
    Feeds of retired topics that showed them are deleted. Returns the live topics that did.
    """
    shown: set[str] = set()
    retired: set[str] = set()
    for article_id, title_hash in sorted(articles.items()):
        for name, is_live in _remember(connection, recall_id, article_id, title_hash).items():
            (shown if is_live else retired).add(name)
    feed_documents.forget(connection, retired)  # nobody builds them anew
    every = with_merged(connection, articles)
    for some in lots(every):
        connection.execute(delete(article_topic).where(article_topic.c.article_id.in_(some)))
        cited = article_reference.c.article_id.in_(some)
        connection.execute(delete(article_reference).where(cited))
        waiting = unplaced_article.c.article_id.in_(some)
        connection.execute(delete(unplaced_article).where(waiting))
        told = select(entry.c.id).where(entry.c.article_id.in_(some))
        connection.execute(delete(unread_page).where(unread_page.c.entry_id.in_(told)))
        stories = select(story_article.c.story_id).where(story_article.c.article_id.in_(some))
        connection.execute(delete(hot_story).where(hot_story.c.story_id.in_(stories)))
        gone: dict[str, Any] = {
            "lead": "", "content": "", "folded": "", "authors": [], "categories": [],
            "enclosures": [], "image": None,
        }  # fmt: skip
        if hides_title:
            gone["title"] = ""
            _keep_titles(connection, some)
            entries = update(entry).where(entry.c.article_id.in_(some))
            connection.execute(entries.values(title=""))
        connection.execute(update(article).where(article.c.id.in_(some)).values(gone))
    search_index.mark(connection, every)
    return shown


def give_back(connection: Connection, recall_id: int) -> set[str]:
    """The articles stand again where they stood, as they are by now. Returns the topics.

    Their words are gone; their sources are read anew, which bring them where they still have them.
    """
    rows = connection.execute(
        select(recalled_article).where(recalled_article.c.recall_id == recall_id)
    ).all()
    ids = [row.article_id for row in rows]
    connection.execute(delete(recalled_article).where(recalled_article.c.recall_id == recall_id))
    for row in rows:
        stood = [
            {
                **kept,
                "article_id": row.article_id,
                "entered_at": datetime.fromisoformat(kept["entered_at"]),
                "listed_at": datetime.fromisoformat(kept["listed_at"]),
            }
            for kept in row.topics["topics"]
        ]
        if stood:
            connection.execute(upsert(connection, article_topic).on_conflict_do_nothing(), stood)
        if row.title is not None:
            mine = and_(article.c.id == row.article_id, article.c.title == "")
            connection.execute(update(article).where(mine).values(title=row.title))
    shown: set[str] = set()
    for some in lots(ids):
        nameless = and_(article.c.id.in_(some), article.c.title == "")
        name = func.coalesce(article.c.link, article.c.public_id)
        connection.execute(update(article).where(nameless).values(title=name))
        told = entry.c.article_id.in_(some)
        connection.execute(update(entry).where(told).values(hash=b""))
        own = select(article.c.title).where(article.c.id == entry.c.article_id).scalar_subquery()
        connection.execute(update(entry).where(told, entry.c.title == "").values(title=own))
        sources = select(entry.c.source_id).where(told)
        again = update(source_poll).where(source_poll.c.source_id.in_(sources))
        connection.execute(again.values(read_as=None))
        connection.execute(delete(source_snapshot).where(source_snapshot.c.source_id.in_(sources)))
        shown |= story_rows.topics_of(connection, some)
    topics.list_anew(connection, ids)
    search_index.mark(connection, ids)
    return shown


def _keep_titles(connection: Connection, articles: list[int]) -> None:
    """Set their headlines aside, for who gives them back."""
    own = select(article.c.title).where(
        article.c.id == recalled_article.c.article_id, article.c.title != ""
    )
    nameless = recalled_article.c.article_id.in_(articles), recalled_article.c.title.is_(None)
    keeping = update(recalled_article).where(*nameless)
    connection.execute(keeping.values(title=own.scalar_subquery()))


def _remember(
    connection: Connection, recall_id: int, article_id: int, title_hash: bytes | None
) -> dict[str, bool]:
    """The topics that it stood in, and which of them are live."""
    rows = connection.execute(
        select(article_topic, topic.c.name, topic.c.retired_at)
        .join(topic, topic.c.id == article_topic.c.topic_id)
        .where(article_topic.c.article_id == article_id)
    ).all()
    stood = [
        {
            "topic_id": row.topic_id,
            "entered_at": row.entered_at.isoformat(),
            "listed_at": row.listed_at.isoformat(),
            "quiet": row.quiet,
            "reason": row.reason,
        }
        for row in rows
    ]
    hot = select(hot_story.c.story_id).join(
        story_article, story_article.c.story_id == hot_story.c.story_id
    )
    is_hot = connection.scalar(hot.where(story_article.c.article_id == article_id)) is not None
    own = recalled_article.c.article_id == article_id
    before = connection.scalar(select(recalled_article.c.topics).where(own))
    if before is not None:
        there = {kept["topic_id"] for kept in before["topics"]}
        both = [*before["topics"], *(kept for kept in stood if kept["topic_id"] not in there)]
        merged = {"topics": both, "hot": before["hot"] or is_hot}
        connection.execute(update(recalled_article).where(own).values(topics=merged))
    else:
        words = connection.scalar(select(article.c.hash).where(article.c.id == article_id))
        row = {
            "article_id": article_id,
            "recall_id": recall_id,
            "hash": words,
            "title_hash": title_hash,
            "topics": {"topics": stood, "hot": is_hot},
        }
        connection.execute(insert(recalled_article).values(row))
    return {row.name: row.retired_at is None for row in rows}
