"""How late news is: published -> collected -> accepted by the relay (promise 9). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

BELIEVABLE = timedelta(days=7)
"""A source that lists news a week after its own date tells of its archive, not of our speed."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Medians in seconds; None where no article tells.

    `collected_s`: from the outlet's publication to our first sight. `mailed_s`: from our first
    sight to the relay's word that it takes the mail, waiting for the digest's hour included.
    """

    collected_s: int | None
    mailed_s: int | None


def lateness(
    delays: Sequence[tuple[datetime | None, datetime, datetime | None]],
) -> Lateness:
    """From (published, first seen, accepted) of a topic's news, None where not known."""
    collected = [
        seen - published
        for published, seen, _ in delays
        if published is not None and timedelta() <= seen - published <= BELIEVABLE
    ]
    mailed = [accepted - seen for _, seen, accepted in delays if accepted is not None]
    return Lateness(_median_s(collected), _median_s(mailed))


def _median_s(spans: list[timedelta]) -> int | None:
    return round(median(span.total_seconds() for span in spans)) if spans else None
