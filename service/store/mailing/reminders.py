"""What a sender knows, and the rows do not, after the database was away or was replaced.

A standby that follows asynchronously may lack the last commits. A mail that was handed over then
looks as if it had never been (docs/decisions/067).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from service.model import DeliveryState
from service.store.core.bulk import lots
from service.store.mailing import resending
from service.store.mailing.deliveries import LEASE, in_order
from service.store.mailing.release import forget_parts
from service.store.tables import attempt, delivery

_LOT = 500
_S = DeliveryState
_UNTOLD = frozenset({_S.PLANNED, _S.CLAIMED, _S.DEFERRED})
_OPEN = _UNTOLD | {_S.SENDING, _S.UNCERTAIN}
_DIED = "its sender did not come back after another server became the primary"


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A mail whose body went out. `tries`: with this one. `answer` None: not known to be taken."""

    message_id: str
    tries: int
    relay: str
    at: datetime
    answer: str | None


def remind(
    connection: Connection,
    owner: str,
    now: datetime,
    known: Iterable[HandedOver],
    *,
    again: bool,
) -> dict[DeliveryState, int]:
    """Write what the owner knows where the rows do not. Needs a transaction of the ledger.

    `again`: the policy for what is uncertain is "resend". Returns state -> how many came to it.
    """
    done: dict[DeliveryState, int] = {}
    for some in lots(list(known), _LOT):
        by_id = {one.message_id: one for one in some}
        rows = connection.execute(
            select(delivery.c.id, delivery.c.message_id, delivery.c.state, delivery.c.tries)
            .where(delivery.c.message_id.in_(by_id))
            .order_by(delivery.c.id)
            .with_for_update()
        ).all()
        for row in rows:
            state = _remind(connection, owner, now, row, by_id[row.message_id], again=again)
            if state is not None:
                done[state] = done.get(state, 0) + 1
    return done


def plan_again(connection: Connection, owner: str) -> None:
    """What the owner has claimed, and does not know, was never begun: it has nothing in hand now.

    Needs a transaction of the ledger.
    """
    connection.execute(
        update(delivery)
        .where(in_order(LEASE.owner == owner, delivery.c.state == _S.CLAIMED.value))
        .values(state=_S.PLANNED.value, **LEASE.given_back)
    )


def hold_what_nobody_knows(connection: Connection, now: datetime, *, again: bool) -> int:
    """What a sender had in hand which has not come back may have gone out. Returns how many.

    Since nobody has claimed anything meanwhile, it is what was claimed before. Needs a transaction
    of the ledger.
    """
    values = {"state": _S.UNCERTAIN.value, "reply": _DIED, **LEASE.ended}
    return connection.execute(
        update(delivery)
        .where(in_order(delivery.c.state == _S.CLAIMED.value, LEASE.free(now)))
        .values(**values, **resending.becomes_uncertain(now, again=again))
    ).rowcount


def _remind(
    connection: Connection, owner: str, now: datetime, row: Any, known: HandedOver, *, again: bool
) -> DeliveryState | None:
    before = _S(row.state)
    if known.answer is not None and before in _OPEN:
        state = _S.ACCEPTED
    elif known.answer is None and before in _UNTOLD and row.tries < known.tries:
        state = _S.UNCERTAIN
    else:
        return None  # it stands there already, or somebody has decided about it since
    tries = row.tries
    if tries < known.tries:
        tries += 1
        values = {"tried_at": known.at, "relay": known.relay, "answer": known.answer or ""}
        connection.execute(insert(attempt).values(delivery_id=row.id, n=tries, **values))
    changed: dict[str, Any] = {"settled_at": now}
    if state is _S.UNCERTAIN:
        changed = resending.becomes_uncertain(now, again=again)
    connection.execute(
        update(delivery)
        .where(delivery.c.id == row.id)
        .values(
            state=state.value,
            tries=tries,
            reply=known.answer or _DIED,
            **{LEASE.owner.name: owner},  # so that a later answer finds it
            **LEASE.ended,
            **changed,
        )
    )
    if state is _S.ACCEPTED:
        forget_parts(connection, [row.id])
    return state
