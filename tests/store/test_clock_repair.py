"""What a clock that was ahead left behind, once it is back; on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.model import DeliveryKind
from service.store import clock_repair
from service.store import tables as t
from service.store.clock_repair import repair
from service.store.core.column_types import UtcDateTime
from service.store.mailing import claims, deliveries
from service.store.mailing.claims import Lane
from service.store.mailing.deliveries import NewDelivery
from tests.builders import add_source, sources
from tests.mail.stock import fill

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MONTH = timedelta(days=37)

LEFT = {
    "names that others hold on to": {
        "edition.cut_at", "edition.covers_from", "edition.covers_to", "edition.period_from",
        "delivery.dated_at", "stale_feed.marked_at", "review.let_go_at",
    },
    "an hour of the calendar, whose full cap delays a later sign-up and refuses none": {
        "signup_hour.starts_at",
    },
    "what a person chose": {"source.paused_since", "source.paused_until"},
    "counts as if it were now, where it lies ahead (mail/returned/soft.py)": {
        "returned_mail.returned_at",
    },
    "what the digest's rule says of a cut": {"delivery.expires_at"},
    "computed anew by its rule (newsletter/scheduling.py)": {"subscription.next_cut_at"},
    "what is only shown, or only asked whether it is there": {
        "configuration.applied_at",
        "article.first_seen_at", "article.published_at", "article.updated_at", "attempt.tried_at",
        "delivery.covers_from", "delivery.settled_at", "digest.created_at", "document.changed_at",
        "edition.frozen_at", "edition.planned_at", "entry.first_seen_at", "entry.published_at",
        "source_poll.quarantined_since", "source.created_at", "source_poll.first_collected_at",
        "source_poll.gone_at",
        "review.settled_at", "review_act.happened_at", "review_link.mailed_at",
        "invitation.invited_at", "invitation.accepted_at", "invitation_text.first_used_at",
        "running_process.started_at", "story.created_at", "story_act.happened_at",
        "subscriber.created_at", "subscription.ended_at",
        "recall.undone_at",
        "subscription_event.happened_at", "suppression.suppressed_at", "topic.created_at",
        "topic.retired_at",
        "websub.alive_since", "websub.created_at", "websub.delivered_at", "websub.unsigned_at",
        "websub_delivery.received_at",
    },
}  # fmt: skip


def test_every_stored_instant_is_decided():
    """A new column must be put somewhere: set right, or left for a reason."""
    repaired = {
        str(column)
        for column in (
            *(rule.column for rule in clock_repair._COMING),
            *clock_repair._HAPPENED,
            *(column for column, _ in clock_repair._LEDGER),
            t.source_poll.c.next_poll_at,
            t.source_poll.c.last_tried_at,
            *clock_repair._WINDOWS,
        )
    }
    left = set().union(*LEFT.values())
    every = {
        str(column)
        for table in t.metadata.tables.values()
        for column in table.c
        if isinstance(column.type, UtcDateTime)
    }
    assert repaired | left == every
    assert not repaired & left


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
        rows = connection.execute(sources()).all()
        assert {row.name: row.next_poll_at for row in rows} == {
            "truoc": now + MINUTE, "xa": now, "dung": now + 11 * HOUR,
        }  # fmt: skip
        assert repair(connection, now, MONTH) == 0


def test_mail_that_waits_for_an_instant_that_no_back_off_reaches_is_due(any_store, now):
    planned, early, late, ours, again = fill(
        any_store, now, [f"{n}@example.vn" for n in "abcde"]
    ).deliveries
    values = {
        planned: {"next_try_at": now + HOUR},
        early: {"state": "deferred", "next_try_at": now + 30 * MINUTE},
        late: {
            "state": "deferred",
            "next_try_at": now + HOUR + 30 * MINUTE,
            "back_off_until": now + HOUR,
        },
        ours: {"state": "claimed", "lease_owner": "x", "lease_until": now + 2 * HOUR},
        again: {"state": "uncertain", "resend_at": now + HOUR + 15 * MINUTE},
    }
    with any_store.write() as connection:
        for row, changed in values.items():
            connection.execute(update(t.delivery).where(t.delivery.c.id == row).values(**changed))
        repair(connection, now, MONTH)
        rows = connection.execute(
            select(
                t.delivery.c.id, t.delivery.c.next_try_at, t.delivery.c.lease_until,
                t.delivery.c.resend_at, t.delivery.c.back_off_until,
            )
        ).all()  # fmt: skip
    found = {row.id: row for row in rows}
    assert found[planned].next_try_at == now
    assert found[early].next_try_at == now + 30 * MINUTE
    assert found[late].next_try_at == found[late].back_off_until == now
    assert found[ours].lease_until == now + timedelta(seconds=30)
    assert found[again].resend_at == now


def add_letter(store, subscription, *, at, due_at=None):
    """A letter as it is planned when the clock says `at`. Its id."""
    with store.ledger() as connection:
        segment = connection.scalar(select(t.segment.c.id))
        new = NewDelivery(
            subscription, segment, DeliveryKind.CONFIRM, f"{at:%H%M%S}-{due_at}@tin.example.vn", at,
            due_at=due_at,
        )  # fmt: skip
        return deliveries.add(connection, [new], at)[0]


def test_a_letter_that_was_planned_an_hour_ahead_goes_at_once(any_store, now):
    """Whoever signs up waits for it. What a flood of sign-ups had queued keeps its distance."""
    [person] = fill(any_store, now, ["lan@example.vn"]).subscriptions
    at_once = add_letter(any_store, person, at=now + HOUR)
    queued = add_letter(any_store, person, at=now + HOUR + MINUTE, due_at=now + 3 * HOUR)
    before = add_letter(any_store, person, at=now - MINUTE, due_at=now + 2 * HOUR)
    with any_store.write() as connection:
        assert repair(connection, now, MONTH) > 0
        rows = connection.execute(select(t.delivery.c.id, t.delivery.c.next_try_at)).all()
        assert repair(connection, now, MONTH) == 0
    found = {row.id: row.next_try_at for row in rows}
    assert found[at_once] == now
    assert found[queued] == now + 2 * HOUR - MINUTE
    assert found[before] == now + 2 * HOUR


@pytest.mark.parametrize("ahead", [2 * MINUTE, HOUR, timedelta(days=60)])
def test_and_it_can_be_taken_right_then(any_store, now, ahead):
    """Also where the clock is not believed: a letter repeats nothing."""
    [person] = fill(any_store, now, ["lan@example.vn"]).subscriptions
    with any_store.write() as connection:
        connection.execute(
            update(t.subscription).where(t.subscription.c.id == person).values(starts_at=None)
        )
    one = add_letter(any_store, person, at=now + ahead)
    letters = [Lane.TRANSACTIONAL]
    with any_store.ledger() as connection:
        assert claims.claim(connection, "o", now, 9, lanes=letters).empty
        repair(connection, now, MONTH)
        taken = claims.claim(connection, "o", now, 9, lanes=letters).claimed
    assert [letter.id for letter in taken] == [one]


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
        windows = now - clock_repair.UNSEEN if moves else now + ahead
        assert one(connection, t.subscription.c.covered_to) == windows
        assert set(connection.execute(select(t.article_topic.c.entered_at)).scalars()) == {expected}
        assert clock_repair.furthest(connection, now) == (None if moves else ahead)


@pytest.mark.parametrize("ahead", [2 * HOUR, timedelta(seconds=30)])
def test_what_entered_between_a_step_back_and_its_repair_is_still_to_be_told(any_store, now, ahead):
    """A source was being read when the clock was set back, and the repair came a moment later."""
    fill(any_store, now, ["lan@example.vn"])
    entered = now - timedelta(seconds=2)
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(covered_to=now + ahead))
        connection.execute(update(t.article_topic).values(entered_at=entered))
        repair(connection, now, MONTH)
        assert one(connection, t.subscription.c.covered_to) <= entered


def test_a_clock_that_is_right_changes_nothing(any_store, now):
    fill(any_store, now, ["lan@example.vn"])
    with any_store.write() as connection:
        assert repair(connection, now, MONTH) == 0
