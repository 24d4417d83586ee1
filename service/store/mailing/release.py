"""What happens to the ledger when a mail will not go out, and after its end.

A released delivery's stories are told by the next edition: `next_cut_at` stands where planning put
it, and that edition reaches back to `covered_to`. It must not become due at once: the cut of the
released delivery would find its own edition, and one edition goes to a subscription once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
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
from service.store.tables import (
    correction,
    delivery,
    digest,
    edition,
    segment,
    subscriber,
    subscription,
)

_UNSETTLED = sorted(state.value for state in UNSETTLED_STATES)


def release(connection: Connection, deliveries: Iterable[int]) -> None:
    """Untell these deliveries and let every live subscription of the scope reach back to them.

    What an edition was to correct waits for another mail.
    """
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
    # One that went alone and was refused would be refused again and again.
    news = select(delivery.c.id).where(delivery.c.id.in_(ids), delivery.c.edition_id.is_not(None))
    untold = update(correction).where(correction.c.delivery_id.in_(news))
    connection.execute(untold.values(delivery_id=None))
    reaching = [
        {"who": row.subscriber_id, "in_scope": row.scope, "back_to": row.covers_from}
        for row in windows
        if row.covers_from is not None
    ]
    if reaching:
        connection.execute(_REACH_BACK, reaching)


_PLANNING = exists().where(edition.c.id == segment.c.edition_id, edition.c.planned_at.is_(None))


def _waiting(state: ColumnElement[str] = delivery.c.state) -> ColumnElement[bool]:
    return exists().where(delivery.c.segment_id == segment.c.id, state.in_(_UNSETTLED))


class _Forgetting:
    """The statements for segments that a condition chooses. Made once: each commit asks."""

    def __init__(
        self, touched: ColumnElement[bool], state: ColumnElement[str] = delivery.c.state
    ) -> None:
        still = and_(~_waiting(state), ~_PLANNING)
        self._unused = select(segment.c.id).where(touched, segment.c.parts.is_not(None), still)
        self._drop = update(segment).where(_GIVEN, still).values(parts=null())

    def __call__(self, connection: Connection, **asked: object) -> None:
        # Asked first without a lock: all mails of a segment would queue for it, each to its commit.
        ids = sorted(connection.execute(self._unused, asked).scalars())
        if not ids:
            return
        # Then locked: a plan that uses the segment meanwhile must be seen by the next statement.
        connection.execute(_LOCK, {"ids": ids}).all()
        connection.execute(self._drop, {"ids": ids})


_GIVEN = segment.c.id.in_(bindparam("ids", expanding=True))
_LOCK = select(segment.c.id).where(_GIVEN).order_by(segment.c.id).with_for_update()
_OF_DELIVERIES = _Forgetting(
    segment.c.id.in_(
        select(delivery.c.segment_id).where(
            delivery.c.id.in_(bindparam("deliveries", expanding=True))
        )
    )
)
_OF_SEGMENTS = _Forgetting(_GIVEN)
_OF_EDITION = _Forgetting(
    segment.c.edition_id == bindparam("of_edition"), delivery.c.state.concat("")
)
_SINCE = _Forgetting(
    segment.c.edition_id.in_(select(edition.c.id).where(edition.c.planned_at >= bindparam("since")))
)


def forget_parts(connection: Connection, deliveries: Iterable[int]) -> None:
    """Drop the rendered parts of these deliveries' segments where nothing unsettled needs them.

    Parts of an edition that is still being planned stay: its next batch may use the segment.
    """
    _OF_DELIVERIES(connection, deliveries=list(deliveries))


def forget_parts_in(connection: Connection, segments: Iterable[int]) -> None:
    """The same for these segments."""
    ids = sorted(set(segments))
    if ids:
        _OF_SEGMENTS(connection, ids=ids)


def forget_parts_of(connection: Connection, edition_id: int) -> None:
    """The same for a whole edition. Call it when its planning is done.

    Most of its mails wait still: to look for those in the index of states, as the server would that
    knew of none a minute ago, takes all of them for each segment.
    """
    _OF_EDITION(connection, of_edition=edition_id)


def forget_parts_since(connection: Connection, planned_at: datetime) -> None:
    """The same for all editions that were planned since then.

    Two that settle the last mails of a segment at once each see the other's as unsettled, so that
    neither drops its parts.
    """
    _SINCE(connection, since=planned_at)


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
