"""Counters of sign-up mails: asked at each sign-up, so a flood must not make them slow."""

from __future__ import annotations

from datetime import timedelta

from service.store.audience import signup_hours
from service.store.audience.signup_hours import EVERYBODY, Cap

WEEK = timedelta(days=6)


def test_the_first_hour_with_room_in_every_counter(any_store, now):
    caps = {EVERYBODY: Cap(2, 4), b"domain": Cap(1, 9)}
    with any_store.ledger() as connection:
        for at in (now, now + timedelta(hours=1)):
            signup_hours.count(connection, caps, at)
        due = signup_hours.due(connection, caps, now, WEEK)
        assert due == now + timedelta(hours=2), "the domain has had its mail of both hours"
        assert signup_hours.due(connection, {EVERYBODY: Cap(2, 4)}, now, WEEK) == now
        assert signup_hours.due(connection, {EVERYBODY: Cap(2, 2)}, now, WEEK) == (
            now.replace(hour=0) + timedelta(days=1)
        ), "the day is full"


def test_counters_are_kept_for_today_and_no_longer_than_they_are_asked_for(any_store, now):
    caps = {EVERYBODY: Cap(2, 2)}
    with any_store.ledger() as connection:
        signup_hours.count(connection, caps, now)
        signup_hours.count(connection, caps, now)
        signup_hours.prune(connection, now - timedelta(hours=8))
        assert signup_hours.due(connection, caps, now, WEEK) > now
        signup_hours.prune(connection, now + timedelta(hours=1))
        assert signup_hours.due(connection, caps, now, WEEK) == now


def test_a_flood_costs_a_row_an_hour(any_store, now):
    caps = {EVERYBODY: Cap(100, 2400)}
    with any_store.ledger() as connection:
        for _ in range(120):
            due = signup_hours.due(connection, caps, now, WEEK)
            signup_hours.count(connection, caps, due)
        rows = connection.exec_driver_sql("SELECT count(*) FROM signup_hour").scalar()
    assert rows <= 4
