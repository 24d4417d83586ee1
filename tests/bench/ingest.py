"""Collecting beside the peers: cold, all 304, and a tick, each on the same farm in the same run.

    python -m tests.bench.ingest --feeds 300 --runs 5

Uses the farm and the peers' set-up of the team's bench folder (not part of this project), Debian's
miniflux, newsboat and postgresql. Prints a row per measurement and, at the end, medians and ratios.
The command measured is the whole process: `bantin collect` with its start, 20 topic rules, articles
stored and in topics.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
BENCH = PROJECT.parent / "shared" / "bench"
STEPS = ("cold", "warm0", "warm", "tick")  # warm0 settles: newsboat sends no ETag on its second run

WORDS = (
    "giáo dục", "y tế", "kinh tế", "thể thao", "văn hóa", "khoa học", "công nghệ", "pháp luật",
    "du lịch", "môi trường", "học sinh", "bệnh viện", "doanh nghiệp", "bóng đá", "ngân hàng",
    "school", "health", "market", "science", "government",
)  # fmt: skip


class Bantin:
    """The service's one pass by hand, as a command beside the peers' commands."""

    def __init__(self, work: Path, urls: list[str]) -> None:
        self.folder = work / "peer-bantin"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        lines = ['[site]\ntitle = "Bench"\n', '[collect]\nallow_networks = ["127.0.0.0/8"]\n']
        lines += [f'[source.f{n}]\nurl = "{url}"\n' for n, url in enumerate(urls)]
        lines += [f'[topic.t{n}]\nany = ["{word}"]\n' for n, word in enumerate(WORDS)]
        (self.folder / "bantin.toml").write_text("\n".join(lines), encoding="utf-8")

    def before(self) -> None:
        """All sources are due."""
        path = self.folder / "var" / "bantin.db"
        if path.exists():
            with closing(sqlite3.connect(path)) as database, database:
                database.execute("UPDATE source SET next_poll_at = '2000-01-01 00:00:00.000000'")

    def roots(self) -> list[int]:
        return []

    def cmd(self) -> tuple[list[str], dict[str, Any]]:
        log = (self.folder / "log").open("a")
        command = [str(Path(sys.prefix) / "bin" / "bantin"), "collect"]
        # As installed: with its modules compiled.
        environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        how = {"cwd": self.folder, "env": environ, "stdout": log, "stderr": subprocess.STDOUT}
        return command, how

    def items(self) -> int:
        with closing(sqlite3.connect(self.folder / "var" / "bantin.db")) as database:
            return int(database.execute("SELECT count(*) FROM article").fetchone()[0])

    def close(self) -> None:
        """Nothing runs on."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--feeds", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", default="miniflux,newsboat")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "bantin-bench")
    options = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit(f"the bench folder is not here ({BENCH}); it is not part of this project")
    sys.path.insert(0, str(BENCH))
    import common  # noqa: PLC0415 - the team's own, found only where its folder is
    import peers  # noqa: PLC0415

    options.work.mkdir(parents=True, exist_ok=True)
    venv = options.work / "venv"
    if not venv.exists():
        venv.symlink_to(sys.prefix)
    taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(options.runs):
        for name in filter(None, ("bantin", *options.peers.split(","))):
            _measure(name, options, common, peers, taken)
    _report(taken, options.feeds)


def _measure(name: str, options: Any, common: Any, peers: Any, taken: Any) -> None:
    arguments = argparse.Namespace(work=str(options.work), workers=16, pg=[])
    with common.Farm(str(options.work), options.feeds, latency_ms=options.latency_ms) as farm:
        urls = farm.get(f"/list?n={options.feeds}").split()
        peer = (
            Bantin(options.work, urls)
            if name == "bantin"
            else peers.PEERS[name](arguments, farm, options.feeds)
        )
        try:
            for step in STEPS:
                if step == "tick":
                    farm.get("/_tick?fraction=0.1&items=1")
                peer.before()
                with common.Measure(farm, peer.roots()) as measure:
                    command, how = peer.cmd()
                    code = measure.run(command, 900, **how)
                told = f"{name:9} {step:5} {options.feeds / measure.wall:8.1f} feeds/s"
                print(
                    f"{told}  cpu {1000 * measure.cpu / options.feeds:6.2f} ms a feed  "
                    f"{measure.mem_mb:5.0f} MB  200: {measure.http['n200']}  "
                    f"304: {measure.http['n304']}  items {peer.items()}  exit {code}  "
                    f"foreign {measure.foreign:.2f}",
                    flush=True,
                )
                if step != "warm0":
                    taken[name, step].append(options.feeds / measure.wall)
        finally:
            peer.close()


def _report(taken: dict[tuple[str, str], list[float]], feeds: int) -> None:
    medians = {key: statistics.median(values) for key, values in taken.items()}
    print(f"\n{feeds} feeds, medians, feeds/s (ratio of ours to theirs)")
    for step in ("cold", "warm", "tick"):
        ours = medians["bantin", step]
        others = [
            f"{name} {value:.0f} ({ours / value:.1f}x)"
            for (name, at), value in medians.items()
            if at == step and name != "bantin"
        ]
        print(f"{step:5} bantin {ours:.0f}  {'  '.join(others)}")


if __name__ == "__main__":
    main()
