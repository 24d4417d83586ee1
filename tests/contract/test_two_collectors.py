"""Two processes on one PostgreSQL: no source is asked twice, and what a killed one held is taken.

Real processes, real sockets; the server counts.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.collect.polling.backpressure import MOST_IN_FLIGHT
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS
from tests.contract.way import SITE, rss
from tests.levels import some
from tests.net.wire import Talk, raw_server
from tests.running import COLLECTOR, Running

pytestmark = pytest.mark.postgres

MANY = MOST_IN_FLIGHT
"""Requests that wait for an answer when the process is killed: all that it has claimed."""

SOURCES = MANY + 20
SHARED = some(150, 80)
FEW = 12

PATIENCE_S = 240
"""On a machine that has much else to do."""


class Outlets:
    """Counts how often each source is asked, and how many of its requests run at once."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.running: Counter[str] = Counter()
        self.doubled: set[str] = set()
        self.go = asyncio.Event()
        self.go.set()
        self.one, self.many = asyncio.Event(), asyncio.Event()

    async def script(self, talk: Talk) -> None:
        name = talk.target.strip("/")
        self.asked[name] += 1
        self.running[name] += 1
        self.one.set()
        if len(self.asked) >= MANY:
            self.many.set()
        if self.running[name] > 1:
            self.doubled.add(name)
        try:
            await asyncio.sleep(0.03)
            await self.go.wait()
            await talk.answer(rss(f"Tin của {name}", link=f"https://{name}.example"))
        finally:
            self.running[name] -= 1


def write_config(
    folder: Path, database: str, url: str, number: int = SOURCES, more: str = ""
) -> Path:
    sources = "".join(f'[source.s{n}]\nurl = "{url}s{n}"\n{more}' for n in range(number))
    config = folder / "bantin.toml"
    config.write_text(
        f'{SITE}[store]\nurl = "{database}"\n[collect]\nallow_networks = ["127.0.0.0/8"]\n{sources}'
    )
    return config


class Pass(Running):
    """One pass, in a process whose clock is so many seconds ahead; `own` as `started` has it."""

    def __init__(
        self,
        config: Path,
        ahead_s: float = 0,
        environ: Mapping[str, str] | None = None,
        *,
        own: bool = False,
    ) -> None:
        here = Path(tempfile.mkdtemp(dir=config.parent))
        super().__init__(str(config), str(ahead_s), cwd=here, environ=environ, own=own)

    def command(self, *args: str) -> list[str]:
        return [str(COLLECTOR), *args]


async def end_of(one: Pass) -> dict[str, object]:
    code = await asyncio.to_thread(one.process.wait, PATIENCE_S)
    assert code == 0, one.err.read_text()
    told: dict[str, object] = json.loads(one.out.read_text())
    assert told["failed"] == {}
    return told


def counts(database: str) -> tuple[int, int]:
    """How many sources were collected, how many entries there are."""
    store = Store(database)
    try:
        with store.read() as connection:
            fine = select(func.count()).where(t.source_poll.c.last_ok_at.is_not(None))
            entries = select(func.count()).select_from(t.entry)
            return connection.scalar(fine) or 0, connection.scalar(entries) or 0
    finally:
        store.close()


@pytest.mark.sampled
async def test_two_processes_share_the_sources_without_a_double(tmp_path, postgres_database):
    outlets = Outlets()
    async with raw_server(outlets.script) as wire:
        config = write_config(tmp_path, postgres_database, wire.url(), SHARED)
        first, second = Pass(config), Pass(config)
        told = await asyncio.gather(end_of(first), end_of(second))
    assert sum(one["tried"] for one in told) == SHARED
    assert set(outlets.asked.values()) == {1}
    assert len(outlets.asked) == SHARED
    assert outlets.doubled == set()
    assert counts(postgres_database) == (SHARED, SHARED)


async def test_a_site_that_one_process_asks_is_left_to_it_by_the_other(tmp_path, postgres_database):
    outlets = Outlets()
    outlets.go.clear()
    async with raw_server(outlets.script) as wire:
        gap = 'per_site = { delay = "0.05s" }\n'
        config = write_config(tmp_path, postgres_database, wire.url(), FEW, gap)
        first = Pass(config)
        async with asyncio.timeout(PATIENCE_S):
            await outlets.one.wait()
        told = await end_of(Pass(config))  # while the first one waits for its first answer
        assert (told["tried"], outlets.asked.total()) == (0, 1)
        outlets.go.set()
        assert (await end_of(first))["tried"] == FEW
    assert set(outlets.asked.values()) == {1}


async def test_what_a_killed_process_held_is_taken_over_once_its_lease_has_lapsed(
    tmp_path, postgres_database
):
    outlets = Outlets()
    outlets.go.clear()
    async with raw_server(outlets.script) as wire:
        config = write_config(tmp_path, postgres_database, wire.url())
        killed = Pass(config)
        async with asyncio.timeout(PATIENCE_S):
            await outlets.many.wait()
        killed.kill()
        held = set(outlets.asked)
        outlets.go.set()

        # Nobody knows yet that it is dead: what it holds is left alone.
        told = await end_of(Pass(config))
        assert told["tried"] == SOURCES - len(held)
        assert {outlets.asked[name] for name in held} == {1}

        # The rest is due again by then as well, but for its rhythm: nothing is asked out of turn.
        told = await end_of(Pass(config, LASTS.total_seconds() + 5))
        assert told["tried"] == len(held)
        assert {outlets.asked[name] for name in held} == {2}
    assert set(outlets.asked.values()) == {1, 2}
    assert outlets.doubled == set()
    assert counts(postgres_database) == (SOURCES, SOURCES)
