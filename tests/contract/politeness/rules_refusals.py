"""Failures, 429 and 503: rest, and coming back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from tests.contract.politeness.characters import DAY, HOUR, SITE
from tests.contract.politeness.judging import (
    CHANCE,
    FEW_A_DAY,
    FLOOR,
    Week,
    rule,
    told,
    too_soon,
)
from tests.contract.politeness.publisher import START, Asked


def _retry_after(one: Asked) -> datetime:
    text = one.sent.get("Retry-After", "")
    if text.isdigit():
        return one.at + timedelta(seconds=int(text))
    return parsedate_to_datetime(text) if text else one.at


def _before_retry(asked: Sequence[Asked], statuses: set[int], *, dates: bool) -> list[str]:
    return [
        f"{told(after)}: told to wait until {_retry_after(before)}"
        for before, after in pairwise(asked)
        if before.status in statuses
        and before.sent.get("Retry-After", "").isdigit() is not dates
        and after.at < _retry_after(before)
    ]


@rule("Waits for Retry-After in seconds (429, 503)", frb="20")
def _retry_seconds(week: Week) -> list[str]:
    asked = [(SITE[0],), ("busy-short",)]
    return [x for one in asked for x in _before_retry(week.of(*one), {429, 503}, dates=False)]


@rule("Waits for Retry-After as a date (429, 503)", frb="20")
def _retry_date(week: Week) -> list[str]:
    asked = [("too-many-date",), ("busy",)]
    return [x for one in asked for x in _before_retry(week.of(*one), {429, 503}, dates=True)]


@rule("A 429 without Retry-After is followed by an hour of rest, then longer ones", frb="21")
def _bare_429(week: Week) -> list[str]:
    asked = week.of("too-many-bare")
    refused = [one for one in asked if one.status == 429]
    gaps = [after.at - before.at for before, after in pairwise(refused)]
    broken = too_soon(asked, lambda one: HOUR if one.status == 429 else FLOOR)
    return broken + [f"gaps {gaps}" for _ in gaps[:1] if gaps != sorted(gaps)]


@rule("Waits for a 429's max-age, for two days")
def _plea(week: Week) -> list[str]:
    return too_soon(week.of("pleading"), lambda one: 2 * DAY if one.status == 429 else FLOOR)


@rule("A 429 rests the whole site: its other feeds are not asked before either")
def _site_rests(week: Week) -> list[str]:
    asked = week.of(*SITE)
    until, broken = START, []
    for one in asked:
        if one.at < until:
            broken.append(told(one))
        if one.status == 429:
            until = max(until, _retry_after(one))
    return broken


@rule("After such a rest the site's feeds do not come back in one crowd")
def _no_herd(week: Week) -> list[str]:
    end = START + 2 * DAY + 5 * HOUR
    minutes = defaultdict(set)
    for one in week.of(*SITE):
        if end <= one.at < end + 6 * HOUR:
            minutes[(one.at - end) // timedelta(minutes=10)].add(one.host)
    crowds = [hosts for hosts in minutes.values() if len(hosts) > len(SITE) / 2]
    return [f"{sorted(hosts)} within ten minutes" for hosts in crowds] + (
        [] if minutes else ["none came back"]
    )


@rule("Asks a failing feed no more often than a healthy one, and less and less")
def _failing(week: Week) -> list[str]:
    broken = []
    for name in ("down", "lost", "locked", "silent"):
        failed = [one for one in week.of(name) if one.status in {500, 404, 401, 0}]
        gaps = [after.at - before.at for before, after in pairwise(failed)]
        half = len(gaps) // 2
        days = (failed[-1].at - failed[0].at) / DAY
        if len(failed) > FEW_A_DAY * (days + 1) or max(gaps[:half]) > CHANCE * min(gaps[half:]):
            broken.append(f"{name}: {len(failed)} times, {gaps}")
    return broken


@rule("Gives up on nobody: what was down for days is found again within 16 hours")
def _never_dies(week: Week) -> list[str]:
    ends = {"down": 4, "lost": 4, "busy": 4.25, "busy-short": 4, "too-many-bare": 2 + 20 / 24}
    broken = []
    for name, days in ends.items():
        end = START + days * DAY
        first = min((one.at for one in week.of(name) if one.at >= end), default=week.end)
        if first - end > 16 * HOUR:
            broken.append(f"{name}: {first - end} after it was well")
    return broken
