"""Keeping leases, and finding what others left behind when they died.

A `sending` row of a dead owner is uncertain, for its last reply is lost; unless it was handed to
the outbox, where what became of it can be looked up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from service.mail.handed_over import Memory, tell
from service.mail.message import key_of
from service.mail.outbox import Outbox
from service.mail.relays import OUTBOX
from service.model import DeliveryState
from service.store.core.database import Store
from service.store.core.lease import TERM, Term, renewed
from service.store.mailing import claims, deliveries, outcomes, resending
from service.store.mailing.outcomes import Lapsed

_LOST = "the sender died before the relay's last word was recorded"
_FOUND = "found in the outbox"
_MISSING = "not in the outbox: written anew"


class Watch:
    """The housekeeping of one run of sending."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        clock: Callable[[], datetime],
        owner: str,
        term: Term = TERM,
        *,
        again: bool = False,
        memory: Memory | None = None,
    ) -> None:
        """`again`: uncertain mails are planned again by themselves (store.mailing.resending).

        `memory`: what this process has handed over.
        """
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._owner = owner
        self._term = term
        self._again = again
        self._memory = memory or Memory()

    def sweep(self, digest: str | None) -> dict[DeliveryState, int]:
        """Settle what dead owners were sending, and give up what is too late. What was done.

        What was uncertain for long enough is planned again, where that is the policy.
        """
        now = self._clock()
        with self._store.read() as connection:
            found = outcomes.lapsed(connection, now)
        done: dict[DeliveryState, int] = {}
        # Each locks many in their order, which together would be none: each is a transaction.
        for state, answer, ids in self._look_up(found):
            with self._store.ledger() as connection:
                number = outcomes.settle_lapsed(
                    connection, ids, now, state, answer, again=self._again
                )
            if number and state is not DeliveryState.PLANNED:
                done[state] = number
        with self._store.ledger() as connection:
            resending.plan_again(connection, now, digest, again=self._again)
        with self._store.ledger() as connection:
            late = deliveries.expire(connection, now, digest)
        if late:
            done[DeliveryState.EXPIRED] = late
        return done

    async def keep_alive(self) -> None:
        """Renew the leases until cancelled, and look whether there is another primary to tell.

        A busy store costs one beat, not the run.
        """
        async with renewed(self._renew, self._term):
            await asyncio.get_running_loop().create_future()

    def _renew(self) -> None:
        with self._store.ledger() as connection:
            claims.renew(connection, self._owner, self._clock())
        tell(self._store, self._memory, self._owner, self._clock, again=self._again)

    def _look_up(self, found: list[Lapsed]) -> list[tuple[DeliveryState, str, list[int]]]:
        uncertain = [one.id for one in found if one.relay != OUTBOX]
        looked_up = {one.id: self._outbox.find(key_of(one.message_id)) for one in found}
        there = [i for i, path in looked_up.items() if path and i not in uncertain]
        missing = [i for i, path in looked_up.items() if not path and i not in uncertain]
        every = [
            (DeliveryState.UNCERTAIN, _LOST, uncertain),
            (DeliveryState.ACCEPTED, _FOUND, there),
            (DeliveryState.PLANNED, _MISSING, missing),
        ]
        return [one for one in every if one[2]]
