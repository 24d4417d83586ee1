"""How wrong this machine's own clock is, where the database's decides."""

from __future__ import annotations

from service.report.trouble import Trouble
from service.runtime.composition import Service, system_clock

WRONG_S = 5.0
"""So far off a machine's clock is told: nothing goes by it but its log, other programs, and TLS."""

KEYS = frozenset({"clock_ahead", "clock_behind"})
"""The troubles that `troubles` tells."""


def ahead_s(service: Service) -> float:
    """Seconds by which this machine's clock is ahead of the database's; negative: behind.

    0 on SQLite, where this machine's clock is the one that decides.
    """
    clock = service.store.clock
    if clock is None or service.clock is not clock:
        return 0.0
    return (system_clock() - clock()).total_seconds()


def troubles(service: Service) -> list[Trouble]:
    """It is far off, which is told and stops nothing."""
    seconds = ahead_s(service)
    if abs(seconds) < WRONG_S:
        return []
    key = "clock_ahead" if seconds > 0 else "clock_behind"
    return [Trouble(key, {"seconds": round(abs(seconds))})]
