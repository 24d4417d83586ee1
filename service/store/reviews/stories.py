"""Changes the stories of an edition under review: out, in again, in another order, with a note.

What is taken out keeps its row, in a table of its own, so that whatever reads an edition reads what
it tells. Write inside `store.ledger()`, with the review locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from service.store.core.statements import upsert
from service.store.mailing.editions import Frozen, frozen_of
from service.store.tables import dropped_article, dropped_story, edition, edition_story


def drop(connection: Connection, digest_id: int, edition_id: int, story_id: int) -> bool:
    """Take a story out: its digest has these articles to tell no more. False: it is not there."""
    row = _moved(connection, edition_story, dropped_story, edition_id, story_id)
    if row is None:
        return False
    rows = [
        {"digest_id": digest_id, "article_id": one, "edition_id": edition_id}
        for one in sorted(set(row.article_ids))
    ]
    if rows:
        connection.execute(upsert(connection, dropped_article).on_conflict_do_nothing(), rows)
    return True


def restore(connection: Connection, digest_id: int, edition_id: int, story_id: int) -> bool:
    """Put it back where it stood. False: it was not taken out of this edition."""
    row = _moved(connection, dropped_story, edition_story, edition_id, story_id)
    if row is None:
        return False
    others = connection.execute(
        select(dropped_story.c.edition_id, dropped_story.c.article_ids)
        .join(edition, edition.c.id == dropped_story.c.edition_id)
        .where(edition.c.digest_id == digest_id)
        .order_by(dropped_story.c.edition_id)
    )
    still = {article: one.edition_id for one in others for article in one.article_ids}
    for article in sorted(set(row.article_ids)):
        mine = (
            dropped_article.c.digest_id == digest_id,
            dropped_article.c.edition_id == edition_id,
            dropped_article.c.article_id == article,
        )
        if article in still:  # another edition's editors took it out as well
            connection.execute(
                update(dropped_article).where(*mine).values(edition_id=still[article])
            )
        else:
            connection.execute(delete(dropped_article).where(*mine))
    return True


def dropped(connection: Connection, edition_id: int) -> list[Frozen]:
    """What was taken out of an edition, in the order in which it stood there."""
    rows = connection.execute(
        select(dropped_story)
        .where(dropped_story.c.edition_id == edition_id)
        .order_by(dropped_story.c.position, dropped_story.c.story_id)
    )
    return [frozen_of(row, row.standing) for row in rows]


def arrange(connection: Connection, edition_id: int, order: Sequence[int]) -> None:
    """Give the stories of an edition these places."""
    connection.execute(
        update(edition_story)
        .where(
            edition_story.c.edition_id == edition_id,
            edition_story.c.story_id == bindparam("of_story"),
        )
        .values(position=bindparam("place")),
        [{"of_story": story, "place": place} for place, story in enumerate(order)],
    )


def annotate(connection: Connection, edition_id: int, story_id: int, note: str | None) -> None:
    """The words below a story; None: none."""
    connection.execute(
        update(edition_story)
        .where(edition_story.c.edition_id == edition_id, edition_story.c.story_id == story_id)
        .values(note=note)
    )


def _moved(
    connection: Connection, source: Table, target: Table, edition_id: int, story_id: int
) -> Row[Any] | None:
    mine = (source.c.edition_id == edition_id, source.c.story_id == story_id)
    row = connection.execute(select(source).where(*mine)).one_or_none()
    if row is not None:
        connection.execute(insert(target).values(row._asdict()))
        connection.execute(delete(source).where(*mine))
    return row
