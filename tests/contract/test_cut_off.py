"""A machine that is cut off from the database, and nobody tells it: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing, suppress
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url, text

from service.errors import StoreError
from service.mail.drain import drain
from service.store.core.database import Store
from service.store.core.job_queue import address
from service.store.core.lease import LASTS
from tests.contract.cable import Cable
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import Clock

pytestmark = pytest.mark.postgres

PEOPLE = [f"nguoi-{number:02}@example.vn" for number in range(12)]

HASTY = {
    "connect_timeout": "2",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "1",
    "tcp_user_timeout": "1000",
}
"""What an address may say of its connections; the service's own patience is longer."""


def through(cable, url):
    return (
        make_url(url)
        .set(host="127.0.0.1", port=cable.port, query=HASTY)
        .render_as_string(hide_password=False)
    )


async def test_a_sender_that_is_cut_off_and_comes_back_changes_nothing_that_others_have_done(
    tmp_path, postgres_database, now
):
    settings, clock = stock.settings(tmp_path), Clock(now)
    server = make_url(postgres_database)
    async with Cable(server.host, server.port or 5432) as cable, Sink() as relay, Sink() as second:
        with (
            closing(Store(postgres_database)) as beside,
            closing(Store(through(cable, postgres_database))) as store,
        ):
            made = stock.fill(beside, now, PEOPLE)
            cut = asyncio.Event()

            def script(step, _who):
                if step == "body" and len(relay.received) == 3:
                    cable.cut()
                    cut.set()

            relay.script = script

            async def send():
                with suppress(StoreError):
                    lines = [relay.line(connections=1)]
                    await drain(store, settings, clock, owner="cut", relays=lines)

            sending = asyncio.create_task(send())
            await cut.wait()
            await asyncio.sleep(3)  # what it says now is given up, and said again
            clock.at = now + LASTS + timedelta(seconds=1)
            done = await drain(
                beside, settings, clock, owner="other", relays=[second.line(connections=1)]
            )
            assert len(second.received) == len(PEOPLE) - 4
            assert done.left == {"uncertain": 1}, "nobody here knows what became of that one"
            cable.mend()
            async with asyncio.timeout(60):
                await sending
            assert set(stock.states(beside).values()) == {"accepted"}
            assert len(stock.states(beside)) == len(made.deliveries)
            await drain(store, settings, clock, owner="cut", relays=[relay.line()])
    told = Counter(one.recipient for one in (*relay.received, *second.received))
    assert told == Counter(PEOPLE)


async def test_what_a_machine_had_locked_is_free_soon_after_it_is_cut_off(postgres_database, now):
    """The server gives its end of the connection up as well."""
    server = make_url(postgres_database)
    async with Cable(server.host, server.port or 5432) as cable:
        with (
            closing(Store(postgres_database)) as beside,
            closing(Store(through(cable, postgres_database))) as store,
        ):
            stock.fill(beside, now, PEOPLE[:1])

            def locks():
                with suppress(StoreError), store.write() as connection:
                    connection.execute(text("SET tcp_keepalives_idle = 1"))
                    connection.execute(text("SET tcp_keepalives_interval = 1"))
                    connection.execute(text("SET tcp_keepalives_count = 1"))
                    connection.execute(text("SET tcp_user_timeout = 1000"))
                    connection.execute(text("UPDATE delivery SET tries = 9"))
                    loop.call_soon_threadsafe(cable.cut)
                    connection.execute(text("SELECT pg_sleep(0.5)"))

            def waits():
                with beside.write() as connection:
                    connection.execute(text("SET LOCAL statement_timeout = '60s'"))
                    connection.execute(text("UPDATE delivery SET tries = tries + 1"))

            loop = asyncio.get_running_loop()
            await asyncio.to_thread(locks)
            await asyncio.to_thread(waits)
            with beside.read() as connection:
                assert connection.scalar(text("SELECT tries FROM delivery")) == 1


def test_no_connection_waits_for_hours_for_an_end_that_is_gone(postgres_database):
    """Neither ours nor the queue's, nor the server's for us."""
    with closing(Store(postgres_database)) as store, store.read() as connection:
        driver = connection.connection.driver_connection
        known = driver.info.get_parameters()
        settings = {
            name: connection.scalar(text(f"SHOW {name}"))
            for name in ("tcp_keepalives_idle", "tcp_keepalives_count", "tcp_user_timeout")
        }
    queue = psycopg.conninfo.conninfo_to_dict(address(postgres_database))
    for one in (known, queue):
        assert int(one["connect_timeout"]) <= 10
        assert int(one["tcp_user_timeout"]) <= 25_000
        idle, step, count = (
            int(one[f"keepalives_{name}"]) for name in ("idle", "interval", "count")
        )
        assert idle + step * count <= 25
    assert settings == {  # milliseconds
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "20000",
    }


def test_an_address_may_say_how_patient_it_is(postgres_database):
    url = make_url(postgres_database).update_query_dict({"connect_timeout": "33"})
    address_of = url.render_as_string(hide_password=False)
    with closing(Store(address_of)) as store, store.read() as connection:
        driver = connection.connection.driver_connection
        assert driver.info.get_parameters()["connect_timeout"] == "33"
