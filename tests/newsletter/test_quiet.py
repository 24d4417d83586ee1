"""Quiet hours and days: what falls into them waits for their end, in one mail, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import func, select

from service.config.schema import Digest
from service.model import QuietTime
from service.newsletter import rules
from service.newsletter.cadence import is_cron, is_zoned, latest_cut, next_cut, previous_cut
from service.newsletter.faults import faults
from service.newsletter.rules import PutOff, Schedule
from service.newsletter.scheduling import next_of
from service.report.status import as_json, status
from service.report.why import why
from service.store import tables as t
from service.text.instants.quiet import begin_of_quiet, end_of_quiet, is_quiet_at, next_quiet, read
from service.text.instants.quiet import text as quiet_text
from tests.levels import some
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom
from tests.newsletter.test_cadence import (
    APIA,
    BERLIN,
    INSTANTS,
    LORD_HOWE,
    NEW_YORK,
    RULES,
    SAIGON,
    TIMES,
    ZONES,
    rule,
    utc,
)
from tests.newsletter.test_holidays import waiting

NIGHT, SUNDAY = read("22:00-06:00"), read("sun")
BOTH = read("22:00-06:00,sun")
MINUTES = timedelta(minutes=1)


def quietly(quiet, rhythm, at="07:00", day=None, holidays=frozenset()):
    return replace(rule(rhythm, at, day), quiet=quiet, holidays=holidays)


CUTS = [
    # immediate and hourly: the marks of the night are one at its end, by the clock of the reader
    (quietly(NIGHT, "immediate"), SAIGON, "2026-11-24 14:55",
     ["2026-11-24 23:00", "2026-11-24 23:05"]),  # 06:00 and 06:05 in Viet Nam
    (quietly(NIGHT, "hourly"), SAIGON, "2026-11-24 13:30",
     ["2026-11-24 14:00", "2026-11-24 23:00", "2026-11-25 00:00"]),
    (quietly(NIGHT, "hourly"), "Asia/Kathmandu", "2026-11-24 15:30",
     ["2026-11-24 16:00", "2026-11-25 00:15", "2026-11-25 01:00"]),  # 21:45, 06:00, 06:45 there
    # Saturday 22:00 to Monday 06:00
    (quietly(BOTH, "immediate"), "UTC", "2026-11-28 21:55", ["2026-11-30 06:00"]),
    # by days: at the usual hour of the first day after, one with that day's own mail
    (quietly(SUNDAY, "daily"), "UTC", "2026-11-28 06:00",
     ["2026-11-28 07:00", "2026-11-30 07:00", "2026-12-01 07:00"]),
    (quietly(SUNDAY, "weekly", day="sunday"), "UTC", "2026-11-28", ["2026-11-30 07:00"]),
    (quietly(SUNDAY, "monthly"), "UTC", "2026-10-31", ["2026-11-02 07:00", "2026-12-01 07:00"]),
    (quietly(SUNDAY, "0 7,18 * * *"), "UTC", "2026-11-28 12:00",
     ["2026-11-28 18:00", "2026-11-30 07:00", "2026-11-30 18:00"]),
    # an hour of one's own in the night, and before a quiet day
    (quietly(NIGHT, "daily", "23:30"), "UTC", "2026-11-24",
     ["2026-11-24 06:00", "2026-11-25 06:00"]),
    (quietly(BOTH, "daily", "23:30"), "UTC", "2026-11-28 12:00",
     ["2026-11-30 06:00", "2026-12-01 06:00"]),
    (quietly(NIGHT, "daily", "23:30", holidays=frozenset({date(2026, 11, 25)})), "UTC",
     "2026-11-24 12:00", ["2026-11-26 06:00", "2026-11-27 06:00"]),
    # the end of the night does not exist, comes twice, moves by half an hour
    (quietly(read("22:00-02:30"), "immediate"), BERLIN, "2026-03-28 20:55",
     ["2026-03-29 01:00"]),  # 03:00 follows 01:59
    (quietly(read("22:00-02:00"), "daily", "23:00"), BERLIN, "2026-10-24 12:00",
     ["2026-10-25 00:00", "2026-10-26 01:00"]),
    (quietly(read("22:00-02:15"), "hourly"), LORD_HOWE, "2026-10-03 11:00",
     ["2026-10-03 15:30", "2026-10-03 16:00"]),  # 02:30 follows 01:59
    # on the morning after, the night was seven or nine hours long
    (quietly(NIGHT, "immediate"), NEW_YORK, "2026-03-08 02:55", ["2026-03-08 10:00"]),
    (quietly(NIGHT, "immediate"), NEW_YORK, "2026-11-01 01:55", ["2026-11-01 11:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("given_rule", "zone", "after", "expected"), CUTS)
def test_what_falls_into_a_quiet_time_is_cut_at_its_end(given_rule, zone, after, expected):
    at, cuts = utc(after), []
    for _ in expected:
        at = next_cut(given_rule, zone, at)
        cuts.append(at)
    assert cuts == [utc(one) for one in expected]
    for earlier, later in pairwise(cuts):
        assert previous_cut(given_rule, zone, later) == earlier
        assert latest_cut(given_rule, zone, later - MINUTES) == earlier


QUIET = st.builds(
    QuietTime,
    st.one_of(st.none(), st.tuples(TIMES, TIMES).filter(lambda two: two[0] != two[1])),
    st.frozensets(st.integers(0, 6), max_size=3),
).filter(lambda one: one.hours or one.weekdays)
NEAR = st.frozensets(st.integers(-4, 8), max_size=4)
"""Days around an instant."""


def _silent(given_rule, quiet, at, offsets):
    free = frozenset(at.date() + timedelta(days=one) for one in offsets)
    zoned = is_cron(given_rule.rhythm) or is_zoned(given_rule.rhythm)
    return replace(given_rule, quiet=quiet, holidays=free if zoned else frozenset())


@settings(max_examples=some(400, 80), deadline=None)
@given(RULES, QUIET, ZONES, INSTANTS, NEAR, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_laws_of_cuts_hold_with_quiet_times(given_rule, quiet, zone, at, offsets, ahead):
    silent = _silent(given_rule, quiet, at, offsets)
    following, before = next_cut(silent, zone, at), previous_cut(silent, zone, at)
    assert before < at < following
    assert following <= next_cut(silent, zone, at + ahead)
    assert before <= previous_cut(silent, zone, at + ahead)
    assert previous_cut(silent, zone, next_cut(silent, zone, following)) == following
    assert next_cut(silent, zone, previous_cut(silent, zone, before)) == before
    assert next_cut(silent, zone, before) in {at, following}
    assert latest_cut(silent, zone, following) == following
    assert not is_quiet_at(replace(quiet, dates=silent.holidays), ZoneInfo(zone), following)
    # nothing waits without a reason: right before it, it is quiet, or the rule itself is cut there
    if next_cut(replace(silent, quiet=None), zone, following - MINUTES / 60) != following:
        quiet = replace(quiet, dates=silent.holidays)
        moved = quiet.weekdays or silent.holidays
        assert moved or is_quiet_at(quiet, ZoneInfo(zone), following - MINUTES / 60)


@settings(max_examples=some(300, 80), deadline=None)
@given(QUIET, ZONES, INSTANTS)
def test_a_quiet_time_is_as_long_as_the_clock_says_it_is_quiet(quiet, zone, at):
    place = ZoneInfo(zone)
    begin, end = next_quiet(quiet, place, at)
    assert at < end
    assert begin < end
    assert not is_quiet_at(quiet, place, begin - MINUTES / 60_000_000)
    assert not is_quiet_at(quiet, place, end)
    for part in range(12):
        inside = begin + (end - begin) * part / 12
        assert is_quiet_at(quiet, place, inside)
        assert begin_of_quiet(quiet, place, inside) == begin
        assert end_of_quiet(quiet, place, inside) == end


@given(QUIET)
def test_the_text_of_a_quiet_time_means_the_same(quiet):
    assert read(quiet_text(quiet)) == quiet


def test_a_rule_is_read_back_with_its_quiet_time_and_holidays():
    written = Digest(cadence="daily", quiet={"hours": "22:00-06:00", "days": ["Sunday", "sat"]},
                     holidays=("2027-09-02",))  # fmt: skip
    schedule = rules.own(written, SAIGON)
    assert schedule.text == f"daily||07:00|{SAIGON}|2027-09-02|quiet 22:00-06:00,sat,sun"
    assert rules.read(schedule.text) == schedule
    at_once = rules.schedule(
        Digest(cadence="immediate", quiet={"days": ["sun"]}), None, None, BERLIN, SAIGON
    )
    assert at_once.text == f"immediate||07:00|{BERLIN}|quiet sun"
    assert rules.read(at_once.text) == at_once


SWALLOWED = [
    ({"cadence": "daily", "at": "23:00", "quiet": {"hours": "22:00-06:00"}}, True),
    ({"cadence": "daily", "at": "06:00", "quiet": {"hours": "22:00-06:00"}}, False),
    ({"cadence": "daily", "quiet": {"days": ["mon", "tue", "wed", "thu", "fri", "sat"]}}, False),
    ({"cadence": "weekly", "quiet": {"days": ["mon"]}}, True),
    ({"cadence": "weekly", "day": "sunday", "quiet": {"days": ["mon"]}}, False),
    ({"cadence": "daily", "cadences": ["daily", "weekly"], "quiet": {"days": ["mon"]}}, True),
    ({"cadence": "monthly", "day": 1, "quiet": {"days": ["mon"]}}, False),
    ({"cadence": "0 23,5 * * *", "quiet": {"hours": "22:00-06:00"}}, True),
    ({"cadence": "0 23,7 * * *", "quiet": {"hours": "22:00-06:00"}}, False),
    ({"cadence": "hourly", "quiet": {"hours": "00:00-23:59"}}, False),
    ({"cadence": "immediate", "quiet": {"hours": "22:00-06:00", "days": ["sun"]}}, False),
]


@pytest.mark.parametrize(("written", "swallowed"), SWALLOWED)
def test_a_quiet_time_that_swallows_a_cadence_is_a_fault(tmp_path, store, written, swallowed):
    room = Newsroom(store, tmp_path, {"tin": written})
    found = [finding for finding in faults(room.settings) if finding[0][2:] == ("quiet",)]
    assert bool(found) is swallowed


def test_a_quiet_time_that_leaves_no_day_or_names_none_is_refused():
    for wrong in ({}, {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}):
        with pytest.raises(ValidationError):
            Digest(quiet=wrong)


NEWS = {"ngay": {"cadence": "immediate", "quiet": {"hours": "22:00-06:00", "days": ["sun"]}}}


@pytest.mark.sampled
def test_a_night_is_one_mail_at_its_end_in_each_zone(store, tmp_path):
    """Monday 07:00 in Viet Nam, where it is Sunday still in New York."""
    room = Newsroom(store, tmp_path, NEWS, now=MONDAY - DAY - 4 * HOUR)  # Sunday 03:00
    here = room.subscribe("minh@example.vn", "ngay")
    room.subscribe("jo@example.com", "ngay", zone=NEW_YORK)
    at = room.now
    while at < MONDAY + DAY:
        if at.minute == 0 and at.hour % 6 == 0:
            room.story(f"Tin {at:%d %H}", at=at - 2 * MINUTES)
        if at == MONDAY - 3 * HOUR:
            row = room.row(here)
            assert row.next_cut_at == MONDAY - HOUR
            saturday_night = PutOff(MONDAY - DAY - 9 * HOUR, holiday=False)
            assert rules.read(row.rule).put_off(row.next_cut_at) == saturday_night
        if room.plan(at).deliveries:
            room.accept()
        at += some(30, 60) * MINUTES
    assert room.mails("minh@example.vn") == [
        ["Tin 22 00", "Tin 22 06", "Tin 22 12", "Tin 22 18"],
        ["Tin 23 00"], ["Tin 23 06"], ["Tin 23 12"], ["Tin 23 18"],
    ]  # fmt: skip
    assert room.mails("jo@example.com") == [
        ["Tin 22 00"],  # Saturday 19:00
        ["Tin 22 06", "Tin 22 12", "Tin 22 18", "Tin 23 00", "Tin 23 06"],  # Monday 06:00
        ["Tin 23 12"], ["Tin 23 18"],
    ]  # fmt: skip


def test_status_and_why_say_that_a_mail_waits_for_the_end_of_a_quiet_time(store, tmp_path):
    room = Newsroom(store, tmp_path, NEWS, now=MONDAY + 12 * HOUR)
    room.subscribe("minh@example.vn", "ngay")
    room.run(MONDAY + 14 * HOUR + 55 * MINUTES)  # 21:55 in Viet Nam
    room.story("Khuya", at=MONDAY + 16 * HOUR)
    room.run(MONDAY + 17 * HOUR)
    assert room.mails() == []
    with store.read() as connection:
        [told] = as_json(status(connection, room.now))["digests"]
        article = connection.scalar(select(t.article.c.id))
        key = connection.scalar(select(t.subscriber.c.address_key))
        answer = why(connection, key, article, [article], {"ngay": None}, room.now)
    assert told["put_off_from"] == (MONDAY + 15 * HOUR).isoformat()
    assert answer.reason == (
        "waits for ngay, next cut 2026-11-23 23:00 UTC, "
        "put off from 2026-11-23 15:00 UTC: a quiet time"
    )
    room.run(MONDAY + 23 * HOUR)
    assert room.mails() == [["Khuya"]]


def test_a_cut_that_is_made_up_for_late_waits_for_the_end_of_a_quiet_time(store, tmp_path):
    """The service stood still over Monday's cut, and comes back at night."""
    digest = {"cadence": "weekly", "quiet": {"hours": "22:00-06:00"}}
    room = Newsroom(store, tmp_path, {"tuan": digest})
    reader = room.subscribe()
    room.plan(MONDAY - DAY)
    room.story("Một", at=MONDAY - HOUR)
    room.run(MONDAY + 16 * HOUR)  # 23:00
    assert room.mails() == []
    assert room.row(reader).next_cut_at == MONDAY + 23 * HOUR
    room.run(MONDAY + 16 * HOUR + 30 * MINUTES)
    assert room.mails() == []
    room.run(MONDAY + 23 * HOUR)
    assert room.mails() == [["Một"]]
    assert room.row(reader).next_cut_at == MONDAY + 7 * DAY
    room.story("Hai", at=MONDAY + 2 * DAY)
    room.run(MONDAY + 7 * DAY)
    assert room.mails() == [["Một"], ["Hai"]]


def test_what_the_relay_did_not_take_before_the_night_waits_for_its_end(any_store, tmp_path):
    """Planned at 21:30 and put off by the relay: it would be tried again every half hour."""
    digest = {"cadence": "daily", "at": "21:30", "quiet": {"hours": "22:00-06:00"}}
    room = Newsroom(any_store, tmp_path, {"ngay": digest})
    room.subscribe("minh@example.vn", "ngay")
    room.subscribe("jo@example.com", "ngay", zone=NEW_YORK, hour="09:30")  # the same instant
    room.plan(MONDAY)
    room.story("Một", at=MONDAY + HOUR)
    evening = MONDAY + 14 * HOUR + 30 * MINUTES
    room.plan(evening)
    room.refuse(until=evening + 35 * MINUTES)
    sent, at = {}, evening
    while at < evening + 10 * HOUR:
        at += 20 * MINUTES
        room.plan(at)
        with any_store.read() as connection:
            [soonest] = connection.execute(select(func.min(t.delivery.c.next_try_at))).scalars()
        assert soonest <= at + HOUR / 2  # no hold that a repaired clock would take for an error
        room.accept()
        for row in accepted(any_store) - sent.keys():
            sent[row] = at
    assert sorted(sent.values()) == [evening + 40 * MINUTES, MONDAY + 23 * HOUR + 10 * MINUTES]
    assert room.mails("jo@example.com") == room.mails() == [["Một"]]


def test_a_welcome_is_not_held_back(store, tmp_path):
    room = Newsroom(store, tmp_path, NEWS)
    room.subscribe("minh@example.vn", "ngay")
    room.plan(MONDAY)
    room.story("Chiều", at=MONDAY + 9 * HOUR)
    room.run(MONDAY + 10 * HOUR)
    night = MONDAY + 17 * HOUR
    room.subscribe("lan@example.vn", "ngay", begins=night, welcome_due=True)
    room.welcome(night + MINUTES)
    room.refuse(until=night + 20 * MINUTES)
    room.plan(night + 20 * MINUTES)
    room.accept()
    assert room.mails("lan@example.vn") == [["Chiều"]]
    assert room.states() == {"accepted": 2}


def accepted(store):
    with store.read() as connection:
        return set(
            connection.scalars(select(t.delivery.c.id).where(t.delivery.c.state == "accepted"))
        )


def test_a_cut_that_is_asked_for_by_hand_is_not_held_back(store, tmp_path):
    room = Newsroom(store, tmp_path, NEWS)
    room.subscribe("minh@example.vn", "ngay")
    room.plan(MONDAY)
    room.story("Khuya", at=MONDAY + 14 * HOUR)
    room.plan(MONDAY + 16 * HOUR, at=MONDAY + 23 * HOUR, digest="ngay")
    assert room.mails() == [["Khuya"]]
    room.plan(MONDAY + 16 * HOUR + MINUTES)
    room.accept()
    assert room.states() == {"accepted": 1}


def test_a_quiet_time_that_is_written_or_taken_away_moves_the_cut_that_waits():
    plain = Schedule(rule("hourly"), "UTC")
    night = Schedule(replace(plain.rule, quiet=NIGHT), "UTC")
    row = waiting(plain, utc("2026-11-24 23:00"))
    assert next_of(row, night, utc("2026-11-24 22:30")) == utc("2026-11-25 06:00")
    row = waiting(night, utc("2026-11-25 06:00"))
    assert next_of(row, plain, utc("2026-11-25 01:30")) == utc("2026-11-24 22:00")  # is due
    longer = Schedule(replace(plain.rule, quiet=read("22:00-08:00")), "UTC")
    assert next_of(row, longer, utc("2026-11-25 01:30")) == utc("2026-11-25 08:00")


def test_a_day_that_is_kept_free_after_its_mail_does_not_delay_that_of_the_next_day():
    plain = Schedule(rule("daily"), "UTC")
    free = Schedule(replace(plain.rule, holidays=frozenset({date(2026, 11, 24)})), "UTC")
    row = waiting(plain, utc("2026-11-25 07:00"))  # that of the 24th was taken
    assert next_of(row, free, utc("2026-11-24 09:00")) == utc("2026-11-25 07:00")


def test_a_day_that_did_not_happen_does_not_stop_the_clock():
    """Apia went from Thursday 29 to Saturday 31 December 2011."""
    friday = read("fri")
    assert next_cut(quietly(friday, "daily"), APIA, utc("2011-12-29 18:00")) == utc(
        "2011-12-30 17:00"
    )
    assert end_of_quiet(friday, ZoneInfo(APIA), utc("2011-12-30 09:59")) == utc("2011-12-30 09:59")
