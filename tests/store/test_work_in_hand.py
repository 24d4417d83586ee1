"""Who has what in hand, from leases alone; and what a process says of itself beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import update

from service.report.status import as_json, status
from service.store import tables as t
from service.store import work_in_hand
from service.store.core import processes
from service.store.core.lease import LASTS
from service.store.core.processes import ServiceProcess
from service.store.sources import site_leases
from tests.builders import add_source
from tests.mail import stock

SECOND = timedelta(seconds=1)


def lease(connection, table, owner, until, *which):
    taken = {"lease_owner": owner, "lease_until": until}
    if table is t.delivery:
        taken["state"] = "claimed"
    connection.execute(update(table).where(*which).values(taken))


def test_every_queue_counts():
    leased = {table for table in t.metadata.tables.values() if "lease_owner" in table.c}
    assert {one.table for one in work_in_hand._QUEUES.values()} == leased


def test_rows_are_counted_by_process_until_their_leases_end(any_store, now):
    planned = stock.fill(any_store, now, [f"ban-doc-{n}@example.vn" for n in range(5)])
    with any_store.write() as connection:
        ids = [add_source(connection, now, f"s{n}") for n in range(4)]
        poll, mail = t.source_poll.c, t.delivery.c
        lease(connection, t.source_poll, "a", now + LASTS, poll.source_id.in_(ids[:2]))
        lease(connection, t.source_poll, "a delivered", now + LASTS, poll.source_id == ids[2])
        lease(connection, t.source_poll, "dead", now, poll.source_id == ids[3])
        lease(connection, t.delivery, "b", now + LASTS, mail.id.in_(planned.deliveries[:3]))
        # One that is uncertain keeps the name of who had it, and is in nobody's hand.
        gone = {"state": "uncertain", "lease_owner": "b"}
        connection.execute(update(t.delivery).where(mail.id == planned.deliveries[3]).values(gone))
        site_leases.take(connection, ["bao.example"], "a", now, now + LASTS)
    with any_store.read() as connection:
        assert work_in_hand.by_process(connection, now) == {
            "a": {"sources": 3, "sites": 1},
            "b": {"mails": 3},
        }
        assert work_in_hand.by_process(connection, now + LASTS) == {}


def test_status_says_who_does_what_since_when(any_store, now):
    one = ServiceProcess("a", "may-1", "collect", "collect", 7, "0.2.0", now, now)
    with any_store.write() as connection:
        ids = [add_source(connection, now, f"s{n}") for n in range(2)]
        lease(connection, t.source_poll, "a", now + LASTS, t.source_poll.c.source_id.in_(ids))
        processes.show(connection, one)
        said = replace(one, seen_at=now + SECOND, clock_ahead_s=31, doing={"collect": now})
        processes.show(connection, said)
        # As a version shows itself that has no word for it.
        old = {"clock_ahead_s": None, "doing": None}
        processes.show(connection, replace(one, id="b", machine="may-2"))
        connection.execute(
            update(t.running_process).where(t.running_process.c.id == "b").values(old)
        )
    with any_store.read() as connection:
        first, second = as_json(status(connection, now + SECOND))["processes"]
    assert first["seen_at"] == (now + SECOND).isoformat()
    assert first["clock_ahead_s"] == 31
    assert first["doing"] == {"collect": now.isoformat()}
    assert first["in_hand"] == {"sources": 2}
    assert (second["clock_ahead_s"], second["doing"], second["in_hand"]) == (None, {}, {})
