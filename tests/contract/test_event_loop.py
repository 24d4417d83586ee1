"""The event loop never waits for the database: each statement is made in a thread.

A statement that waits for another process's write lock would stop every page, timer and fetch.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_stack
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Engine, event

from service.collect.discovery import dead_sources
from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import client_of, collect
from service.collect.workers.pool import Parsers
from service.runtime.composition import open_service, system_clock
from service.store.core.lease import LASTS
from service.store.core.threads import in_thread
from service.store.sources import polling_queue
from tests.contract.test_leases import held_rows, site
from tests.contract.websub.office import office, subscribed
from tests.running import PATIENCE_S, WATCHING, started


class Seen:
    """Statements. `on_the_loop`: where those came from that a thread with a loop has made."""

    def __init__(self) -> None:
        self.number = 0
        self.on_the_loop: list[str] = []

    def __call__(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.number += 1
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self.on_the_loop.append("".join((statement[:90], "\n", *format_stack(limit=40)[:-1])))


@contextmanager
def watched() -> Iterator[Seen]:
    """All statements within the block, on whichever connection."""
    seen = Seen()
    event.listen(Engine, "before_cursor_execute", seen)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", seen)
    assert seen.number > 0
    assert not seen.on_the_loop, seen.on_the_loop[0]


async def test_the_watch_sees_what_is_done_on_the_loop(store):
    with pytest.raises(AssertionError, match="held_rows"), watched() as seen:
        await in_thread(held_rows, store)
        assert (seen.number > 1, seen.on_the_loop) == (True, [])
        held_rows(store)


async def test_a_pass_makes_no_statement_on_the_loop(tmp_path, sqlite_url):
    """A feed, a page, articles' pages, a dead source: to their end, and cut off in the middle."""
    async with site(tmp_path, sqlite_url) as (outlet, config):
        service = await in_thread(open_service, config, {})
        store, settings, clock = service.store, service.settings, system_clock
        async with Parsers(1) as parsers, client_of(settings, clock) as client:
            means: dict[str, Any] = {"client": client, "parsers": parsers, "sites": Sites()}

            def jobs() -> list[asyncio.Task[Any]]:
                searched = (store, settings, clock, client, parsers, means["sites"])
                return [
                    asyncio.create_task(
                        collect(store, settings, clock, owner="one", at_most_s=30, **means)
                    ),
                    asyncio.create_task(dead_sources.seek(*searched, owner="one")),
                ]

            with watched():
                running = jobs()
                async with asyncio.timeout(120):
                    while not {"/treo", "/bai-10001.html", "/"} <= set(outlet.asked):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                for job in running:
                    job.cancel()
                await asyncio.gather(*running, return_exceptions=True)
            # What was in hand was given back before the jobs had ended.
            assert await in_thread(held_rows, store) == {} or set(
                await in_thread(held_rows, store)
            ) == {"site_lease localhost"}
            outlet.go.set()
            await asyncio.sleep(0.1)  # the gap of the one spaced site
            with watched():
                done, found = await asyncio.gather(*jobs())
            assert done.failed == {}
            assert done.pages == 1
            assert list(found) == ["mat"]
            outlet.slow = True
            with watched():  # by hand, as a command does
                await collect(store, settings, clock, owner="one", names=["treo"], **means)
        service.close()


async def test_what_hubs_say_makes_no_statement_on_the_loop(store, now):
    """Subscribing, verifying, delivering, reading what was delivered, and what cannot be read."""
    async with office(store, now) as (desk, hub, paper):
        with watched():
            await subscribed(desk, hub)
        assert hub.subscribed
        with watched():
            assert await hub.deliver(paper.body("b")) == 202
            assert (await desk.take()).entries_new == 1
        with watched():
            assert await hub.deliver(b"<html>not a feed</html>") == 202
            assert (await desk.take()).tried == 1
        assert desk.waiting() == 0
        desk.later(days=9)  # the lease has ended, and is renewed
        with watched():
            await desk.keep()
        await hub.settled()


async def test_two_that_want_one_source_make_no_statement_on_the_loop(store, now):
    async with office(store, now) as (desk, _, _paper):
        with store.write() as connection:
            due = polling_queue.due(connection, now)
            assert len(polling_queue.claim(connection, due, "other", now, now + LASTS)) == 1
        with watched():
            assert (await desk.collect("bao")).failed


async def test_the_running_service_makes_no_statement_on_the_loop(tmp_path, sqlite_url):
    """Jobs and pages, from the start to the stop."""
    async with site(tmp_path, sqlite_url) as (outlet, config):
        outlet.go.set()
        config.write_text(
            config.read_text()
            + '[topic.moi]\ntitle = "Mới"\nany = ["tin"]\n'
            + '[digest.ngay]\ntitle = "Ngày"\ntopics = ["moi"]\ncadence = "daily"\n'
        )
        base = next(line for line in config.read_text().splitlines() if "base_url" in line)
        address = base.split('"')[1]
        log = tmp_path / "up.err"
        with log.open("wb") as err:
            service = started(
                [str(WATCHING), "up", "--config", str(config)], cwd=tmp_path, err=err.fileno()
            )
        try:
            async with asyncio.timeout(180), aiohttp.ClientSession() as session:
                while not {"/treo", "/bai-10001.html", "/", "/hub"} <= set(outlet.asked):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                for path in ("/", "/topics/moi/", "/feeds/all.atom", "/readyz", "/subscribe"):
                    async with session.get(f"{address}{path}") as answer:
                        assert answer.status in {200, 404, 503}, path
        finally:
            service.send_signal(signal.SIGTERM)
            code = await asyncio.to_thread(service.wait, PATIENCE_S)
        said = log.read_text()
        assert code == 0
        assert "ON THE LOOP" not in said, said[said.index("ON THE LOOP") :][:3000]
        assert '"event": "source"' in said  # its log, so that this has seen what it looks at
