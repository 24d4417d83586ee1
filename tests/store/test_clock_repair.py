"""What a clock that was ahead left behind, once it is back; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.store import clock_repair
from service.store import tables as t
from service.store.clock_repair import repair
from service.store.column_types import Instant
from tests.builders import add_source
from tests.mail.stock import fill

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MONTH = timedelta(days=37)

LEFT = {
    "names that others hold on to": {
        "edition.cut_at", "edition.covers_from", "edition.covers_to", "edition.period_from",
        "delivery.dated_at", "stale_feed.since",
    },
    "an hour of the calendar, whose full cap delays a later sign-up and refuses none": {
        "signup_hour.hour",
    },
    "what a person chose": {"source.rests_since", "source.rests_until"},
    "what the digest's rule says of a cut": {"delivery.expires_at"},
    "computed anew by its rule (newsletter/scheduling.py)": {"subscription.next_cut_at"},
    "what is only shown, or only asked whether it is there": {
        "article.first_seen_at", "article.published", "article.updated", "attempt.at",
        "delivery.covers_from", "delivery.settled_at", "digest.created_at", "document.changed_at",
        "edition.frozen_at", "edition.planned_at", "entry.first_seen_at", "entry.published",
        "source.aside_since", "source.created_at", "source.first_collected_at", "source.gone_at",
        "story.created_at", "subscriber.created_at", "subscription.ended_at",
        "subscription_event.at", "suppression.since", "topic.created_at", "topic.retired_at",
        "websub.alive_since", "websub.created_at", "websub.delivered_at", "websub.unsigned_at",
        "websub_delivery.received_at",
    },
}  # fmt: skip


def test_every_stored_instant_is_decided():
    """A new column must be put somewhere: set right, or left for a reason."""
    mended = {
        str(column)
        for column in (
            *(rule.column for rule in clock_repair._COMING),
            *clock_repair._HAPPENED,
            *(column for column, _ in clock_repair._LEDGER),
            t.source.c.next_poll_at,
            t.source.c.last_tried_at,
        )
    }
    left = set().union(*LEFT.values())
    every = {
        str(column)
        for table in t.metadata.tables.values()
        for column in table.c
        if isinstance(column.type, Instant)
    }
    assert mended | left == every
    assert not mended & left


def one(connection, column):
    return connection.scalar(select(column))


def test_a_source_that_was_asked_an_hour_ahead_keeps_its_gap(any_store, now):
    with any_store.write() as connection:
        add_source(
            connection, now, "truoc", last_tried_at=now + HOUR, next_poll_at=now + HOUR + MINUTE,
        )  # fmt: skip
        add_source(connection, now, "xa", next_poll_at=now + timedelta(days=400))
        add_source(connection, now, "dung", last_tried_at=now - HOUR, next_poll_at=now + 11 * HOUR)
        assert repair(connection, now, MONTH) == 2
        rows = connection.execute(select(t.source.c.name, t.source.c.next_poll_at)).all()
        assert {row.name: row.next_poll_at for row in rows} == {
            "truoc": now + MINUTE, "xa": now, "dung": now + 11 * HOUR,
        }  # fmt: skip
        assert repair(connection, now, MONTH) == 0


def test_mail_that_waits_for_an_instant_that_no_back_off_reaches_is_due(any_store, now):
    planned, early, late, ours = fill(
        any_store, now, [f"{n}@example.vn" for n in "abcd"]
    ).deliveries
    values = {
        planned: {"next_try_at": now + HOUR},
        early: {"state": "deferred", "next_try_at": now + 30 * MINUTE},
        late: {"state": "deferred", "next_try_at": now + HOUR + 30 * MINUTE},
        ours: {"state": "claimed", "owner": "x", "lease_until": now + 2 * HOUR},
    }
    with any_store.write() as connection:
        for row, changed in values.items():
            connection.execute(update(t.delivery).where(t.delivery.c.id == row).values(**changed))
        repair(connection, now, MONTH)
        rows = connection.execute(
            select(t.delivery.c.id, t.delivery.c.next_try_at, t.delivery.c.lease_until)
        ).all()
    found = {row.id: row for row in rows}
    assert found[planned].next_try_at == now
    assert found[early].next_try_at == now + 30 * MINUTE
    assert found[late].next_try_at == now
    assert found[ours].lease_until == now + timedelta(seconds=30)


@pytest.mark.parametrize(("ahead", "moves"), [(2 * HOUR, True), (timedelta(days=60), False)])
def test_windows_are_pulled_back_only_where_the_ledger_still_knows_what_was_told(
    any_store, now, ahead, moves
):
    """A clock that is two months behind now looks like one that was two months ahead."""
    fill(any_store, now, ["lan@example.vn"])
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(covered_to=now + ahead))
        connection.execute(update(t.article_topic).values(entered_at=now + ahead))
        repair(connection, now, MONTH)
        expected = now if moves else now + ahead
        assert one(connection, t.subscription.c.covered_to) == expected
        assert set(connection.execute(select(t.article_topic.c.entered_at)).scalars()) == {expected}
        assert clock_repair.furthest(connection, now) == (None if moves else ahead)


def test_a_clock_that_is_right_changes_nothing(any_store, now):
    fill(any_store, now, ["lan@example.vn"])
    with any_store.write() as connection:
        assert repair(connection, now, MONTH) == 0
