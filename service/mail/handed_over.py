"""What this process has handed over lately: it knows that also where the store has forgotten it.

A primary that fails over to a standby may lose its last commits (docs/decisions/067).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from service.store.core import failover
from service.store.core.database import Store
from service.store.core.failover import PAUSE
from service.store.mailing import reminders
from service.store.mailing.reminders import HandedOver

KEPT = timedelta(minutes=5)
"""How long it is remembered how a mail ended, while others are begun: longer than any commit that a
standby lacks. What is under way is remembered as long as it is."""


class Memory:
    """The mails of the last minutes, and the server on which they were sent.

    `is_cut_short`: the store failed in the middle of the last run, which left rows as they were.
    """

    def __init__(self) -> None:
        self.timeline: str | None = None
        self.is_cut_short = False
        self._under_way: dict[str, HandedOver] = {}
        self._ended: dict[str, tuple[datetime, HandedOver]] = {}

    def begun(self, message_id: str, tries: int, relay: str, now: datetime) -> None:
        """Its body may leave now. `tries`: those before this one."""
        self._under_way[message_id] = HandedOver(message_id, tries + 1, relay, now, None)
        self._ended.pop(message_id, None)
        # Here alone: nothing is begun while the database is away, however long that takes.
        while self._ended and next(iter(self._ended.values()))[0] <= now - KEPT:
            del self._ended[next(iter(self._ended))]

    def ended(self, message_id: str, answer: str | None, now: datetime) -> None:
        """The relay has taken it with this answer; None: nobody knows whether it has."""
        if (known := self._under_way.get(message_id)) is not None:
            self._ended[message_id] = now, replace(known, answer=answer)
            del self._under_way[message_id]  # last: `known` reads it first, in another thread

    def refused(self, message_id: str) -> None:
        """The relay has not taken it: to try it again doubles nothing."""
        self._under_way.pop(message_id, None)

    def known(self) -> list[HandedOver]:
        """What is remembered, from any thread."""
        under_way = list(self._under_way.values())
        return under_way + [one for _, one in list(self._ended.values())]


def tell(
    store: Store, memory: Memory, owner: str, clock: Callable[[], datetime], *, again: bool
) -> None:
    """Say what this process knows while its run goes on, if another server has become the primary.

    Said only after the run it might come too late: one slow answer keeps a run for longer than
    others pause. Raises StoreError.
    """
    with store.read() as connection:
        found = failover.look(connection)
    if found.timeline is None or (found.timeline == memory.timeline and not found.changed):
        return
    now = clock()
    with store.ledger() as connection:
        if found.changed:
            failover.note(connection, found, now)
        done = reminders.remind(connection, owner, now, memory.known(), again=again)
    if done:
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")
        log.warning(
            "what another database server had not heard of mail is written into it",
            **{str(state): number for state, number in done.items()},
        )


def settled(
    store: Store,
    memory: Memory,
    owner: str,
    clock: Callable[[], datetime],
    pause: timedelta = PAUSE,
    *,
    again: bool,
) -> bool:
    """Whether mail may be handed over, as far as the database server goes.

    Where another one has become the primary, this process says what it knows, and then all wait for
    `pause`; where its last run was cut short, it takes up what it had in hand. `again`: the policy
    for what is uncertain is "resend". Raises StoreError.
    """
    with store.read() as connection:
        found = failover.look(connection)
    same = memory.timeline in (None, found.timeline)
    if same and not found.changed and found.since is None and not memory.is_cut_short:
        memory.timeline = found.timeline
        return True
    now = clock()
    with store.ledger() as connection:
        since = found.since
        if found.changed:
            since = failover.note(connection, found, now)
        done = reminders.remind(connection, owner, now, memory.known(), again=again)
        reminders.plan_again(connection, owner)
        # A clock that is a little behind must not end it at once; one that was ahead, not for ever.
        calm = since is None or not since - pause <= now < since + pause
        if calm and since is not None:
            reminders.hold_what_nobody_knows(connection, now, again=again)
            failover.over(connection, found)
    memory.timeline, memory.is_cut_short = found.timeline, False
    log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")
    if since is not None:
        log.warning(
            "another database server has become the primary; mail waits for what senders know"
            if not calm
            else "mail goes on after another database server has become the primary",
            **{str(state): number for state, number in done.items()},
        )
    return calm
