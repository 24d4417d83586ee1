"""What happens to the ledger when a mail will not go out, and after its end.

A released delivery's stories are told by the next edition: `next_cut_at` stands where planning put
it, and that edition reaches back to `covered_to`. It must not become due at once: the cut of the
released delivery would find its own edition, and one edition goes to a subscription once.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    case,
    exists,
    null,
    select,
    update,
)

from service.model import UNSETTLED_STATES
from service.store.core.column_types import UtcDateTime
from service.store.mailing import told
from service.store.tables import delivery, digest, edition, segment, subscriber, subscription

_UNSETTLED = sorted(state.value for state in UNSETTLED_STATES)


def release(connection: Connection, deliveries: Iterable[int]) -> None:
    """Untell these deliveries and let every live subscription of the scope reach back to them."""
    ids = sorted(set(deliveries))
    if not ids:
        return
    windows = connection.execute(
        select(delivery.c.covers_from, subscription.c.subscriber_id, digest.c.scope)
        .join(subscription, subscription.c.id == delivery.c.subscription_id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(delivery.c.id.in_(ids))
    ).all()
    people = sorted({row.subscriber_id for row in windows})
    # Planning locks the subscriber as well, so a plan sees all of a release or nothing.
    lock = select(subscriber.c.id).where(subscriber.c.id.in_(people)).order_by(subscriber.c.id)
    connection.execute(lock.with_for_update()).all()
    told.forget(connection, ids)
    reaching = [
        {"who": row.subscriber_id, "in_scope": row.scope, "back_to": row.covers_from}
        for row in windows
        if row.covers_from is not None
    ]
    if reaching:
        connection.execute(_REACH_BACK, reaching)


def forget_parts(connection: Connection, deliveries: Iterable[int]) -> None:
    """Drop the rendered parts of these deliveries' segments where nothing unsettled needs them.

    Parts of an edition that is still being planned stay: its next batch may use the segment.
    """
    touched = select(delivery.c.segment_id).where(delivery.c.id.in_(list(deliveries)))
    _forget_parts(connection, segment.c.id.in_(touched))


def forget_parts_of(connection: Connection, edition_id: int) -> None:
    """The same for a whole edition. Call it when its planning is done."""
    _forget_parts(connection, segment.c.edition_id == edition_id)


def _forget_parts(connection: Connection, touched: ColumnElement[bool]) -> None:
    # Locked first: a plan that uses the segment meanwhile must be seen by the next statement.
    rows = connection.execute(
        select(segment.c.id)
        .where(touched, segment.c.parts.is_not(None))
        .order_by(segment.c.id)
        .with_for_update()
    )
    ids = [row.id for row in rows]
    if not ids:
        return
    waiting = exists().where(
        delivery.c.segment_id == segment.c.id, delivery.c.state.in_(_UNSETTLED)
    )
    planning = exists().where(edition.c.id == segment.c.edition_id, edition.c.planned_at.is_(None))
    connection.execute(
        update(segment).where(segment.c.id.in_(ids), ~waiting, ~planning).values(parts=null())
    )


def _reach_back() -> Update:
    """`covered_to = max(starts_at, min(covered_to, covers_from))`, where the subscription lives."""
    covered_to, starts_at = subscription.c.covered_to, subscription.c.starts_at
    back_to = bindparam("back_to", type_=UtcDateTime())
    earlier = case((covered_to < back_to, covered_to), else_=back_to)
    in_scope = select(digest.c.id).where(digest.c.scope == bindparam("in_scope"))
    return (
        update(subscription)
        .where(
            subscription.c.subscriber_id == bindparam("who"),
            subscription.c.digest_id.in_(in_scope),
            subscription.c.ended_at.is_(None),
            starts_at.is_not(None),
            covered_to.is_not(None),
        )
        .values(covered_to=case((earlier < starts_at, starts_at), else_=earlier))
    )


_REACH_BACK = _reach_back()
