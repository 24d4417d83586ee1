"""Which articles cite which official documents, and the stories that do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    true,
)

from service.model import Story
from service.store.content import stories, story_rows
from service.store.content.articles import BATCH
from service.store.core.bulk import inserting, lots
from service.store.recalled import marks
from service.store.tables import article, article_reference, story, story_article

SCAN = 1000
"""Articles that cite a document, the latest ones, of which its page lists the newest stories. The
archive behind them may be of any size."""

_ADD = inserting(article_reference, "article_id", "reference")

Cited = Mapping[int, Sequence[str]]
"""Article -> the references in its words, each once."""


def add(connection: Connection, cited: Cited) -> bool:
    """Keep what new articles cite. True: there was something; the caller raises the version."""
    rows = [
        {"article_id": number, "reference": one} for number, some in cited.items() for one in some
    ]
    return _ADD(connection, rows) > 0


def become(connection: Connection, cited: Cited) -> bool:
    """These articles cite this now, and nothing else. True: that is something else than before."""
    before: set[tuple[int, str]] = set()
    for some in lots(cited):
        rows = connection.execute(
            select(article_reference.c.article_id, article_reference.c.reference).where(
                article_reference.c.article_id.in_(some)
            )
        )
        before |= {(row.article_id, row.reference) for row in rows}
    after = {(number, one) for number, some in cited.items() for one in some}
    _forget(connection, sorted(before - after))
    new = sorted(after - before)
    _ADD(connection, [{"article_id": number, "reference": one} for number, one in new])
    return before != after


def _forget(connection: Connection, pairs: Sequence[tuple[int, str]]) -> None:
    for some in lots(pairs, 256):
        same = [
            and_(article_reference.c.article_id == number, article_reference.c.reference == one)
            for number, one in some
        ]
        connection.execute(delete(article_reference).where(or_(*same)))


def words_after(connection: Connection, last_id: int) -> Sequence[Any]:
    """The next articles by id, those that were merged too: `id`, `title`, `lead`, `content`.

    Not what was taken back, whose headline may still name a document.
    """
    own = article.c
    root = func.coalesce(own.merged_into, own.id)
    return connection.execute(
        select(own.id, own.title, own.lead, own.content)
        .where(own.id > last_id, ~marks.is_recalled(root))
        .order_by(own.id)
        .limit(BATCH)
    ).all()


def of_articles(connection: Connection, article_ids: Iterable[int]) -> list[str]:
    """What these articles cite, each reference once, in the order of their spelling."""
    found: set[str] = set()
    for some in lots(article_ids):
        rows = connection.execute(
            select(article_reference.c.reference)
            .distinct()
            .where(article_reference.c.article_id.in_(some))
        )
        found.update(rows.scalars())
    return sorted(found)


def every(connection: Connection) -> list[str]:
    """All documents that articles cite."""
    return list(connection.scalars(select(article_reference.c.reference).distinct()))


def citing(connection: Connection, reference: str, limit: int, scan: int = SCAN) -> list[Story]:
    """The newest stories that cite a document, in a topic or not, of the latest `scan` articles.

    []: none does, or there is no such document.
    """
    to = story_rows.listed_to(connection)  # what waits for a judge would come twice in a feed
    given: dict[str, Any] = {"reference": reference, "scan": scan, "limit": limit}
    if to is not None:
        given["to"] = to
    newest = connection.execute(_citing(judged=to is not None), given)
    found = stories.by_ids(connection, newest.scalars())
    return sorted(found.values(), key=stories.listed)


@cache
def _citing(*, judged: bool) -> Select[Any]:
    """`judged`: only articles up to one, `to`."""
    cites = article_reference
    latest = (
        select(story_article.c.story_id)
        .join(cites, cites.c.article_id == story_article.c.article_id)
        .where(
            cites.c.reference == bindparam("reference"),
            cites.c.article_id <= bindparam("to") if judged else true(),
        )
        .order_by(cites.c.article_id.desc())
        .limit(bindparam("scan", type_=Integer))
        .subquery()
    )
    seen = article.c.first_seen_at
    came_out = case((article.c.published_at < seen, article.c.published_at), else_=seen)
    return (
        select(story.c.id)
        .join(article, article.c.id == story.c.article_id)
        .where(story.c.id.in_(select(latest.c.story_id)))
        .order_by(came_out.desc(), story.c.public_id)
        .limit(bindparam("limit", type_=Integer))
    )
