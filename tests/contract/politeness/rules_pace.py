"""How often each feed is asked, and who decides that."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from tests.contract.politeness.characters import DAY, HOUR, PAUSE, PAUSED
from tests.contract.politeness.judging import (
    CEILING,
    DELAY_S,
    FLOOR,
    Week,
    rule,
    told,
    too_soon,
)
from tests.contract.politeness.publisher import START, Asked


@rule("Never asks a feed twice within its floor (15 min), restarts and failures included")
def _floor(week: Week) -> list[str]:
    return [line for _, asked in week.documents() for line in too_soon(asked, lambda _: FLOOR)]


@rule("A restart asks nobody again: when each is due stands in the store", frb="37")
def _restart(week: Week) -> list[str]:
    listed = sum(publisher.listed for publisher in week.publishers)
    at_once = [
        len({one.host for one in week.asked if one.at == START + day * DAY})
        for day in range(1, (week.end - START) // DAY)
    ]
    return [f"{number} of {listed} sources at once" for number in at_once if number > listed / 2]


@rule("Asks at most once an hour a feed whose news come less often than every two hours")
def _hourly(week: Week) -> list[str]:
    return [
        line
        for publisher, asked in week.documents()
        if publisher.news >= 2 * HOUR
        for line in too_soon(asked[1:], lambda _: HOUR)
    ]


@rule("Asks at most once an hour a server that cannot say 304")
def _plain(week: Week) -> list[str]:
    names = "plain", "plain-lively", "restless"
    return [line for name in names for line in too_soon(week.of(name), lambda _: HOUR)]


@rule("Asks a feed without news less and less often", frb="23")
def _rare(week: Week) -> list[str]:
    asked = [one for one in week.of("rare") if one.at > START + 3 * DAY]
    return too_soon(asked, lambda _: CEILING / 2)


def _fresh(asked: Sequence[Asked]) -> Callable[[Asked], timedelta]:
    """For how long each answer is fresh: what a 304 leaves out stays in force. A day at most."""
    spans: dict[int, timedelta] = {}
    last = timedelta(0)
    for one in asked:
        control = re.search(r"max-age=(\d+)", one.sent.get("Cache-Control", ""))
        if control:
            last = timedelta(seconds=int(control[1]) - int(one.sent.get("Age", "0")))
        elif "Expires" in one.sent:
            last = parsedate_to_datetime(one.sent["Expires"]) - one.at
        elif one.status == 200:
            last = timedelta(0)
        spans[id(one)] = min(last, DAY)
    return lambda one: spans[id(one)]


def _fresh_of(week: Week, status: int, header: str) -> list[str]:
    broken = []
    for _, asked in week.documents():
        span = _fresh(asked)
        for before, after in pairwise(asked):
            said = before.status == status and header in (*before.sent, "")
            if said and after.at - before.at < span(before):
                broken.append(f"{told(after)}: {after.at - before.at} after, not {span(before)}")
    return broken


@rule("Waits for Cache-Control's max-age after a 200, less its Age, for up to a day", frb="22")
def _cache_200(week: Week) -> list[str]:
    return _fresh_of(week, 200, "Cache-Control")


@rule("Waits for max-age after a 304, also where the 304 does not repeat it")
def _cache_304(week: Week) -> list[str]:
    return _fresh_of(week, 304, "")


@rule("Waits for Expires")
def _expires(week: Week) -> list[str]:
    return _fresh_of(week, 200, "Expires") + _fresh_of(week, 304, "Expires")


@rule("Waits for an error's own max-age")
def _cache_error(week: Week) -> list[str]:
    return _fresh_of(week, 403, "Cache-Control")


@rule("Waits for the document's ttl and Syndication period", frb="24")
def _ttl(week: Week) -> list[str]:
    return [
        line
        for publisher, asked in week.documents()
        for line in too_soon(asked, lambda _, p=publisher: timedelta(seconds=p.floor_s))
    ]


@rule("Leaves the document's skipHours and skipDays alone", frb="24")
def _skips(week: Week) -> list[str]:
    return [
        told(one)
        for publisher, asked in week.documents()
        for one in asked[1:]
        if one.at.hour in publisher.skips[0] or one.at.weekday() in publisher.skips[1]
    ]


@rule("Comes at the hours that Syndication's base names, within 20 minutes")
def _base(week: Week) -> list[str]:
    asked = week.of("at-its-hours")[2:]
    return [told(one) for one in asked if (one.at - START - 2 * HOUR) % (4 * HOUR) > HOUR / 3]


@rule("A source that its admin lets rest is not asked, and goes on by itself afterwards")
def _paused(week: Week) -> list[str]:
    asked = week.of(PAUSED)
    broken = [told(one) for one in asked if PAUSE[0] <= one.at < PAUSE[1]]
    after = [one for one in asked if one.at >= PAUSE[1]]
    return broken if after else [*broken, "it was never asked again"]


@rule("Requests to one site come one by one, with its gap after each answer", frb="33, 34")
def _spacing(week: Week) -> list[str]:
    sites = defaultdict(list)
    for one in week.asked:
        sites[".".join(one.host.split(".")[-2:])].append(one)
    return [
        f"{told(after)}: {after.began - before.ended:.3f} s after {before.host}"
        for asked in sites.values()
        for before, after in pairwise(sorted(asked, key=lambda one: one.began))
        if after.at == before.at and after.began - before.ended < DELAY_S - 0.001
    ]


@rule(
    "And is a reader at all: no news is missed, those of lively feeds are 90 minutes late at most"
)
def _reads(week: Week) -> list[str]:
    """Else the politest reader would be the one that never asks."""
    broken = []
    for publisher, asked in week.documents():
        if publisher.name in {"gone", "down", "locked", "patient", "silent"} or not asked:
            continue
        last = publisher.version(week.end - 30 * HOUR)
        have = week.found.get(publisher.name, {})
        first = publisher.version(START)
        missing = [n for n in range(first, last) if n not in have]
        if missing:
            broken.append(f"{publisher.name}: items {missing[:5]} of {last} were never seen")
    waits = [at - week_published(week, "lively", n) for n, at in _news(week, "lively")]
    late = max(waits, default=DAY)
    return broken + ([f"lively: {late} late"] if late > 1.5 * HOUR else [])


@rule("A server that says 304 to everything is found out within a day and a half")
def _stuck(week: Week) -> list[str]:
    return [
        f"item {n}: {at - week_published(week, 'stuck', n)} late"
        for n, at in _news(week, "stuck")
        if at - week_published(week, "stuck", n) > 1.6 * DAY
    ] or ([] if list(_news(week, "stuck")) else ["nothing of it was seen"])


def _news(week: Week, name: str) -> list[tuple[int, datetime]]:
    found = week.found.get(name, {})
    return [(n, at) for n, at in found.items() if week_published(week, name, n) > START]


def week_published(week: Week, name: str, item: int) -> datetime:
    return next(one for one in week.publishers if one.name == name).published(item)
