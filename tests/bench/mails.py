"""Mails a second, from planned to accepted, beside Postfix's own generator to the same server.

    python -m tests.bench.mails [--mails 6000] [--processes 2] [--connections 10] [--delay-ms 20]
        [--sqlite]

With BANTIN_TEST_POSTGRES as in tests: for figures that count, a server that commits durably; or on
a file of SQLite in the folder for temporary files. Each
mail is 42 KB, has its own links and return path, and is signed by DKIM with RSA of 2048 bits; the
ledger is written as ever. The server is smtp-sink; with --delay-ms one of ours, whose replies each
take so long, as on a line with that round trip, and which offers PIPELINING.

The seconds are from when all senders are ready to the last mail that is accepted. Each mail's share
of the processor's time is told: of the senders, of PostgreSQL's processes, of smtp-sink.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select

from service.config.loading import load
from service.mail.drain import drain
from service.mail.relay import Timeouts
from service.mail.relays import relay_line
from service.mail.signing.keys import KeyType, generate
from service.model import Parts
from service.render.marks import mark
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.bench.own_database import own_database
from tests.mail import stock
from tests.mail.relays import relay_of
from tests.running import until, unused_port

SIZE = 42_000

TOML = """
[site]
title = "Tin"
base_url = "https://tin.example.vn"
[digest.tuan]
title = "Điểm tin tuần"
[mail]
from = "Tin <tin@example.vn>"
bounces = { address = "tra-ve@example.vn" }
dkim = { domain = "example.vn", selector = "tin1", key = { file = "dkim.pem" } }
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mails", type=int, default=6000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=10, help="of each process")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--sender", nargs=3, metavar=("URL", "FOLDER", "PORT"))
    options = parser.parse_args(arguments)
    if options.sender is not None:
        asyncio.run(_send(*options.sender, options.connections))
        return
    ours, theirs = [], []
    for _ in range(options.runs):
        with smtp_server(options.delay_ms) as sink, database("mails", sqlite=options.sqlite) as url:
            ours.append(_measured(options, url, sink))
            if not options.delay_ms:
                theirs.append(_smtp_source(sink.port, options.mails))
    print(f"{options.processes} processes, {options.connections} connections each: {_spread(ours)}")
    if theirs:
        share = statistics.median(ours) / statistics.median(theirs)
        print(f"smtp-source, 10 sessions: {_spread(theirs)}; ours are {share:.3f} of it")


@dataclass(frozen=True, slots=True)
class _Server:
    """The relay: its port and its process."""

    port: int
    pid: int


def _measured(options: argparse.Namespace, url: str, sink: _Server) -> float:
    """Mails a second."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dkim.pem").write_text(generate(KeyType.RSA))
        (folder / "bantin.toml").write_text(TOML)
        store = Store(url)
        migrate(store)
        people = [f"nguoi-doc-{n}@hop{n % 50}.example.vn" for n in range(options.mails)]
        stock.fill(store, datetime.now(UTC), people, parts=_parts())
        senders = [
            subprocess.Popen(
                [
                    sys.executable, "-m", "tests.bench.mails", "--connections",
                    str(options.connections), "--sender", url, name, str(sink.port),
                ],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for _ in range(options.processes)
        ]  # fmt: skip
        for sender in senders:
            assert sender.stdout is not None
            assert sender.stdout.readline() == b"ready\n"
        server = postmaster(store)
        before = [cpu_of(server), cpu_of(sink.pid)]
        begun = time.perf_counter()
        for sender in senders:
            assert sender.stdin is not None
            sender.stdin.write(b"go\n")
            sender.stdin.flush()
        used = [float(sender.communicate()[0].split()[-1]) for sender in senders]  # log before it
        took = time.perf_counter() - begun
        after = [cpu_of(server), cpu_of(sink.pid)]
        spent = [sum(used), *(late - early for late, early in zip(after, before, strict=True))]
        told = [f"{1000 * seconds / options.mails:.2f}" for seconds in spent]
        print("ms of a processor a mail: senders {}, PostgreSQL {}, server {}".format(*told))
        accepted = select(func.count()).where(t.delivery.c.state == "accepted")
        with store.read() as connection:
            assert connection.execute(accepted).scalar() == options.mails
        store.close()
    return float(options.mails / took)


async def _send(url: str, folder: str, port: str, connections: int) -> None:
    """One of the senders: says that it is ready, and begins when it is told to."""
    settings = load(Path(folder) / "bantin.toml", {}).settings
    relay = relay_of({"host": "127.0.0.1", "port": int(port), "connections": connections})
    line = relay_line(relay, "tin.example.vn", Timeouts(), None)
    store = Store(url)
    print("ready", flush=True)
    sys.stdin.readline()
    name = f"bench-{os.getpid()}"
    before = time.process_time()
    await drain(store, settings, lambda: datetime.now(UTC), owner=name, relays=[line])
    print(time.process_time() - before)
    store.close()


@contextmanager
def database(bench: str, *, sqlite: bool) -> Iterator[str]:
    if not sqlite:
        with own_database(bench) as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bantin.db"


def postmaster(store: Store) -> int | None:
    """The process whose children serve PostgreSQL's connections, if it is on this machine."""
    if store.is_sqlite:
        return None
    with store.read() as connection:
        mine = connection.execute(select(func.pg_backend_pid())).scalar_one()
    stat = _stat(mine)
    return None if stat is None else int(stat[1])


def cpu_of(pid: int | None) -> float:
    """Seconds of a process, of its children that live, and of those that have ended."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*") if pid is not None else ():
        stat = _stat(int(path.name))
        if stat is None or pid not in {int(path.name), int(stat[1])}:
            continue
        ticks += sum(map(int, stat[11 : 15 if int(path.name) == pid else 13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str] | None:
    """What /proc says, from the state on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _parts() -> Parts:
    """An edition of 42 KB on the wire, as words in German and Vietnamese are encoded."""
    chance = random.Random(1)
    words = ["giáo dục", "thời tiết", "bão số 13", "Hà Nội", "học sinh", "cảng biển", "năm nay"]
    said = " ".join(chance.choice(words) for _ in range(2300))
    head = f"{mark('address')} {mark('since')} {mark('topics')}"
    link = f'<a href="{mark("unsubscribe_url")}">Ngừng</a>'
    return Parts(
        subject="Điểm tin tuần, 24/11/2026: Học sinh nghỉ học vì bão số 13",
        text=f"{head}\n{said[: SIZE // 18]}\n{mark('unsubscribe_url')}\n",
        html=f"<p>{head}</p>{link}\n" + "\n".join(re.findall(r".{1,300}", said)) + "\n",
    )


@contextmanager
def smtp_server(delay_ms: float) -> Iterator[_Server]:
    """smtp-sink; with a delay one of ours whose replies each take so long."""
    port = unused_port()
    if delay_ms:
        command = [sys.executable, "-m", "tests.bench.slow_sink", str(port), str(delay_ms / 1000)]
    else:
        command = ["smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"]
    sink = subprocess.Popen(command)
    try:
        until(lambda: _listens(port), 20)
        yield _Server(port, sink.pid)
    finally:
        sink.kill()
        sink.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _smtp_source(port: int, mails: int) -> float:
    begun = time.perf_counter()
    subprocess.run(
        ["smtp-source", "-s", "10", "-l", str(SIZE), "-m", str(mails), f"127.0.0.1:{port}"],
        check=True,
    )
    return mails / (time.perf_counter() - begun)


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):.0f} mails/s ({min(rates):.0f}-{max(rates):.0f})"


if __name__ == "__main__":
    main()
