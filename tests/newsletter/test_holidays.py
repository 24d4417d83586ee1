"""Days without a mail: cuts move to the first day after, and everything of them stays lawful."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from service.newsletter import holidays, rules
from service.newsletter.cadence import latest_cut, next_cut, previous_cut
from service.newsletter.holidays import days, read, text
from service.newsletter.rules import PutOff
from service.newsletter.scheduling import next_of
from service.report.status import as_json, status
from service.report.why import why
from service.store import tables as t
from service.store.audience.cut_times import Scheduling
from tests.levels import some, table
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, Newsroom
from tests.newsletter.test_cadence import APIA, INSTANTS, NEW_YORK, RULES, SAIGON, ZONES, rule, utc

TET = days(("2027-02-05/2027-02-11",))
"""Friday to Thursday."""

CUTS = [
    ("daily", None, ["2027-02-04", "2027-02-12", "2027-02-13"]),
    ("weekly", "monday", ["2027-02-12", "2027-02-15"]),
    ("weekly", "friday", ["2027-02-12", "2027-02-19"]),  # both of them are one
    ("monthly", "5", ["2027-02-12", "2027-03-05"]),
    ("0 7 * * 1,4", None, ["2027-02-04", "2027-02-12", "2027-02-15"]),
]


@table(("rhythm", "day", "expected"), CUTS)
def test_a_cut_on_a_holiday_moves_to_the_first_day_after(rhythm, day, expected):
    given = replace(rule(rhythm, day=day), holidays=TET)
    at, found = utc("2027-02-03 12:00"), []
    for _ in expected:
        at = next_cut(given, "UTC", at)
        found.append(f"{at:%Y-%m-%d}")
        assert at.hour == 7
    assert found == expected


def test_several_cuts_of_a_day_keep_their_times_and_stand_in_order():
    given = replace(rule("0 7,18 11,12 2 *"), holidays=TET)
    cuts = [next_cut(given, SAIGON, utc("2027-02-01"))]
    cuts.append(next_cut(given, SAIGON, cuts[0]))
    assert cuts == [utc("2027-02-12 00:00"), utc("2027-02-12 11:00")]
    assert previous_cut(given, SAIGON, cuts[1]) == cuts[0]
    assert latest_cut(given, SAIGON, utc("2027-02-20")) == cuts[1]


def test_the_hour_is_kept_where_the_clocks_change_meanwhile():
    """On 14 March 2027 New York goes to summer time, on a holiday."""
    given = replace(rule("daily"), holidays=days(("2027-03-13/2027-03-15",)))
    assert next_cut(given, NEW_YORK, utc("2027-03-12 12:00")) == utc("2027-03-16 11:00")
    gap = replace(rule("daily", "02:30"), holidays=days(("2027-03-13",)))
    assert next_cut(gap, NEW_YORK, utc("2027-03-12 08:00")) == utc("2027-03-14 07:00")


NEAR = st.frozensets(st.integers(-12, 25), max_size=14)
"""Days around an instant."""


def _with(given_rule, at, offsets):
    free = frozenset(at.date() + timedelta(days=one) for one in offsets)
    return replace(given_rule, holidays=frozenset() if _on_grid(given_rule) else free)


def _on_grid(given_rule):
    return given_rule.rhythm in {"immediate", "hourly"}


@settings(max_examples=some(300, 80), deadline=None)
@given(RULES, ZONES, INSTANTS, NEAR, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_the_laws_of_cuts_hold_with_holidays(given_rule, zone, at, offsets, ahead):
    free = _with(given_rule, at, offsets)
    following, before = next_cut(free, zone, at), previous_cut(free, zone, at)
    assert before < at < following
    assert following <= next_cut(free, zone, at + ahead)
    assert before <= previous_cut(free, zone, at + ahead)
    assert previous_cut(free, zone, next_cut(free, zone, following)) == following
    assert next_cut(free, zone, previous_cut(free, zone, before)) == before
    assert next_cut(free, zone, before) in {at, following}
    assert latest_cut(free, zone, following) == following
    if zone != APIA:  # a day that did not happen is cut on the next one
        assert following.astimezone(ZoneInfo(zone)).date() not in free.holidays


@settings(max_examples=some(300, 60), deadline=None)
@given(RULES.filter(lambda one: not _on_grid(one)), INSTANTS, NEAR)
def test_cuts_are_those_of_the_rule_each_put_off(given_rule, at, offsets):
    free, end = _with(given_rule, at, offsets), at + timedelta(days=30)
    plain = takewhile(lambda cut: cut <= end, _cuts(given_rule, at - timedelta(days=60)))
    civil = [cut.replace(tzinfo=None) for cut in plain]
    moved = {holidays.put_off(one, free.holidays).replace(tzinfo=UTC) for one in civil}
    expected = sorted(cut for cut in moved if at < cut <= end)
    assert list(takewhile(lambda cut: cut <= end, _cuts(free, at))) == expected


def _cuts(given_rule, at):
    while True:
        at = next_cut(given_rule, "UTC", at)
        yield at


@given(st.frozensets(st.dates(date(2026, 1, 1), date(2026, 3, 1)), min_size=1))
def test_the_text_of_holidays_means_the_same_days(free):
    assert read(text(free)) == free


def test_days_at_the_end_of_all_calendars_are_days():
    assert days(("9999-12-31", "0001-01-01")) == {date.max, date.min}
    free = replace(rule("daily"), holidays=days(("9999-12-31", "0001-01-01")))
    assert next_cut(free, "UTC", utc("2027-01-01")) == utc("2027-01-01 07:00")


def test_a_mail_waits_over_holidays_and_tells_all_of_them_once(store, tmp_path):
    """Monday is a holiday: what came since Sunday's mail comes on Tuesday, in one."""
    room = Newsroom(store, tmp_path, {"ngay": {"cadence": "daily", "holidays": ["2026-11-23"]}})
    reader = room.subscribe("minh@example.vn", "ngay")
    for title, at in (("Một", MONDAY - 2 * HOUR), ("Hai", MONDAY + HOUR)):
        room.run(at - HOUR)
        room.story(title, at=at)
    room.run(MONDAY + 2 * HOUR)
    assert room.titles() == []
    row = room.row(reader)
    assert row.next_cut_at == MONDAY + DAY
    assert rules.read(row.rule).put_off(row.next_cut_at) == PutOff(MONDAY, holiday=True)
    with store.read() as connection:
        [told] = as_json(status(connection, room.now))["digests"]
    assert told["put_off_from"] == MONDAY.isoformat()
    assert _why(store, room.now).reason == (
        "waits for ngay, next cut 2026-11-24 00:00 UTC, "
        "put off from 2026-11-23 00:00 UTC: a holiday"
    )
    room.run(MONDAY + DAY)
    assert room.mails() == [["Một", "Hai"]]
    room.run(MONDAY + 2 * DAY)
    assert len(room.mails()) == 1
    assert rules.read(row.rule).put_off(MONDAY + 2 * DAY) is None


def _why(store, now):
    with store.write() as connection:
        article = connection.scalar(select(t.article.c.id).where(t.article.c.title == "Hai"))
        key = connection.scalar(select(t.subscriber.c.address_key))
        return why(connection, key, article, [article], {"ngay": None}, now)


def test_holidays_that_are_written_later_move_the_cut_that_waits(store, tmp_path):
    room = Newsroom(store, tmp_path, {"tuan": {"cadence": "weekly"}})
    reader = room.subscribe()
    room.plan(MONDAY - DAY)
    assert room.row(reader).next_cut_at == MONDAY
    room.load(digest={"tuan": {"cadence": "weekly", "holidays": ["2026-11-23"]}})
    room.plan(MONDAY - HOUR)
    assert room.row(reader).next_cut_at == MONDAY + DAY
    room.load(digest={"tuan": {"cadence": "weekly"}})
    room.plan(MONDAY - HOUR)
    assert room.row(reader).next_cut_at == MONDAY


def waiting(before, next_cut_at):
    """A subscription that waits for this cut by its rule."""
    return Scheduling(1, starts_at=utc("2026-01-01"), next_cut_at=next_cut_at, rule=before.text)


def test_a_list_that_is_shortened_brings_at_once_what_it_had_put_off():
    plain = rules.Schedule(rule("monthly", day="5"), "UTC")
    before = rules.Schedule(replace(plain.rule, holidays=TET), "UTC")
    row = waiting(before, utc("2027-02-12 07:00"))
    assert next_of(row, plain, utc("2027-02-08 12:00")) == utc("2027-02-05 07:00")
    longer = rules.Schedule(replace(plain.rule, holidays=days(("2027-02-05/2027-02-09",))), "UTC")
    assert next_of(row, longer, utc("2027-02-08 12:00")) == utc("2027-02-10 07:00")


def test_a_day_that_becomes_a_holiday_after_its_cut_puts_off_nothing():
    before = rules.Schedule(rule("weekly", day="monday"), "UTC")
    today = replace(before.rule, holidays=days(("2027-02-01",)))
    row = waiting(before, utc("2027-02-08 07:00"))
    after = rules.Schedule(today, "UTC")
    assert next_of(row, after, utc("2027-02-01 09:00")) == utc("2027-02-08 07:00")
    missed = waiting(before, utc("2027-02-01 07:00"))
    assert next_of(missed, after, utc("2027-02-01 09:00")) == utc("2027-02-02 07:00")
