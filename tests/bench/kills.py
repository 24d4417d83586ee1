"""Kill a service at random, hundreds of times, while all that it does goes on.

By hand: `python -m tests.bench.kills [--kills 250] [--seed 1]`: five processes on PostgreSQL, with
BANTIN_TEST_POSTGRES as in tests; with `--sqlite` one process, and commands beside it. An outlet
writes an article with every fifth kill. Readers of one digest are mailed every minute; those of
another one get what its editors leave of it, who hold editions, take out stories and let them go
by their page. Stories are taken back by `bantin recall`, readers make two addresses one, all mail
comes back, to a mailbox and to `bantin bounces read`. A kill falls when something has just happened
(a step of a relay's dialogue, a document that is fetched, a press), never because time has passed;
some fall into a start. Half of them wait for a step of mail, where any is on its way; of the others
half of what is rare has one at once. Commands are killed as well. Processes of many are stopped now
and then for longer than their leases last, as machines that sleep. Exit 1 for whatever is lost,
doubled or wrong, and for a process that ends by itself. Commands are begun from the files as they
are: who edits those meanwhile makes faults that are none.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession
from sqlalchemy import Connection, func, select

from service.model import OPEN_STATES
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.reviews import reviews
from tests.bench.killing import desk
from tests.bench.killing.commands import Commands, Recalls, pipe_returned
from tests.bench.killing.desk import EDITORS, PHASES, Desk
from tests.bench.killing.movers import Movers
from tests.bench.killing.reckoning import Reader, Reckoning, table
from tests.bench.killing.visitor import Visitor
from tests.bench.own_database import own_database
from tests.builders import add_digest, add_subscription
from tests.contract import fleet as digest_of_all
from tests.contract.fleet import DIGEST, ROLES, WHOLE, Fleet
from tests.contract.mail.coming_back import ComingBack
from tests.contract.mail.office import Office
from tests.contract.way import Outlets, outlets
from tests.mail.relays import Sink
from tests.running import eventually

MANY = (*ROLES, "mail-2")
LEASED = tuple(one for one in t.metadata.tables.values() if "lease_until" in one.c)

STARTING = 0.2
"""How likely a process that has just been started is killed while it starts."""

TOLD_EVERY = 10
"""Kills."""

KILLS_AN_ARTICLE = 5
"""While so many processes die, stories are judged hardly at all: what came in meanwhile may be in
one edition at last, and that tells a hundred stories of a topic and counts the others."""

RECALLED_EVERY = 16
"""Kills."""

SETTLES_S = 900.0
"""A lease ends within half a minute, and an edition under review may have begun six ago."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was written, mailed, pressed, held, lost and doubled; exit 1 where it must not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=250)
    parser.add_argument("--readers", type=int, default=100, help="of each of both digests")
    parser.add_argument("--sleeps", type=float, default=0.05, help="how likely, with each kill")
    parser.add_argument("--minutes", type=float, default=60, help="of killing, at most")
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder to leave everything in")
    options = parser.parse_args(arguments)
    with _folder(options.keep) as folder:
        if options.sqlite:
            right = asyncio.run(_run(folder, None, options))
        else:
            with own_database("kills") as url:
                right = asyncio.run(_run(folder, url, options))
    sys.exit(not right)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@dataclass
class Newsroom:
    """A fleet and all who are busy with it."""

    fleet: Fleet
    returned: ComingBack
    desk: Desk
    commands: Commands
    recalls: Recalls
    movers: Movers
    reviewed: list[str]
    moments: Counter[str] = field(default_factory=Counter)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        jobs = [
            *(self.desk.work(one) for one in EDITORS),
            self.movers.move(),
            pipe_returned(self.fleet.relay, self.commands),
        ]
        self.tasks = [asyncio.create_task(one) for one in jobs]

    def check(self) -> None:
        """Raises what has ended one of them."""
        for one in self.tasks:
            if one.done():
                one.result()

    async def end(self) -> None:
        for one in self.tasks:
            one.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def witness(self, name: str) -> None:
        """What was going on as a process died. Raises what has ended one of those who are busy."""
        self.check()
        with self.fleet.office.store.read() as connection:
            states = set(connection.scalars(select(t.delivery.c.state).distinct()))
            remade = connection.scalar(select(func.count()).select_from(t.stale_segment))
            found = {f"mails {one.value}" for one in OPEN_STATES if one.value in states}
            found |= {f"review {one.state}" for one in reviews.open_ones(connection)}
        found |= {f"bantin {one}" for one in self.commands.running}
        found |= {"mails to be made anew"} if remade else set()
        found |= {"an editor's press"} if self.desk.under_way else set()
        found |= {"two addresses becoming one"} if self.movers.under_way else set()
        found = found or {"nothing of all this"}
        if not self.fleet.serves(name):
            found.add("its own start")
        self.moments.update([f"of {name.partition('-')[0]}", *found])
        if self.fleet.names == WHOLE:
            # Whoever had something is dead. Its leases would end in half a minute, and until then
            # the next one would find nothing to do, and be killed for nothing.
            self.fleet.time_passes(*LEASED)

    def readers(self) -> list[Reader]:
        """Who reads each digest now."""
        gone = {old for old, _ in self.movers.done}
        return [
            *(Reader(one, digest_of_all.NAME) for one in self.fleet.readers if one not in gone),
            *(Reader(one, desk.NAME) for one in self.reviewed),
        ]

    def reckoning(self) -> Reckoning:
        return Reckoning(
            store=self.fleet.office.store,
            mails=self.fleet.relay.received,
            readers=self.readers(),
            titles=self.fleet.titles,
            presses=self.desk.presses,
            taken_back=self.recalls.done,
            merged=self.movers.done,
        )

    def is_known(self) -> bool:
        """Whether nothing is on its way, there or back."""
        waits = self.fleet.is_sending() or not self.returned.is_read()
        return not waits and not self.returned.unknown(self.fleet.office.store)

    def is_settled(self) -> bool:
        """Whether everybody was told everything, and nothing waits."""
        if self.fleet.is_sending() or not self.returned.is_read():
            return False
        with self.fleet.office.store.read() as connection:
            untold = t.correction.c.delivery_id.is_(None)
            if connection.scalar(select(func.count()).where(untold)):
                return False
        return self.reckoning().is_told()


async def _run(folder: Path, url: str | None, options: argparse.Namespace) -> bool:
    if url is not None:
        store = Store(url)
        migrate(store)
        store.close()
    pairs = [(f"cu-{n}@example.vn", f"moi-{n}@example.vn") for n in range(6)]
    readers = [f"ban-doc-{n}@example.vn" for n in range(options.readers)]
    reviewed = [f"duyet-{n}@example.vn" for n in range(options.readers)]
    async with outlets() as served, Sink() as relay, ClientSession() as session:
        with Office(folder, relay.port, url=url, digest=DIGEST) as office:
            _configure(office, served)
            chance = random.Random(options.seed)
            everybody = [*readers, *(one for pair in pairs for one in pair)]
            fleet = Fleet(
                office, served, relay, everybody, chance, names=WHOLE if url is None else MANY,
                beside=lambda connection: _subscribe(connection, reviewed),
            )  # fmt: skip
            visitor = Visitor(session, office.port)
            commands = Commands(office.config, chance)
            async with ComingBack(office, relay) as returned:
                room = Newsroom(
                    fleet, returned,
                    Desk(relay, visitor, chance, fleet.tempt),
                    commands, Recalls(commands, fleet.tempt),
                    Movers(relay, visitor, chance, fleet.tempt, pairs),
                    reviewed,
                )  # fmt: skip
                fleet.seen = room.witness
                relay.script = fleet.happens
                served.seen = fleet.tempt
                await _live(room, options)
                unknown = returned.unknown(office.store)
            return _says(room, unknown, options)


def _configure(office: Office, served: Outlets) -> None:
    with office.config.open("a") as file:
        file.write(
            f'rate = "4/s"\n[source.bao]\nurl = "{served.url("/rss")}"\n'
            'topics = ["chu-de-tuan"]\n'
            f'[collect]\nallow_networks = ["127.0.0.0/8"]\n{desk.DIGEST}'
        )


def _subscribe(connection: Connection, readers: Sequence[str]) -> None:
    """The readers of the reviewed digest, as they sign up."""
    now = datetime.now(UTC)
    digest = add_digest(connection, now, desk.NAME, position=1)
    for number, one in enumerate(readers):
        cadence = PHASES[number % len(PHASES)]
        add_subscription(connection, digest=digest, starts_at=now, address=one, cadence=cadence)


async def _live(room: Newsroom, options: argparse.Namespace) -> None:
    begun, ends = time.monotonic(), time.monotonic() + options.minutes * 60
    fleet = room.fleet

    def tell(what: str) -> None:
        room.check()
        print(
            f"{time.monotonic() - begun:4.0f} s  {what}: {fleet.kills} kills, {fleet.sleeps} "
            f"sleeps, {len(fleet.titles)} articles, {len(fleet.relay.received)} mails, "
            f"{len(room.desk.presses)} presses, {len(room.recalls.done)} recalls, "
            f"{len(room.movers.done)} of two addresses",
            flush=True,
        )

    fleet.begin()
    try:
        await fleet.collected()
        fleet.cut()
        room.begin()
        recalls = asyncio.create_task(_take_back(room))
        room.tasks.append(recalls)
        while fleet.kills < options.kills and time.monotonic() < ends:
            await fleet.live(
                min(TOLD_EVERY, options.kills - fleet.kills), None,
                sleeps=options.sleeps, starting=STARTING, kills_an_article=KILLS_AN_ARTICLE,
            )  # fmt: skip
            tell("killed")
        room.desk.finishing = True
        await recalls
        room.tasks.remove(recalls)
        fleet.news()  # by which everybody hears of what was taken back
        await fleet.collected()
        tell("collected")
        end = time.monotonic() + SETTLES_S
        while not await asyncio.to_thread(room.is_settled) and time.monotonic() < end:
            await asyncio.sleep(10)
            tell("settling")
        await eventually(room.is_known)
    finally:
        await room.end()
        await fleet.end()


async def _take_back(room: Newsroom) -> None:
    """A story now and then, which some have been told and others not, until all is to end."""
    fleet, taken = room.fleet, set[str]()
    wanted = RECALLED_EVERY
    while not room.desk.finishing:
        await asyncio.sleep(0.2)
        if fleet.kills < wanted:
            continue
        wanted += RECALLED_EVERY
        known = fleet.known()
        rest = [(n, one) for n, one in enumerate(fleet.titles) if one in known - taken]
        if rest:
            number, title = fleet.random.choice(rest[-8:])
            taken.add(title)
            await room.recalls.take_back(title, str(number + 1))


def _says(room: Newsroom, unknown: set[int], options: argparse.Namespace) -> bool:
    fleet, reckoning = room.fleet, room.reckoning()
    faults = list(reckoning.faults())
    with fleet.office.store.read() as connection:
        states = Counter(connection.scalars(select(t.review.c.state)))
        acts = Counter(connection.scalars(select(t.review_act.c.act)))
        corrections = connection.scalar(select(func.count()).select_from(t.correction))
    by_state = Counter(fleet.office.states().values())
    kinds = Counter(one.partition(":")[0] for one in faults)
    print(
        table(
            [
                ("store, seed", ("SQLite" if options.sqlite else "PostgreSQL", options.seed)),
                ("kills, sleeps", (fleet.kills, fleet.sleeps)),
                ("commands killed", room.commands.kills),
                ("articles, readers", (len(fleet.titles), len(room.readers()))),
                ("(reader, article) received", len(fleet.received())),
                ("mails", dict(by_state)),
                ("editions under review", dict(states)),
                ("acts of editors", dict(acts)),
                ("presses, without an answer", (
                    len(room.desk.presses), sum(one.status is None for one in room.desk.presses),
                )),
                ("conflicts and late presses", sum(one.status == 409 for one in room.desk.presses)),
                ("recalls, corrections", (len(room.recalls.done), corrections)),
                ("two addresses became one", len(room.movers.done)),
                ("came back, without one row", (room.returned.number, len(unknown))),
                ("lost, doubled, other faults", (
                    kinds["told"], kinds["doubled"] + kinds["merged"],
                    len(faults) - kinds["told"] - kinds["doubled"] - kinds["merged"],
                )),
            ]
        )
    )  # fmt: skip
    print("kills while there were:")
    print(table((f"  {name}", number) for name, number in room.moments.most_common()))
    for fault in faults[:40]:
        print(f"FAULT {fault}")
    return not faults and not unknown


if __name__ == "__main__":
    main()
