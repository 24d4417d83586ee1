"""What it takes to plan one edition for very many readers, each with topics of their own choice.

    python -m tests.bench.planning [--readers 100000] [--topics 20] [--chosen 5] [--stories 60]
        [--grow 1000 10000 100000 1000000] [--send-up-to 10000] [--sqlite] [--profile FILE]

With BANTIN_TEST_POSTGRES as in tests, or on a file of SQLite. Planning has a process of its own,
of which the processor's time and the most memory are told, and the time of PostgreSQL's processes.
With --grow one run follows the other, each in a database of its own: what a reader takes, and the
memory, are to stay the same. What is planned for at most --send-up-to readers is sent as well, to
smtp-sink, by one process with ten connections, unsigned.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import itertools
import json
import os
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.mail.drain import drain
from service.mail.relay import Timeouts
from service.mail.relays import relay_line
from service.newsletter.printing import Press, press_of
from service.newsletter.run import Planned, plan_due
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.sources import registry
from service.text import mailboxes
from tests import builders
from tests.bench.mails import cpu_of, database, postmaster, smtp_server
from tests.mail.relays import relay_of

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CUT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PlannedOnce:
    """What one run took. Times in seconds, memory in MB; `before`: before planning began. `cpu`: of
    the planner; `servers`: of PostgreSQL; `printers`: of the processes that render mails for it.

    `sent`: what it took to send it all to smtp-sink; None: it was not sent.
    """

    readers: int
    mails: int
    segments: int
    rows: int
    cpu: float
    servers: float
    wall: float
    peak: float
    before: float
    printers: float
    printers_mb: float
    sent: SentOnce | None


@dataclass(frozen=True, slots=True)
class SentOnce:
    """What it took one process with ten connections to send mails."""

    mails: int
    cpu: float
    wall: float
    peak: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--grow", type=int, nargs="+", metavar="READERS")
    parser.add_argument("--send-up-to", type=int, default=0, metavar="READERS")
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--chosen", type=int, default=5)
    parser.add_argument("--stories", type=int, default=60)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--alone", action="store_true", help="render in no other processes")
    parser.add_argument("--profile")
    parser.add_argument("--plan", nargs=2, metavar=("URL", "FOLDER"))
    parser.add_argument("--send", nargs=3, metavar=("URL", "FOLDER", "PORT"))
    options = parser.parse_args(arguments)
    if options.plan is not None:
        _plan(options)
    elif options.send is not None:
        asyncio.run(_send(options))
    else:
        for readers in options.grow or [options.readers]:
            _tell(_measured(options, readers))


def _measured(options: argparse.Namespace, readers: int) -> PlannedOnce:
    with (
        database("planning", sqlite=options.sqlite) as url,
        tempfile.TemporaryDirectory() as name,
    ):
        store = Store(url)
        migrate(store)
        _fill(store, _settings(Path(name), options.topics), options, readers)
        server = postmaster(store)
        before = cpu_of(server)
        begun = time.perf_counter()
        profile = ["--profile", options.profile] if options.profile else []
        profile += ["--alone"] if options.alone else []
        told = _told_by(options, ["--plan", url, name, *profile])
        wall = time.perf_counter() - begun
        theirs = cpu_of(server) - before
        with store.read() as connection:
            segments, rows = (
                connection.scalar(select(func.count()).select_from(table)) or 0
                for table in (t.segment, t.told)
            )
        store.close()
        sent = _sent(options, url, name) if readers <= options.send_up_to else None
    return PlannedOnce(
        readers, int(told["mails"]), segments, rows, told["cpu"], theirs, wall, told["peak"],
        told["before"], told["printers"], told["printers_mb"], sent,
    )  # fmt: skip


def _sent(options: argparse.Namespace, url: str, folder: str) -> SentOnce:
    with smtp_server(0) as sink:
        begun = time.perf_counter()
        told = _told_by(options, ["--send", url, folder, str(sink.port)])
        wall = time.perf_counter() - begun
    return SentOnce(int(told["mails"]), told["cpu"], wall, told["peak"])


def _told_by(options: argparse.Namespace, step: Sequence[str]) -> dict[str, float]:
    """What a process of its own says of itself that does this step."""
    command = [sys.executable, "-m", "tests.bench.planning", *step,
               "--topics", str(options.topics)]  # fmt: skip
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    told: dict[str, float] = json.loads(said.splitlines()[-1])  # log before it
    return told


def _tell(run: PlannedOnce) -> None:
    each = 1000 / run.readers
    print(
        f"{run.readers} readers: {run.mails} mails in {run.segments} segments, {run.rows} rows of "
        f"told\n  planning: processor {run.cpu:.1f} s ({run.cpu * each:.3f} ms a reader), of "
        f"processes that render {run.printers:.1f} s, of PostgreSQL {run.servers:.1f} s; wall "
        f"{run.wall:.1f} s; at most {run.peak:.0f} MB, {run.before:.0f} MB before, "
        f"{run.printers_mb:.0f} MB in those processes",
        flush=True,
    )
    if run.sent is not None:
        sent = run.sent
        print(
            f"  sending: {sent.mails} accepted; processor {sent.cpu:.1f} s ({sent.cpu * each:.3f} "
            f"ms a mail); wall {sent.wall:.1f} s; at most {sent.peak:.0f} MB",
            flush=True,
        )


def _settings(root: Path, topics: int) -> Settings:
    settings = Settings.model_validate(
        {
            "site": {"title": "Tin", "base_url": "https://tin.example.vn", "language": "vi",
                     "timezone": "Asia/Ho_Chi_Minh"},
            "topic": {f"chu-de-{n}": {"title": f"Chủ đề {n}"} for n in range(topics)},
            "digest": {"tuan": {"title": "Điểm tin tuần"}},
            "mail": {"from": "Tin <tin@example.vn>"},
        }
    )  # fmt: skip
    settings._root = root
    return settings


def _fill(store: Store, settings: Settings, options: argparse.Namespace, readers: int) -> None:
    chance = random.Random(1)
    with store.write() as connection:
        registry.register(connection, settings, LONG_AGO, retire=True)
        topics = {
            row.name: row.id for row in connection.execute(select(t.topic.c.id, t.topic.c.name))
        }
        digest = connection.execute(select(t.digest.c.id)).scalar_one()
        sources = [builders.add_source(connection, LONG_AGO, f"bao-{n}") for n in range(10)]
        for n in range(options.stories):
            name = f"chu-de-{n % options.topics}"
            builders.add_story(
                connection, source=sources[n % 10], topics=[topics[name]],
                title=f"Tin số {n} hôm nay", entered_at=CUT - timedelta(days=2, hours=n),
            )  # fmt: skip
        secret = facts.secret(connection)
    numbers = iter(range(1, readers + 1))
    names = sorted(topics)
    while some := list(itertools.islice(numbers, 5000)):
        with store.write() as connection:
            people = [
                {"id": n, "address": f"nguoi-{n}@hop{n % 97}.example.vn", "created_at": LONG_AGO,
                 "address_key": mailboxes.key(secret, f"nguoi-{n}@hop{n % 97}.example.vn")}
                for n in some
            ]  # fmt: skip
            connection.execute(insert(t.subscriber), people)
            subscriptions = [
                {"subscriber_id": n, "digest_id": digest, "cadence": "weekly",
                 "topics": sorted(chance.sample(names, options.chosen)), "created_at": LONG_AGO,
                 "starts_at": CUT - timedelta(days=10), "covered_to": CUT - timedelta(days=7),
                 "next_cut_at": CUT, "welcome_due": False, "token": secrets.token_hex(16)}
                for n in some
            ]  # fmt: skip
            connection.execute(insert(t.subscription), subscriptions)


def _plan(options: argparse.Namespace) -> None:
    url, folder = options.plan
    settings = _settings(Path(folder), options.topics)
    store = Store(url)
    renderer = Renderer(site_view(settings), None)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time()
    profile = cProfile.Profile() if options.profile else None

    def plan(press: Press | None) -> Planned:
        with profile or nullcontext():
            return plan_due(store, settings, renderer, NOW, press=press)

    async def with_processes() -> tuple[Planned, float, float]:
        """As the service plans: in a thread, beside the processes that read documents."""
        async with Parsers() as parsers:
            press = press_of(parsers.call, asyncio.get_running_loop())
            done = await asyncio.to_thread(plan, None if options.alone else press)
            others = descendants(os.getpid())
            return done, sum(map(cpu_with_ended, others)), sum(pss_mb(pid) for pid in others)

    done, theirs, memory = asyncio.run(with_processes())
    if profile is not None:
        profile.dump_stats(options.profile)
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"mails": done.deliveries, "cpu": time.process_time() - cpu, "peak": peak}
    print(json.dumps({**told, "before": before, "printers": theirs, "printers_mb": memory}))


def descendants(pid: int) -> list[int]:
    """The processes that came of this one, and live."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            parents[int(path.name)] = int(fields[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def cpu_with_ended(pid: int) -> float:
    """Seconds of a process and of its children that have ended; those that live say their own.

    A worker is replaced after some hundred tasks: what the first ones took would be missing.
    """
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def pss_mb(pid: int) -> float:
    """Memory of a process, shared pages in parts; 0 where it cannot be read."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


async def _send(options: argparse.Namespace) -> None:
    """Sends what was planned; the clock goes on from the instant of planning."""
    url, folder, port = options.send
    settings = _settings(Path(folder), options.topics)
    relay = relay_of({"host": "127.0.0.1", "port": int(port), "connections": 10})
    line = relay_line(relay, "tin.example.vn", Timeouts(), None)
    store = Store(url)
    begun, cpu = time.monotonic(), time.process_time()
    await drain(
        store,
        settings,
        lambda: NOW + timedelta(seconds=time.monotonic() - begun),
        owner="bench",
        relays=[line],
    )
    cpu = time.process_time() - cpu
    accepted = select(func.count()).where(t.delivery.c.state == "accepted")
    with store.read() as connection:
        mails = connection.scalar(accepted)
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"mails": mails, "cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
