"""What it takes to plan one edition for very many readers, each with topics of their own choice.

    python -m tests.bench.planning [--readers 100000] [--topics 20] [--chosen 5] [--stories 60]
        [--sqlite] [--profile FILE]

With BANTIN_TEST_POSTGRES as in tests, or on a file of SQLite. Planning has a process of its own,
of which the processor's time and the most memory are told, and the time of PostgreSQL's processes.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import random
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select

from service.config.schema import Settings
from service.newsletter.run import plan_due
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.store.sources import registry
from service.text import mailboxes
from tests import builders
from tests.bench.mails import cpu_of, database, postmaster

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CUT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, plan, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--chosen", type=int, default=5)
    parser.add_argument("--stories", type=int, default=60)
    parser.add_argument("--sqlite", action="store_true")
    parser.add_argument("--profile")
    parser.add_argument("--plan", nargs=2, metavar=("URL", "FOLDER"))
    options = parser.parse_args(arguments)
    if options.plan is not None:
        _plan(options)
        return
    with database("planning", sqlite=options.sqlite) as url, tempfile.TemporaryDirectory() as name:
        store = Store(url)
        migrate(store)
        begun = time.perf_counter()
        _fill(store, _settings(Path(name), options.topics), options)
        print(f"filled in {time.perf_counter() - begun:.0f} s", flush=True)
        server = postmaster(store)
        before = cpu_of(server)
        command = [sys.executable, "-m", "tests.bench.planning", "--plan", url, name,
                   "--topics", str(options.topics)]  # fmt: skip
        if options.profile:
            command += ["--profile", options.profile]
        begun = time.perf_counter()
        told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        took = time.perf_counter() - begun
        theirs = cpu_of(server) - before
        with store.read() as connection:
            segments, rows = (
                connection.scalar(select(func.count()).select_from(table))
                for table in (t.segment, t.told)
            )
        store.close()
    print(f"{told['mails']} mails in {segments} segments, {rows} rows of told")
    print(
        f"processor: {told['cpu']:.1f} s, of PostgreSQL {theirs:.1f} s; wall {took:.1f} s; "
        f"at most {told['peak']:.0f} MB, {told['before']:.0f} MB before"
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


def _fill(store: Store, settings: Settings, options: argparse.Namespace) -> None:
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
    numbers = iter(range(1, options.readers + 1))
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
    with profile or nullcontext():
        done = plan_due(store, settings, renderer, NOW)
    if profile is not None:
        profile.dump_stats(options.profile)
    store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"mails": done.deliveries, "cpu": time.process_time() - cpu, "peak": peak}
    print(json.dumps({**told, "before": before}))


if __name__ == "__main__":
    main()
