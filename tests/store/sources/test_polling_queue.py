"""The polling queue on both databases: who is due, who gets it, what is recorded."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.parse.result import ParseLevel
from service.store import tables as t
from service.store.sources import poll_results, polling_queue, retries
from service.store.sources.list_state import Lists
from service.store.sources.poll_state import PollState
from tests.builders import add_source, sources

LEASE = timedelta(minutes=5)
FINGERPRINT = polling_queue.BodyFingerprint(b'"1"', b"yesterday", b"\x01" * 16, b"\x02" * 8)


def _claim(connection, now, name, owner="a", **options):
    found = polling_queue.named(connection, [name])
    return polling_queue.claim(connection, found, owner, now, now + LEASE, **options)


def _row(connection):
    return connection.execute(sources()).one()


def test_due_is_what_has_come_is_free_is_neither_paused_nor_retired(any_store, now):
    later, sooner = now + timedelta(seconds=1), now - timedelta(hours=1)
    with any_store.write() as connection:
        add_source(connection, now, "den-han")
        add_source(connection, now, "cho-lau", next_poll_at=sooner)
        add_source(connection, now, "chua-den", next_poll_at=later)
        add_source(connection, now, "tam-dung", paused=True)
        add_source(connection, now, "da-bo", retired_at=now)
        add_source(connection, now, "dang-giu", lease_owner="x", lease_until=later)
        add_source(connection, now, "het-han", lease_owner="x", lease_until=now)
        found = [source.name for source in polling_queue.due(connection, now)]
        assert found == ["cho-lau", "den-han", "het-han"]
        assert [source.name for source in polling_queue.due(connection, now, limit=1)] == [
            "cho-lau"
        ]
        named = polling_queue.named(connection, ["tam-dung", "chua-den", "da-bo", "khong-co"])
        assert sorted(source.name for source in named) == ["chua-den", "tam-dung"]


def test_a_claim_keeps_others_away_until_its_lease_ends(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now)
        wanted = polling_queue.due(connection, now)
        (first,) = polling_queue.claim(connection, wanted, "a", now, now + LEASE)
        assert polling_queue.claim(connection, wanted, "b", now, now + LEASE) == []
        assert polling_queue.due(connection, now) == []
        assert poll_results.held(connection, [first])
        after = now + LEASE
        (second,) = polling_queue.claim(connection, wanted, "b", after, after + LEASE)
        assert not poll_results.held(connection, [first])
        assert second.first_fetch_at == first.first_fetch_at == now


def test_two_who_claim_at_once_share_the_sources_without_a_double(any_store, now):
    with any_store.write() as connection:
        for n in range(60):
            add_source(connection, now, f"nguon-{n}")
    got: dict[str, list[str]] = {"a": [], "b": []}
    ready = threading.Barrier(2)

    def take(owner: str) -> None:
        with any_store.read() as connection:
            wanted = polling_queue.due(connection, now)
        ready.wait(60)
        for start in range(0, 60, 5):
            with any_store.write() as connection:
                some = polling_queue.claim(
                    connection, wanted[start : start + 5], owner, now, now + LEASE
                )
                got[owner] += [source.name for source in some]

    threads = [threading.Thread(target=take, args=(owner,)) for owner in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got["a"] + got["b"]) == sorted(f"nguon-{n}" for n in range(60))


def test_a_named_source_is_taken_due_or_not_paused_or_not(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now, paused=True, next_poll_at=now + timedelta(days=1))
        assert _claim(connection, now, "bao-a") == []
        assert len(_claim(connection, now, "bao-a", at_once=True)) == 1


def test_a_document_read_is_recorded_whole(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now, failures=3, error="no", document_error="no")
        (source,) = _claim(connection, now, "bao-a")
        assert source.document_error == "no"
        fine = poll_results.Fine(
            source=source, fingerprint=FINGERPRINT, next_poll_at=now + LEASE,
            poll_state=PollState(interval_s=900), title="Báo A", home=None, entries=7,
            repairs=["bare-ampersand"], level=ParseLevel.WHOLE, beyond=2,
            lists=Lists(entries_usual=6, list_path=">a", sitemaps={"x": ""}),
        )  # fmt: skip
        assert poll_results.record_fine(connection, now, [fine]) == frozenset()
        row = _row(connection)
        assert (row.title, row.failures, row.error, row.entries_last) == ("Báo A", 0, None, 7)
        assert row.repairs == ["bare-ampersand"]
        assert row.entries_beyond == 2
        assert row.first_collected_at == row.last_ok_at == row.last_tried_at == now
        later = now + timedelta(hours=1)
        (again,) = _claim(connection, later, "bao-a")
        assert (again.etag, again.last_modified) == (b'"1"', b"yesterday")
        assert (again.body_hash, again.read_as) == (FINGERPRINT.body_hash, FINGERPRINT.read_as)
        assert (again.first_collected_at, again.document_error) == (now, None)
        assert again.lists == Lists(None, 6, ">a", {"x": ""})
        same = poll_results.Same(
            again, FINGERPRINT, False, later + LEASE, PollState(interval_s=1000)
        )
        assert poll_results.record_unchanged(connection, later, [same]) == frozenset()
        row = _row(connection)
        assert (row.first_collected_at, row.last_ok_at, row.title) == (now, later, "Báo A")
        assert row.interval_s == 1000
        assert (row.not_modified, row.body, row.whole) == (1, 0, 1)


def test_failures_count_up_and_a_body_that_cannot_be_read_is_remembered(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now)
        (source,) = _claim(connection, now, "bao-a")
        poll_results.record_failure(
            connection, source, error="404", next_poll_at=now, poll_state=PollState()
        )
        (source,) = _claim(connection, now, "bao-a")
        assert (source.failures, source.etag, source.document_error) == (1, None, None)
        poll_results.record_failure(
            connection,
            source,
            error="no feed",
            next_poll_at=now,
            poll_state=PollState(),
            fingerprint=FINGERPRINT,
        )
        (source,) = _claim(connection, now, "bao-a")
        assert (source.failures, source.etag, source.document_error) == (2, b'"1"', "no feed")
        row = _row(connection)
        assert (row.error, row.last_ok_at, row.first_collected_at) == ("no feed", None, None)


@pytest.mark.parametrize(
    "meanwhile",
    [
        update(t.source).values(url="https://moved.example/"),
        update(t.source_poll).values(lease_owner="b"),
    ],
)
def test_what_is_no_longer_ours_is_not_written(any_store, now, meanwhile):
    with any_store.write() as connection:
        add_source(connection, now)
        (source,) = _claim(connection, now, "bao-a")
        connection.execute(meanwhile)
        assert not poll_results.held(connection, [source])
        assert not poll_results.record_failure(
            connection, source, error="x", next_poll_at=now, poll_state=PollState()
        )
        same = poll_results.Same(source, FINGERPRINT, True, now, PollState(interval_s=1))
        assert poll_results.record_unchanged(connection, now, [same]) == {source.id}
        row = _row(connection)
        assert (row.error, row.etag, row.lease_until) == (None, None, now + LEASE)


def test_claims_of_a_stopped_pass_are_given_back(any_store, now):
    with any_store.write() as connection:
        for name in ("mot", "hai"):
            add_source(connection, now, name)
        first = _claim(connection, now, "mot", "a")
        second = _claim(connection, now, "hai", "b")
        polling_queue.LEASE.release(connection, "a", [source.id for source in first + second])
        assert [source.name for source in polling_queue.due(connection, now)] == ["mot"]


def test_of_many_that_said_the_same_only_those_are_lost_that_are_not_ours(any_store, now):
    with any_store.write() as connection:
        for n in range(5):
            add_source(connection, now, f"nguon-{n}")
        claimed = polling_queue.claim(
            connection, polling_queue.due(connection, now), "a", now, now + LEASE
        )
        named = t.source.c.name.in_(("nguon-1", "nguon-3"))
        taken = t.source_poll.c.source_id.in_(select(t.source.c.id).where(named))
        connection.execute(update(t.source_poll).where(taken).values(lease_owner="b"))
        same = [
            poll_results.Same(
                one,
                FINGERPRINT,
                True,
                now + timedelta(hours=n),
                PollState(interval_s=n, last_news_at=now),
            )
            for n, one in enumerate(claimed, 1)
        ]
        lost = poll_results.record_unchanged(connection, now, same)
        assert lost == {one.id for one in claimed if one.name in {"nguon-1", "nguon-3"}}
        assert poll_results.record_unchanged(connection, now, []) == frozenset()
        rows = connection.execute(sources().where(t.source_poll.c.lease_owner.is_(None))).all()
        assert {row.name for row in rows} == {"nguon-0", "nguon-2", "nguon-4"}
        assert {(row.etag, row.last_news_at, row.last_ok_at) for row in rows} == {
            (b'"1"', now, now)
        }


def test_what_is_gone_is_not_due_until_somebody_says_so(any_store, now):
    with any_store.write() as connection:
        add_source(connection, now)
        (source,) = _claim(connection, now, "bao-a")
        poll_results.record_failure(
            connection, source, error="410", next_poll_at=now, poll_state=PollState(), gone_at=now
        )
        much_later = now + timedelta(days=400)
        assert polling_queue.due(connection, much_later) == []
        assert _claim(connection, much_later, "bao-a") == []
        assert retries.failing(connection, now) == ["bao-a"]
        retries.retry(connection, ["bao-a", "khong-co"], much_later)
        assert [one.name for one in polling_queue.due(connection, much_later)] == ["bao-a"]


def test_a_source_that_has_moved_is_fetched_where_it_stands_now(any_store, now):
    there = "https://moi.example/rss"
    with any_store.write() as connection:
        add_source(connection, now, moved_url=there)
        (found,) = polling_queue.due(connection, now)
        assert found.url == there
        (source,) = _claim(connection, now, "bao-a")
        assert (source.address, source.poll_state.moved_url) == (there, there)
        assert source.url != there
