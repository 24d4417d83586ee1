"""How a subscription at a hub is told: one word, plain words, JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.report import hubs
from service.report.sentence import in_english
from service.store.websub.hub_overview import HubRow


@pytest.fixture
def alive(now):
    return HubRow(
        hub="https://hub.example/x", topic="https://bao.example/rss", asked_mode=None, asked_at=now,
        signed=True, alive_since=now, subscribed_until=now + timedelta(days=10), refused_at=None,
        failures=0, error=None, next_try_at=now + timedelta(days=6), delivered_count=0,
        delivered_at=None, missed_at=None, unsigned_count=0, unsigned_at=None,
    )  # fmt: skip


def words(row, now):
    return in_english().tell(hubs.words(row, now))


def test_each_state_has_its_word_and_its_words(alive, now):
    rows = {
        "alive": alive,
        "silent": replace(alive, missed_at=now),
        "asked": replace(alive, alive_since=None, subscribed_until=None),
        "refused": replace(
            alive,
            alive_since=None,
            subscribed_until=None,
            refused_at=now,
            error="the hub denied it: no",
        ),
        "failing": replace(
            alive, alive_since=None, subscribed_until=None, error="the server answered 500"
        ),
    }
    said = {name: (hubs.state(row, now), words(row, now)) for name, row in rows.items()}
    assert {name: state for name, (state, _) in said.items()} == {name: name for name in rows}
    assert said["alive"][1] == ("hub.example brings its news until 2026-12-04 08:00Z (nothing yet)")
    assert said["silent"][1] == (
        "hub.example did not bring what a poll found 2026-11-24 08:00Z; polled as without a hub"
    )
    assert said["asked"][1] == (
        "hub.example was asked 2026-11-24 08:00Z and has not confirmed it; polled so far"
    )
    assert said["refused"][1] == (
        "hub.example does not: the hub denied it: no (asked once more 2026-11-30 08:00Z); polled"
    )
    assert said["failing"][1] == (
        "hub.example cannot be asked: the server answered 500 (tried again 2026-11-30 08:00Z); "
        "polled"
    )


def test_a_lease_that_is_over_is_not_alive(alive, now):
    assert hubs.state(alive, now + timedelta(days=11)) == "asked"


def test_deliveries_and_forgeries_are_counted(alive, now):
    last = now - timedelta(hours=1)
    row = replace(alive, delivered_count=2, delivered_at=now, unsigned_count=3, unsigned_at=last)
    assert words(row, now).endswith(
        "(2 deliveries, the last 2026-11-24 08:00Z; "
        "3 with a wrong signature, the last 2026-11-24 07:00Z)"
    )
    told = hubs.as_json(row, now)
    assert told is not None
    assert (told["state"], told["deliveries"], told["bad_signatures"]) == ("alive", 2, 3)
    assert told["last_bad_signature"] == "2026-11-24T07:00:00+00:00"
    assert told["until"] == "2026-12-04T08:00:00+00:00"


def test_where_there_is_no_hub_nothing_is_said(now):
    assert (words(None, now), hubs.as_json(None, now)) == ("", None)
