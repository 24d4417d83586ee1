"""Two collectors beside one, and one process of many beside one that does all by itself.

    python -m tests.bench.collectors [--feeds 6000] [--runs 3]

With BANTIN_TEST_POSTGRES as in tests: for figures that count, a server that commits durably. Uses
the farm of a bench folder beside the project (not part of it); each of its servers answers after
200 ms.

*Collectors* wait, they do not compute: each fetches at most --at-once documents at a time, so that
two cores also bear the farm and PostgreSQL, and all documents are known (304). *One process* is not
held back: the same work by `bantin up` and by `bantin up --role all`, all new and all known.

Seconds are from the first claim of a source to the last record, as the database has them.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.bench.ingest import BENCH, LONGEST_S, WORDS
from tests.bench.own_database import own_database
from tests.running import BANTIN, unused_port

NARROW = Path(__file__).with_name("narrow.py")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
READY_S = 15.0
"""Until each process has its workers and has looked once."""


class Office:
    """One database with its sources, and the processes that work on it."""

    def __init__(self, folder: Path, url: str, urls: list[str], at_once: int | None) -> None:
        self.folder, self.number, self.at_once = folder, len(urls), at_once
        self.store = Store(url)
        migrate(self.store)
        self.processes: list[subprocess.Popen[bytes]] = []
        lines = [f'[store]\nurl = "{url}"\n[site]\ntitle = "Bench"\n']
        lines += ['[collect]\nallow_networks = ["127.0.0.0/8"]\n[log]\nlevel = "warning"\n']
        lines += [f'[web]\nlisten = "127.0.0.1:{unused_port()}"\n']
        # It sends nothing: nobody subscribes.
        lines += ['[mail]\nfrom = "Bench <bench@example.org>"\n']
        lines += ['[mail.relay.none]\nhost = "127.0.0.1"\nport = 9\nsecurity = "plain"\n']
        lines += [f'[source.f{n}]\nurl = "{one}"\n' for n, one in enumerate(urls)]
        lines += [f'[topic.t{n}]\nany = ["{word}"]\n' for n, word in enumerate(WORDS)]
        self.config = folder / "bantin.toml"
        self.config.write_text("\n".join(lines), encoding="utf-8")

    def start(self, *of_many: str) -> None:
        """One more process: all of the service, or (role, name)."""
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    self._command(of_many), cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
                )
            )

    def _command(self, of_many: Sequence[str]) -> list[str]:
        if self.at_once is not None:
            return [sys.executable, str(NARROW), str(self.config), str(self.at_once), *of_many]
        named = ["--role", of_many[0], "--name", of_many[1]] if of_many else []
        return [str(BANTIN), "up", "--config", str(self.config), *named]

    def polled(self) -> float:
        """Seconds until all sources that are due now were asked."""
        since = datetime.now(UTC)
        with self.store.write() as connection:
            connection.execute(update(t.source_poll).values(next_poll_at=LONG_AGO))
        return self.wait(since)

    def wait(self, since: datetime) -> float:
        """Seconds from the first claim to the last record of what is asked from `since` on."""
        poll = t.source_poll.c
        done = select(func.count(), func.min(poll.last_tried_at), func.max(poll.last_ok_at)).where(
            poll.last_ok_at >= since
        )
        give_up = time.monotonic() + LONGEST_S
        while time.monotonic() < give_up:
            time.sleep(0.2)
            if any(process.poll() is not None for process in self.processes):
                raise SystemExit(f"one of the processes ended; see {self.folder}/log")
            with self.store.read() as connection:
                number, first, last = connection.execute(done).one()
            if number == self.number:
                return float((last - first).total_seconds())
        raise SystemExit(f"{number} of {self.number} after {LONGEST_S} s; see {self.folder}/log")

    def close(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)
        self.processes.clear()
        self.store.close()


@contextmanager
def office(farm: Any, feeds: int, at_once: int | None = None) -> Iterator[Office]:
    """A new one, whose processes end with the block."""
    urls = farm.get(f"/list?n={feeds}").split()
    with own_database("collectors") as url, tempfile.TemporaryDirectory() as folder:
        one = Office(Path(folder), url, urls, at_once)
        try:
            yield one
        except BaseException:
            print((Path(folder) / "log").read_text()[-2000:], file=sys.stderr)
            raise
        finally:
            one.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--feeds", type=int, default=6000)
    parser.add_argument("--known", type=int, default=1000, help="feeds of the second comparison")
    parser.add_argument("--at-once", type=int, default=24)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["collectors", "one-process"])
    options = parser.parse_args(arguments)
    if not BENCH.is_dir():
        sys.exit(f"the bench folder is not here ({BENCH}); it is not part of this project")
    sys.path.insert(0, str(BENCH))
    import common  # noqa: PLC0415 - found only where its folder is

    work = Path(tempfile.mkdtemp())
    (work / "venv").symlink_to(sys.prefix)
    try:
        feeds = max(options.feeds, options.known)
        if options.only != "one-process":
            with common.Farm(str(work), feeds, latency_ms=200) as farm:
                _collectors(farm, options)
        if options.only != "collectors":
            with common.Farm(str(work), options.known) as farm:
                _one_process(farm, options)
    finally:
        shutil.rmtree(work)


def _collectors(farm: Any, options: argparse.Namespace) -> None:
    with office(farm, options.feeds, options.at_once) as one:
        since = datetime.now(UTC)
        one.start("collect", "first")
        one.wait(since)
        time.sleep(READY_S)
        rates: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.runs):
            rates[1].append(options.feeds / one.polled())
        one.start("collect", "second")
        time.sleep(READY_S)
        for _ in range(options.runs):
            rates[2].append(options.feeds / one.polled())
    alone, both = (statistics.median(rates[number]) for number in (1, 2))
    print(
        f"{options.feeds} sources that answer 304 after 200 ms, {options.at_once} at once a process"
        f": 1 collector {_spread(rates[1])}, 2 collectors {_spread(rates[2])} sources/s: "
        f"{both / alone:.2f}x",
        flush=True,
    )


def _one_process(farm: Any, options: argparse.Namespace) -> None:
    kinds = {"bantin up": (), "bantin up --role all": ("all", "all")}
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.runs):
        for kind, of_many in kinds.items():
            with office(farm, options.known) as one:
                since = datetime.now(UTC)
                one.start(*of_many)
                rates.setdefault(("new", kind), []).append(options.known / one.wait(since))
                time.sleep(READY_S)
                one.polled()  # what the first answer did not say is learned
                for _ in range(3):
                    rates.setdefault(("known", kind), []).append(options.known / one.polled())
    for step in ("new", "known"):
        embedded, many = (statistics.median(rates[step, kind]) for kind in kinds)
        spreads = ", ".join(f"{kind} {_spread(rates[step, kind])}" for kind in kinds)
        print(f"{options.known} sources, all {step}: {spreads} sources/s: {many / embedded:.2f}x")


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"


if __name__ == "__main__":
    main()
