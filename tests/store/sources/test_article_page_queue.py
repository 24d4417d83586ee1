"""The queue of pages that are still to be read, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select

from service.store import tables as t
from service.store.core.lease import LASTS
from service.store.sources import article_page_queue, retries
from service.store.sources.article_page_queue import A_SOURCE, NewPage
from tests.builders import add_source


def add_entries(connection, now, source_id, *keys):
    rows = [
        {"source_id": source_id, "entry_key": key, "title": key, "hash": b"1", "quiet": False,
         "refused_reason": "unread", "first_seen_at": now}
        for key in keys
    ]  # fmt: skip
    connection.execute(insert(t.entry), rows)
    pages = [NewPage(key, f"https://a.vn/{key}", key.encode()) for key in keys]
    article_page_queue.add(connection, source_id, pages, now)


def take(connection, now, owner="a", limit=100, **options):
    return article_page_queue.claim(connection, owner, now, now + LASTS, limit, **options)


def test_a_page_is_one_owners_until_its_lease_ends(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now, first_fetch_at=now)
        add_entries(connection, now, source, "x", "y")
        first, second = take(connection, now)
        assert (first.entry_key, first.url, first.listed_entry) == ("x", "https://a.vn/x", b"x")
        assert (first.source, first.held, first.tries) == ("bao-a", True, 0)
        assert (first.added_at, first.first_fetch_at) == (now, now)
        assert take(connection, now, "b") == []
        article_page_queue.LEASE.release(connection, "a", [second.entry_id])
        (again,) = take(connection, now, "b")
        assert again.entry_id == second.entry_id
        taken = take(connection, now + LASTS, "c")
        assert len(taken) == 2
        assert not article_page_queue.holds(connection, first)
        article_page_queue.done(connection, first, None)  # no more ours: nothing happens
        assert article_page_queue.number(connection, source) == 2


def test_what_was_read_is_gone_and_what_was_not_comes_again(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        add_entries(connection, now, source, "x", "y")
        x, y = take(connection, now)
        article_page_queue.done(connection, x, "it has none")
        article_page_queue.later(connection, y, "500", now + timedelta(minutes=5))
        assert take(connection, now) == []
        (again,) = take(connection, now + timedelta(minutes=5))
        assert (again.entry_key, again.tries) == ("y", 1)
        assert connection.scalar(select(t.source_poll.c.page_error)) == "it has none"
        article_page_queue.done(connection, again, None)
        assert connection.scalar(select(t.source_poll.c.page_error)) == "it has none"
        assert article_page_queue.number(connection, source) == 0
        add_entries(connection, now, source, "z")
        assert connection.scalar(select(t.source_poll.c.page_error)) is None


def test_what_its_list_says_anew_does_not_hasten_it(any_store, now):
    later = now + timedelta(hours=1)
    with any_store.write() as connection:
        source = add_source(connection, now)
        add_entries(connection, now, source, "x")
        (page,) = take(connection, now)
        article_page_queue.later(connection, page, "500", later)
        article_page_queue.add(connection, source, [NewPage("x", "https://a.vn/new", b"new")], now)
        assert take(connection, now) == []
        (page,) = take(connection, later)
        assert (page.url, page.listed_entry, page.tries) == ("https://a.vn/new", b"new", 1)


def test_a_large_source_does_not_take_the_place_of_the_others(any_store, now):
    with any_store.write() as connection:
        large, small = add_source(connection, now, "lon"), add_source(connection, now, "nho")
        add_entries(connection, now, large, *(f"x{n}" for n in range(50)))
        add_entries(connection, now, small, "y")
        assert {page.source for page in take(connection, now, limit=2)} == {"lon", "nho"}
        assert len(take(connection, now)) == A_SOURCE


def test_pages_of_sources_that_rest_wait_with_them(any_store, now):
    with any_store.write() as connection:
        for name, values in {"nghi": {"paused": True}, "bo": {"retired_at": now}, "co": {}}.items():
            add_entries(connection, now, add_source(connection, now, name, **values), "x")
        assert [page.source for page in take(connection, now)] == ["co"]
        assert [page.source for page in take(connection, now, names=["nghi", "bo"])] == ["nghi"]


def test_a_site_that_is_asked_too_much_is_left_alone(any_store, now):
    later = now + timedelta(hours=1)
    with any_store.write() as connection:
        source = add_source(connection, now)
        add_entries(connection, now, source, "x", "y")
        article_page_queue.put_off(connection, ["bao-a", "khong-co"], later)
        assert take(connection, now) == []
        assert len(take(connection, later)) == 2


def test_a_source_that_is_retried_reads_its_pages_at_once(any_store, now):
    with any_store.write() as connection:
        source = add_source(connection, now)
        add_entries(connection, now, source, "x")
        (page,) = take(connection, now)
        article_page_queue.later(connection, page, "500", now + timedelta(hours=1))
        retries.retry(connection, ["bao-a"], now)
        assert article_page_queue.is_due(connection, now)
        (page,) = take(connection, now)
        assert not article_page_queue.is_due(connection, now)
