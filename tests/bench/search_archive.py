"""A large archive to search in: articles of a language of its own, and their index.

Articles are a title and a lead of words that are not Vietnamese, but spelled, marked and as
frequent as its words are: syllables, most words of two, their frequencies by Zipf. Each is told by
one of 200 sources and stands in one or two of 20 topics. The same number gives the same articles.
"""

from __future__ import annotations

import itertools
import random
import time
import unicodedata
from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import func, select, text

from service.curate.search.indexing import index_stored, tokens_of
from service.store import tables as t
from service.store.content import search_index
from service.store.core.bulk import Copied
from service.store.core.database import Connection, Store
from service.store.core.migrate import migrate
from service.text.fold import folded_tokens
from tests.builders import add_source, add_topic

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
SOURCES, TOPICS = 200, 20
ROWS = 5000
MOST_INDEXED = 2000
"""Articles in one batch of the job."""
BY_THE_JOB = 10_000
"""Articles that the job itself indexes on PostgreSQL, so that its cost is seen."""
SYLLABLES, WORDS = 4000, 30_000
WORDS_SEED = 7
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
    """Words with their frequencies; the same each time. `seed`: of which of them texts are made."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(WORDS_SEED)
        syllables = self._syllables()
        weights = list(itertools.accumulate(1 / (n + 10) for n in range(len(syllables))))
        words: dict[str, None] = {}
        while len(words) < WORDS:
            number = 1 if self.random.random() < 0.2 else 2
            at = (bisect(weights, self.random.random() * weights[-1]) for _ in range(number))
            words.setdefault(" ".join(syllables[one] for one in at))
        self.words = list(words)
        self._weights = list(itertools.accumulate(1 / (n + 3) for n in range(WORDS)))
        if seed != WORDS_SEED:
            self.random.seed(seed)

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
    begun = time.monotonic()
    if not there:
        with _without_indexes(store):
            _fill(store, number)
        print(f"{number} articles in {time.monotonic() - begun:.0f} s, {_size(store):.0f} MB")
    begun, before = time.monotonic(), _size(store)
    if not store.is_sqlite:
        _index_most(store)
    with store.read() as connection:
        all_but = search_index.indexed_up_to(connection)
        waiting = search_index.waiting(connection)
    if all_but:
        took, grown = time.monotonic() - begun, _size(store) - before
        print(f"{all_but} indexed in {took:.0f} s by COPY, {grown * 1e6 / all_but:.0f} B each")
    begun, before = time.monotonic(), _size(store)
    while index_stored(store, most=MOST_INDEXED):
        pass
    took, grown = time.monotonic() - begun, _size(store) - before
    if waiting:
        each = f"{took / waiting * 1e6:.0f} µs and {grown * 1e6 / waiting:.0f} B each"
        print(f"{waiting} indexed in {took:.0f} s by the job, {each}")
    if not store.is_sqlite:
        with store.engine.connect() as own:
            own.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))


def _fill(store: Store, number: int) -> None:
    language = Language(WORDS_SEED)
    with store.write() as connection:
        sources = [add_source(connection, NOW, f"s{n}") for n in range(SOURCES)]
        topics = [add_topic(connection, NOW, f"t{n}") for n in range(TOPICS)]
    for first in range(1, number + 1, ROWS):
        with store.write() as connection:
            _articles(connection, language, first, number, sources, topics)


@contextmanager
def _without_indexes(store: Store) -> Iterator[None]:
    """Indexes and foreign keys of what is filled are made after it on PostgreSQL."""
    if store.is_sqlite:
        yield
        return
    filled = (t.article, t.story, t.story_article, t.entry, t.article_topic)
    names = [table.name for table in filled]
    with store.write() as connection:
        indexes = connection.execute(text(_INDEXES), {"names": names}).all()
        keys = connection.execute(text(_FOREIGN_KEYS), {"names": names}).all()
        for name, _ in indexes:
            connection.execute(text(f"DROP INDEX {name}"))
        for name, of, _ in keys:
            connection.execute(text(f"ALTER TABLE {of} DROP CONSTRAINT {name}"))
    yield
    with store.write() as connection:
        for _, made in indexes:
            connection.execute(text(made))
        for name, of, made in keys:
            connection.execute(text(f"ALTER TABLE {of} ADD CONSTRAINT {name} {made}"))


_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND tablename = ANY(:names) AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)
_FOREIGN_KEYS = (
    "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'f' AND conrelid::regclass::text = ANY(:names)"
)


def _index_most(store: Store) -> None:
    """Index all articles but the last BY_THE_JOB on PostgreSQL: the rows, and then their index.

    The job takes them one batch after the other, as they come in: of a million half an hour.
    """
    with store.write() as connection:
        first = search_index.indexed_up_to(connection) + 1
        last = (connection.scalar(select(func.max(t.article.c.id))) or 0) - BY_THE_JOB
        if last < first:
            return
        made = connection.scalar(text(f"SELECT pg_get_indexdef('{_GIN}'::regclass)"))
        connection.execute(text(f"DROP INDEX {_GIN}"))
        driver = connection.connection.driver_connection
        assert driver is not None
        for low in range(first, last + 1, ROWS):
            found = search_index.words(connection, range(low, min(low + ROWS, last + 1)))
            with driver.cursor() as cursor, cursor.copy(_INTO_INDEX) as copy:
                for one in sorted(found, key=lambda words: words.id):
                    own_range = search_index.range_token(one.id // search_index.RANGE)
                    tokens = search_index.numbers([*tokens_of(one), own_range])
                    copy.write_row((one.id, tokens))
        connection.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
        connection.execute(text(made or ""))
        search_index.came_to(connection, last)


_GIN = "ix_article_search_tokens"
_INTO_INDEX = "COPY article_search (article_id, tokens) FROM STDIN"


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
