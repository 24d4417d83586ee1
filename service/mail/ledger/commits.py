"""What a run of sending commits of each mail: that its body leaves now, and what became of it.

All that waits goes with the next commit, of either kind: a commit to the disk, and the statements
before it, cost the same for one mail as for all connections.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from service.mail.ledger.group_commit import GroupCommit
from service.model import DeliveryState
from service.store.core.database import Connection, Store
from service.store.mailing import claims, outcomes
from service.store.mailing.outcomes import DeliveryOutcome


@dataclass(frozen=True, slots=True)
class _Gate:
    """The relay of this name has answered a delivery's DATA with 354.

    `segment_id`: of what its message was made.
    """

    delivery_id: int
    relay: str
    segment_id: int


_Step = _Gate | DeliveryOutcome
_Result = DeliveryState | None | bool


class Commits:
    """The ledger of one run, as seen by its connections."""

    def __init__(
        self,
        store: Store,
        owner: str,
        clock: Callable[[], datetime],
        needed: Callable[[], Collection[int]],
        most: Callable[[], int],
        *,
        again: bool,
    ) -> None:
        """`needed` gives segments of mails that wait in this process, from any thread.

        `most`: how many mails are under way (mail.ledger.group_commit).

        `again`: what becomes uncertain is planned again by itself (store.mailing.resending).
        """
        self._store = store
        self._owner = owner
        self._clock = clock
        self._needed = needed
        self._again = again
        self._all = GroupCommit(self._commit, most)
        # What failed must not take gates along when it fails again, and what releases locks
        # readers, in one order that a transaction has once.
        self._apart = GroupCommit(self._commit)

    async def begin(self, delivery_id: int, relay: str, segment_id: int) -> DeliveryState | None:
        """Commit `sending` where the person may still get it, else `suppressed`.

        `uncertain` instead: it may have arrived before, and is held.

        None: it is no longer ours, or shows what was taken back since: its segment is not
        `segment_id` any more. Raises StoreError.
        """
        state = await self._all(_Gate(delivery_id, relay, segment_id))
        assert state is None or isinstance(state, DeliveryState)
        return state

    async def end(
        self, outcome: DeliveryOutcome, *, aside: bool = False, failed: bool = False
    ) -> bool:
        """Commit an outcome. Whether it was recorded; else the mail is no longer ours.

        `aside`: its connection goes on with the next mail. `failed`: to commit it was tried before.
        Raises StoreError.
        """
        if failed or outcome.untell or outcome.suppress:
            return bool(await self._apart(outcome))
        return bool(await self._all(outcome, holds_up=not aside))

    def _commit(self, waiting: list[_Step]) -> list[_Result]:
        needed = self._needed()
        gates = [one for one in waiting if isinstance(one, _Gate)]
        ended = [one for one in waiting if isinstance(one, DeliveryOutcome)]
        recorded: set[int] = set()
        with self._store.ledger() as connection:
            if ended:
                recorded = outcomes.settle(
                    connection, self._owner, self._clock(), ended,
                    again=self._again, needed=needed, besides=[one.delivery_id for one in gates],
                )  # fmt: skip
            begun = self._begin(connection, gates)
        return [
            begun.get(one.delivery_id) if isinstance(one, _Gate) else one.delivery_id in recorded
            for one in waiting
        ]

    def _begin(self, connection: Connection, gates: list[_Gate]) -> dict[int, DeliveryState]:
        if not gates:
            return {}
        relays = {one.delivery_id: one.relay for one in gates}
        made_of = {one.delivery_id: one.segment_id for one in gates}
        gate = claims.mark_sending(connection, self._owner, self._clock(), relays, made_of)
        return {
            **dict.fromkeys(gate.passed, DeliveryState.SENDING),
            **dict.fromkeys(gate.suppressed, DeliveryState.SUPPRESSED),
            **dict.fromkeys(gate.held, DeliveryState.UNCERTAIN),
        }
