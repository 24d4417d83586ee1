"""Sends what is planned.

    sweep ──> claim ──> courier: compose, 354, commit `sending`, body, commit the answer ──> claim …
                └ ended, paused or suppressed meanwhile: suppressed and released, and again at 354

Rows are the only truth: a run that is killed anywhere is finished by the next one. No lock is held
across the network; a lease says which process works on a row.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from service.config.schema import Settings
from service.errors import StoreError
from service.mail.ahead.lookout import Lookout
from service.mail.ahead.maker import Maker
from service.mail.ahead.next_mail import NextMail
from service.mail.batch import Supply
from service.mail.deliver import Checkpoint, Courier, MailResult
from service.mail.domains import destination_of, group_of
from service.mail.handed_over import Memory, settled
from service.mail.handover import MailTransport
from service.mail.leases import Watch
from service.mail.personal import TransactionalComposer
from service.mail.relay_notes import remember
from service.mail.relays import Line, lines_of, outbox_of
from service.mail.returned.intake import paths_of
from service.mail.throttle import Throttle
from service.model import DeliveryState
from service.store.core import hold
from service.store.core.database import Store
from service.store.core.lease import TERM, Term
from service.store.mailing import deliveries, outcomes
from service.store.mailing.claims import ClaimedDelivery
from service.store.mailing.due_mail import Lane

_LOOK_AGAIN_S = 1.0
"""How often a run of one digest looks whether others have finished what they have in hand."""

HELD = "mail is held since the restore: `bantin up --release` lets it go"
"""Why no relay is given anything."""

FAILED_OVER = "another database server has become the primary: mail goes on in two minutes"
"""The same, while each sender says what the new one may have forgotten (mail.handed_over)."""

_IN_HAND = frozenset({DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING})


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run did.

    `counts`: state -> how many came to it in this run. `left`: state -> how many are not settled,
    of the digest or of all. `paused`: relay -> why it takes nothing now. `unsent`: how many were
    rejected by a fault of ours. `resting`: destination -> what it answered, where readers wait.
    """

    counts: Mapping[DeliveryState, int]
    left: Mapping[DeliveryState, int]
    paused: Mapping[str, str]
    unsent: int
    resting: Mapping[str, str] = field(default_factory=dict)

    @property
    def took_some(self) -> bool:
        """Whether a relay has taken anything."""
        return bool(self.counts.get(DeliveryState.ACCEPTED))

    @property
    def complete(self) -> bool:
        """Nothing is left deferred, uncertain or rejected by our fault."""
        held = (DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
        if {HELD, FAILED_OVER} & set(self.paused.values()):
            return False
        return not self.unsent and not any(self.left.get(state) for state in held)


async def drain(
    store: Store,
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    owner: str,
    digest: str | None = None,
    relays: Sequence[Line] | None = None,
    stop: asyncio.Event | None = None,
    checkpoint: Checkpoint | None = None,
    recorded: Callable[[MailResult], None] = lambda _: None,
    random: Callable[[], float] = random.random,
    memory: Memory | None = None,
    term: Term = TERM,
) -> Drained:
    """Hand over all that is due, and return when nothing is.

    `owner` names this start of this process. `digest`: that digest alone, and not before each of
    its deliveries has left `planned`, `claimed` and `sending`, in whosever hands, and had its turn
    where its domain has a rate (while there is a relay that takes any). `relays` None:
    those of the settings, else the outbox. `stop`: when set, messages in flight are finished and
    the rest is given back. `recorded` is told of each mail whose state is committed here. `random`
    gives numbers in [0, 1), the jitter of back-offs. `memory`: what this process has handed over in
    earlier runs. `term`: how often leases are renewed. Nothing
    while mail is held (store.core.hold), which `paused` tells of each relay. Raises MailError for a
    `mail.from` that is not an address, StoreError.
    """
    lines = lines_of(settings) if relays is None else list(relays)
    passed = checkpoint or (lambda _: None)
    again = settings.mail.uncertain == "resend"
    memory = memory or Memory()
    ticks = asyncio.get_running_loop().time
    paused = await asyncio.to_thread(_why_not, store, memory, owner, clock, again=again)
    if paused is not None:
        return await asyncio.to_thread(_none, store, clock, digest, lines, paused)
    supply = Supply(store, clock, owner, digest, ticks, memory.timeline)
    returns = await asyncio.to_thread(paths_of, store, settings)
    courier = Courier(
        store, clock, owner, Maker(TransactionalComposer(settings), returns), passed, random, ticks,
        memory, again=again, recorded=recorded, needed=supply.segments,
    )  # fmt: skip
    await asyncio.to_thread(remember, store, lines, clock)
    limits = {line.name: line.rate for line in lines if line.rate is not None}
    for domain, rate in settings.mail.rates.items():
        name = f"@{group_of(domain)}"
        limits[name] = min(rate, limits.get(name, rate))  # of one provider the lowest holds
    throttle = Throttle(store, clock, ticks, limits)
    watch = Watch(store, outbox_of(settings), clock, owner, term, again=again, memory=memory)
    run = _Drain(
        store, clock, digest, lines, stop or asyncio.Event(), courier, supply, throttle, watch,
        passed,
    )  # fmt: skip
    try:
        return await run.go()
    except StoreError:
        memory.is_cut_short = True
        raise


class _Drain:
    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        digest: str | None,
        lines: list[Line],
        stop: asyncio.Event,
        courier: Courier,
        supply: Supply,
        throttle: Throttle,
        watch: Watch,
        passed: Checkpoint,
    ) -> None:
        self._store = store
        self._clock = clock
        self._digest = digest
        self._lines = lines
        self._stop = stop
        self._courier = courier
        self._supply = supply
        self._throttle = throttle
        self._watch = watch
        self._passed = passed
        self._broken: Exception | None = None
        self._idle = asyncio.Event()
        self._lookout = Lookout(supply, courier, throttle, self._is_broken_by)

    async def go(self) -> Drained:
        alive = asyncio.create_task(self._watch.keep_alive())
        try:
            await self._send_all()
        finally:
            alive.cancel()
            with suppress(asyncio.CancelledError):
                await alive
        left = await asyncio.to_thread(self._left)
        counts = self._courier.counts
        counts[DeliveryState.SUPPRESSED] += self._supply.suppressed
        counts[DeliveryState.UNCERTAIN] += self._supply.held
        return Drained(
            counts={state: number for state, number in counts.items() if number},
            left=left,
            paused={line.name: line.failure for line in self._lines if line.failure is not None},
            unsent=self._courier.unsent,
            resting=self._courier.resting,
        )

    async def _send_all(self) -> None:
        while True:
            swept = await asyncio.to_thread(self._watch.sweep, self._digest)
            self._courier.counts.update(swept)
            self._idle.clear()
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    line.wake()
                    self._open(line, group)
                group.create_task(self._look_again(group))
            self._broken = await self._courier.settled() or self._broken
            await self._supply.let_go()
            self._courier.maker.forget()
            if self._broken is not None:
                raise self._broken
            await asyncio.to_thread(self._put_off)
            if self._digest is None or self._stop.is_set():
                return
            if not await asyncio.to_thread(self._is_in_hand, self._digest):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _LOOK_AGAIN_S)

    def _open(self, line: Line, group: asyncio.TaskGroup, most: int | None = None) -> None:
        """Start the channels that the line may have now, at `most` so many."""
        if line.stands_back(self._lines):
            return
        for _ in range(min(line.wanted - line.active, line.channels if most is None else most)):
            line.active += 1
            group.create_task(self._serve(line, group))

    async def _look_again(self, group: asyncio.TaskGroup) -> None:
        """Waits until all channels have ended: one more, for what was planned while others wait.

        An edition that is cut while a slow address keeps this run from ending must not wait for it.
        """
        while any(line.active for line in self._lines):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), _LOOK_AGAIN_S)
            if self._idle.is_set():
                return
            for line in self._lines:
                if self._is_quiet():
                    self._open(line, group, most=1)

    async def _serve(self, line: Line, group: asyncio.TaskGroup) -> None:
        """One channel's work.

        What breaks here ends the run, but only after the others' messages in flight: to tear those
        off would leave each of them uncertain.
        """
        channel: MailTransport | None = None
        following = NextMail(
            self._supply, self._courier, self._throttle, line, lambda: self._goes_on(line),
            lambda: self._prepare(group),
        )  # fmt: skip
        try:
            channel = line.connect()
            while self._goes_on(line):
                kept = following.handed()
                delivery = kept or await self._supply.take(
                    one=not line.proven, aside=lambda: line.has_place_aside
                )
                if delivery is None:
                    break
                self._prepare(group)
                if not await self._send(delivery, line, channel, following, kept=kept is not None):
                    self._supply.put_back(delivery)
                    line.channels = line.active - 1  # the relay limits its connections
                    break
                self._open(line, group)
        except Exception as error:  # noqa: BLE001 - raised by `_send_all` once all have finished
            self._is_broken_by(error)
        finally:
            following.release()
            line.active -= 1
            if not line.usable and self._is_quiet():
                for other in self._lines:  # those that stood back
                    self._open(other, group)
            if not any(line.active for line in self._lines):
                self._idle.set()
            if channel is not None:
                await channel.close()

    def _prepare(self, group: asyncio.TaskGroup) -> None:
        channels = sum(line.active for line in self._lines if line.proven)
        self._lookout.prepare(group, channels)

    async def _send(
        self,
        delivery: ClaimedDelivery,
        line: Line,
        channel: MailTransport,
        following: NextMail,
        *,
        kept: bool,
    ) -> bool:
        """One message in its place, an edition's or one aside. False: it was not begun.

        `kept`: it is the channel's since the body before it left. Where its envelope has left
        too, all was asked by then; else its destination may rest by now.
        """
        is_ahead = kept and channel.is_ahead
        aside = delivery.lane is not Lane.NEWS
        line.aside += aside  # before anything is waited for: the next that takes one must see it
        self._passed("claimed")
        try:
            with self._courier.in_hand(delivery, kept=kept) as alone:
                if not alone:
                    await self._courier.comes_later(delivery)
                    return True
                if not is_ahead and await self._courier.put_off(delivery, line):
                    return True
                with self._supply.spending(delivery.lane):
                    if not kept and not await self._has_its_turn(delivery, line):
                        return True
                    others = any(one is not line and one.usable for one in self._lines)
                    behind = None if aside else following  # nothing waits behind what is slow
                    return await self._courier.send(delivery, line, channel, behind, others=others)
        finally:
            line.aside -= aside

    async def _has_its_turn(self, delivery: ClaimedDelivery, line: Line) -> bool:
        """Wait for the moment at which destination and relay take it. False: it goes another time.

        A channel waits for its relay as long as it takes, but for a destination only a little.
        """
        destination = f"@{destination_of(delivery.recipient.address)}"
        if self._throttle.limits(destination):
            wanted = self._supply.number_to(destination)
            wait = await self._throttle.reserve_soon(destination, wanted)
            if isinstance(wait, datetime):
                await self._courier.wait(delivery, wait)
                return False
            await self._sleep(wait)
        await self._sleep(await self._throttle.reserve(line.name, self._supply.number + 1))
        if self._stop.is_set():
            self._supply.put_back(delivery)
            return False
        return True

    def _is_broken_by(self, error: Exception) -> None:
        self._broken = self._broken or error

    async def _sleep(self, seconds: float) -> None:
        """As long, or until it shall stop."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)

    def _goes_on(self, line: Line) -> bool:
        """Where a line has lost its proof, one channel alone goes on; none beside a better one."""
        if not self._is_quiet() or line.stands_back(self._lines):
            return False
        return line.active <= line.wanted

    def _is_quiet(self) -> bool:
        """Neither has anything broken, nor shall it stop."""
        return self._broken is None and not self._stop.is_set()

    def _put_off(self) -> None:
        """Where no line is left, all that is due waits for the first of them to be tried again."""
        retries = [line.retry_at for line in self._lines if line.retry_at is not None]
        if len(retries) < len(self._lines) or not retries:
            return
        reason = "; ".join(f"{line.name}: {line.failure}" for line in self._lines)
        with self._store.ledger() as connection:
            now = self._clock()
            outcomes.postpone(connection, now, min(retries), reason, self._digest)

    def _is_in_hand(self, digest: str) -> bool:
        """Whether mails of it are with somebody, or wait for their turn alone."""
        with self._store.read() as connection:
            left = deliveries.unsettled_counts(connection, self._clock(), digest)
            takes = any(line.usable or line.rests for line in self._lines)
            return bool(left.keys() & _IN_HAND) or (
                takes and outcomes.are_waiting(connection, digest)
            )

    def _left(self) -> dict[DeliveryState, int]:
        with self._store.read() as connection:
            return deliveries.unsettled_counts(connection, self._clock(), self._digest)


def _why_not(
    store: Store, memory: Memory, owner: str, clock: Callable[[], datetime], *, again: bool
) -> str | None:
    """Why nothing is handed over now; None: it is."""
    if not settled(store, memory, owner, clock, again=again):
        return FAILED_OVER
    with store.read() as connection:
        return None if hold.held_since(connection) is None else HELD


def _none(
    store: Store,
    clock: Callable[[], datetime],
    digest: str | None,
    lines: Sequence[Line],
    reason: str,
) -> Drained:
    with store.read() as connection:
        left = deliveries.unsettled_counts(connection, clock(), digest)
    return Drained({}, left, {line.name: reason for line in lines}, 0)
