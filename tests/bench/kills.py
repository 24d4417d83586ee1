"""Kill processes of a service of many at random, hundreds of times: what is lost, what is doubled?

By hand: `python -m tests.bench.kills [--kills 500]`, with BANTIN_TEST_POSTGRES as in tests. An
outlet writes an article every second or so; each reader is mailed every five minutes, slowly, so
that kills fall into sending as well.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.bench.own_database import own_database
from tests.contract.fleet import Fleet
from tests.contract.mail.office import Office
from tests.contract.way import outlets
from tests.mail.relays import Sink

GRID_S = 300
PAUSE_S = 1.5


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was written, mailed, held, lost and doubled; exit 1 where something was."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with own_database("kills") as url:
        right = asyncio.run(_run(url, options))
    sys.exit(not right)


async def _run(url: str, options: argparse.Namespace) -> bool:
    store = Store(url)
    migrate(store)
    store.close()
    readers = [f"ban-doc-{number}@example.vn" for number in range(options.readers)]
    with tempfile.TemporaryDirectory() as folder:
        async with outlets() as served, Sink() as relay:
            digest = 'cadences = ["immediate", "weekly"]'
            with Office(Path(folder), relay.port, url=url, digest=digest) as office:
                with office.config.open("a") as file:
                    file.write(
                        f'rate = "20/s"\n[source.bao]\nurl = "{served.url("/rss")}"\n'
                        'topics = ["chu-de-tuan"]\n'
                        '[collect]\nallow_networks = ["127.0.0.0/8"]\n'
                    )
                fleet = Fleet(office, served, relay, readers, random.Random(options.seed))
                return await _live(fleet, options.kills)


async def _live(fleet: Fleet, kills: int) -> bool:
    begun = time.monotonic()
    fleet.begin()
    try:
        await fleet.collected()
        cut = None
        while fleet.kills < kills:
            await fleet.live(5, PAUSE_S)
            if cut != (cut := time.time() // GRID_S):
                fleet.cut()
        await fleet.collected()
        fleet.cut()
        while not fleet.is_settled():
            await asyncio.sleep(5)
            if cut != (cut := time.time() // GRID_S):
                fleet.cut()
    finally:
        await fleet.end()
    received, uncertain = fleet.received(), fleet.uncertain()
    wanted = {(one, str(n + 1)) for one in fleet.readers for n in range(len(fleet.titles))}
    lost = wanted - received.keys() - uncertain
    doubled = [one for one, times in received.items() if times > 1]
    print(
        f"{fleet.kills} kills in {time.monotonic() - begun:.0f} s: {len(fleet.titles)} articles, "
        f"{len(fleet.relay.received)} mails, {len(uncertain)} (reader, article) held as uncertain; "
        f"lost {len(lost)}, doubled {len(doubled)}"
    )
    return not lost and not doubled


if __name__ == "__main__":
    main()
