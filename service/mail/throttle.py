"""A relay's rate: messages are spaced evenly, so that a burst never exceeds what it allows."""

from __future__ import annotations

from collections.abc import Callable


class Throttle:
    """Hands out moments to send at. `rate` in messages a second, None = no limit.

    `clock` gives seconds that only grow, such as `time.monotonic`.
    """

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._gap = 0.0 if rate is None else 1.0 / rate
        self._clock = clock
        self._next = clock()

    def reserve(self) -> float:
        """Take the next moment; the seconds to wait until it comes."""
        now = self._clock()
        mine = max(now, self._next)
        self._next = mine + self._gap
        return mine - now
