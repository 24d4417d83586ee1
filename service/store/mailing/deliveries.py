"""The mail queue from outside: putting a message in, seeing what is open, letting it get too late.

States: `planned -> claimed -> sending -> accepted | deferred | rejected | uncertain`, and
`suppressed`, `expired`, `dropped`. How a message goes through these stands in `claims` and
`outcomes`, what is settled by hand in `uncertain_deliveries`. Write inside `store.ledger()`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    column,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from service.model import OPEN_STATES, UNSETTLED_STATES, DeliveryKind, DeliveryState
from service.store.core.arrays import RowInsert, each_by_itself, rows_of
from service.store.core.bulk import among, among_given, lots
from service.store.core.column_types import UtcDateTime
from service.store.core.kicks import Kick, kick
from service.store.core.lease import FURTHEST, Lease
from service.store.mailing.release import forget_parts, release
from service.store.tables import delivery, digest, subscription

_IN_HAND = (DeliveryState.CLAIMED.value, DeliveryState.SENDING.value)
LEASE = Lease(delivery, held=delivery.c.state.in_(_IN_HAND))

_NEWS = (DeliveryKind.EDITION.value, DeliveryKind.WELCOME.value)
_TO_BE_SENT = and_(
    delivery.c.kind == DeliveryKind.EDITION.value,
    delivery.c.state.in_([DeliveryState.PLANNED.value, DeliveryState.DEFERRED.value]),
)
_CHUNK = 500


BY_ROW = delivery.c.state.concat("")
"""The state of rows that are found otherwise. PostgreSQL knows how many mails are planned from a
time when there were none, so that it would rather go through the index of states: through all of
an edition, for each batch of it."""


def in_order(*wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition of an UPDATE of many: those that are wanted, locked by their ids.

    All lock them so. A recall and a sender that met half way would wait for each other for ever.
    """
    ids = select(delivery.c.id).where(*wanted).order_by(delivery.c.id)
    return delivery.c.id.in_(ids.with_for_update())


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to be sent. `message_id` is KEY@HOST.

    `expires_at` None: it never gets too late. `due_at` None: at once.
    """

    subscription_id: int
    segment_id: int
    kind: DeliveryKind
    message_id: str
    dated_at: datetime
    edition_id: int | None = None
    covers_from: datetime | None = None
    expires_at: datetime | None = None
    due_at: datetime | None = None


class EditionMail(NamedTuple):
    """A mail of an edition to be planned. `expires_at` None: it never gets too late."""

    subscription_id: int
    segment_id: int
    message_id: str
    covers_from: datetime
    expires_at: datetime | None


_ADD_EDITION = RowInsert(
    delivery,
    EditionMail._fields,
    {
        "edition_id": bindparam("edition", type_=delivery.c.edition_id.type),
        "kind": literal(DeliveryKind.EDITION.value),
        "priority": literal(1, delivery.c.priority.type),
        "dated_at": bindparam("dated", type_=delivery.c.dated_at.type),
        "state": literal(DeliveryState.PLANNED.value),
        "next_try_at": bindparam("due", type_=delivery.c.next_try_at.type),
        "tries": literal(0),
        "created_at": bindparam("due", type_=delivery.c.created_at.type),
    },
)


def add_edition(
    connection: Connection,
    edition_id: int,
    new: Sequence[EditionMail],
    *,
    dated_at: datetime,
    now: datetime,
) -> dict[int, int]:
    """Insert planned mails of one edition: subscription -> delivery.

    A second one to the same subscription raises StoreError from the unit of work.
    """
    if not new:
        return {}
    kick(connection, Kick.MAIL)
    shared = {"edition": edition_id, "dated": dated_at, "due": now}
    columns = (delivery.c.subscription_id, delivery.c.id)
    if connection.dialect.name == "postgresql":
        written = _ADD_EDITION.returning(connection, new, columns, **shared)
    else:
        _ADD_EDITION(connection, new, **shared)
        theirs = among(connection, columns[0], [one.subscription_id for one in new])
        found = select(*columns).where(delivery.c.edition_id == edition_id, theirs)
        written = [tuple(row) for row in connection.execute(found)]
    return dict(written)


def add(connection: Connection, new: Sequence[NewDelivery], now: datetime) -> list[int]:
    """Insert planned deliveries; their ids in the order given.

    A second one to the same subscription and edition raises StoreError from the unit of work.
    """
    if not new:
        return []
    rows = [
        {
            "subscription_id": one.subscription_id,
            "edition_id": one.edition_id,
            "segment_id": one.segment_id,
            "kind": one.kind.value,
            "priority": int(one.kind is DeliveryKind.EDITION),
            "message_id": one.message_id,
            "covers_from": one.covers_from,
            "dated_at": one.dated_at,
            "expires_at": one.expires_at,
            "state": DeliveryState.PLANNED.value,
            "next_try_at": one.due_at or now,
            "tries": 0,
            "created_at": now,
        }
        for one in new
    ]
    kick(connection, Kick.MAIL)
    adding = insert(delivery).returning(delivery.c.id, sort_by_parameter_order=True)
    return list(connection.execute(adding, rows).scalars())


def open_among(connection: Connection, subscriptions: Iterable[int]) -> set[int]:
    """Which of these subscriptions have an edition or a welcome still open: their cuts wait."""
    wanted = _open_among(connection.dialect.name)
    return set(connection.execute(wanted, {"ids": list(subscriptions)}).scalars())


@cache
def _open_among(dialect: str) -> Select[int]:
    return (
        select(delivery.c.subscription_id)
        .where(
            among_given(delivery.c.subscription_id, "ids", dialect),
            delivery.c.kind.in_(_NEWS),
            BY_ROW.in_([state.value for state in OPEN_STATES]),
        )
        .distinct()
    )


_SERVED_ON_SQLITE = select(delivery.c.subscription_id).where(
    delivery.c.edition_id == bindparam("edition"),
    among_given(delivery.c.subscription_id, "ids", "sqlite"),
)


def open_and_served(
    connection: Connection, subscriptions: Sequence[int], edition_id: int
) -> tuple[set[int], set[int]]:
    """`open_among`, and which of them have a mail of this edition already."""
    if connection.dialect.name != "postgresql":
        given = {"ids": list(subscriptions), "edition": edition_id}
        served = set(connection.scalars(_SERVED_ON_SQLITE, given))
        return open_among(connection, subscriptions), served
    rows = rows_of(subscriptions)
    is_open = and_(
        delivery.c.kind.in_(_NEWS), BY_ROW.in_([state.value for state in OPEN_STATES])
    ).label("is_open")
    is_served = func.coalesce(delivery.c.edition_id == edition_id, false()).label("is_served")
    theirs = select(is_open, is_served).where(
        delivery.c.subscription_id == rows.c.id, or_(is_open.element, is_served.element)
    )
    flags = column("is_open", Boolean), column("is_served", Boolean)
    asked = select(rows.c.id, *flags).select_from(each_by_itself(rows, theirs))
    found = connection.execute(asked).all()
    return {one for one, open_, _ in found if open_}, {one for one, _, served in found if served}


def expire(connection: Connection, now: datetime, digest_name: str | None = None) -> int:
    """Give up and release what has got too late and is in nobody's hands. Returns how many.

    `digest_name`: of this digest alone. Run it before freezing, so that the next edition reaches
    back to what was never sent. What was planned again by itself may have arrived the first time:
    it is uncertain again, and is held.
    """
    values = {"now": now, "furthest": now + FURTHEST, "digest": digest_name}
    gone, _ = _given_up(
        connection, _expiring(of_one=digest_name is not None), values, DeliveryState.EXPIRED
    )
    return len(gone)


@cache
def _expiring(*, of_one: bool) -> ReturningUpdate[int, str]:
    """Made once: it is asked for with each plan and each run of mail, and hardly ever finds any."""
    now = bindparam("now", type_=UtcDateTime)
    idle = or_(
        delivery.c.state.in_([DeliveryState.PLANNED.value, DeliveryState.DEFERRED.value]),
        and_(
            delivery.c.state == DeliveryState.CLAIMED.value,
            LEASE.free(now, bindparam("furthest", type_=UtcDateTime)),
        ),
    )
    mine = of_digest(bindparam("digest", type_=String) if of_one else None)
    return _giving_up(
        (and_(idle, delivery.c.expires_at <= now, mine),), state=DeliveryState.EXPIRED,
        reply="too late to be news", again="too late to be sent once more",
    )  # fmt: skip


def give_up(
    connection: Connection,
    now: datetime,
    *which: ColumnElement[bool],
    state: DeliveryState,
    reply: str,
    again: str,
) -> tuple[list[int], list[int]]:
    """Settle and release them, but hold what may have arrived before (docs/decisions/084).

    `reply`: why; `again`: why such a one is not sent once more. Returns the ids of those that were
    settled, and of those that are held.
    """
    giving_up = _giving_up(which, state=state, reply=reply, again=again)
    return _given_up(connection, giving_up, {"now": now}, state)


def _giving_up(
    which: Sequence[ColumnElement[bool]], *, state: DeliveryState, reply: str, again: str
) -> ReturningUpdate[int, str]:
    before = delivery.c.resends > 0
    now = bindparam("now", type_=UtcDateTime)
    return (
        update(delivery)
        .where(in_order(*which))
        .values(
            state=case((before, DeliveryState.UNCERTAIN.value), else_=state.value),
            settled_at=case((before, null()), else_=now),
            reply=case((before, f"{again}; it may have arrived before"), else_=reply),
            **LEASE.ended,
        )
        .returning(delivery.c.id, delivery.c.state)
    )


def _given_up(
    connection: Connection,
    giving_up: ReturningUpdate[int, str],
    values: Mapping[str, object],
    state: DeliveryState,
) -> tuple[list[int], list[int]]:
    changed = connection.execute(giving_up, values).all()
    gone = sorted(row.id for row in changed if row.state == state.value)
    for some in lots(gone, _CHUNK):
        release(connection, some)
        forget_parts(connection, some)
    return gone, sorted(row.id for row in changed if row.state != state.value)


def rules_of_waiting(connection: Connection, digest_name: str | None = None) -> list[str]:
    """The rules of those to whom an edition is still to be sent, or to be tried again."""
    rows = connection.execute(
        select(subscription.c.rule)
        .join(delivery, delivery.c.subscription_id == subscription.c.id)
        .where(_TO_BE_SENT, subscription.c.rule.is_not(None), of_digest(digest_name))
        .distinct()
        .order_by(subscription.c.rule)
    )
    return list(rows.scalars())


def hold_back(
    connection: Connection,
    rule: str,
    *,
    planned_before: datetime,
    due_before: datetime,
    until: datetime,
    reason: str,
) -> int:
    """Let editions to those who are cut by this rule wait, which are due soon. It is no try.

    What was planned later was asked for by hand. Returns how many.
    """
    theirs = select(subscription.c.id).where(subscription.c.rule == rule)
    held = connection.execute(
        update(delivery)
        .where(
            in_order(
                _TO_BE_SENT,
                delivery.c.subscription_id.in_(theirs),
                delivery.c.created_at < planned_before,
                delivery.c.next_try_at < due_before,
            )
        )
        .values(state=DeliveryState.DEFERRED.value, next_try_at=until, reply=reason)
    )
    return held.rowcount


def unsettled_counts(
    connection: Connection, now: datetime, digest_name: str | None = None
) -> dict[DeliveryState, int]:
    """State -> how many deliveries stand in it, of those that are not settled; no empty states.

    A transactional mail whose time has not come is not counted: nobody waits for it.
    """
    counting = _unsettled(of_one=digest_name is not None)
    rows = connection.execute(counting, {"now": now, "digest": digest_name})
    return {DeliveryState(row.state): row.n for row in rows}


@cache
def _unsettled(*, of_one: bool) -> Select[str, int]:
    states = [state.value for state in UNSETTLED_STATES]
    queued = and_(
        delivery.c.state == DeliveryState.PLANNED.value,
        delivery.c.priority == 0,
        delivery.c.next_try_at > bindparam("now", type_=UtcDateTime),
    )
    mine = of_digest(bindparam("digest", type_=String) if of_one else None)
    return (
        select(delivery.c.state, func.count().label("n"))
        .where(delivery.c.state.in_(states), ~queued, mine)
        .group_by(delivery.c.state)
    )


def of_digest(name: str | BindParameter[str] | None) -> ColumnElement[bool]:
    """The condition that a delivery is to a subscription of this digest; None: any."""
    if name is None:
        return true()
    mine = (
        select(subscription.c.id)
        .join(digest, digest.c.id == subscription.c.digest_id)
        .where(digest.c.name == name)
    )
    return delivery.c.subscription_id.in_(mine)
