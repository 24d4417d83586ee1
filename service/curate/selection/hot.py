"""When a story is hot: several independent outlets have told it within hours. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.config.schema import Settings


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


def can_be_hot(settings: Settings) -> bool:
    """Whether there are enough sources that a story could ever be told by enough outlets."""
    return len(settings.source) >= settings.hot.outlets
