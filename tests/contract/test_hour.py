"""The show of hostile sources: what misbehaves, in every way that is known, makes nobody late.

The short form of `python -m tests.bench.hour`: 130 sources, three of ten misbehave, each kind at
least once, and all are new and due together, which is the worst that can be.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.bench import hour
from tests.bench.crowd import KINDS
from tests.levels import some

PLAN = hour.Plan(
    sources=130,
    bad=3,
    length=timedelta(minutes=20),
    floor=timedelta(minutes=90),
    ceiling=timedelta(hours=3),
    speed=60.0,
    haste=3.0,
    many=some(100_000, 20_000),
)
"""Twenty seconds of ours. The time limits are not as much shorter, since a test may be short of the
processor: a publisher who drips keeps us, by this clock, for a quarter of an hour."""

MOST_MB = 550
"""More than there was: the process of the test has libraries of other tests loaded."""

FINE = {
    "many",
    "laughs",
    "deep-xml",
    "deep-html",
    "deep-xhtml",
    "attributes",
    "outside",
    "quadratic",
}
"""Kinds that may give entries: what can be read of them is harmless."""


@pytest.mark.sampled
async def test_nobody_is_late_for_what_others_do(store, record_property):
    lived = await hour.run(PLAN, store)
    begun = f"memory before it: {lived.before_mb:.0f} MB"
    lines = ["hostile sources, twenty minutes:", *lived.lines(), begun]
    record_property("report", "\n".join(lines))
    assert lived.good_failed == {}
    part, seconds, name = max(lived.late)
    assert part <= 1, f"{name} was asked {seconds:.0f} s late"
    assert lived.outside == 0, "an entity was fetched"
    assert lived.most_mb(0, 1) - lived.before_mb < MOST_MB
    assert set(lived.reasons) == set(KINDS)
    assert {name.rpartition("-")[0] for name in lived.bad_fine} <= FINE
    reasons = {*lived.reasons["killer"], *lived.reasons["hanging"]}
    # Where the lane of those who hang is full, the last of them is not even read.
    assert all(one.startswith(("quarantined: ", "not read this time")) for one in reasons), reasons
