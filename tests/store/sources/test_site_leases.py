"""Which process may ask a site, on both databases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event, select

from service.store.sources import site_leases
from service.store.tables import site_lease

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_a_site_is_one_processs_until_it_leaves_or_its_lease_lapses(any_store, now):
    until = now + MINUTE
    with any_store.write() as connection:
        assert site_leases.take(connection, [], "a", now, until) == set()
        assert site_leases.take(connection, ["x.vn", "y.vn"], "a", now, until) == {"x.vn", "y.vn"}
        assert site_leases.take(connection, ["y.vn", "z.vn"], "b", now, until) == {"z.vn"}
        assert site_leases.take(connection, ["x.vn"], "a", now, until) == {"x.vn"}  # for longer
        site_leases.leave(connection, {"x.vn": now + 2 * SECOND}, "a", now)
        assert site_leases.take(connection, ["x.vn"], "b", now + SECOND, until) == set()
        assert site_leases.take(connection, ["x.vn"], "b", now + 2 * SECOND, until) == {"x.vn"}
        # "a" has died: what it held is taken once its lease has lapsed.
        assert site_leases.take(connection, ["y.vn"], "b", until - SECOND, until) == set()
        assert site_leases.take(connection, ["y.vn"], "b", until, until + MINUTE) == {"y.vn"}
        site_leases.leave(connection, {"y.vn": until}, "a", until)  # no longer its own
        assert site_leases.take(connection, ["y.vn"], "c", until, until + MINUTE) == set()


def test_turns_that_are_long_over_leave_no_rows(any_store, now):
    with any_store.write() as connection:
        site_leases.take(connection, ["x.vn"], "a", now, now)
        site_leases.leave(connection, {}, "b", now + timedelta(hours=2))
        assert connection.execute(select(site_lease)).all() == []


def test_a_server_is_asked_once_for_many_sites(any_store, now):
    sites = [f"{number}.vn" for number in range(20)]
    sent: list[str] = []
    with any_store.write() as connection:
        event.listen(connection, "before_cursor_execute", lambda *told: sent.append(told[2]))
        assert site_leases.take(connection, sites, "a", now, now + MINUTE) == set(sites)
    assert len(sent) == (len(sites) if any_store.is_sqlite else 1)
