"""How often a digest comes, in words."""

from __future__ import annotations

from datetime import time
from itertools import product

from service.model import Cadence, CadenceRule, QuietTime
from service.render.engine import shipped_templates
from service.render.rhythm import rhythm
from service.render.words import load_words
from tests.levels import table

VI = load_words([shipped_templates()], "vi")
EN = load_words([shipped_templates()], "en")

BOTH = QuietTime((time(22), time(6)), frozenset({6}))


@table(
    ("rule", "vi", "en"),
    [
        (CadenceRule("weekly"), "sáng thứ Hai, 07:00", "Mondays, 07:00"),
        (CadenceRule("weekly", time(19, 30), "sunday"), "tối Chủ nhật, 19:30", "Sundays, 19:30"),
        (CadenceRule("daily", time(12)), "mỗi ngày, 12:00", "every day, 12:00"),
        (
            CadenceRule("hourly", quiet=BOTH),
            "mỗi giờ (trừ 22:00–06:00, Chủ nhật)",
            "every hour, except 22:00–06:00, Sunday",
        ),
        (
            CadenceRule("daily", quiet=BOTH),
            "mỗi ngày, 07:00 (trừ Chủ nhật)",
            "every day, 07:00, except Sunday",
        ),
        (CadenceRule("weekly", quiet=BOTH), "sáng thứ Hai, 07:00", "Mondays, 07:00"),
        (
            CadenceRule("monthly", time(7), "last"),
            "ngày cuối tháng, 07:00",
            "on the last day of every month, 07:00",
        ),
        (
            CadenceRule("monthly", time(7), "15"),
            "ngày 15 hằng tháng, 07:00",
            "on day 15 of every month, 07:00",
        ),
        (CadenceRule("immediate"), "ngay khi có tin", "as soon as there is news"),
        (CadenceRule("0 7 * * 1,4"), "theo lịch riêng", "on a schedule of its own"),
    ],
)
def test_rhythms(rule, vi, en):
    assert rhythm(rule, VI) == vi
    assert rhythm(rule, EN) == en


def test_every_cadence_has_words():
    rules = [
        CadenceRule(cadence, time(hour), None if cadence == Cadence.WEEKLY else day)
        for cadence, day, hour in product(Cadence, [None, "last", "31"], [0, 10, 11, 13, 18, 23])
    ]
    assert [rule for rule in rules if "{" in rhythm(rule, VI) + rhythm(rule, EN)] == []
