"""What a run has in hand: deliveries claimed in small batches, renewed while they wait.

Three lanes (store.mailing.due_mail): transactional mails go first, but never take more than half of
the places, of the turns and of the time while editions wait; what was tried itself goes last.
Places are the line's to give (`aside`), turns and time are shared here: sixty sign-ups that are
answered slowly, or at once, cost the editions no more than as long again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from service.errors import StoreError
from service.mail.domains import destination_of
from service.store.core import failover
from service.store.core.database import Store
from service.store.mailing import claims
from service.store.mailing.claims import Claim, ClaimedDelivery
from service.store.mailing.due_mail import Lane

BATCH = 20
"""Deliveries claimed at once, at least."""

_AHEAD_S = 1.0
"""More are claimed where so many go out in this time: few enough that a dead owner holds up little,
for one lease."""

_MOST = 200
"""Deliveries claimed at once, at most."""

_LOOK_AGAIN_S = 1.0
"""How long a lane that was found empty is not asked for again, while another one has something."""

_LOW = 5
"""Of the editions that are claimed at once one in so many is left when more are claimed: so that no
connection waits for them."""

_FRESH = (Lane.TRANSACTIONAL, Lane.NEWS)


class Supply:
    """Hands out due deliveries of one run, to however many channels ask."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        owner: str,
        digest: str | None,
        ticks: Callable[[], float],
        timeline: str | None = None,
    ) -> None:
        """`ticks` gives seconds that only grow. `timeline`: nothing is taken from another one."""
        self._store = store
        self._clock = clock
        self._owner = owner
        self._digest = digest
        self._ticks = ticks
        self._timeline = timeline
        self._ready: dict[Lane, deque[ClaimedDelivery]] = {lane: deque() for lane in Lane}
        self._empty_since: dict[Lane, float] = {}
        self._spent = dict.fromkeys(_FRESH, 0.0)
        self._turns = dict.fromkeys(_FRESH, 0)
        self._lock = asyncio.Lock()
        self._segments: Counter[int] = Counter()
        self._taken = 0  # since editions were claimed last
        self._went_ahead = 0
        self._claimed_at: float | None = None
        self._low = 0  # with so few editions in hand more are claimed; 0: there were no more
        self._looks = 0  # which began with nothing in hand
        self._in_vain = 0  # the last of them that found nothing due in any lane
        self.suppressed = self.held = 0

    async def take(self, *, one: bool, aside: Callable[[], bool]) -> ClaimedDelivery | None:
        """The next delivery; None when nothing is due that this place is for.

        `one`: claim no more than that of each lane. `aside`: whether a transactional mail, or what
        was tried before, may have the place; asked when it is given.
        """
        asked = self._looks
        async with self._lock:
            if self._in_vain > asked and not self.number:
                return None  # of all channels that end together one has looked for those who wait
            while True:
                before = self._went_ahead
                await self._refill(one=one)
                lane = self._next_lane(aside=aside())
                if lane is not None:
                    return self._pop(lane)
                if before == self._went_ahead:  # else that is what was found; there may be more
                    return None

    def take_news(
        self, is_fit: Callable[[ClaimedDelivery], bool], *, aside: Callable[[], bool]
    ) -> ClaimedDelivery | None:
        """The next delivery where it is an edition's, in hand, and fit; else None, and `take` it.

        Whoever goes on so calls `look` where `is_due`.
        """
        ready = self._ready[Lane.NEWS]
        if not ready or not is_fit(ready[0]) or self._next_lane(aside=aside()) is not Lane.NEWS:
            return None
        self._went_ahead += 1
        return self._pop(Lane.NEWS)

    @property
    def is_due(self) -> bool:
        """Whether to look again for transactional mails, or for more before none is left."""
        due = self._is_asked_for(Lane.TRANSACTIONAL) or self._runs_low()
        return due and any(self._ready.values())  # else `take` looks for itself

    async def look(self) -> None:
        """Look for transactional mails and more editions, as `take` would. Raises StoreError."""
        async with self._lock:
            await self._refill(one=False)

    def news(self, number: int) -> list[ClaimedDelivery]:
        """The next so many of editions."""
        return list(itertools.islice(self._ready[Lane.NEWS], number))

    @contextmanager
    def spending(self, lane: Lane) -> Iterator[None]:
        """Count what the block takes as this lane's time."""
        begin = self._ticks()
        try:
            yield
        finally:
            if lane in self._spent:
                self._spent[lane] += self._ticks() - begin

    @property
    def number(self) -> int:
        """How many are claimed and not begun."""
        return sum(map(len, self._ready.values()))

    def number_to(self, destination: str) -> int:
        """How many of these, and one more, go to "@DESTINATION"."""
        return 1 + sum(
            f"@{destination_of(one.recipient.address)}" == destination
            for ready in self._ready.values()
            for one in ready
        )

    def put_back(self, delivery: ClaimedDelivery) -> None:
        """It was not begun; the next channel takes it first."""
        self._ready[delivery.lane].appendleft(delivery)
        self._count(delivery, 1)

    def segments(self) -> list[int]:
        """The segments of what is claimed and not begun, from any thread."""
        return list(self._segments)

    def _pop(self, lane: Lane) -> ClaimedDelivery:
        if lane in self._turns:
            self._turns[lane] += 1
        delivery = self._ready[lane].popleft()
        self._count(delivery, -1)
        self._taken += 1
        return delivery

    def _count(self, delivery: ClaimedDelivery, number: int) -> None:
        self._segments[delivery.segment_id] += number
        if not self._segments[delivery.segment_id]:
            del self._segments[delivery.segment_id]

    async def let_go(self) -> None:
        """Give back what was claimed and not begun."""
        async with self._lock:
            ids = [delivery.id for ready in self._ready.values() for delivery in ready]
            for ready in self._ready.values():
                ready.clear()
            self._empty_since.clear()
            self._segments.clear()
            self._low = 0
            if ids:
                await asyncio.to_thread(self._unclaim, ids)

    def _next_lane(self, *, aside: bool) -> Lane | None:
        transactional, news = (bool(self._ready[lane]) for lane in _FRESH)
        if not (transactional and news):
            # A mail that waits for none owes none.
            self._spent, self._turns = dict.fromkeys(_FRESH, 0.0), dict.fromkeys(_FRESH, 0)
        if aside and transactional and self._transactional_is_behind():
            return Lane.TRANSACTIONAL
        if news:
            return Lane.NEWS
        return Lane.AGAIN if aside and self._ready[Lane.AGAIN] else None

    def _transactional_is_behind(self) -> bool:
        spent, turns = self._spent, self._turns
        return (
            spent[Lane.TRANSACTIONAL] <= spent[Lane.NEWS]
            and turns[Lane.TRANSACTIONAL] <= turns[Lane.NEWS]
        )

    async def _refill(self, *, one: bool) -> None:
        limit = 1 if one else self._batch()
        wanted = [lane for lane in _FRESH if self._is_asked_for(lane)]
        if Lane.NEWS in wanted:
            self._taken, self._claimed_at = 0, self._ticks()
        is_whole = not self.number
        self._looks += is_whole
        look = self._looks
        some = await self._claim(wanted, limit) if wanted else True
        if some and not self.number:
            some = await self._claim([Lane.AGAIN], limit)
        if is_whole and not some:
            self._in_vain = look

    def _batch(self) -> int:
        """About as many as go out in a second."""
        if self._claimed_at is None:
            return BATCH
        passed = max(self._ticks() - self._claimed_at, _AHEAD_S / _MOST)
        return max(BATCH, min(_MOST, round(self._taken * _AHEAD_S / passed)))

    def _is_asked_for(self, lane: Lane) -> bool:
        if self._ready[lane]:
            return lane is Lane.NEWS and self._runs_low()
        since = self._empty_since.get(lane)
        found_empty = since is not None and self._ticks() - since < _LOOK_AGAIN_S
        return not found_empty or not any(self._ready.values())

    def _runs_low(self) -> bool:
        return 0 < self._low >= len(self._ready[Lane.NEWS])

    async def _claim(self, lanes: list[Lane], limit: int) -> bool:
        """Claim for each of these lanes until it has something, or nothing is due in it.

        False: nothing is due in any lane.
        """
        some = True
        while lanes:
            found = await asyncio.to_thread(self._claim_each, lanes, limit)
            some = bool(found)
            found = found or dict.fromkeys(lanes, Claim([], 0))
            for lane, claim in found.items():
                self.suppressed += claim.suppressed
                self.held += claim.held
                self._ready[lane].extend(claim.claimed)
                for delivery in claim.claimed:
                    self._count(delivery, 1)
                if claim.empty:
                    self._empty_since[lane] = self._ticks()
                if lane is Lane.NEWS:
                    self._low = limit // _LOW if len(claim.claimed) == limit else 0
            lanes = [lane for lane, one in found.items() if not one.claimed and not one.empty]
        return some

    def _claim_each(self, lanes: list[Lane], limit: int) -> dict[Lane, Claim]:
        with self._store.ledger() as connection:
            if not failover.is_still(connection, self._timeline):
                raise StoreError("another database server has become the primary")
            now = self._clock()
            return claims.claim_each(connection, self._owner, now, limit, self._digest, lanes)

    def _unclaim(self, ids: list[int]) -> None:
        with self._store.ledger() as connection:
            claims.unclaim(connection, self._owner, ids)
