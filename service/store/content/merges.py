"""Two articles turned out to be one: what hung on the loser hangs on the winner."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, or_, select, update

from service.store.content import story_acts, story_rows, topics, versions
from service.store.core.statements import upsert
from service.store.recalled import marks
from service.store.tables import (
    article,
    article_key,
    article_topic,
    dropped_article,
    entry,
    story,
    story_article,
)


def merge(connection: Connection, winner: int, loser: int) -> None:
    """Keys, entries, topics and the story of `loser` become those of `winner`.

    The loser's own row and its rows in the ledger stay, and its story counts it among its articles:
    who was told of it has been told. Where an admin put the two stories apart, the rest of the
    loser's story stays what it is; so it does where one of the two was taken back.
    """
    connection.execute(
        update(article)
        .where(or_(article.c.id == loser, article.c.merged_into == loser))
        .values(merged_into=winner)
    )
    for table in (article_key, entry):
        connection.execute(
            update(table).where(table.c.article_id == loser).values(article_id=winner)
        )
    _merge_topics(connection, winner, loser)
    _merge_drops(connection, winner, loser)
    stories = story_rows.of_articles(connection, [winner, loser])
    told_by_loser = and_(story.c.id == stories[loser], story.c.article_id == loser)
    connection.execute(update(story).where(told_by_loser).values(article_id=winner))
    if stories[winner] != stories[loser]:
        if story_acts.apart(connection, stories[winner], stories[loser]) or marks.among(
            connection, [winner]
        ):
            story_rows.place(connection, {winner: stories[winner]})
        else:
            _merge_stories(connection, stories[winner], stories[loser])
    versions.raise_(connection, [versions.HOMES, versions.REGROUPED])
    one_story = story_article.c.story_id == stories[winner]
    told = connection.execute(select(story_article.c.article_id).where(one_story)).scalars()
    topics.list_anew(connection, told.all())


def _merge_topics(connection: Connection, winner: int, loser: int) -> None:
    """Merges topic entries: in since the first was news there, quiet only if both were."""
    table = article_topic
    rows = connection.execute(select(table).where(table.c.article_id.in_([winner, loser]))).all()
    own = {row.topic_id: row for row in rows if row.article_id == winner}
    for row in rows:
        if row.article_id == winner:
            continue
        place = (table.c.article_id == loser, table.c.topic_id == row.topic_id)
        there = own.get(row.topic_id)
        if there is None:
            connection.execute(update(table).where(*place).values(article_id=winner))
            continue
        connection.execute(delete(table).where(*place))
        quiet, entered_at = min((one.quiet, one.entered_at) for one in (row, there))
        if (quiet, entered_at) != (there.quiet, there.entered_at):
            connection.execute(
                update(table)
                .where(table.c.article_id == winner, table.c.topic_id == row.topic_id)
                .values(quiet=quiet, entered_at=entered_at)
            )


def _merge_drops(connection: Connection, winner: int, loser: int) -> None:
    """What an editor took out of a digest stays out of it."""
    c = dropped_article.c
    rows = connection.execute(select(c.digest_id, c.edition_id).where(c.article_id == loser)).all()
    if rows:
        connection.execute(
            upsert(connection, dropped_article).on_conflict_do_nothing(),
            [{**row._asdict(), "article_id": winner} for row in rows],
        )


def _merge_stories(connection: Connection, winner: int, loser: int) -> None:
    connection.execute(
        update(story)
        .where(or_(story.c.id == loser, story.c.merged_into == loser))
        .values(merged_into=winner)
    )
    connection.execute(
        update(story_article).where(story_article.c.story_id == loser).values(story_id=winner)
    )
