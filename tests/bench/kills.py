"""Kill processes of a service of many at random, hundreds of times: what is lost, what is doubled?

By hand: `python -m tests.bench.kills [--kills 500]`, with BANTIN_TEST_POSTGRES as in tests. An
outlet writes an article with every fifth kill; each reader is mailed every minute, slowly, so that
kills fall into sending as well. Now and then a process is stopped for longer than its leases last,
as a machine that sleeps, and goes on. All mail that is taken comes back meanwhile. 500 kills take
some ten minutes on two idle cores.
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
from tests.contract.fleet import DIGEST, ROLES, Fleet
from tests.contract.mail.coming_back import ComingBack
from tests.contract.mail.office import Office
from tests.contract.way import outlets
from tests.mail.relays import Sink

NAMES = (*ROLES, "mail-2")
PAUSE_S = 1.2
TOLD_EVERY = 10
"""Kills."""

KILLS_AN_ARTICLE = 5
"""While so many processes die, stories are judged hardly at all: what came in meanwhile may be in
one edition at last, and that tells a hundred stories of a topic and counts the others."""

SETTLES_S = 420.0
"""The last cut comes within a minute, and a lease ends within half of one."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was written, mailed, held, lost and doubled; exit 1 where something was."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--readers", type=int, default=60)
    parser.add_argument("--sleeps", type=float, default=0.05, help="how likely, with each kill")
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
            with Office(Path(folder), relay.port, url=url, digest=DIGEST) as office:
                with office.config.open("a") as file:
                    file.write(
                        f'rate = "2/s"\n[source.bao]\nurl = "{served.url("/rss")}"\n'
                        'topics = ["chu-de-tuan"]\n'
                        '[collect]\nallow_networks = ["127.0.0.0/8"]\n'
                    )
                chance = random.Random(options.seed)
                fleet = Fleet(office, served, relay, readers, chance, names=NAMES)
                async with ComingBack(office, relay) as returned:
                    right = await _live(fleet, options.kills, options.sleeps, returned)
                    unknown = returned.unknown(office.store)
                print(f"{returned.number} mails came back; without their one row: {len(unknown)}")
                return right and not unknown


async def _live(fleet: Fleet, kills: int, sleeps: float, returned: ComingBack) -> bool:
    begun = time.monotonic()

    def tell(what: str) -> None:
        print(
            f"{time.monotonic() - begun:4.0f} s  {what}: {fleet.kills} kills, {fleet.sleeps} "
            f"sleeps, {len(fleet.titles)} articles, {len(fleet.relay.received)} mails",
            flush=True,
        )

    fleet.begin()
    try:
        await fleet.collected()
        fleet.cut()
        while fleet.kills < kills:
            await fleet.live(
                min(TOLD_EVERY, kills - fleet.kills),
                PAUSE_S,
                sleeps=sleeps,
                kills_an_article=KILLS_AN_ARTICLE,
            )
            tell("killed")
        await fleet.collected()
        tell("collected")
        await _settle(fleet, returned, tell)
    finally:
        await fleet.end()
    return _says(fleet)


async def _settle(fleet: Fleet, returned: ComingBack, tell) -> None:
    """Wait until all is told and read, but not for ever: what is not then is lost."""
    end = time.monotonic() + SETTLES_S

    def is_settled() -> bool:
        return fleet.is_settled() and returned.is_read()

    while not await asyncio.to_thread(is_settled) and time.monotonic() < end:
        await asyncio.sleep(5)
        tell("settling")


def _says(fleet: Fleet) -> bool:
    received, uncertain, untold = fleet.received(), fleet.uncertain(), fleet.untold()
    lost = (fleet.shown() - received.keys()) | untold
    doubled = [one for one, times in received.items() if times > 1]
    print(
        f"{fleet.kills} kills, {fleet.sleeps} sleeps: {len(fleet.titles)} articles for "
        f"{len(fleet.readers)} readers, {len(received)} (reader, article) received, "
        f"{len(uncertain)} held as uncertain; lost {len(lost)} (untold {len(untold)}), "
        f"doubled {len(doubled)}"
    )
    for what, some in ("lost", sorted(lost)), ("doubled", sorted(doubled)):
        print(*(f"{what}: {one}" for one in some[:10]), sep="\n", end="\n" if some else "")
    return not lost and not doubled


if __name__ == "__main__":
    main()
