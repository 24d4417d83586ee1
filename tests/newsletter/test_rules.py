"""Which rule a subscription is cut by, and what is wrong in the TOML of a digest."""

from __future__ import annotations

from datetime import time

import pytest

from service.config.schema import Settings
from service.model import CadenceRule
from service.newsletter import rules
from service.newsletter.faults import faults
from tests.levels import table
from tests.newsletter.newsroom import configuration

SAIGON = "Asia/Ho_Chi_Minh"


def settings(**digest):
    return Settings.model_validate(configuration({"tuan": digest}))


def digest(**values):
    return settings(**values).digest["tuan"]


@table(
    ("written", "preferences", "expected"),
    [
        ({"cadence": "weekly"}, (None, None), CadenceRule("weekly", time(7), "monday")),
        (
            {"cadence": "weekly", "day": "friday", "at": "16:30"},
            ("weekly", None),
            CadenceRule("weekly", time(16, 30), "friday"),
        ),
        ({"cadence": "weekly"}, ("weekly", "18:00"), CadenceRule("weekly", time(18), "monday")),
        # a day says something only about the cadence that it fits
        (
            {"cadence": "weekly", "cadences": ["weekly", "monthly"], "day": "friday"},
            ("monthly", None),
            CadenceRule("monthly", time(7), "1"),
        ),
        (
            {"cadence": "monthly", "cadences": ["weekly", "monthly"], "day": 31},
            ("monthly", None),
            CadenceRule("monthly", time(7), "31"),
        ),
        (
            {"cadence": "monthly", "cadences": ["weekly", "monthly"], "day": 31},
            ("weekly", None),
            CadenceRule("weekly", time(7), "monday"),
        ),
        ({"cadence": "daily"}, ("daily", "06:15"), CadenceRule("daily", time(6, 15))),
        # an hour means nothing to these
        ({"cadence": "immediate"}, ("immediate", "06:15"), CadenceRule("immediate")),
        ({"cadence": "0 7  * * 1-5"}, (None, "06:15"), CadenceRule("0 7 * * 1-5")),
        # what is not offered any more follows the digest
        ({"cadence": "daily"}, ("weekly", None), CadenceRule("daily", time(7))),
        (
            {"cadence": "daily", "cadences": ["weekly"]},
            ("weekly", None),
            CadenceRule("weekly", time(7), "monday"),
        ),
    ],
)
def test_the_rule_of_a_subscription(written, preferences, expected):
    assert rules.rule_of(digest(**written), *preferences) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [(None, SAIGON), ("Europe/Berlin", "Europe/Berlin"), ("No/Where", SAIGON), ("../etc", SAIGON)],
)
def test_the_zone_is_the_subscribers_else_the_sites(zone, expected):
    assert rules.schedule(digest(cadence="daily"), "daily", None, zone, SAIGON).zone == expected


def test_a_rule_without_civil_time_is_the_same_in_every_zone():
    hourly = digest(cadence="hourly")
    one = rules.schedule(hourly, "hourly", None, "Europe/Berlin", SAIGON)
    assert one == rules.own(hourly, SAIGON)


@table(
    "written",
    [
        {"cadence": "weekly", "day": "friday"},
        {"cadence": "half-yearly", "day": "last"},
        {"cadence": "immediate"},
        {"cadence": "daily", "at": "23:59"},
        {"cadence": "0,30 7 * 1-6 1#2"},
        {"cadence": "daily", "holidays": ["2027-09-02", "2027-02-05/2027-02-11"]},
        {"cadence": "0 7 * * 1", "holidays": ["2027-09-02"]},
    ],
)
def test_a_schedule_is_read_back_from_its_text(written):
    own = rules.own(digest(**written), SAIGON)
    assert rules.read(own.text) == own


@table(
    "written",
    [
        {"cadence": "weekly", "day": "sunday", "at": "06:00", "topics": ["giao-duc"]},
        {"cadence": "half-yearly", "day": "last", "max_lateness": "7d"},
        {"cadence": "monthly", "day": 31, "cadences": ["weekly", "monthly"]},
        {"cadence": "weekly", "day": 15, "cadences": ["weekly", "monthly"]},
        {"cadence": "0 7 * * 1-5", "cadences": ["0 7 * * 1-5", "weekly"], "at": "08:00"},
        {"cadence": "hourly", "cadences": ["hourly", "daily"], "holidays": ["2027-09-02"]},
        {"cadence": "immediate", "quiet": {"hours": "22:00-06:00"}, "bundle": "10m"},
    ],
)
def test_what_makes_sense_has_no_fault(written):
    assert faults(settings(**written)) == []


@table(
    ("written", "key", "problem", "remedy"),
    [
        ({"cadence": "wekly"}, "cadence", "there is no cadence 'wekly'", 'did you mean "weekly"?'),
        ({"cadence": "fortnight"}, "cadence", "'fortnight'", "immediate, hourly, daily"),
        (
            {"cadence": "dayly", "cadences": ["daily", "weekly"]},
            "cadence",
            "'dayly'",
            'did you mean "daily"?',
        ),
        ({"cadence": "0 25 * * *"}, "cadence", "bad hour", "minute hour day month weekday"),
        ({"cadence": "0 0 30 2 *"}, "cadence", "bad day", "0 7 * * 1-5"),
        ({"cadence": "7 * *"}, "cadence", "5 fields", "0 7 * * 1-5"),
        ({"cadence": "0 7 * * " + ",".join(["1"] * 40)}, "cadence", "64 characters", "shorter"),
        (
            {"cadences": ["daily", "monthly"]},
            "cadence",
            "not among cadences",
            'write cadences = ["weekly", "daily", "monthly"]',
        ),
        ({"cadence": "weekly", "cadences": ["weekly", "daly"]}, "cadences", "'daly'", '"daily"?'),
        ({"cadence": "weekly", "day": 15}, "day", "15 fits no cadence", "monday"),
        ({"cadence": "monthly", "day": "friday"}, "day", "'friday'", '"last"'),
        ({"cadence": "daily", "day": "friday"}, "day", "'friday'", "leave it out"),
        ({"cadence": "hourly", "at": "06:00"}, "at", "no hour of its own", "leave it out"),
        ({"cadence": "0 7 * * *", "at": "06:00"}, "at", "no hour of its own", "leave it out"),
        ({"topics": []}, "topics", "no topic is named", "leave it out"),
        (
            {"cadence": "hourly", "holidays": ["2027-09-02"]},
            "holidays",
            "on holidays as well",
            "daily or longer",
        ),
        (
            {"cadence": "daily", "at": "23:00", "quiet": {"hours": "22:00-06:00"}},
            "quiet",
            "every mail that is daily, at 23:00 would fall into it",
            "another hour or day",
        ),
        ({"cadence": "daily", "bundle": "15m"}, "bundle", "only immediate", "immediate"),
        ({"cadence": "immediate", "bundle": "5m"}, "bundle", "every 5 minutes", '"10m" to "1d"'),
        ({"max_lateness": "1m"}, "max_lateness", "expire", '"10m"'),
    ],
)
def test_nonsense_is_named_with_what_would_be_right(written, key, problem, remedy):
    [(path, said, right)] = faults(settings(**written))
    assert path == ("digest", "tuan", key)
    assert problem in said
    assert remedy in right


def test_every_fault_of_every_digest_is_listed():
    found = faults(
        Settings.model_validate(
            configuration({
                "mot": {"cadence": "wekly", "topics": []},
                "hai": {"cadence": "daily", "day": "friday"},
            })
        )
    )  # fmt: skip
    assert [path for path, _, _ in found] == [
        ("digest", "mot", "cadence"),
        ("digest", "mot", "topics"),
        ("digest", "hai", "day"),
    ]
