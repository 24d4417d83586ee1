"""Collecting beside the peers: cold, all 304, and a tick, each on the same farm in the same run.

    python -m tests.bench.ingest --feeds 1000 --runs 5              the table in docs/performance.md
    python -m tests.bench.ingest --feeds 1000 --latency-ms 200 --peers miniflux
    python -m tests.bench.ingest --feeds 10000 --runs 1 --peers '' --no-readers

Uses the farm and the peers' set-up of a bench folder beside the project (not part of it), Debian's
miniflux, newsboat and postgresql. What is measured of Bantin is the whole running service
(`bantin up`: web part, publishing, 20 topic rules): from its first claim of a source until the last
source is recorded, its articles stored and in topics. Memory is the sum of PSS of all its
processes. At the end a reader asks for a published feed all the time, first of the idle service,
then while every entry of every feed is new to it. `--one-pass` measures the command
`bantin collect`, with its start.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
BENCH = PROJECT.parent / "shared" / "bench"
STEPS = ("cold", "warm0", "warm", "tick")  # warm0 settles: newsboat sends no ETag on its second run
LONGEST_S = 900

WORDS = (
    "giáo dục", "y tế", "kinh tế", "thể thao", "văn hóa", "khoa học", "công nghệ", "pháp luật",
    "du lịch", "môi trường", "học sinh", "bệnh viện", "doanh nghiệp", "bóng đá", "ngân hàng",
    "school", "health", "market", "science", "government",
)  # fmt: skip


class Bantin:
    """One store with its configuration, beside the peers' folders."""

    def __init__(self, work: Path, urls: list[str]) -> None:
        self.folder = work / "peer-bantin"
        self.number = len(urls)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        lines = ['[site]\ntitle = "Bench"\n', '[collect]\nallow_networks = ["127.0.0.0/8"]\n']
        lines += [f'[web]\nlisten = "127.0.0.1:{self.port}"\n', '[log]\nlevel = "warning"\n']
        lines += [f'[source.f{n}]\nurl = "{url}"\n' for n, url in enumerate(urls)]
        lines += [f'[topic.t{n}]\nany = ["{word}"]\n' for n, word in enumerate(WORDS)]
        (self.folder / "bantin.toml").write_text("\n".join(lines), encoding="utf-8")

    @property
    def store(self) -> Path:
        return self.folder / "var" / "bantin.db"

    def ask(self, question: str) -> Any:
        """One row of the store; None while there is none."""
        if not self.store.exists():
            return None
        try:
            with closing(sqlite3.connect(self.store, timeout=30)) as database:
                return database.execute(question).fetchone()
        except sqlite3.OperationalError:  # its tables are being made
            return None

    def all_due(self) -> None:
        with closing(sqlite3.connect(self.store, timeout=30)) as database, database:
            database.execute("UPDATE source_poll SET next_poll_at = '2000-01-01 00:00:00.000000'")

    def items(self) -> int:
        row = self.ask("SELECT count(*) FROM article")
        return int(row[0]) if row else 0

    def started(self, *command: str) -> subprocess.Popen[bytes]:
        # As installed: with its modules compiled.
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [str(Path(sys.prefix) / "bin" / "bantin"), *command],
                cwd=self.folder, env=environ, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip


class Running(Bantin):
    """The service, up for all steps. Its store is there before, as are the peers' databases."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, work: Path, urls: list[str]) -> None:
        super().__init__(work, urls)
        self.started("publish").wait(LONGEST_S)

    def step(self, name: str, measure: Any) -> float:
        """Seconds from the first claim to the last record."""
        since = datetime.now(UTC).replace(tzinfo=None)
        if name == "cold":
            self.process = self.started("up")
            measure.servers.append(self.process.pid)
            measure.roots.append(self.process.pid)
        else:
            self.all_due()
        begun = f"{since:%Y-%m-%d %H:%M:%S.%f}"
        done = (
            "SELECT count(*), min(last_tried_at), max(last_ok_at) FROM source_poll "
            f"WHERE last_ok_at >= '{begun}'"
        )
        give_up = time.monotonic() + LONGEST_S
        while True:
            time.sleep(0.05)
            row = self.ask(done)
            if row and row[0] == self.number:
                first, last = (datetime.fromisoformat(at) for at in row[1:])
                return (last - first).total_seconds()
            if time.monotonic() > give_up:
                raise SystemExit(f"{name}: {row} after {LONGEST_S} s")

    def roots(self) -> list[int]:
        return [self.process.pid] if self.process else []

    def close(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


class OnePass(Bantin):
    """The service's one pass by hand, as a command beside the peers' commands."""

    def step(self, name: str, _measure: Any) -> float:
        if name != "cold":
            self.all_due()
        at = time.perf_counter()
        self.started("collect").wait(LONGEST_S)
        return time.perf_counter() - at

    def roots(self) -> list[int]:
        return []

    def close(self) -> None:
        """Nothing runs on."""


class Reader(threading.Thread):
    """Asks for one published feed all the time, and notes how long each answer takes.

    One that fails counts with the time that it took, and is told: a feed that cannot be had is not
    a quick one.
    """

    def __init__(self, port: int, pause_s: float = 0.01) -> None:
        super().__init__(daemon=True)
        self.address = f"http://127.0.0.1:{port}/feeds/t0.atom"
        self.taken: list[float] = []
        self.failed = 0
        self.pause_s = pause_s
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(self.pause_s):
            at = time.perf_counter()
            try:
                urllib.request.urlopen(self.address, timeout=60).read()
            except OSError:
                self.failed += 1
            self.taken.append(time.perf_counter() - at)

    def p99(self) -> float:
        """Milliseconds."""
        self.over.set()
        self.join()
        if self.failed:
            print(f"{self.failed} of {len(self.taken)} questions for a feed failed", flush=True)
        return 1000 * statistics.quantiles(self.taken or [0.0, 0.0], n=100)[98]


Figures = dict[tuple[str, str], float]
"""(Who, what) -> the median: feeds/s of a step, "peak MB", "p99 idle" and "p99 cold" in ms."""


def main(arguments: Sequence[str] | None = None) -> Figures:
    """Measure and print. `arguments` None: those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="miniflux,newsboat")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--one-pass", action="store_true")
    parser.add_argument("--no-readers", action="store_true", help="leave out the p99 of a feed")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "bantin-bench")
    options = parser.parse_args(arguments)
    if not BENCH.is_dir():
        sys.exit(f"the bench folder is not here ({BENCH}); it is not part of this project")
    sys.path.insert(0, str(BENCH))
    import common  # noqa: PLC0415 - found only where its folder is
    import peers  # noqa: PLC0415

    options.work.mkdir(parents=True, exist_ok=True)
    venv = options.work / "venv"
    if not venv.exists():
        venv.symlink_to(sys.prefix)
    taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(options.runs):
        for name in filter(None, ("bantin", *options.peers.split(","))):
            _measure(name, options, common, peers, taken)
    return _report(taken, options.feeds)


def _measure(name: str, options: Any, common: Any, peers: Any, taken: Any) -> None:
    arguments = argparse.Namespace(work=str(options.work), workers=16, pg=[])
    with common.Farm(str(options.work), options.feeds, latency_ms=options.latency_ms) as farm:
        urls = farm.get(f"/list?n={options.feeds}").split()
        if name == "bantin":
            kind = OnePass if options.one_pass else Running
            _ours(kind(options.work, urls), options, common, farm, taken)
        else:
            peer = peers.PEERS[name](arguments, farm, options.feeds)
            _theirs(name, peer, options, common, farm, taken)


def _ours(us: Running | OnePass, options: Any, common: Any, farm: Any, taken: Any) -> None:
    try:
        for step in STEPS:
            if step == "tick":
                farm.get("/_tick?fraction=0.1&items=1")
            with common.Measure(farm, us.roots()) as measure:
                seconds = us.step(step, measure)
            _tell("bantin", step, options.feeds, seconds, measure, us.items(), taken)
        if isinstance(us, Running) and not options.no_readers:
            time.sleep(10)  # its feeds are published
            with _reading(us, taken, "p99 idle"):
                time.sleep(10)
            farm.get("/_tick?fraction=1&items=50")
            with _reading(us, taken, "p99 cold"), common.Measure(farm, us.roots()) as measure:
                seconds = us.step("all new", measure)
            _tell("bantin", "all new, read", options.feeds, seconds, measure, us.items(), taken)
    finally:
        us.close()


@contextmanager
def _reading(us: Running, taken: Any, name: str) -> Iterator[None]:
    reader = Reader(us.port)
    reader.start()
    yield
    taken["bantin", name].append(reader.p99())


def _theirs(name: str, peer: Any, options: Any, common: Any, farm: Any, taken: Any) -> None:
    try:
        for step in STEPS:
            if step == "tick":
                farm.get("/_tick?fraction=0.1&items=1")
            peer.before()
            with common.Measure(farm, peer.roots()) as measure:
                command, how = peer.cmd()
                measure.run(command, LONGEST_S, **how)
            _tell(name, step, options.feeds, measure.wall, measure, peer.items(), taken)
    finally:
        peer.close()


def _tell(
    name: str, step: str, feeds: int, seconds: float, measure: Any, items: Any, taken: Any
) -> None:
    cost = 1000 * measure.cpu / feeds
    print(
        f"{name:9} {step:13} {feeds / seconds:8.1f} feeds/s  cpu {cost:6.2f} ms"
        f" a feed  {measure.mem_mb:5.0f} MB  200: {measure.http['n200']}  304: "
        f"{measure.http['n304']}  items {items}  foreign {measure.foreign:.2f}",
        flush=True,
    )
    if step != "warm0":
        taken[name, step].append(feeds / seconds)
        taken[name, f"{step} MB"].append(measure.mem_mb)


def _report(taken: dict[tuple[str, str], list[float]], feeds: int) -> Figures:
    medians = {key: statistics.median(values) for key, values in taken.items()}
    for who, _ in list(medians):
        medians[who, "peak MB"] = max(medians.get((who, f"{step} MB"), 0) for step in STEPS)
    names = [name for name, at in medians if at == "cold" and name != "bantin"]
    print(f"\n{feeds} feeds, medians of feeds/s (ratio of ours to theirs)")
    for step in ("cold", "warm", "tick"):
        ours = medians["bantin", step]
        others = [
            f"{name} {medians[name, step]:.0f} ({ours / medians[name, step]:.1f}x)"
            for name in names
        ]
        spread = "-".join(f"{at:.0f}" for at in _ends(taken["bantin", step]))
        print(f"{step:5} bantin {ours:.0f} ({spread})  {'  '.join(others)}")
    print("peak MB: " + ", ".join(f"{n} {medians[n, 'peak MB']:.0f}" for n in ("bantin", *names)))
    if ("bantin", "p99 idle") in medians:
        cold, idle = medians["bantin", "p99 cold"], medians["bantin", "p99 idle"]
        print(
            f"p99 of a published feed: {idle:.1f} ms idle, {cold:.1f} ms cold ({cold / idle:.1f}x)"
        )
    return medians


def _ends(values: list[float]) -> tuple[float, float]:
    return min(values), max(values)


if __name__ == "__main__":
    main()
