"""One message from the row to the relay and back to the row, whatever becomes of it.

compose ──> MAIL, RCPT, DATA ──> 354 ──> commit `sending` ──> body ──> commit the answer
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from service.errors import StoreError
from service.mail.ahead.maker import Maker, Unmade
from service.mail.domains import Domains, destination_of
from service.mail.handed_over import Memory
from service.mail.handover import Following, Handover, MailTransport, NotNoted, Unreachable
from service.mail.ledger.commits import Commits
from service.mail.ledger.group_commit import GroupCommit
from service.mail.personal import Message
from service.mail.relay_notes import RelayNotes
from service.mail.relays import Line
from service.mail.retry_policy import (
    PROBE_EVERY,
    Conclusion,
    Effect,
    conclude,
    held,
    wait_after,
)
from service.model import DeliveryKind, DeliveryState
from service.store.core.database import Store
from service.store.mailing import outcomes
from service.store.mailing.claims import ClaimedDelivery
from service.store.mailing.due_mail import Lane
from service.store.mailing.outcomes import DeliveryOutcome
from service.store.mailing.relays import sender_refusals, slow_domains
from service.store.mailing.relays.relay_states import NOT_TRIED
from service.store.mailing.relays.slow_domains import SlowDomain

_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.1, 5.0

_LISTEN_EVERY_S = 1.0
"""How often it is read which domains put off the mails of other machines."""

_OTHER_COPY_WAITS = timedelta(minutes=1)
"""How long a mail waits whose other copy this run has in hand: its segment was made anew."""

Checkpoint = Callable[[str], None]
"""Called between two steps with the name of the one just done, for tests that pull the plug."""


@dataclass(frozen=True, slots=True)
class MailResult:
    """One mail came to a state in this run. `edition_id` None: it is no edition.

    `dated_at`: what it bears as its date; `at`: when it came to the state.
    """

    relay: str
    state: DeliveryState
    kind: DeliveryKind
    edition_id: int | None
    dated_at: datetime
    at: datetime


class Courier:
    """Sends messages of one run. `counts`: state -> how many came to it; `unsent`: our faults."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        owner: str,
        maker: Maker,
        checkpoint: Checkpoint,
        random: Callable[[], float],
        ticks: Callable[[], float],
        memory: Memory,
        *,
        again: bool,
        recorded: Callable[[MailResult], None],
        needed: Callable[[], Collection[int]],
    ) -> None:
        """`random` gives numbers in [0, 1): the jitter of back-offs. `recorded`: told each mail.

        `ticks` gives seconds that only grow. `memory` is told what was handed over. `again`:
        uncertain mails are planned again by themselves (store.mailing.resending). `needed`: see
        `Commits`.
        """
        self._store = store
        self._clock = clock
        self._owner = owner
        self.maker = maker
        self._passed = checkpoint
        self._random = random
        self._recorded = recorded
        self._memory = memory
        self._domains = Domains()
        self._under_way = 0
        self._in_hand: Counter[int] = Counter()
        self._recording: set[asyncio.Task[None]] = set()
        self._broken: Exception | None = None
        self._ticks = ticks
        self._heard_at: float | None = None
        self._commits = Commits(store, owner, clock, needed, lambda: self._under_way, again=again)
        self._paces = GroupCommit(self._commit_paces)
        self._notes = RelayNotes(store)
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")
        self.counts: Counter[DeliveryState] = Counter()
        self.unsent = 0

    @property
    def resting(self) -> dict[str, str]:
        """Destination -> what it answered, of those where readers wait."""
        return self._domains.held()

    @contextmanager
    def in_hand(self, delivery: ClaimedDelivery, *, kept: bool = False) -> Iterator[bool]:
        """Keep it until its outcome is recorded. False: another copy of it is in hand.

        A row that was made anew is claimed while its old copy is still on a channel: what becomes
        of one must not be taken for what becomes of the other. `kept`: by `keep`, which ends here.
        """
        alone = kept or not self._in_hand[delivery.id]
        self._in_hand[delivery.id] += not kept
        try:
            yield alone
        finally:
            self.let_go(delivery)
            self.maker.let_go(delivery)

    def keep(self, delivery: ClaimedDelivery) -> None:
        """It is the next of a channel: no other copy of it begins."""
        self._in_hand[delivery.id] += 1

    def let_go(self, delivery: ClaimedDelivery) -> None:
        """What `keep` has begun ends."""
        self._in_hand[delivery.id] -= 1
        if not self._in_hand[delivery.id]:
            del self._in_hand[delivery.id]

    def may_go_ahead(self, delivery: ClaimedDelivery) -> bool:
        """Whether it is made, and `put_off` would let it pass without another look."""
        return (
            self.maker.ready(delivery) is not None
            and not self._in_hand[delivery.id]
            and not self._is_deaf(2 * _LISTEN_EVERY_S)
            and self.hold(delivery) is None
        )

    def hold(self, delivery: ClaimedDelivery) -> str | None:
        """What its destination answered that rests by all that is known; None: it does not."""
        return self._domains.hold(delivery.recipient.address, reader=_is_reader(delivery))

    @property
    def is_due(self) -> bool:
        """Whether `listen` has something to do."""
        return self._is_deaf(_LISTEN_EVERY_S)

    async def listen(self) -> None:
        """Read what other machines have met, once a second. Raises StoreError."""
        if self.is_due:
            self._heard_at = self._ticks()
            self._domains.heard(await asyncio.to_thread(self._slow_domains))

    def _is_deaf(self, seconds: float) -> bool:
        return self._heard_at is None or self._ticks() - self._heard_at >= seconds

    async def comes_later(self, delivery: ClaimedDelivery) -> None:
        """Another copy of it is in hand: it goes again when that one has ended."""
        await self.wait(delivery, self._clock() + _OTHER_COPY_WAITS)

    async def put_off(self, delivery: ClaimedDelivery, line: Line) -> bool:
        """Whether its domain puts mail off just now: then it is recorded so, and not tried.

        Raises StoreError.
        """
        await self.listen()
        if (said := self.hold(delivery)) is None:
            return False
        wait = wait_after(delivery.tries, self._random())
        if sender_refusals.is_refusal(said):  # nothing changes before somebody has mended it
            wait = max(PROBE_EVERY, wait)
        later = self._clock() + wait
        answer = f"{NOT_TRIED}{said}"
        outcome = DeliveryOutcome(delivery.id, DeliveryState.DEFERRED, line.name, answer, later)
        await self._record(delivery, outcome)
        return True

    async def wait(self, delivery: ClaimedDelivery, until: datetime) -> None:
        """Its destination takes no more just now: it goes again then, and was not tried."""
        await self._paces((delivery.id, until))

    async def send(
        self,
        delivery: ClaimedDelivery,
        line: Line,
        channel: MailTransport,
        following: Following | None,
        *,
        others: bool = False,
    ) -> bool:
        """Send one message and record what came of it. `following`: what may go behind its body.

        False: the channel could not be opened though the line has more, or the line takes nothing
        though there are others; nothing was recorded, so that another channel may take it.
        """
        self._under_way += 1
        try:
            return await self._send(delivery, line, channel, following, others=others)
        finally:
            self._under_way -= 1

    async def _send(
        self,
        delivery: ClaimedDelivery,
        line: Line,
        channel: MailTransport,
        following: Following | None,
        *,
        others: bool,
    ) -> bool:
        message = self.maker.make(delivery)
        if isinstance(message, Unmade):
            self.unsent += message.ours
            outcome = DeliveryOutcome(
                delivery.id, DeliveryState.REJECTED, line.name, message.reason, untell=message.ours
            )
            await self._record(delivery, outcome)
            return True
        self._passed("composed")
        result = await self._hand_over(delivery, message, line, channel, following)
        if isinstance(result, Unreachable) and line.proven and line.active > 1:
            return False
        self._passed("answered")
        now = self._clock()
        conclusion = conclude(
            result, delivery.id, delivery.tries, line.name, now,
            proven=line.proven, luck=self._random(),
            alone=not self._domains.refuses(delivery.recipient.address, reader=delivery.known),
        )  # fmt: skip
        if others and _is_of_the_line(conclusion, line):
            line.note(conclusion, now, witness=delivery.known)
            await self._notes.note(line, line.failure or "", now)
            return False
        if conclusion.outcome is not None:
            self._remember(delivery.message_id, conclusion.outcome, now)
            if conclusion.outcome.state is DeliveryState.ACCEPTED and self._under_way > 1:
                await self._record_aside(delivery, conclusion.outcome)
            else:
                await self._record(delivery, conclusion.outcome)
            rejected = conclusion.outcome.state is DeliveryState.REJECTED
            self.unsent += rejected and conclusion.ours
        address = delivery.recipient.address
        news = self._domains.note(address, conclusion, reader=delivery.known)
        line.note(
            conclusion, now, witness=delivery.known, destination=destination_of(address),
            rests=conclusion.of_destination and self.hold(delivery) is not None,
        )  # fmt: skip
        await self._tell(news, now)
        await self._notes.note(line, conclusion.outcome.answer if conclusion.outcome else "", now)
        return True

    def _remember(self, message_id: str, outcome: DeliveryOutcome, now: datetime) -> None:
        if outcome.state is DeliveryState.ACCEPTED:
            self._memory.ended(message_id, outcome.answer, now)
        elif outcome.state is DeliveryState.UNCERTAIN:
            self._memory.ended(message_id, None, now)
        else:
            self._memory.refused(message_id)

    async def _hand_over(
        self,
        delivery: ClaimedDelivery,
        message: Message,
        line: Line,
        channel: MailTransport,
        following: Following | None,
    ) -> Handover:
        async def gate() -> bool:
            self._passed("at 354")
            state = await self._commits.begin(delivery.id, line.name, delivery.segment_id)
            if state in (DeliveryState.SUPPRESSED, DeliveryState.UNCERTAIN):
                self.counts[state] += 1
            if state is DeliveryState.SENDING:
                self._memory.begun(delivery.message_id, delivery.tries, line.name, self._clock())
            self._passed("sending")
            return state is DeliveryState.SENDING

        try:
            # Tried again it may take its time, unless that is the only place that there is.
            hurried = delivery.lane is not Lane.AGAIN or line.channels == 1
            return await channel.deliver(message, gate, hurried=hurried, following=following)
        except StoreError as error:
            return NotNoted(str(error))

    async def settled(self) -> Exception | None:
        """Wait until all that relays have taken is recorded. Call it at the end of a round.

        Returns what broke there.
        """
        while self._recording:
            await asyncio.wait(self._recording)
        return self._broken

    async def _record_aside(self, delivery: ClaimedDelivery, outcome: DeliveryOutcome) -> None:
        """Commit an outcome with what its connection, or others, commit next.

        Of each connection that is one mail at most: the next body needs a commit, which takes this
        outcome along. So no more are uncertain after a crash than there are connections.
        """
        task = asyncio.create_task(self._record(delivery, outcome, aside=True))
        self._recording.add(task)
        self.keep(delivery)
        task.add_done_callback(self._is_recorded)
        task.add_done_callback(lambda _: self.let_go(delivery))
        # It must wait for its commit before the 354 of the next mail does, which may have come
        # already.
        await asyncio.sleep(0)

    def _is_recorded(self, task: asyncio.Task[None]) -> None:
        self._recording.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._broken = self._broken or error

    async def _record(
        self, delivery: ClaimedDelivery, outcome: DeliveryOutcome, *, aside: bool = False
    ) -> None:
        """Commit an outcome, however often it takes: a 250 that is forgotten is a second mail."""
        outcome = held(outcome, resent=delivery.resent)
        wait = _FIRST_RETRY_S
        failed = False
        while True:
            try:
                recorded = await self._commits.end(outcome, aside=aside, failed=failed)
            except StoreError as error:
                what = {"delivery": outcome.delivery_id, "state": str(outcome.state)}
                self._log.warning("outcome not recorded yet", error=str(error), **what)
                failed = True
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_RETRY_S)
            else:
                break
        self._passed("recorded")
        if recorded:
            self.counts[outcome.state] += 1
            told = delivery.kind, delivery.edition_id, delivery.dated_at, self._clock()
            self._recorded(MailResult(outcome.relay, outcome.state, *told))
        if outcome.state is not DeliveryState.ACCEPTED or not recorded:
            self._log.info(
                "mail",
                delivery=outcome.delivery_id,
                state=str(outcome.state) if recorded else "no longer ours",
                relay=outcome.relay,
                answer=outcome.answer,
            )

    async def _tell(self, news: SlowDomain | str | None, now: datetime) -> None:
        """Other machines what a domain does; they would find out by themselves."""
        if news is None:
            return
        try:
            await asyncio.to_thread(self._note_domain, news, now)
        except StoreError as error:
            self._log.warning("a slow domain is not noted", error=str(error))

    def _note_domain(self, news: SlowDomain | str, now: datetime) -> None:
        with self._store.write() as connection:
            if isinstance(news, SlowDomain):
                slow_domains.note(connection, news, now)
            else:
                slow_domains.forget(connection, news)

    def _slow_domains(self) -> list[SlowDomain]:
        with self._store.read() as connection:
            return slow_domains.known(connection, self._clock())

    def _commit_paces(self, waiting: list[tuple[int, datetime]]) -> list[None]:
        with self._store.ledger() as connection:
            outcomes.wait(connection, self._owner, dict(waiting))
        return [None] * len(waiting)


def _is_of_the_line(conclusion: Conclusion, line: Line) -> bool:
    """Whether it ends the line, by what it said before it had heard of a recipient."""
    refused = conclusion.effect is Effect.REFUSED and not line.proven
    return refused or conclusion.effect is Effect.FAILED


def _is_reader(delivery: ClaimedDelivery) -> bool:
    """An edition goes to somebody who has confirmed, or whom an admin has brought along."""
    return delivery.known or delivery.kind is DeliveryKind.EDITION
