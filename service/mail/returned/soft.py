"""When soft bounces of an address are too many: each counts less as time goes by."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

HALF_LIFE = timedelta(days=30)
LIMIT = 4.0
"""A daily digest reaches it on the fifth day that it comes back, a weekly one in the sixth week, a
monthly one never."""

REMEMBERED = timedelta(days=180)
"""What is older weighs less than a sixtieth."""


def weight(returned_at: Iterable[datetime], now: datetime) -> float:
    """What soft bounces at these instants weigh together at `now`; of a UTC day one counts."""
    days = {at.date(): at for at in returned_at}
    ages = (max(timedelta(), now - at) for at in days.values())
    return sum(math.exp2(-(age / HALF_LIFE)) for age in ages)


def is_too_much(returned_at: Iterable[datetime], now: datetime) -> bool:
    """Whether the address is written to no more because of them."""
    return weight(returned_at, now) >= LIMIT
