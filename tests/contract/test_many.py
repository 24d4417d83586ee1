"""Several processes in their roles on one PostgreSQL, killed at random: nothing is lost or doubled.

Meanwhile all mail that is taken comes back: each has its row, once.

By hand, many more: `python -m tests.bench.kills`.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack

import pytest

from service.store import tables as t
from tests.contract.fleet import DIGEST, Fleet
from tests.contract.mail.coming_back import ComingBack
from tests.contract.mail.office import Office
from tests.contract.way import outlets
from tests.mail.relays import Sink
from tests.running import eventually

pytestmark = [pytest.mark.postgres, pytest.mark.soak]
# Deaths at exact moments, of the same processes, are tried in each run: test_crash_roles.py.

KILLS = 4
"""Of any process, and then of the one that sends. A start costs a second of the processor."""

READERS = [f"ban-doc-{number}@example.vn" for number in range(40)]


async def test_processes_killed_at_random_lose_nothing_and_tell_nobody_twice(
    tmp_path, postgres_database
):
    async with (
        outlets() as served,
        Sink(lambda _step, _who: None) as relay,
        AsyncExitStack() as stack,
    ):
        with Office(tmp_path, relay.port, url=postgres_database, digest=DIGEST) as office:
            with office.config.open("a") as file:
                file.write(
                    f'[source.bao]\nurl = "{served.url("/rss")}"\ntopics = ["chu-de-tuan"]\n'
                    '[collect]\nallow_networks = ["127.0.0.0/8"]\n'
                )
            fleet = Fleet(office, served, relay, READERS, random.Random(13))
            returned = await stack.enter_async_context(ComingBack(office, relay))
            fleet.begin()
            try:
                await fleet.collected()
                await fleet.live(KILLS, pause_s=1.5)
                fleet.time_passes(t.source_poll, t.site_lease)
                await fleet.collected()
                fleet.cut()
                for _ in range(KILLS):
                    await asyncio.sleep(fleet.random.uniform(0, 0.7))
                    await fleet.kill("mail")
                await fleet.settled()
                await eventually(returned.is_read)
            finally:
                await fleet.end()
            received, uncertain = fleet.received(), fleet.uncertain()
            assert max(received.values()) == 1
            assert returned.number >= len(READERS)
            assert returned.unknown(office.store) == set()
            everybody = {(one, str(n + 1)) for one in READERS for n in range(len(fleet.titles))}
            assert received.keys() | uncertain == everybody
