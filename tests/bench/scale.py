"""The service on a store of the size of a nation, with the plan of each statement.

    python -m tests.bench.scale --folder /var/tmp/scale             all of docs/scale.md, hours
    python -m tests.bench.scale --folder /var/tmp/scale --part 0.1  the same a tenth as large
    python -m tests.bench.scale … --only tick,plan

Makes a PostgreSQL server of its own in the folder (60 GB for the whole), fills a store and, for the
ticks, another a tenth as large, and keeps both: the next run only measures. `--only` names what is
to be done of: jobs, collect, pages, plan, tick, admission.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import psycopg
import structlog

from service.collect.workers.pool import Parsers
from service.runtime.composition import Service
from tests.bench import scale_admission
from tests.bench.scale_fill import Size, fill
from tests.bench.scale_plans import Plans
from tests.bench.scale_server import OwnServer
from tests.bench.scale_site import opened, publishers, write_config
from tests.bench.scale_ways import Cost, Walk, forget_planned

SOURCES_PORT, RELAY_PORT = 18999, 18998
TICKS = 15
"""Of each size, in turn; the first of each only warms up."""

LEAST = 0.1

WHAT = ("jobs", "collect", "pages", "plan", "tick", "admission")


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill what is not filled, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=54777)
    parser.add_argument("--part", type=float, default=1.0, help="of the whole, 0.1 at least")
    parser.add_argument("--only", default=",".join(WHAT))
    parser.add_argument("--every", action="store_true", help="show the plans of all statements")
    options = parser.parse_args(arguments)
    if options.part < LEAST:
        parser.error(f"--part {options.part}: mails of two days would tell the same articles")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wanted = set(options.only.split(","))
    server = OwnServer(options.folder, options.port)
    names = {"scale": options.part, "scale_tenth": options.part / 10}
    if "tick" not in wanted:
        del names["scale_tenth"]
    with server.running(loading=True):
        for name, part in names.items():
            if not server.has(name):
                server.make(name)
                fill(server.url(name), Size(part), SOURCES_PORT)
        if "admission" in wanted and not server.has("scale_empty"):
            server.make("scale_empty")
    with server.running():
        _sizes(server.url("scale"))
        services = {
            name: _opened(server, options.folder, name, Size(p)) for name, p in names.items()
        }
        plans = Plans()
        walks = {
            name: Walk(service, Size(names[name]), plans, SOURCES_PORT)
            for name, service in services.items()
        }
        try:
            _measure(walks, wanted)
        finally:
            for service in services.values():
                service.close()
        print("\n".join(plans.lines(every=options.every)))
        if "admission" in wanted:
            for name in ("scale_empty", "scale"):
                print(name)
                scale_admission.main([server.url(name)])


def _measure(walks: dict[str, Walk], wanted: set[str]) -> None:
    walk = walks["scale"]
    if "jobs" in wanted:
        walk.jobs()
    if "collect" in wanted:
        asyncio.run(_collect(walk))
    if "pages" in wanted:
        walk.pages()
    if "plan" in wanted:
        for digest in ("trua", "sang"):
            forget_planned(walk.store, digest)
            walk.plan(digest)
        walk.send(RELAY_PORT)
    if "tick" in wanted:
        asyncio.run(_ticks(walks))


async def _collect(walk: Walk) -> None:
    async with publishers(SOURCES_PORT):
        await asyncio.to_thread(walk.collect)


async def _ticks(walks: dict[str, Walk]) -> None:
    """Passes over as many due sources, among few and among many, in turn."""
    took: dict[str, list[float]] = {name: [] for name in walks}
    async with publishers(SOURCES_PORT), Parsers(1) as parsers:
        for number in range(TICKS):
            await asyncio.to_thread(_news)
            for name, walk in sorted(walks.items(), reverse=bool(number % 2)):
                walk.due_again()
                with Cost(walk.store) as cost:
                    done = await walk.tick(parsers)
                took[name].append(cost.seconds)
                print(
                    f"tick of {done.tried} among {walk.size.sources}: {cost.each(done.tried)};"
                    f" {done.ok} fine, {done.entries_new} new", flush=True,
                )  # fmt: skip
    medians = {name: statistics.median(some[1:]) for name, some in took.items()}
    print(medians, f"ratio {medians['scale_tenth'] / medians['scale']:.2f}")


def _news() -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{SOURCES_PORT}/_tick", timeout=10).close()


def _opened(server: OwnServer, folder: Path, name: str, size: Size) -> Service:
    own = folder / name
    own.mkdir(exist_ok=True)
    url = server.url(name)
    return opened(write_config(own, url, size, SOURCES_PORT, RELAY_PORT), url)


def _sizes(url: str) -> None:
    """Rows and bytes of each table, and of its indexes."""
    print("| table | rows | MB | indexes, MB | B a row, all |\n| --- | --- | --- | --- | --- |")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname, reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid)"
            " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND reltuples > 0 ORDER BY pg_total_relation_size(oid) DESC LIMIT 20"
        ).fetchall()
    for name, number, table, indexes in rows:
        each = (table + indexes) / number
        print(f"| {name} | {number:,} | {table / 1e6:,.0f} | {indexes / 1e6:,.0f} | {each:.0f} |")


if __name__ == "__main__":
    main()
