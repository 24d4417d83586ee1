"""Which topic an article is of, by an admin's word: what learned topics learn from.

A label belongs to its article, whatever that was merged into since.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, delete, func, select

from service.store.core.statements import upsert
from service.store.tables import article, topic, topic_label


def put(connection: Connection, article_id: int, topic_id: int | None) -> None:
    """Label an article; None: it is of no learned topic. The label before is replaced."""
    written = upsert(connection, topic_label).values(article_id=article_id, topic_id=topic_id)
    changed = {"topic_id": written.excluded.topic_id}
    connection.execute(written.on_conflict_do_update(index_elements=["article_id"], set_=changed))


def take_back(connection: Connection, article_id: int) -> bool:
    """Forget what an article was labelled as. False: it had no label."""
    same = topic_label.c.article_id == article_id
    return bool(connection.execute(delete(topic_label).where(same)).rowcount)


def of_article(connection: Connection, article_id: int) -> tuple[str | None] | None:
    """The label of an article: (its topic,), or (None,) for none of them. None: it has no label."""
    row = connection.execute(
        select(topic.c.name)
        .select_from(topic_label)
        .outerjoin(topic, topic.c.id == topic_label.c.topic_id)
        .where(topic_label.c.article_id == article_id)
    ).one_or_none()
    return None if row is None else (row.name,)


def labels(connection: Connection) -> dict[int, str | None]:
    """Article -> the topic that it was labelled with; None: it is of none.

    Labels of retired topics are left out. Of two articles that were merged, the label of the one
    that stayed counts.
    """
    survivor = func.coalesce(article.c.merged_into, article.c.id)
    rows = connection.execute(
        select(survivor.label("survivor"), topic.c.name)
        .select_from(topic_label)
        .join(article, article.c.id == topic_label.c.article_id)
        .outerjoin(topic, topic.c.id == topic_label.c.topic_id)
        .where(topic_label.c.topic_id.is_(None) | topic.c.retired_at.is_(None))
        .order_by(case((article.c.merged_into.is_(None), 1), else_=0), article.c.id)
    )
    return {row.survivor: row.name for row in rows}  # the survivor's own comes last
