"""When a story is hot: several independent outlets have told it within hours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def heated_at(first_told: Iterable[datetime], outlets: int, within: timedelta) -> datetime | None:
    """When the last of so many outlets told it, all of them within that time; None: never.

    `first_told`: when each of them told it first. Of several such times the latest.
    """
    told = sorted(first_told)
    ends = [
        told[last]
        for last in range(outlets - 1, len(told))
        if told[last] - told[last - outlets + 1] <= within
    ]
    return max(ends, default=None)
