"""A backup of a large PostgreSQL database while the service collects, answers and mails.

    python -m tests.bench.backup [--gb 10] [--seconds 90]

With BANTIN_TEST_POSTGRES as in tests: for figures that count, a server that commits durably, on a
disk. Uses the farm of a bench folder beside the project (not part of it). One process does all
(`bantin up --role all`): 300 sources are due every five seconds, a tenth of them with news. Asked
are a topic's page and a search, twenty a second; every half second a letter is planned, as a
sign-up does, and waited for at the relay. First without a backup, for --seconds; then while
`bantin backup` runs.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from sqlalchemy import select, text, update

from service.model import DeliveryKind
from service.store import tables as t
from service.store.content import search_index
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests import builders
from tests.bench.collectors import LONG_AGO
from tests.bench.ingest import BENCH, WORDS
from tests.bench.own_database import own_database
from tests.mail import stock
from tests.mail.relays import Sink
from tests.running import BANTIN, until, unused_port

FEEDS = 300
DUE_EVERY_S = 5.0
ASK_EVERY_S = 0.1
LETTER_EVERY_S = 0.5
LOST_S = 60.0
ROW_BYTES = 20_000
PIECES = 400

FILL = """
    INSERT INTO article (public_id, source_id, link, title, lead, content, folded, authors,
        categories, enclosures, first_seen_at, published_at, hash)
    SELECT 'old' || n, :source, 'https://old.example/' || n, 'Old ' || n, '',
        piece, 'old ' || n, '[]', '[]', '[]', :seen, :seen, decode(md5(n::text), 'hex')
    FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    JOIN piece ON piece.id = n % :pieces
"""
"""Texts that do not compress further in the database."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--gb", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args(arguments)
    if not BENCH.is_dir():
        sys.exit(f"the bench folder is not here ({BENCH}); it is not part of this project")
    sys.path.insert(0, str(BENCH))
    import common  # noqa: PLC0415 - found only where its folder is

    with own_database("backup") as url, tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        (folder / "venv").symlink_to(sys.prefix)
        with common.Farm(str(folder), FEEDS) as farm:
            asyncio.run(_measure(url, folder, farm, options))


async def _measure(url: str, folder: Path, farm: Any, options: argparse.Namespace) -> None:
    store = Store(url)
    await asyncio.to_thread(_fill, store, round(options.gb * 1e9 / ROW_BYTES))
    async with Sink() as relay:
        office = Office(folder, url, farm.get(f"/list?n={FEEDS}").split(), relay.port)
        with office.up():
            await asyncio.to_thread(until, office.answers, LOST_S)
            await asyncio.sleep(30)  # the first collection, and what follows it
            alone = await _live(store, farm, office, relay, lambda: False, options.seconds)
            begun = time.monotonic()
            print("alone: " + ", ".join(_said(*one) for one in alone.items()), flush=True)
            backup = office.backup()
            beside = await _live(store, farm, office, relay, lambda: backup.poll() is None, 0)
            took = time.monotonic() - begun
    store.close()
    size = (folder / "backup").stat().st_size / 1e9
    print(f"backup: exit {backup.returncode}, {took:.0f} s, {size:.2f} GB")
    for what, before in alone.items():
        now = beside[what]
        (half, most), (half_now, most_now) = (
            (_at(taken, 0.5), _at(taken, 0.99)) for taken in (before, now)
        )
        print(
            f"{what}: p50 {half:.1f} -> {half_now:.1f} ms, p99 {most:.1f} -> {most_now:.1f} ms "
            f"({most_now / most:.2f}x), {len(before)} and {len(now)} of them"
        )


def _said(what: str, taken: list[float]) -> str:
    return f"{what} p50 {_at(taken, 0.5):.1f}, p99 {_at(taken, 0.99):.1f} ms"


def _fill(store: Store, rows: int) -> None:
    """Articles of long ago, of a source that is asked no more, judged by nobody and indexed."""
    migrate(store)
    begun, long_ago = time.monotonic(), datetime.now(UTC) - timedelta(days=400)
    with store.write() as connection:
        source = builders.add_source(connection, long_ago, "old")
        connection.execute(text("CREATE TABLE piece (id int PRIMARY KEY, piece text)"))
        pieces = [{"id": n, "piece": random.randbytes(ROW_BYTES // 2).hex()} for n in range(PIECES)]
        connection.execute(text("INSERT INTO piece VALUES (:id, :piece)"), pieces)
    step = 5000
    for first in range(1, rows + 1, step):
        with store.write() as connection:
            values = {"source": source, "seen": long_ago, "pieces": PIECES}
            connection.execute(
                text(FILL), {**values, "first": first, "last": min(first + step - 1, rows)}
            )
    with store.write() as connection:
        connection.execute(text("DROP TABLE piece"))
        last = connection.execute(text("SELECT max(id) FROM article")).scalar_one()
        search_index.came_to(connection, last)
        size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    print(f"{rows} articles in {time.monotonic() - begun:.0f} s: {size / 1e9:.2f} GB", flush=True)


class Office:
    """The configuration, and the processes that use it."""

    def __init__(self, folder: Path, url: str, urls: list[str], relay: int) -> None:
        self.folder, self.port = folder, unused_port()
        lines = [f'[store]\nurl = "{url}"\n[site]\ntitle = "Bench"\n']
        lines += [f'base_url = "http://127.0.0.1:{self.port}"\n']
        lines += ['[collect]\nallow_networks = ["127.0.0.0/8"]\n[log]\nlevel = "warning"\n']
        lines += [f'[web]\nlisten = "127.0.0.1:{self.port}"\n']
        lines += ['[mail]\nfrom = "Bench <bench@example.org>"\n']
        lines += [f'[mail.relay.sink]\nhost = "127.0.0.1"\nport = {relay}\n']
        lines += ['[digest.tuan]\ntitle = "Tuần"\n']
        lines += [f'[source.f{n}]\nurl = "{one}"\n' for n, one in enumerate(urls)]
        lines += [f'[topic.t{n}]\nany = ["{word}"]\n' for n, word in enumerate(WORDS)]
        self.config = folder / "bantin.toml"
        self.config.write_text("\n".join(lines), encoding="utf-8")

    @contextmanager
    def up(self) -> Any:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [str(BANTIN), "up", "--role", "all", "--config", str(self.config)],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)
            print((self.folder / "log").read_text()[-1500:])

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    def backup(self) -> subprocess.Popen[bytes]:
        file = self.folder / "backup"
        return subprocess.Popen(
            [str(BANTIN), "backup", str(file), "--config", str(self.config)],
            stdout=subprocess.DEVNULL,
        )


async def _live(
    store: Store,
    farm: Any,
    office: Office,
    relay: Sink,
    goes_on: Callable[[], bool],
    least_s: float,
) -> dict[str, list[float]]:
    """Milliseconds of each page and each letter while `goes_on`, and for `least_s` seconds."""
    over = threading.Event()
    pages: dict[str, list[float]] = {"topic page": [], "search": []}
    asked = {"topic page": "/topics/t0/", "search": "/search?q=gi%C3%A1o+d%E1%BB%A5c"}
    threads = [
        threading.Thread(target=_ask, args=(office.port, asked[what], taken, over))
        for what, taken in pages.items()
    ]
    threads.append(threading.Thread(target=_due, args=(store, farm, over)))
    for thread in threads:
        thread.start()
    give_up, letters = time.monotonic() + least_s, []
    subscription = await asyncio.to_thread(_reader, store)
    try:
        while goes_on() or time.monotonic() < give_up:
            letters.append(await _letter(store, relay, subscription))
            await asyncio.sleep(LETTER_EVERY_S)
    finally:
        over.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    return {**pages, "letter": letters}


def _reader(store: Store) -> int:
    """A new subscription."""
    name = uuid.uuid4().hex[:12]
    with store.write() as connection:
        digest = connection.execute(select(t.digest.c.id)).scalar_one()
        return builders.add_subscription(
            connection, digest=digest, starts_at=datetime.now(UTC), address=f"{name}@example.vn",
            next_cut_at=datetime.now(UTC) + timedelta(days=7),
        )  # fmt: skip


async def _letter(store: Store, relay: Sink, subscription: int) -> float:
    """From the commit that plans it until the relay has it."""
    number, key = len(relay.received), uuid.uuid4().hex
    now = datetime.now(UTC) - timedelta(seconds=1)
    await asyncio.to_thread(stock.add_letter, store, now, subscription, DeliveryKind.CHANGE, key)
    begun = time.monotonic()
    while len(relay.received) == number:
        if time.monotonic() - begun > LOST_S:
            raise SystemExit(f"a letter did not come within a minute: {stock.states(store)}")
        await asyncio.sleep(0.002)
    return 1000 * (time.monotonic() - begun)


def _ask(port: int, path: str, taken: list[float], over: threading.Event) -> None:
    numbers = itertools.count()
    while not over.wait(ASK_EVERY_S):
        # From many addresses: one visitor would soon be told to wait.
        visitor = (f"127.1.{next(numbers) // 200 % 200}.{next(numbers) % 200}", 0)
        begun = time.perf_counter()
        asked = HTTPConnection("127.0.0.1", port, timeout=LOST_S, source_address=visitor)
        asked.request("GET", path)
        answer = asked.getresponse()
        answer.read()
        asked.close()
        taken.append(1000 * (time.perf_counter() - begun))
        if answer.status != HTTPStatus.OK:
            raise SystemExit(f"{path}: {answer.status}")


def _due(store: Store, farm: Any, over: threading.Event) -> None:
    while not over.wait(DUE_EVERY_S):
        farm.get("/_tick?fraction=0.1&items=1")
        with store.write() as connection:
            connection.execute(update(t.source_poll).values(next_poll_at=LONG_AGO))


def _at(taken: list[float], share: float) -> float:
    return sorted(taken)[min(math.floor(share * len(taken)), len(taken) - 1)]


if __name__ == "__main__":
    main()
