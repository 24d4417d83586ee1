"""Domains that put mail off, told by several processes at once."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store
from service.store.mailing.relays.slow_domains import SlowDomain, note


def _slow(domain):
    return SlowDomain(domain, True, "rcpt: 450 later")


def _known(store):
    with store.read() as connection:
        return set(connection.scalars(select(t.slow_domain.c.domain)))


def test_what_was_noted_days_ago_is_deleted(any_store, now):
    with any_store.write() as connection:
        for domain in ("a.example", "b.example"):
            note(connection, _slow(domain), now)
    with any_store.write() as connection:
        note(connection, _slow("b.example"), now + timedelta(days=2))
    assert _known(any_store) == {"b.example"}


@pytest.mark.postgres
def test_who_deletes_old_ones_waits_for_nobody_who_notes_one_of_them_again(postgres_database, now):
    """Two that note each other's old ones would else wait for each other for ever."""
    later = now + timedelta(days=2)
    with closing(Store(postgres_database)) as one, closing(Store(postgres_database)) as other:
        with one.write() as connection:
            for domain in ("a.example", "b.example", "c.example"):
                note(connection, _slow(domain), now)
        with one.write() as first:
            note(first, _slow("a.example"), later - timedelta(days=1, seconds=30))
            with other.write() as second:
                second.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
                note(second, _slow("b.example"), later)
        assert _known(one) == {"a.example", "b.example"}
