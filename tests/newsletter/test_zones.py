"""Daily mails at the reader's own hour in forty zones, over every change of their clocks.

The oracle knows nothing of offsets: it looks at a clock on the wall once a minute. A reader's mail
of a day comes in the first minute in which that clock shows their hour, or later where it jumps
past it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from datetime import UTC, datetime, time, timedelta
from functools import cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from service.newsletter.cadence import next_cut, previous_cut
from service.store import tables as t
from tests.levels import WHOLE, some
from tests.newsletter.newsroom import DAY, HOUR, Newsroom
from tests.newsletter.test_cadence import rule, utc

ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Lagos",
    "America/Anchorage",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Miquelon",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Ho_Chi_Minh",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Adelaide",
    "Australia/Eucla",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "UTC",
]
BEGIN, END = utc("2026-09-01"), utc("2027-11-15")
HOURS = ["00:00", "00:15", "00:59", "01:30", "02:00", "02:15", "02:30", "02:59", "03:00", "07:00",
         "22:30", "23:30", "23:59"]  # fmt: skip

MINUTE = timedelta(minutes=1)


@cache
def changes(zone: str) -> list[datetime]:
    """The days, as UTC midnights, in which the zone's offset changes."""
    days = [BEGIN + number * DAY for number in range((END - BEGIN).days)]
    offsets = [day.astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, (one, other) in zip(days, pairwise(offsets), strict=False) if one != other]


@cache
def wall(zone: str, begin: datetime, end: datetime) -> tuple[list[datetime], list[datetime]]:
    """Instants, and the latest that the clock has shown by then, once a minute."""
    place, minutes = ZoneInfo(zone), (end - begin) // MINUTE
    instants = [begin + number * MINUTE for number in range(minutes)]
    shown = (at.astimezone(place).replace(tzinfo=None, fold=0) for at in instants)
    return instants, list(accumulate(shown, max))


def by_the_wall(zone: str, hour: str, begin: datetime, end: datetime) -> list[datetime]:
    """For each day but the first: the first minute in which its clock shows the hour, or more."""
    instants, latest = wall(zone, begin, end)
    found, minute = [], -1
    wanted = datetime.combine(latest[0].date() + DAY, time.fromisoformat(hour))
    while (minute := bisect_left(latest, wanted, minute + 1)) < len(latest):
        found.append(instants[minute])
        wanted += DAY
    return found


def test_there_are_forty_zones_with_every_kind_of_change():
    assert len(ZONES) >= 40
    steps = Counter()
    for zone in ZONES:
        for day in changes(zone):
            offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() for at in (day, day + DAY)]
            steps[abs(offsets[1] - offsets[0]), offsets[1] > offsets[0]] += 1
    half, two = timedelta(minutes=30), timedelta(hours=2)
    assert {(HOUR, True), (HOUR, False), (half, True), (half, False), (two, True)} <= set(steps)


def test_each_day_has_one_cut_at_the_hour_that_the_wall_shows():
    for zone in ZONES:
        each_day_has_one_cut(zone)


def each_day_has_one_cut(zone):
    around = changes(zone) or [utc("2026-10-25")]
    for day in around:
        begin, end = day - 1.5 * DAY, day + 2.5 * DAY
        for hour in HOURS:
            expected = by_the_wall(zone, hour, begin, end)
            assert len(expected) >= 2
            daily, at, cuts = rule("daily", hour), expected[0] - MINUTE, []
            while at < expected[-1]:
                at = next_cut(daily, zone, at)
                cuts.append(at)
            assert cuts == expected, (zone, hour)
            assert previous_cut(daily, zone, cuts[-1]) == cuts[-2]
    days = Counter()
    at = BEGIN
    while at < END:  # and over the whole year none twice, none left out
        at = next_cut(rule("daily", "02:30"), zone, at)
        days[at.astimezone(ZoneInfo(zone)).date()] += 1
    assert set(days.values()) == {1}, zone
    assert (max(days) - min(days)).days + 1 == len(days), zone


def turns() -> dict[datetime, list[str]]:
    """Day of a change -> the zones whose clocks are set then, those of a neighbour day with it."""
    found: dict[datetime, list[str]] = defaultdict(list)
    for zone in ZONES:
        for day in changes(zone):
            near = next((one for one in found if abs(one - day) <= DAY), day)
            found[near].append(zone)
    return dict(sorted(found.items()))


SHOWN = [utc("2026-10-03"), utc("2026-11-01"), utc("2026-10-24"), utc("2027-02-07"),
         utc("2027-03-14"), utc("2027-04-03")][: some(6, 2)]  # fmt: skip
"""Lord Howe, forward by half an hour, and its neighbours; America, back; Europe; Morocco before and
after Ramadan; the south. What the cuts are the test above knows of every change of all zones."""


@pytest.mark.sampled
@pytest.mark.parametrize("day", SHOWN, ids=lambda day: f"{day:%Y-%m-%d}")
def test_each_reader_gets_one_mail_a_day_at_their_hour_through_the_change(store, tmp_path, day):
    """The whole way on SQLite: some zones that change, or all there are, two readers each."""
    near = [one for one in turns() if abs(one - day) <= DAY]
    changed = sorted({zone for one in near for zone in turns()[one]})
    assert changed
    few = [*changed[:: -(-len(changed) // 2)], "Asia/Ho_Chi_Minh"]
    zones = ZONES if WHOLE else few
    begin, end = day - 1.5 * DAY, day + 2.5 * DAY
    room = Newsroom(store, tmp_path, {"ngay": {"cadence": "daily"}}, now=begin - DAY)
    readers = {}
    for number, zone in enumerate(zones):
        for hour in (HOURS[number % 9], "02:30"):
            address = f"r{len(readers)}@example.vn"
            row = room.subscribe(address, "ngay", zone=zone, hour=hour)
            readers[row] = (address, zone, hour)
    room.plan(begin - DAY)
    told = 0
    while (at := next_due(store)) < end:
        room.story(f"Tin {told}", at=at - MINUTE)
        told += 1
        room.plan(at - MINUTE / 60)  # a second too early, and again after the last one
        if room.plan(at).deliveries:
            room.accept()
    mails = delivered(store)
    for row, (address, zone, hour) in readers.items():
        expected = by_the_wall(zone, hour, begin, end)
        got = [at for at in mails[row] if expected[0] <= at <= expected[-1]]
        assert got == expected, (zone, hour)
        titles = room.titles(address)
        assert len(titles) == len(set(titles))


def next_due(store) -> datetime:
    with store.read() as connection:
        return min(connection.scalars(select(t.subscription.c.next_cut_at)))


def delivered(store) -> dict[int, list[datetime]]:
    """Subscription -> when its mails were made."""
    found = defaultdict(list)
    with store.read() as connection:
        rows = connection.execute(
            select(t.delivery.c.subscription_id, t.delivery.c.created_at).order_by(t.delivery.c.id)
        )
        for subscription, at in rows:
            found[subscription].append(at.astimezone(UTC))
    return found
