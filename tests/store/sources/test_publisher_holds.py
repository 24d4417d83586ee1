"""What a publisher asked for outlives answers that came meanwhile, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from service.store import tables as t
from service.store.sources import poll_results, polling_queue, publisher_holds, retries
from service.store.sources.list_state import Lists
from service.store.sources.poll_state import PollState
from tests.builders import add_source, sources

HOUR = timedelta(hours=1)
FINGERPRINT = polling_queue.BodyFingerprint(b'"1"', b"yesterday", b"\x01" * 16, b"\x02" * 8)


def _claim(connection, now):
    due = polling_queue.due(connection, now)
    return polling_queue.claim(connection, due, "a", now, now + HOUR)


def _held(connection):
    names = {row.id: row.name for row in connection.execute(select(t.source))}
    return {
        row.name: (row.next_poll_at, row.held_until, names.get(row.held_by_id))
        for row in connection.execute(sources().where(t.source.c.name != "bao-a"))
    }


def _document(connection, source, now, at):
    fine = poll_results.Fine(
        source=source,
        fingerprint=FINGERPRINT,
        next_poll_at=at,
        poll_state=PollState(),
        title=None,
        home=None,
        entries=1,
        repairs=[],
        level="whole",
        lists=Lists(),
    )
    return not poll_results.record_fine(connection, now, [fine])


def test_a_site_that_rests_puts_off_what_is_due_before(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now, "som")
        add_source(connection, now, "giua", next_poll_at=now + HOUR)
        add_source(connection, now, "muon", next_poll_at=now + 3 * HOUR)
        add_source(connection, now, "noi-khac")
        add_source(connection, now, "bao-a", next_poll_at=now + 3 * HOUR)
        names = ["som", "giua", "muon"]
        moved = publisher_holds.put_off(
            connection, names, "bao-a", now + 2 * HOUR, lambda at: at + 2 * HOUR
        )
        found = _held(connection)
    assert moved == 2
    assert found == {
        "som": (now + 2 * HOUR, now + 2 * HOUR, "bao-a"),
        "giua": (now + 3 * HOUR, now + 3 * HOUR, "bao-a"),
        "muon": (now + 3 * HOUR, None, None),
        "noi-khac": (now, None, None),
    }


def test_who_was_being_asked_when_its_site_said_enough_rests_like_the_others(any_store, now):
    soon, until = now + HOUR / 4, now + 5 * HOUR
    names = ["mot", "hai", "ba"]
    with any_store.write() as connection:
        for name in names:
            add_source(connection, now, name)
        document, same, failed = _claim(connection, now)
        add_source(connection, now, "bao-a")
        publisher_holds.put_off(connection, names, "bao-a", until, lambda _: until)
        assert _document(connection, document, now, soon)
        told = poll_results.Same(same, FINGERPRINT, False, soon, PollState())
        assert poll_results.record_unchanged(connection, now, [told]) == frozenset()
        assert poll_results.record_failure(
            connection, failed, error="503", next_poll_at=soon, poll_state=PollState()
        )
        assert set(_held(connection).values()) == {(until, until, "bao-a")}


def test_a_hold_ends_when_the_source_answers_well_but_not_with_another_failure(any_store, now):
    soon, until = now + HOUR / 4, now + 5 * HOUR
    with any_store.write() as connection:
        for name in ("mot", "hai", "ba"):
            add_source(connection, now, name)
        connection.execute(update(t.source_poll).values(held_until=until))  # asked by a person
        document, same, failed = _claim(connection, now)
        _document(connection, document, now, soon)
        poll_results.record_unchanged(
            connection, now, [poll_results.Same(same, FINGERPRINT, False, soon, PollState())]
        )
        poll_results.record_failure(
            connection, failed, error="500", next_poll_at=soon, poll_state=PollState()
        )
        assert _held(connection) == {
            "mot": (soon, None, None),
            "hai": (soon, None, None),
            "ba": (until, until, None),
        }


def test_what_its_server_asked_for_is_kept_and_a_longer_wish_of_its_site_too(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now, "xin")
        (source,) = _claim(connection, now)
        add_source(connection, now, "bao-b")
        publisher_holds.put_off(
            connection, ["xin"], "bao-b", now + 5 * HOUR, lambda _: now + 5 * HOUR
        )
        poll_results.record_failure(
            connection, source, error="429", next_poll_at=now + 2 * HOUR, poll_state=PollState(),
            held_until=now + 2 * HOUR,
        )  # fmt: skip
        found = _held(connection)["xin"]
    assert found == (now + 5 * HOUR, now + 2 * HOUR, None)


def test_who_retries_all_that_fails_leaves_those_alone_that_asked_for_time(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now, "hong", failures=1, error="500")
        add_source(connection, now, "xin", failures=1, error="429", held_until=now + HOUR)
        add_source(connection, now, "het", failures=1, error="429", held_until=now)
        assert retries.failing(connection, now) == ["het", "hong"]
        retries.retry(connection, ["xin"], now)  # named: a person knows why
        assert _held(connection)["xin"] == (now, None, None)
