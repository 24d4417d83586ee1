"""How many articles a second come in beside one lock: one, two and four processes that admit.

    python -m tests.bench.scale_admission postgresql://…        a store with sources s1, s2, …

Each transaction is one of the service's: new articles of some sources, one each, prepared before as
workers do; their topics are two. The lock (docs/decisions/020) is held from the answer of
`pg_advisory_xact_lock` until the commit has returned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe
from typing import Any

from sqlalchemy import event, select

from service.config.schema import Topic
from service.curate.admit import AdmitSource, Submission, admit_prepared
from service.curate.prepare import Told, prepare
from service.curate.rules.matcher import Matcher, compile_rules
from service.model import Document, Entry
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.bench.scale_fill import NOW
from tests.bench.search_archive import Language
from tests.builders import add_source, add_topic

SOURCES, TRANSACTIONS, DOCUMENTS = 400, 60, 20
TOPICS = {"t1": Topic(), "t2": Topic()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table. `arguments` None: those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("url")
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="in one transaction")
    options = parser.parse_args(arguments)
    store = Store(options.url)
    migrate(store)
    with store.write() as connection:
        if connection.scalar(select(t.source.c.id).limit(1)) is None:
            for number in range(1, SOURCES + 1):
                add_source(connection, NOW, f"s{number}")
            for name in TOPICS:
                add_topic(connection, NOW, name)
    store.close()
    print("| writers | articles/s | transactions/s | lock held, ms (p50, p99) | waited for, ms |")
    print("| --- | --- | --- | --- | --- |")
    for writers in (1, 2, 4):
        print(_measured(options.url, writers, options.documents), flush=True)


def _measured(url: str, writers: int, documents: int) -> str:
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    run = time.time_ns()
    for number in range(writers):
        here, there = context.Pipe()
        process = context.Process(target=_write, args=(url, f"{run}-{number}", documents, there))
        process.start()
        pipes.append(here)
        processes.append(process)
    for pipe in pipes:
        pipe.recv()  # it is ready
    begun = time.monotonic()
    for pipe in pipes:
        pipe.send(None)
    told: list[tuple[list[float], list[float], int]] = [pipe.recv() for pipe in pipes]
    took = time.monotonic() - begun
    for process in processes:
        process.join()
    held = [1000 * one for some, _, _ in told for one in some]
    waited = [1000 * one for _, some, _ in told for one in some]
    articles = sum(number for _, _, number in told)
    p99 = statistics.quantiles(held, n=100)[98]
    return (
        f"| {writers} | {articles / took:,.0f} | {len(held) / took:.1f} |"
        f" {statistics.median(held):.1f}, {p99:.1f} | {statistics.median(waited):.1f} |"
    )


def _write(url: str, run: str, documents: int, pipe: Pipe) -> None:
    store, matcher = Store(url), compile_rules(TOPICS, None)
    with store.read() as connection:
        rows = connection.execute(select(t.source.c.name, t.source.c.id).limit(SOURCES)).all()
    language = Language(len(run))
    part = int(run.rpartition("-")[2])
    work = []
    for number in range(TRANSACTIONS):
        first = (number * 7 + part * 97) * documents
        chosen = [rows[(first + one) % len(rows)] for one in range(documents)]
        work.append([_submission(row, f"{run}-{number}-{at}", language, matcher)
                     for at, row in enumerate(chosen)])  # fmt: skip
    held, waited = [], []
    times: dict[str, float] = {}

    def before(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if "pg_advisory_xact_lock" in statement:
            times["asked"] = time.monotonic()

    def after(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        if "pg_advisory_xact_lock" in statement:
            times["had"] = time.monotonic()

    event.listen(store.engine, "before_cursor_execute", before)
    event.listen(store.engine, "after_cursor_execute", after)
    pipe.send(None)
    pipe.recv()
    for submissions in work:
        with store.write() as connection:
            admit_prepared(connection, submissions, NOW, matcher)
        held.append(time.monotonic() - times["had"])
        waited.append(times["had"] - times["asked"])
    pipe.send((held, waited, len(work) * documents))
    store.close()


def _submission(row: Any, key: str, language: Language, matcher: Matcher) -> Submission:
    topics = tuple(TOPICS)
    title, lead = language.text(7).capitalize(), language.text(25)
    entry = Entry(
        key=key, guid=key, link=f"https://{row.name}.example/{key}", link_is_key=True, title=title,
        summary=lead,
    )  # fmt: skip
    told = Told(row.id, row.name, row.name, "vi", topics)
    made, _ = prepare(Document("", None, "vi", (entry,)), told, matcher)
    source = AdmitSource(
        id=row.id, name=row.name, title=row.name, weight=1, language="vi", topics=topics,
        first_collection=False, first_fetch_at=NOW, home=None,
    )  # fmt: skip
    return Submission(source, made)


if __name__ == "__main__":
    main()
