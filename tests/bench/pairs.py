"""Two copies of the service in turn, pair by pair: what a part of it costs or buys.

    python -m tests.bench.pairs OTHER --feeds 120 --pairs 8       docs/performance.md, "Fast paths"

OTHER is a folder with `service/` and `templates/`: another commit, or a copy with one thing taken
away. Each run has a store of its own; all its sources fall due at once in the running service, and
it ends when the last one is stored. Told are the medians of the ratios, OTHER to this tree, of CPU
of all processes (which stands a busy machine when taken in turn) and of their largest sum of PSS.
"""

from __future__ import annotations

import argparse
import os
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from tests.bench.ingest import BENCH, LONGEST_S, PROJECT, Running

Figures = tuple[float, float]
"""CPU seconds and MB."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("other", type=Path)
    parser.add_argument("--feeds", type=int, default=120)
    parser.add_argument("--pairs", type=int, default=8)
    options = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit(f"the bench folder is not here ({BENCH}); it is not part of this project")
    sys.path.insert(0, str(BENCH))
    import common  # noqa: PLC0415 - found only where its folder is

    work = Path(tempfile.gettempdir()) / "bantin-pairs"
    work.mkdir(exist_ok=True)
    if not (work / "venv").exists():
        (work / "venv").symlink_to(sys.prefix)
    ratios: list[Figures] = []
    with common.Farm(str(work), options.feeds) as farm:
        urls = farm.get(f"/list?n={options.feeds}").split()
        for number in range(options.pairs):
            trees = (PROJECT, options.other.resolve())
            order = trees if number % 2 == 0 else trees[::-1]
            told = {root: _run(root, work, urls, common, farm) for root in order}
            mine, other = (told[root] for root in trees)
            ratios.append((other[0] / mine[0], other[1] / mine[1]))
            print(f"{mine[0]:.2f} s {mine[1]:.0f} MB; other {other[0]:.2f} s {other[1]:.0f} MB")
    for name, some in zip(("CPU", "memory"), zip(*ratios, strict=True), strict=True):
        print(f"{name}: {statistics.median(some):.2f}x ({min(some):.2f}-{max(some):.2f})")


def _run(root: Path, work: Path, urls: list[str], common: Any, farm: Any) -> Figures:
    os.environ["PYTHONPATH"] = str(root)
    us = Running(work, urls)
    with closing(sqlite3.connect(us.store)) as database, database:
        later = "datetime('now', '+1 hour') || '.000000'"
        database.execute(f"UPDATE source_poll SET next_poll_at = {later}")
    us.process = us.started("up")
    try:
        _await(us.port)
        time.sleep(2)  # its jobs have looked for work, and found none
        with common.Measure(farm, us.roots(), quiet_s=0) as measure:
            us.step("all new", measure)
        return measure.cpu, measure.mem_mb
    finally:
        us.close()


def _await(port: int) -> None:
    give_up = time.monotonic() + LONGEST_S
    while time.monotonic() < give_up:
        time.sleep(0.1)
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise SystemExit("it does not begin to serve")


if __name__ == "__main__":
    main()
