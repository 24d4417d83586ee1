"""A sender that is cut off for minutes, and a primary that takes its last commits along.

By hand: `python -m tests.bench.faults [--cut-s 300] [--times 5]`, with BANTIN_TEST_POSTGRES as in
tests and PostgreSQL's own programs. Nothing may be lost; what is doubled is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import make_url, select

from service.mail.handed_over import Memory
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.failover import PAUSE
from service.store.core.migrate import migrate
from tests.bench.own_database import own_database
from tests.contract.cable import Cable
from tests.contract.mail.office import Office
from tests.contract.test_failover import PEOPLE, Site, held, losing
from tests.mail import stock
from tests.mail.relays import Sink
from tests.postgres_servers import servers
from tests.running import HASTY, eventually, started

READERS = 400
LOST_FROM, OVER_AT = 6, 14
"""The mail from which on the standby hears nothing, and the one at which it takes over."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what came of each fault; exit 1 for what is lost, or doubled without need."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cut-s", type=float, default=300)
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args(arguments)
    right = True
    if options.cut_s:
        with own_database("faults") as url:
            right = asyncio.run(_cut(url, options.cut_s))
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    for number in range(options.times):
        for synchronous, lives in ((False, True), (False, False), (True, False)):
            right &= asyncio.run(_fail_over(number, synchronous=synchronous, lives=lives))
    sys.exit(not right)


async def _cut(url: str, seconds: float) -> bool:
    """Two senders, one of them behind a cable that is cut in the middle of sending."""
    server = make_url(url)
    people = [f"ban-doc-{number:03}@example.vn" for number in range(READERS)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Sink() as relay, Cable(str(server.host), server.port or 5432) as cable:
            with closing(Store(url)) as store:
                migrate(store)
                stock.fill(store, datetime.now(UTC), people)
            with Office(folder, relay.port, url=url) as office:
                with office.config.open("a") as file:
                    file.write('rate = "5/s"\n')
                far = server.set(host="127.0.0.1", port=cable.port)
                behind = folder / "behind.toml"
                text = office.config.read_text(encoding="utf-8")
                behind.write_text(text.replace(url, far.render_as_string(hide_password=False)))
                err = (folder / "behind.err").open("wb")
                every = [
                    started(
                        [str(HASTY), str(behind), "mail", "behind"], cwd=folder, err=err.fileno()
                    ),
                ]
                try:
                    await eventually(
                        lambda: _claims_of(office, "behind") and len(relay.received) > 20
                    )
                    cable.cut()
                    every.append(
                        started([str(HASTY), str(office.config), "mail", "beside"], cwd=folder)
                    )
                    at = len(relay.received)
                    begun = time.monotonic()
                    await eventually(lambda: not _open(office), 600)
                    others = time.monotonic() - begun
                    await asyncio.sleep(max(0.0, seconds - others))
                    late = len(relay.received)
                    cable.mend()
                    back = time.monotonic()
                    mended = datetime.now(UTC)
                    held_back = Counter(office.states().values())["uncertain"]
                    await eventually(lambda: _seen(office, "behind", mended), 300)
                    took = time.monotonic() - back
                    await asyncio.sleep(5)
                finally:
                    for one in every:
                        one.send_signal(15)
                    for one in every:
                        await asyncio.to_thread(one.wait)
                    err.close()
                states = Counter(office.states().values())
    told = Counter(one.recipient for one in relay.received)
    uncertain = states["uncertain"]
    lost = max(0, len(people) - len(told) - uncertain)
    print(
        f"cut off for {seconds:.0f} s after {at} mails: all were sent {others:.0f} s later "
        f"({late} mails, {held_back} uncertain then); back {took:.1f} s after it was mended; "
        f"{dict(states)}; doubled {sum(told.values()) - len(told)}, lost {lost}",
        flush=True,
    )
    return max(told.values()) == 1 and not lost


def _claims_of(office: Office, name: str) -> bool:
    """Whether the process of this name has mails in hand."""
    p, d = t.running_process.c, t.delivery.c
    query = select(d.id).join(t.running_process, p.id == d.lease_owner).where(p.name == name)
    with office.store.read() as connection:
        return connection.execute(query.where(d.state == "claimed").limit(1)).first() is not None


def _open(office: Office) -> bool:
    return bool({"planned", "claimed", "sending", "deferred"} & set(office.states().values()))


def _seen(office: Office, name: str, since: datetime) -> bool:
    c = t.running_process.c
    with office.store.read() as connection:
        return bool(
            connection.scalar(select(c.seen_at).where(c.name == name, c.seen_at > since).limit(1))
        )


async def _fail_over(number: int, *, synchronous: bool, lives: bool) -> bool:
    """One sender; the standby takes over, and what it never heard of is gone."""
    with tempfile.TemporaryDirectory() as name, servers(2) as (primary, standby):
        site = Site(primary, standby, Path(name), datetime.now(UTC))
        site.follow()
        if synchronous:
            primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.ask("SELECT pg_reload_conf()")
            await asyncio.sleep(0.5)
        async with Sink(_script(site, synchronous=synchronous)) as sink:
            memory = Memory()
            with closing(Store(site.url)) as store:
                sending = asyncio.create_task(site.send(store, "a", memory, sink))
                if synchronous:
                    await eventually(lambda: len(sink.received) >= LOST_FROM, 60)
                    await asyncio.sleep(3)  # it waits for the standby, and hands over nothing
                    handed = len(sink.received)
                    await asyncio.to_thread(site.fail_over)
                await sending
                handed = len(sink.received)
                forgotten = site.states()["planned"] + site.states()["claimed"]
                owner, memory = ("a", memory) if lives else ("b", Memory())
                for _ in range(3):
                    await site.send(store, owner, memory, sink)
                    site.clock.at += PAUSE
            told = Counter(one.recipient for one in sink.received)
        doubled = sum(told.values()) - len(told)
        lost = len(set(PEOPLE) - set(told) - held(site))
        kind = "synchronous" if synchronous else "asynchronous"
        print(
            f"{kind} standby, the sender {'lives' if lives else 'died as well'} ({number}): "
            f"{handed} handed over before, {forgotten} not known to have been; "
            f"{dict(site.states())}; doubled {doubled}, lost {lost}",
            flush=True,
        )
        return not lost and (doubled == 0 or not (synchronous or lives))


def _script(site: Site, *, synchronous: bool):
    """The standby takes over in the middle, or, where its word is waited for, from outside."""
    if not synchronous:
        return losing(site, LOST_FROM, OVER_AT)
    bodies = 0

    def script(step: str, _who: str) -> None:
        nonlocal bodies
        if step == "body":
            bodies += 1
            if bodies == LOST_FROM:
                site.standby.loses_sight()

    return script


if __name__ == "__main__":
    main()
