"""Sending what is planned (LEDGER: Send).

    sweep ──> claim ──> courier: compose, 354, commit `sending`, body, commit the answer ──> claim …
                └ ended, paused or suppressed meanwhile: suppressed and released, and again at 354

Rows are the only truth: a run that is killed anywhere is finished by the next one. No lock is held
across the network; a lease says who has a row in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from service.config.schema import Settings
from service.mail.courier import Checkpoint, Courier
from service.mail.handover import Channel
from service.mail.lines import Line, lines_of, outbox_of
from service.mail.personal import Composer
from service.mail.supply import Supply
from service.mail.watch import Watch
from service.model import DeliveryState
from service.store import deliveries, outcomes
from service.store.database import Store

_LOOK_AGAIN_S = 1.0
"""How often a run of one digest looks whether others have finished what they have in hand."""

_IN_HAND = frozenset({DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING})


@dataclass(frozen=True, slots=True)
class Drained:
    """What one run did.

    `counts`: state -> how many came to it in this run. `left`: state -> how many are still open,
    of the digest or of all. `paused`: relay -> why it takes nothing now. `unsent`: how many were
    rejected by a fault of ours.
    """

    counts: Mapping[DeliveryState, int]
    left: Mapping[DeliveryState, int]
    paused: Mapping[str, str]
    unsent: int

    @property
    def complete(self) -> bool:
        """Nothing is left deferred, uncertain or rejected by our fault (CONTRACT: digest send)."""
        held = (DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
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
) -> Drained:
    """Hand over all that is due, and return when nothing is.

    `owner` names this start of this process. `digest`: that digest alone, and not before each of
    its deliveries has left `planned`, `claimed` and `sending`, in whosever hands. `relays` None:
    those of the settings, else the outbox. `stop`: when set, messages in flight are finished and
    the rest is given back. Raises MailError for a `mail.from` that is no address, StoreError.
    """
    lines = lines_of(settings) if relays is None else list(relays)
    passed = checkpoint or (lambda _: None)
    courier = Courier(store, clock, owner, Composer(settings), passed)
    supply = Supply(store, clock, owner, digest)
    watch = Watch(store, outbox_of(settings), clock, owner)
    run = _Run(store, clock, digest, lines, stop or asyncio.Event(), courier, supply, watch, passed)
    return await run.go()


class _Run:
    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        digest: str | None,
        lines: list[Line],
        stop: asyncio.Event,
        courier: Courier,
        supply: Supply,
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
        self._watch = watch
        self._passed = passed
        self._broken: Exception | None = None

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
        return Drained(
            counts={state: number for state, number in counts.items() if number},
            left=left,
            paused={line.name: line.failure for line in self._lines if line.failure is not None},
            unsent=self._courier.unsent,
        )

    async def _send_all(self) -> None:
        while True:
            swept = await asyncio.to_thread(self._watch.sweep, self._digest)
            self._courier.counts.update(swept)
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    self._open(line, group)
            await self._supply.let_go()
            if self._broken is not None:
                raise self._broken
            await asyncio.to_thread(self._put_off)
            if self._digest is None or self._stop.is_set():
                return
            left = await asyncio.to_thread(self._left)
            if not left.keys() & _IN_HAND:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _LOOK_AGAIN_S)

    def _open(self, line: Line, group: asyncio.TaskGroup) -> None:
        """Start the channels that the line may have now: one until it is proven."""
        wanted = (line.channels if line.proven else 1) if line.usable else 0
        for _ in range(wanted - line.active):
            line.active += 1
            group.create_task(self._serve(line, group))

    async def _serve(self, line: Line, group: asyncio.TaskGroup) -> None:
        """One channel's work.

        What breaks here ends the run, but only after the others' messages in flight: to tear those
        off would leave each of them uncertain.
        """
        channel: Channel | None = None
        try:
            channel = line.connect()
            while self._goes_on(line):
                delivery = await self._supply.take(one=not line.proven)
                if delivery is None:
                    break
                self._passed("claimed")
                await asyncio.sleep(line.throttle.reserve())
                if not await self._courier.send(delivery, line, channel):
                    self._supply.put_back(delivery)
                    line.channels = line.active - 1  # the relay limits its connections
                    break
                self._open(line, group)
        except Exception as error:  # noqa: BLE001 - raised by `_send_all` once all have finished
            self._broken = self._broken or error
        finally:
            line.active -= 1
            if channel is not None:
                await channel.close()

    def _goes_on(self, line: Line) -> bool:
        """Where a line has lost its proof, one channel alone goes on."""
        quiet = self._broken is None and not self._stop.is_set()
        return quiet and line.usable and (line.proven or line.active == 1)

    def _put_off(self) -> None:
        """Where no line is left, all that is due waits for the first of them to be tried again."""
        retries = [line.retry_at for line in self._lines if line.retry_at is not None]
        if len(retries) < len(self._lines) or not retries:
            return
        reason = "; ".join(f"{line.name}: {line.failure}" for line in self._lines)
        with self._store.ledger() as connection:
            now = self._clock()
            outcomes.postpone(connection, now, min(retries), reason, self._digest)

    def _left(self) -> dict[DeliveryState, int]:
        with self._store.read() as connection:
            return deliveries.open_counts(connection, self._digest)
