"""Civil time to instants: tables over zones, gaps, overlaps, month ends, and the laws of cuts."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.model import CadenceRule
from service.newsletter.cadence import check_cron, instant, latest_cut, next_cut, previous_cut
from tests.levels import some, table

SAIGON = "Asia/Ho_Chi_Minh"
NEW_YORK = "America/New_York"  # gap 8 March 2026 02:00-03:00, overlap 1 November 01:00-02:00
BERLIN = "Europe/Berlin"  # gap 29 March 2026 02:00-03:00, overlap 25 October 02:00-03:00
LORD_HOWE = "Australia/Lord_Howe"  # a shift of half an hour: gap 4 October 2026 02:00-02:30
CHATHAM = "Pacific/Chatham"  # +12:45/+13:45: overlap 5 April 2026 02:45-03:45
APIA = "Pacific/Apia"  # 30 December 2011 did not happen
SANTIAGO = "America/Santiago"  # gap 6 September 2026 at midnight
CAIRO = "Africa/Cairo"  # gap 24 April 2026 at midnight, a Friday


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rule(rhythm: str, at: str = "07:00", day: str | None = None) -> CadenceRule:
    return CadenceRule(rhythm, time.fromisoformat(at), day)


CUTS = [
    # fixed grids in UTC, wherever the reader is
    (rule("immediate"), SAIGON, "2026-11-24 08:00:00", ["2026-11-24 08:05", "2026-11-24 08:10"]),
    (rule("immediate"), CHATHAM, "2026-11-24 08:04:59.999999", ["2026-11-24 08:05"]),
    (rule("hourly"), "Asia/Kathmandu", "2026-11-24 08:00:01", ["2026-11-24 09:00"]),
    # daily
    (rule("daily"), SAIGON, "2026-11-23 23:59:59", ["2026-11-24 00:00", "2026-11-25 00:00"]),
    (rule("daily"), SAIGON, "2026-11-24 00:00", ["2026-11-25 00:00"]),
    # weekly, Monday where nothing is said
    (rule("weekly"), SAIGON, "2026-11-24 08:00", ["2026-11-30 00:00", "2026-12-07 00:00"]),
    (rule("weekly", day="sunday"), SAIGON, "2026-11-24 08:00", ["2026-11-29 00:00"]),
    (rule("weekly", "00:30", "monday"), SAIGON, "2026-11-24 08:00", ["2026-11-29 17:30"]),
    # month ends: day 31 is the last day, of February as well
    (rule("monthly", day="31"), "UTC", "2026-01-15", ["2026-01-31 07:00", "2026-02-28 07:00",
                                                      "2026-03-31 07:00", "2026-04-30 07:00"]),
    (rule("monthly", day="30"), "UTC", "2028-01-31", ["2028-02-29 07:00", "2028-03-30 07:00"]),
    (rule("monthly", day="last"), "UTC", "2026-12-31 07:00", ["2027-01-31 07:00"]),
    (rule("monthly"), "UTC", "2026-01-01 07:00", ["2026-02-01 07:00"]),
    # quarters begin in January, April, July, October; half-years in January and July
    (rule("quarterly"), "UTC", "2026-05-02", ["2026-07-01 07:00", "2026-10-01 07:00",
                                              "2027-01-01 07:00", "2027-04-01 07:00"]),
    (rule("quarterly", day="31"), "UTC", "2026-02-01", ["2026-04-30 07:00", "2026-07-31 07:00"]),
    (rule("half-yearly", day="15"), "UTC", "2026-01-15 07:00", ["2026-07-15 07:00",
                                                                "2027-01-15 07:00"]),
    # a gap: the first instant after it, and the next day as usual
    (rule("daily", "02:30"), NEW_YORK, "2026-03-07 12:00", ["2026-03-08 07:00",
                                                            "2026-03-09 06:30"]),
    (rule("daily", "02:30"), BERLIN, "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:30"]),
    (rule("daily", "02:15"), LORD_HOWE, "2026-10-03 12:00", ["2026-10-03 15:30"]),
    (rule("weekly", "00:00", "sunday"), SANTIAGO, "2026-09-01", ["2026-09-06 04:00"]),
    (rule("weekly", "00:30", "friday"), CAIRO, "2026-04-20", ["2026-04-23 22:00"]),
    (rule("daily", "07:00"), APIA, "2011-12-29 12:00", ["2011-12-29 17:00", "2011-12-30 10:00",
                                                        "2011-12-30 17:00"]),
    # an overlap: its first pass alone
    (rule("daily", "01:30"), NEW_YORK, "2026-10-31 12:00", ["2026-11-01 05:30",
                                                            "2026-11-02 06:30"]),
    (rule("daily", "01:30"), NEW_YORK, "2026-11-01 05:45", ["2026-11-02 06:30"]),
    (rule("daily", "02:00"), BERLIN, "2026-10-24 12:00", ["2026-10-25 00:00", "2026-10-26 01:00"]),
    (rule("daily", "03:00"), CHATHAM, "2026-04-04 12:00", ["2026-04-04 13:15"]),
    # cron: civil time as well; 0 and 7 are Sunday
    (rule("30 7 * * 1-5"), SAIGON, "2026-11-27 02:00", ["2026-11-30 00:30"]),
    (rule("0 7 * * 0"), "UTC", "2026-11-24", ["2026-11-29 07:00"]),
    (rule("0 7 * * 7"), "UTC", "2026-11-24", ["2026-11-29 07:00"]),
    (rule("0 0 29 2 *"), "UTC", "2026-03-01", ["2028-02-29 00:00"]),
    (rule("30 2 * * *"), NEW_YORK, "2026-03-08 00:00", ["2026-03-08 07:00", "2026-03-09 06:30"]),
    (rule("*/30 * * * *"), NEW_YORK, "2026-03-08 06:00", ["2026-03-08 06:30", "2026-03-08 07:00",
                                                          "2026-03-08 07:30"]),
    (rule("*/30 * * * *"), NEW_YORK, "2026-11-01 05:00", ["2026-11-01 05:30", "2026-11-01 07:00"]),
    (rule("*/30 * * * *"), NEW_YORK, "2026-11-01 06:15", ["2026-11-01 07:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("given_rule", "zone", "after", "expected"), CUTS)
def test_the_cuts_that_follow_each_other(given_rule, zone, after, expected):
    cuts = []
    at = utc(after)
    for _ in expected:
        at = next_cut(given_rule, zone, at)
        cuts.append(at)
    assert cuts == [utc(one) for one in expected]
    for earlier, later in pairwise(cuts):
        assert previous_cut(given_rule, zone, later) == earlier
    assert latest_cut(given_rule, zone, cuts[-1]) == cuts[-1]


def test_a_civil_time_in_the_second_pass_of_an_overlap_looks_back_to_its_first():
    second_pass = utc("2026-11-01 06:10")  # 01:10 again in New York
    daily = rule("daily", "01:30")
    assert previous_cut(daily, NEW_YORK, second_pass) == utc("2026-11-01 05:30")
    assert previous_cut(rule("30 1 * * *"), NEW_YORK, second_pass) == utc("2026-11-01 05:30")


ZONES = st.sampled_from(
    [SAIGON, NEW_YORK, BERLIN, LORD_HOWE, CHATHAM, APIA, SANTIAGO, CAIRO, "UTC", "Asia/Kathmandu"]
)
TIMES = st.builds(time, st.integers(0, 23), st.integers(0, 59))
WEEKLY = st.builds(
    CadenceRule, st.just("weekly"), TIMES,
    st.sampled_from([None, "monday", "wednesday", "saturday", "sunday"]),
)  # fmt: skip
MONTHLY = st.builds(
    CadenceRule, st.sampled_from(["monthly", "quarterly", "half-yearly"]), TIMES,
    st.sampled_from([None, "1", "15", "28", "29", "30", "31", "last"]),
)  # fmt: skip
PLAIN = st.builds(CadenceRule, st.sampled_from(["immediate", "hourly", "daily"]), TIMES)
CRON = st.builds(
    CadenceRule,
    st.sampled_from(
        ["30 2 * * *", "*/7 1-3 * * *", "0 0 1 * *", "15 1 31 * *", "0 12 * * 5", "59 23 * 2 0,3",
         "0 3 * * 7", "0,45 2 25-31 3,10 *"]
    ),
)  # fmt: skip
RULES = st.one_of(WEEKLY, MONTHLY, PLAIN, CRON)
# Around the turns of the zones above as well as anywhere.
TURNS = [
    "2026-03-08 07:00", "2026-11-01 06:00", "2026-03-29 01:00", "2026-10-25 01:00",
    "2026-10-03 15:30", "2026-04-04 14:00", "2011-12-30 10:00", "2026-09-06 04:00",
    "2026-04-23 22:00",
]  # fmt: skip
INSTANTS = st.one_of(
    st.integers(0, 25 * 366 * 86400).map(lambda s: utc("2010-01-01") + timedelta(seconds=s)),
    st.builds(
        lambda turn, minutes: utc(turn) + timedelta(minutes=minutes),
        st.sampled_from(TURNS),
        st.integers(-300, 300),
    ),
)


@settings(max_examples=some(300, 100), deadline=None)
@given(RULES, ZONES, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_cuts_never_go_back(given_rule, zone, at, ahead):
    assert next_cut(given_rule, zone, at) > at
    assert previous_cut(given_rule, zone, at) < at
    assert next_cut(given_rule, zone, at) <= next_cut(given_rule, zone, at + ahead)
    assert previous_cut(given_rule, zone, at) <= previous_cut(given_rule, zone, at + ahead)


@settings(max_examples=some(300, 100), deadline=None)
@given(RULES, ZONES, INSTANTS)
def test_next_and_previous_are_each_other_s_inverse(given_rule, zone, at):
    following = next_cut(given_rule, zone, at)
    before = previous_cut(given_rule, zone, at)
    assert previous_cut(given_rule, zone, next_cut(given_rule, zone, following)) == following
    assert next_cut(given_rule, zone, previous_cut(given_rule, zone, before)) == before
    between = next_cut(given_rule, zone, before)
    assert between in {at, following}  # nothing lies between but `at` itself
    assert latest_cut(given_rule, zone, following) == following


@settings(max_examples=some(300, 100), deadline=None)
@given(ZONES, INSTANTS)
def test_an_instant_reads_as_its_civil_time_or_lies_behind_a_gap(zone, at):
    place = ZoneInfo(zone)
    civil = at.astimezone(place).replace(tzinfo=None, fold=0)
    for minutes in (0, 30, 60, 90, 120):
        wanted = civil + timedelta(minutes=minutes)
        found = instant(wanted, place)
        read = found.astimezone(place).replace(tzinfo=None)
        if read == wanted:
            assert found.astimezone(place).fold == 0
        else:  # it fell into a gap: right before it the clock showed an earlier time
            before = (found - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None)
            assert before < wanted < read


@table(
    ("line", "why"),
    [
        ("* * *", "5 fields"),
        ("* * * * * *", "5 fields"),
        ("61 * * * *", "minute"),
        ("0 25 * * *", "hour"),
        ("0 0 30 2 *", "day"),
        ("0 0 * * 8", "week"),
        ("x y z a b", "minute"),
        ("0 0 32 * *", "day"),
    ],
)
def test_a_line_that_cron_would_not_take_is_refused(line, why):
    with pytest.raises(ValueError, match=why):
        check_cron(line)
    with pytest.raises(ValueError):
        next_cut(CadenceRule(line), "UTC", utc("2026-11-24"))
