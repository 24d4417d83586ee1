"""The ledger: which subscriber has been told which article, in which scope (promise 2).

The primary key turns a race into an error, never into a second mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Table,
    bindparam,
    column,
    delete,
    func,
    literal,
    or_,
    select,
    true,
)

from service.errors import ConflictError
from service.model import UNSETTLED_STATES, DeliveryState
from service.store.core import hold
from service.store.core.arrays import each_by_itself, rows_of
from service.store.core.bulk import Copied, among_given, as_copied, lots
from service.store.core.column_types import IDS
from service.store.tables import (
    article,
    delivery,
    digest,
    entry,
    source,
    subscriber,
    subscription,
    told,
)

_CHUNK = 500
"""Ids in one IN list: well under SQLite's limit on parameters."""

_PRUNED = 200
"""Deliveries pruned in one transaction: some thousand rows, well under the 50 ms of a batch."""

_WRITE = Copied(told, "subscriber_id", "scope", "article_id", "delivery_id", "shown")
"""A mail tells hundreds of articles, most of them in "N more online"."""

_OVERLAP = timedelta(days=1)
"""More than a window ever reaches back behind its `covered_to`."""


@dataclass(frozen=True, slots=True)
class DeliveryContents:
    """What one delivery tells one subscriber. `articles`: id -> shown (False: only counted)."""

    subscriber_id: int
    scope: str
    delivery_id: int
    articles: Mapping[int, bool]


def write(connection: Connection, tellings: Iterable[DeliveryContents]) -> None:
    """Insert the rows. Raises StoreError (from the unit of work) when one of them is there.

    So it does when something that they name is not.
    """
    given = list(tellings)
    if connection.dialect.name == "postgresql":  # SQLite has keys for it
        _hold(connection, subscriber, {one.subscriber_id for one in given})
        _hold(connection, article, {id_ for one in given for id_ in one.articles})
        _hold(connection, delivery, {one.delivery_id for one in given})
        _WRITE.lines(connection, "".join(map(_lines, given)))
        return
    _WRITE.plain(
        connection,
        [
            (telling.subscriber_id, telling.scope, article, telling.delivery_id, shown)
            for telling in given
            for article, shown in telling.articles.items()
        ],
    )


def _lines(telling: DeliveryContents) -> str:
    """Its rows for COPY, by articles, as the key has them."""
    begin = f"{telling.subscriber_id}\t{as_copied(telling.scope)}\t"
    end = f"\t{telling.delivery_id}\t"
    return "".join(
        [
            f"{begin}{article}{end}{'t' if shown else 'f'}\n"
            for article, shown in sorted(telling.articles.items())
        ]
    )


def _hold(connection: Connection, table: Table, ids: AbstractSet[int]) -> None:
    """What a foreign key does, once for all rows: these are there, and stay until they are told.

    Then triggers keep them (migration 0018).
    """
    rows = rows_of(sorted(ids))
    there = select(table.c.id.label("held")).where(table.c.id == rows.c.id)
    there = there.with_for_update(read=True, key_share=True)
    held = select(column("held", BigInteger)).select_from(each_by_itself(rows, there))
    found = set(connection.scalars(held))
    if len(found) != len(ids):
        missing = min(ids - found)
        raise ConflictError(f"{table.name} {missing}, which somebody was to be told by, is gone")


def known(
    connection: Connection,
    scope: str,
    subscribers: Iterable[int],
    articles: Iterable[int],
    *,
    without_delivery: int | None = None,
) -> dict[int, set[int]]:
    """Subscriber -> which of `articles` it has been told in the scope, or may have been.

    `without_delivery`: rows of this delivery are left out, for the preview of something sent. In a
    store that was restored, whoever was there before may have been told what is older than that.
    """
    people, wanted = sorted(set(subscribers)), set(articles)
    found: dict[int, set[int]] = {person: set() for person in people}
    by_reader = connection.dialect.name == "postgresql"
    for some in lots(people if wanted else (), _CHUNK):
        if by_reader:
            rows = connection.execute(_known_by_reader(scope, some, wanted))
        else:
            rows = connection.execute(*_known(scope, some, wanted))
        for row in rows:
            if row.article_id in wanted and row.delivery_id != without_delivery:
                found[row.subscriber_id].add(row.article_id)
    for person, before in perhaps(connection, people, wanted).items():
        found[person] |= before
    return found


_KNOWN = select(told.c.subscriber_id, told.c.article_id, told.c.delivery_id).where(
    among_given(told.c.subscriber_id, "people", "sqlite"), told.c.scope == bindparam("in_scope")
)
_KNOWN_OF_THESE = _KNOWN.where(among_given(told.c.article_id, "articles", "sqlite"))
_KNOWN_SINCE = _KNOWN.where(told.c.article_id >= bindparam("since"))


def _known(scope: str, people: list[int], wanted: set[int]) -> tuple[Select[Any], dict[str, Any]]:
    asked: dict[str, Any] = {"people": people, "in_scope": scope}
    if len(wanted) <= _CHUNK:
        return _KNOWN_OF_THESE, {**asked, "articles": sorted(wanted)}
    # Ids rise with time: a reader's years before these articles stay unread.
    return _KNOWN_SINCE, {**asked, "since": min(wanted)}


def _known_by_reader(scope: str, people: list[int], wanted: set[int]) -> Select[Any]:
    """The same for PostgreSQL, reader by reader, each in one stretch of the key.

    While an edition is planned it does not know how long the table is by now, nor how few rows
    these readers have. It looked for each article of each of them, or read all of the table.

    Once a connection has asked this ten times, the server does not plan it any more, and would go
    through the list of articles for each row. A subquery, as which `IS TRUE` leaves it, is hashed.
    """
    rows = rows_of(people)
    those = select(func.unnest(literal(sorted(wanted), IDS)))
    theirs = select(told.c.article_id, told.c.delivery_id).where(
        told.c.subscriber_id == rows.c.id,
        told.c.scope == scope,
        told.c.article_id.between(min(wanted), max(wanted)),
        told.c.article_id.in_(those).is_(true()),
    )
    articles, mails = column("article_id", BigInteger), column("delivery_id", BigInteger)
    return select(rows.c.id.label("subscriber_id"), articles, mails).select_from(
        each_by_itself(rows, theirs)
    )


def perhaps(
    connection: Connection, subscribers: Iterable[int], articles: AbstractSet[int]
) -> dict[int, set[int]]:
    """Subscriber -> which of `articles` it may have been told, though no row says so any more.

    Of those alone who were there before the store was restored; empty where it never was.
    """
    restored_at = hold.restored_at(connection) if articles else None
    forgotten = _from_before(connection, articles, restored_at) if restored_at else set()
    found: dict[int, set[int]] = {}
    for some in lots(subscribers if forgotten else (), _CHUNK):
        there = subscriber.c.id.in_(some) & (subscriber.c.created_at < restored_at)
        people = connection.execute(select(subscriber.c.id).where(there)).scalars()
        found |= dict.fromkeys(people, forgotten)
    return found


def _from_before(
    connection: Connection, articles: AbstractSet[int], restored_at: datetime
) -> set[int]:
    """Which of these a source had before the restore: seen before it, or first seen as old since.

    Not what the first collection of a source brought that was added later.
    """
    found: set[int] = set()
    for some in lots(sorted(articles), _CHUNK):
        first = (
            select(entry.c.quiet)
            .join(source, source.c.id == entry.c.source_id)
            .where(entry.c.article_id == article.c.id, source.c.created_at < restored_at)
            .order_by(entry.c.id)
            .limit(1)
            .scalar_subquery()
        )
        old = or_(article.c.first_seen_at < restored_at, first.is_(True))
        found |= set(connection.scalars(select(article.c.id).where(article.c.id.in_(some), old)))
    return found


def prune(
    connection: Connection,
    before: datetime,
    *,
    scope: str | None,
    known: AbstractSet[str],
    after: int = 0,
) -> tuple[int, int | None]:
    """Delete what was told by deliveries dated earlier than `before` and settled since.

    Nothing of a person whose window in the scope reaches, or may come to reach, further back: by
    what is uncertain, or was released.

    `scope` None: all scopes that are not in `known`. Looks at some hundred deliveries whose ids are
    greater than `after`, and deletes of at most _PRUNED. Returns of how many, and the `after` with
    which the next call goes on; None: nothing behind it is old.
    """
    some = _oldest(connection, before, after)
    if not some:
        return 0, None
    others = sorted(known)
    wanted = told.c.scope == scope if scope is not None else told.c.scope.not_in(others)
    in_scope = digest.c.scope == scope if scope is not None else digest.c.scope.not_in(others)
    reading = select(subscription.c.subscriber_id).join(
        digest, digest.c.id == subscription.c.digest_id
    )
    behind = reading.where(
        in_scope, subscription.c.ended_at.is_(None), subscription.c.covered_to < before + _OVERLAP
    )
    held = reading.join(delivery, delivery.c.subscription_id == subscription.c.id).where(
        in_scope,
        delivery.c.state == DeliveryState.UNCERTAIN.value,
        delivery.c.covers_from.is_not(None),
    )
    old = connection.scalars(
        select(told.c.delivery_id)
        .distinct()
        .join(delivery, delivery.c.id == told.c.delivery_id)
        .where(
            told.c.delivery_id.in_(some),
            wanted,
            delivery.c.dated_at < before,
            delivery.c.state.not_in(sorted(UNSETTLED_STATES)),
            told.c.subscriber_id.not_in(behind),
            told.c.subscriber_id.not_in(held),
        )
        .order_by(told.c.delivery_id)
        .limit(_PRUNED)
    ).all()
    if old:
        connection.execute(delete(told).where(wanted, told.c.delivery_id.in_(old)))
    return len(old), old[-1] if len(old) == _PRUNED else some[-1]


def _oldest(connection: Connection, before: datetime, after: int) -> list[int]:
    """The next deliveries that tell something, by id; none where none of them is that old.

    Ids rise with time. Nothing lists the deliveries by their dates: of most nothing is kept here
    any more, and to go through those would take longer with each year.
    """
    ids = select(told.c.delivery_id).distinct().where(told.c.delivery_id > after)
    some = list(connection.scalars(ids.order_by(told.c.delivery_id).limit(_CHUNK)))
    if not some:
        return []
    dated = select(func.min(delivery.c.dated_at)).where(delivery.c.id.in_(some))
    first = connection.scalar(dated)
    return some if first is not None and first < before else []


def forget(connection: Connection, deliveries: Iterable[int]) -> None:
    """Delete what these deliveries told: nobody got it."""
    connection.execute(delete(told).where(told.c.delivery_id.in_(list(deliveries))))
