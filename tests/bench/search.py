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
import itertools
import random
import statistics
import sys
import tempfile
import time
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import func, select

from service.curate.search.answers import SCAN, find_articles, find_stories
from service.curate.search.indexing import index_stored
from service.curate.search.question import parse
from service.store import tables as t
from service.store.content import search_index
from service.store.core.bulk import Copied
from service.store.core.database import Connection, Store
from service.store.core.migrate import migrate
from service.text.fold import fold, folded_tokens
from tests.builders import add_source, add_topic

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SOURCES, TOPICS = 200, 20
ROWS = 5000
SYLLABLES, WORDS = 4000, 30_000
SECONDS_APART = 60
"""So much later each article came than the one before: a million are two years."""

ONSETS = [*"bcdđghklmnprstvx", "ch", "gh", "gi", "kh", "ng", "nh", "ph", "th", "tr", "qu", ""]
NUCLEI = [
    *"aăâeêioôơuưy", "ai", "ao", "ay", "âu", "ây", "eo", "ia", "iê", "oa", "oai", "oe", "ôi", "ơi",
    "ua", "uâ", "uy", "ưa", "ươ",
]  # fmt: skip
CODAS = ["", "c", "ch", "m", "n", "ng", "nh", "p", "t"]
TONES = ["", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"]


class Language:
    """Words with their frequencies."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        syllables = self._syllables()
        weights = list(itertools.accumulate(1 / (n + 10) for n in range(len(syllables))))
        words: dict[str, None] = {}
        while len(words) < WORDS:
            number = 1 if self.random.random() < 0.2 else 2
            at = (bisect(weights, self.random.random() * weights[-1]) for _ in range(number))
            words.setdefault(" ".join(syllables[one] for one in at))
        self.words = list(words)
        self._weights = list(itertools.accumulate(1 / (n + 3) for n in range(WORDS)))

    def _syllables(self) -> list[str]:
        pick, found = self.random.choice, dict[str, None]()
        while len(found) < SYLLABLES:
            nucleus = pick(NUCLEI)
            made = pick(ONSETS) + nucleus[0] + pick(TONES) + nucleus[1:] + pick(CODAS)
            found.setdefault(unicodedata.normalize("NFC", made))
        return list(found)

    def text(self, words: int) -> str:
        return " ".join(self.random.choices(self.words, cum_weights=self._weights, k=words))


ARTICLE = Copied(
    t.article, "public_id", "source_id", "link", "title", "lead", "content", "folded", "authors",
    "categories", "enclosures", "image", "language", "published_at", "first_seen_at", "hash",
)  # fmt: skip
STORY = Copied(t.story, "id", "public_id", "article_id", "created_at")
PLACE = Copied(t.story_article, "article_id", "story_id")
ENTRY = Copied(
    t.entry, "source_id", "entry_key", "title", "hash", "article_id", "quiet", "first_seen_at"
)
TOPIC = Copied(
    t.article_topic, "article_id", "topic_id", "entered_at", "listed_at", "quiet", "reason"
)


def build(store: Store, number: int) -> None:
    """Fill an empty store, then index it; say what each took."""
    migrate(store)
    with store.read() as connection:
        there = connection.scalar(select(func.count()).select_from(t.article)) or 0
    language = Language(7)
    begun = time.monotonic()
    if not there:
        with store.write() as connection:
            sources = [add_source(connection, NOW, f"s{n}") for n in range(SOURCES)]
            topics = [add_topic(connection, NOW, f"t{n}") for n in range(TOPICS)]
        for first in range(1, number + 1, ROWS):
            with store.write() as connection:
                _articles(connection, language, first, number, sources, topics)
        print(f"{number} articles in {time.monotonic() - begun:.0f} s, {_size(store):.0f} MB")
    begun, before = time.monotonic(), _size(store)
    with store.read() as connection:
        waiting = search_index.waiting(connection)
    while index_stored(store, most=2000):
        pass
    took, grown = time.monotonic() - begun, _size(store) - before
    if waiting:
        each = f"{took / waiting * 1e6:.0f} µs and {grown * 1e6 / waiting:.0f} B each"
        print(f"{waiting} indexed in {took:.0f} s, {each}")


def _articles(
    connection: Connection,
    language: Language,
    first: int,
    number: int,
    sources: list[int],
    topics: list[int],
) -> None:
    pick = language.random
    rows: list[dict[str, object]] = []
    for one in range(first, min(first + ROWS, number + 1)):
        seen = NOW - timedelta(seconds=SECONDS_APART * (number - one))
        title, lead = language.text(7).capitalize(), language.text(20)
        digest = blake2b(str(one).encode(), digest_size=12).digest()
        rows.append({
            "id": one, "article_id": one, "story_id": one, "public_id": digest.hex(),
            "entry_key": digest.hex(), "source_id": sources[one % SOURCES], "title": title,
            "link": f"https://s{one % SOURCES}.example/{digest.hex()}", "lead": lead,
            "content": "", "folded": folded_tokens(f"{title} {lead}"), "authors": (),
            "categories": (), "enclosures": (), "image": None, "language": "vi",
            "published_at": seen - timedelta(minutes=pick.randrange(240)), "first_seen_at": seen,
            "created_at": seen, "entered_at": seen, "listed_at": seen, "hash": digest,
            "quiet": False, "reason": {"word": "x"},
        })  # fmt: skip
    for many in (ARTICLE, STORY, PLACE, ENTRY):
        many(connection, rows)
    TOPIC(
        connection,
        [
            {**row, "topic_id": topic}
            for row in rows
            for topic in pick.sample(topics, pick.choice((1, 2)))
        ],
    )


def _size(store: Store) -> float:
    """MB of the database."""
    with store.read() as connection:
        if not store.is_sqlite:
            return (
                connection.scalar(select(func.pg_database_size(func.current_database()))) or 0
            ) / 1e6
    with store.alone() as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (store.path.stat().st_size if store.path else 0) / 1e6


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


def ask(store: Store, number: int) -> None:
    """Print how long each kind took, in ms: the articles alone, and with their stories."""
    names = [f"t{n}" for n in range(TOPICS)], [f"s{n}" for n in range(SOURCES)]
    took: dict[str, list[tuple[float, float]]] = {}
    incomplete = 0
    for kind, text in questions(Language(11), number):
        question = parse(text, *names, "Asia/Ho_Chi_Minh", NOW)
        begun = time.perf_counter()
        with store.read() as connection:
            found = find_articles(connection, question, SCAN)
        middle = time.perf_counter()
        with store.read() as connection:
            find_stories(connection, question, 50)
        incomplete += not found.complete
        both = (middle - begun) * 1000, (time.perf_counter() - middle) * 1000
        took.setdefault(kind, []).append(both)
    print("| question | articles: p50 | p95 | most | stories: p50 | p95 | most |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    every = [one for some in took.values() for one in some]
    for kind, some in (*took.items(), ("all", every)):
        cells = [f"{one:.1f}" for part in zip(*some, strict=True) for one in _told(part)]
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
