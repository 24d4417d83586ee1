"""How long questions take in a large archive, and what its index costs.

    python -m tests.bench.search                            1,000,000 articles in SQLite
    python -m tests.bench.search --articles 100000 --store postgresql://…
    python -m tests.bench.search --store sqlite:////tmp/a.db        keeps the archive, or asks it

Articles are a title and a lead of words that are not Vietnamese, but spelled, marked and as
frequent as its words are: syllables, most words of two, their frequencies by Zipf. Each is told by
one of 200 sources and stands in one or two of 20 topics. Building takes some minutes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from service.curate.search.answers import SCAN, find_articles, find_stories
from service.curate.search.question import Question, parse
from service.publish.pages import LISTED
from service.store.core.database import Store
from service.text.fold import fold
from tests.bench.search_archive import NOW, SOURCES, TOPICS, Language, build


def questions(language: Language, number: int) -> Iterator[tuple[str, str]]:
    """Kind and question, of words drawn as those of articles are: frequent ones are frequent."""
    pick = language.random
    for _ in range(number):
        word, rare = language.text(1), pick.choice(language.words[5000:])
        yield "one word", word
        yield "one word, without accents", fold(word)
        yield "a phrase", f'"{language.text(1)}"'
        yield "two words", language.text(2)
        yield "three words, without accents", fold(language.text(3))
        yield (
            "two words in a row that never are",
            '"' + " ".join(language.text(2).split()[1:3]) + '"',
        )
        yield "a rare word", rare
        yield "in a topic", f"{word} topic:t{pick.randrange(TOPICS)}"
        yield "of a source", f"{fold(word)} source:s{pick.randrange(SOURCES)}"
        yield "since", f"{language.text(2)} since:{pick.choice((1, 7, 30, 365))}d"
    for word in language.words[:20]:
        yield "the most frequent words", word


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of one answer: by the wall's clock, and of the processor."""

    wall: float
    cpu: float


class Stopwatch:
    """Measures one answer after the other.

    The processor's time is this process's, and on PostgreSQL that of the server's process for this
    connection besides, where the server runs on this machine: others that use it do not count.
    """

    def __init__(self, store: Store) -> None:
        self._server: int | None = None
        if not store.is_sqlite:
            with store.read() as connection:
                pid = connection.scalar(text("SELECT pg_backend_pid()")) or 0
            self._server = (~pid << 3) | 2  # as clock_getcpuclockid(3) makes it of a process

    def time(self, do: Callable[[], bool]) -> tuple[bool, Took]:
        """What `do` says, and how long it took."""
        begun, busy = time.perf_counter(), self._cpu()
        found = do()
        took = Took((time.perf_counter() - begun) * 1000, (self._cpu() - busy) * 1000)
        return found, took

    def _cpu(self) -> float:
        server = 0.0 if self._server is None else time.clock_gettime(self._server)
        return time.process_time() + server


def ask(store: Store, number: int) -> None:
    """Print how long each kind took, in ms: the articles alone, and with their stories."""
    names = [f"t{n}" for n in range(TOPICS)], [f"s{n}" for n in range(SOURCES)]
    took: dict[str, list[tuple[Took, Took]]] = {}
    incomplete = 0
    watch = Stopwatch(store)
    for kind, asked in questions(Language(11), number):
        question = parse(asked, *names, "Asia/Ho_Chi_Minh", NOW)

        def articles(question: Question = question) -> bool:
            with store.read() as connection:
                return find_articles(connection, question, SCAN).complete

        def stories(question: Question = question) -> bool:
            with store.read() as connection:
                return find_stories(connection, question, LISTED).complete

        (complete, one), (_, other) = watch.time(articles), watch.time(stories)
        incomplete += not complete
        took.setdefault(kind, []).append((one, other))
    every = [one for some in took.values() for one in some]
    for clock in ("wall", "cpu"):
        print(f"| by {clock} | articles: p50 | p95 | most | stories: p50 | p95 | most |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for kind, some in (*took.items(), ("all", every)):
            parts = zip(*([getattr(one, clock) for one in pair] for pair in some), strict=True)
            cells = [f"{one:.1f}" for part in parts for one in _told(part)]
            print(f"| {kind} | {' | '.join(cells)} |")
    print(f"{len(every)} questions, {incomplete} not answered in time")


def _told(values: Iterable[float]) -> tuple[float, float, float]:
    ranked = sorted(values)
    return statistics.median(ranked), ranked[int(len(ranked) * 0.95)], ranked[-1]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--articles", type=int, default=1_000_000)
    options.add_argument("--questions", type=int, default=40, help="of each kind")
    options.add_argument("--store", default="", help="URL; default: a file that is removed again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(given.store or f"sqlite:///{Path(folder) / 'archive.db'}")
        try:
            build(store, given.articles)
            ask(store, given.questions)
        finally:
            store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
