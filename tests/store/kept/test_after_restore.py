"""What a restored store must not believe: each row that would mail, tell or greet once more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.model import DeliveryState
from service.store import tables as t
from service.store.core import hold
from service.store.kept import after_restore
from service.store.mailing import told
from tests import builders


@pytest.fixture
def office(any_store, now):
    """A source, a topic, a digest and a reader who has read for a month."""
    ago = now - timedelta(days=30)
    with any_store.write() as connection:
        return {
            "source": builders.add_source(
                connection, ago, first_collected_at=ago, first_fetch_at=ago, etag=b'"1"',
                body_hash=b"h", pushed_until=now + timedelta(days=9),
            ),
            "topic": builders.add_topic(connection, ago),
            "reader": builders.add_subscription(
                connection, digest=builders.add_digest(connection, ago), starts_at=ago,
                welcome_due=True,
            ),
        }  # fmt: skip


def settle(store, at):
    with store.ledger() as connection:
        after_restore.settle(connection, at)


def only(store, table):
    with store.read() as connection:
        return connection.execute(select(table)).one()


def test_windows_begin_now_and_nobody_is_welcomed_again(any_store, office, now):
    settle(any_store, now)
    row = only(any_store, t.subscription)
    assert (row.starts_at, row.covered_to, row.welcome_due) == (now, now, False)
    with any_store.read() as connection:
        assert hold.held_since(connection) == hold.restored_at(connection) == now


def test_who_has_not_confirmed_is_still_waited_for(any_store, office, now):
    with any_store.write() as connection:
        connection.execute(update(t.subscription).values(starts_at=None, covered_to=None))
    settle(any_store, now)
    row = only(any_store, t.subscription)
    assert (row.starts_at, row.covered_to) == (None, None)


def test_open_mails_are_uncertain_and_none_is_sent_again_by_itself(any_store, office, now):
    states = ("planned", "deferred", "claimed", "sending", "uncertain", "accepted")
    with any_store.write() as connection:
        segment = builders._id(
            connection, t.segment, hash=b"x", language="vi", stories=[], parts=b""
        )
        for state in states:
            in_hand = state in ("claimed", "sending")
            connection.execute(
                insert(t.delivery).values(
                    subscription_id=office["reader"], segment_id=segment, kind="welcome",
                    message_id=f"{state}@x", dated_at=now, state=state, next_try_at=now, tries=1,
                    created_at=now, lease_owner="x" if in_hand else None,
                    lease_until=now + timedelta(seconds=20) if in_hand else None,
                    resend_at=now if state == "uncertain" else None,
                )
            )  # fmt: skip
    settle(any_store, now)
    with any_store.read() as connection:
        rows = connection.execute(select(t.delivery)).all()
        assert after_restore.number_held(connection) == len(states) - 1
    assert {row.message_id: row.state for row in rows} == {
        f"{state}@x": "accepted" if state == "accepted" else "uncertain" for state in states
    }
    assert all(row.resend_at is None and row.lease_until is None for row in rows)
    assert DeliveryState.UNCERTAIN.value == "uncertain"


def test_sources_begin_anew_but_a_publishers_hold_is_kept(any_store, office, now):
    until = now + timedelta(hours=5)
    with any_store.write() as connection:
        builders.add_source(connection, now - timedelta(days=3), "bao-b", held_until=until)
    settle(any_store, now)
    with any_store.read() as connection:
        free, held = connection.execute(
            select(t.source_poll).order_by(t.source_poll.c.source_id)
        ).all()
    assert (free.first_fetch_at, free.first_collected_at, free.next_poll_at) == (now, None, now)
    assert (free.etag, free.body_hash, free.pushed_until) == (None, None, None)
    assert (held.held_until, held.next_poll_at) == (until, until)


def test_what_waited_to_be_read_is_old(any_store, office, now):
    """After the backup it was perhaps read, and told."""
    with any_store.write() as connection:
        entry = builders._id(
            connection, t.entry, source_id=office["source"], entry_key="k", title="Tin",
            hash=b"h", refused_reason="unread", quiet=False, first_seen_at=now,
        )  # fmt: skip
        connection.execute(
            insert(t.unread_page).values(
                entry_id=entry, source_id=office["source"], url="https://x/", listed_entry=b"",
                added_at=now, tries=0, next_try_at=now, lease_owner="x", lease_until=now,
            )
        )  # fmt: skip
        builders._id(
            connection, t.websub_delivery, source_id=office["source"], received_at=now,
            media_type="x", size=0, body=b"",
        )  # fmt: skip
    settle(any_store, now)
    assert only(any_store, t.entry).quiet is True
    assert only(any_store, t.unread_page).lease_owner is None
    with any_store.read() as connection:
        assert not connection.execute(select(t.websub_delivery)).all()


def test_who_was_there_may_have_been_told_what_is_older_than_the_restore(any_store, office, now):
    after = now + timedelta(hours=1)
    with any_store.write() as connection:
        articles = {}
        for title, seen, quiet in (
            ("known", now - timedelta(hours=3), None), ("forgotten", after, True),
            ("new", after, False), ("new and old elsewhere", after, False),
        ):  # fmt: skip
            _, article = builders.add_story(
                connection, source=office["source"], topics=[], entered_at=seen, title=title
            )
            articles[article] = title
            seconds = [quiet] if title != "new and old elsewhere" else [quiet, True]
            for n, one in enumerate(seconds if quiet is not None else []):
                builders._id(
                    connection, t.entry, source_id=office["source"], entry_key=f"{title} {n}",
                    title=title, hash=b"h", article_id=article, quiet=one, first_seen_at=seen,
                )  # fmt: skip
        later = builders.add_subscription(
            connection, digest=1, starts_at=after, address="moi@example.vn"
        )
        people = connection.execute(
            select(t.subscription.c.subscriber_id).order_by(t.subscription.c.id)
        ).scalars()
        old, new = people.all()
    assert later != office["reader"]

    def asked():
        with any_store.read() as connection:
            found = told.known(connection, "news", [old, new], articles)
        return {who: {articles[one] for one in those} for who, those in found.items()}

    assert asked() == {old: set(), new: set()}
    settle(any_store, now)
    assert asked() == {old: {"known", "forgotten"}, new: set()}
