"""Which articles are taken back now: for whatever reads articles, as it reads them.

Takes part in transactions of others and knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, select

from service.store.content import versions
from service.store.core.bulk import lots
from service.store.tables import article, recalled_article

_LOCK = 0x726563616C6C  # "recall": the advisory lock of recalls on PostgreSQL


def is_recalled(article_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that an article is taken back."""
    return exists().where(recalled_article.c.article_id == article_id)


def there_are(connection: Connection) -> bool:
    """Whether anything is taken back now."""
    return connection.scalar(select(recalled_article.c.article_id).limit(1)) is not None


_ROOT = func.coalesce(article.c.merged_into, article.c.id)
_AMONG = (
    select(_ROOT.label("root"), recalled_article.c.recall_id)
    .join(recalled_article, recalled_article.c.article_id == article.c.id)
    .where(_ROOT.in_(bindparam("articles", expanding=True)))
    .order_by(recalled_article.c.recall_id)
)


def among(connection: Connection, articles: Iterable[int]) -> dict[int, int]:
    """Which of these articles are taken back, themselves or what became one with them -> recall."""
    found: dict[int, int] = {}
    for some in lots(set(articles)):
        rows = connection.execute(_AMONG, {"articles": some})
        found |= {row.root: row.recall_id for row in rows}
    return found


def hold_off(connection: Connection) -> int:
    """How often something was taken or given back; nothing is until this transaction ends.

    Who writes what was made of rows that were read before compares it with what it was then. Only
    in a transaction that writes.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
    return count(connection)


def count(connection: Connection) -> int:
    """How often something was taken or given back."""
    return versions.one(connection, versions.RECALLS)


def alone(connection: Connection) -> None:
    """Wait for all that hold this off, and hold them off until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
