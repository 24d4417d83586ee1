"""A store of the size of a nation, filled set by set: 100,000 sources, 10,000,000 articles,
1,000,000 subscribers and the mails of some days, at `size` 1.

Rows are as the service itself leaves them; texts are short, from a pool of titles and leads in the
language of `search_archive`. Indexes and keys are dropped meanwhile and made afterwards, all with
their constraints checked. The same size gives the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from service.curate.citing import READING
from service.store.content import search_index
from service.store.core import facts
from service.store.core.database import Store
from service.store.core.migrate import migrate
from service.text import mailboxes
from service.text.fold import folded_tokens
from service.text.search_tokens import article_tokens
from tests.bench.search_archive import WORDS_SEED, Language

NOW = datetime(2026, 11, 29, 0, 10, tzinfo=UTC)
"""Sunday 07:10 in Viet Nam: the cut of the daily digests is ten minutes past."""

DAYS, TOPICS, POOL, BIG_SOURCES = 100, 50, 20_000, 200
TOLD_DAYS, TOLD = 4, 8
"""Days whose mails are there, and stories in each."""

DUE, WORDS_EACH = 1000, 5
INSTANT = f"timestamptz '{NOW:%Y-%m-%d %H:%M:%S}+00'"

RULE = "daily||07:00|Asia/Ho_Chi_Minh"
WEEKLY = "weekly|monday|07:00|Asia/Ho_Chi_Minh"
CUTS = {RULE: ("2026-11-28", "2026-11-29"), WEEKLY: ("2026-11-23", "2026-11-30")}
"""Rule -> the days of the last cut and of the next one, both at midnight UTC."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each. `part` 1 is the whole."""

    part: float

    @property
    def sources(self) -> int:
        return int(100_000 * self.part)

    @property
    def articles(self) -> int:
        return int(10_000_000 * self.part)

    @property
    def subscribers(self) -> int:
        return int(1_000_000 * self.part)

    @property
    def readers(self) -> dict[str, tuple[int, int]]:
        """Digest -> which subscribers read it, as first and last."""
        whole = self.subscribers
        return {
            "ngay": (1, whole * 600 // 1000),
            "sang": (whole * 600 // 1000 + 1, whole * 700 // 1000),
            "trua": (whole * 700 // 1000 + 1, whole * 725 // 1000),
            "tuan": (whole * 725 // 1000 + 1, whole),
            "mien": (whole * 100 // 1000 + 1, whole * 325 // 1000),
        }


DIGESTS = {
    # name -> its id, its rule, how many of the first topics it has
    "ngay": (1, RULE, 5),
    "sang": (2, RULE, 2),
    "trua": (3, RULE, 2),
    "tuan": (4, WEEKLY, 5),
    "mien": (5, WEEKLY, 2),
}


def source_url(number: int, port: int) -> str:
    """Where a source is: the name of its site leads to this machine."""
    return f"http://s{number}.example:{port}/rss"


def fill(url: str, size: Size, port: int) -> None:
    """Fill an empty database; say what each step took. A filled one stays as it is."""
    store = Store(url)
    migrate(store)
    with store.write() as connection:
        secret = facts.secret(connection)
    store.close()
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM article LIMIT 1").fetchone() is not None:
            return
        indexes, keys = _drop(connection)
        _pools(connection, size)
        _few(connection, size, port)
        connection.execute("ANALYZE")
    people = ("subscriber", lambda connection: _subscribers(connection, secret, size))
    _both(url, [*_steps(size), people])
    _both(url, [(made, _plainly(made)) for made in indexes])
    _both(url, [(made, _plainly(made)) for made in keys])
    with psycopg.connect(url, autocommit=True) as connection:
        _finish(connection)


def _drop(connection: psycopg.Connection[Any]) -> tuple[list[str], list[str]]:
    """What makes indexes and keys again, the longest first, and then foreign keys."""
    keys = connection.execute(
        "SELECT conname, conrelid::regclass::text, contype, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND contype IN ('f', 'p', 'u') AND conrelid::regclass::text NOT LIKE 'procrastinate%'"
        " AND conrelid::regclass::text NOT IN ('fact', 'alembic_version')"
    ).fetchall()
    own = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        " AND tablename NOT LIKE 'procrastinate%'"
    ).fetchall()
    for kind in ("f", "p", "u"):
        for name, table, is_, _ in keys:
            if is_ == kind:
                connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for name, _ in own:
        connection.execute(f"DROP INDEX {name}".encode())

    def made(kinds: str) -> list[str]:
        return [
            f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}"
            for name, table, is_, text in keys
            if is_ in kinds
        ]

    slow = ("article_search", "article_key", "told", "entry", "article", "story")
    indexes = [text for _, text in own] + made("pu")

    def rank(text: str) -> int:
        found = [n for n, name in enumerate(slow) if f" {name} " in text or f".{name} " in text]
        return found[0] if found else len(slow)

    return sorted(indexes, key=rank), made("f")


def _both(url: str, steps: Iterable[tuple[str, Any]]) -> None:
    """Two at a time, each in a connection and a transaction of its own."""

    def one(step: tuple[str, Any]) -> None:
        begun = time.monotonic()
        with psycopg.connect(url) as connection:
            connection.execute("SET maintenance_work_mem = '1500MB'")
            connection.execute("SET work_mem = '256MB'")
            connection.execute("SET max_parallel_maintenance_workers = 1")
            step[1](connection)
        print(f"{time.monotonic() - begun:6.1f} s  {' '.join(step[0].split())[:90]}", flush=True)

    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(one, step) for step in steps]:
            done.result()


def _plainly(statement: str) -> Any:
    return lambda connection: connection.execute(statement.encode())


def _subscribers(connection: psycopg.Connection[Any], secret: bytes, size: Size) -> None:
    columns = "id, address_key, mailbox_key, address, language, created_at"
    into = f"COPY subscriber ({columns}) FROM STDIN".encode()
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for number in range(1, size.subscribers + 1):
            address = reader(number)
            copy.write_row((
                number, mailboxes.key(secret, address), mailboxes.mailbox_key(secret, address),
                address, None if number % 10 else "en", NOW - timedelta(minutes=number % 400_000),
            ))  # fmt: skip


def reader(number: int) -> str:
    """The address of a subscriber."""
    return f"ban.doc.{number}@m{number % 500}.example"


def _steps(size: Size) -> list[tuple[str, Any]]:
    """(Name, what fills it), those that take long first."""
    whole, sources, pool = size.articles, size.sources, _pool(size)
    seen = f"{INSTANT} - ({whole} - i) * interval '{DAYS * 86400 / whole} s'"
    source = (
        f"(CASE WHEN i % 4 = 0 THEN 1 + (i / 4) % {min(BIG_SOURCES, sources)}"
        f" ELSE 1 + (i::bigint * 7919) % {sources} END)"
    )
    # A few topics have most of the articles.
    topic = f"(1 + floor({TOPICS} * power(((i::bigint * 7919) % 10007) / 10007.0::float8, 2))::int)"
    link = f"'https://s' || {source} || '.example/tin/' || i"
    public = "translate(substr(md5(i::text), 1, 24), '0189', 'ghij')"
    every = f"generate_series(1, {whole}) i"
    title = f"JOIN pool_title p ON p.n = (i::bigint * 7919) % {pool}"
    lead = f"JOIN pool_lead l ON l.n = (i / 7) % {pool}"
    token = (
        f"JOIN pool_token a ON a.kind = 's' AND a.n = {source}"
        f" JOIN pool_token b ON b.kind = 't' AND b.n = {topic}"
        f" JOIN pool_token c ON c.kind = 'r' AND c.n = i / {search_index.RANGE}"
    )
    listed = f"{seen} - interval '7 min'"
    made = {
        "article": f"""INSERT INTO article (id, public_id, source_id, link, title, lead, content,
            folded, authors, categories, enclosures, language, published_at, first_seen_at, hash)
            SELECT i, {public}, {source}, {link}, p.said, l.said, '', p.folded || ' ' || l.folded,
            '[]', '[]', '[]', 'vi', {listed}, {seen}, decode(md5(i::text), 'hex')
            FROM {every} {title} {lead}""",
        "article_search": f"""INSERT INTO article_search (article_id, tokens)
            SELECT i, p.tokens || l.tokens || ARRAY[a.token, b.token, c.token]
            FROM {every} {title} {lead} {token}""",
        "article_key": f"""INSERT INTO article_key (key, article_id)
            SELECT {link}, i FROM {every}
            UNION ALL SELECT 'entry:' || {source} || ':' || md5(i::text), i FROM {every}""",
        "entry": f"""INSERT INTO entry (id, source_id, entry_key, guid, link, title, hash,
            article_id, refused_reason, quiet, first_seen_at, published_at)
            SELECT i, {source}, md5(i::text), md5(i::text), {link}, p.said,
            decode(md5(i::text), 'hex'), i, NULL, false, {seen}, {listed} FROM {every} {title}
            UNION ALL SELECT {whole} + i, 1 + (i::bigint * 31) % {sources}, 'refused-' || i, NULL,
            NULL, 'x', decode(md5(i::text), 'hex'), NULL, 'no-title', false, {INSTANT}, NULL
            FROM generate_series(1, {whole // 1000}) i""",
        "story": f"""INSERT INTO story (id, public_id, article_id, created_at)
            SELECT i, {public}, i, {seen} FROM {every} WHERE i % 5 > 0""",
        # A fifth of the articles tell the story of the one before.
        "story_article": f"""INSERT INTO story_article (article_id, story_id)
            SELECT i, CASE WHEN i % 5 = 0 THEN i - 1 ELSE i END FROM {every}""",
        "article_topic": f"""INSERT INTO article_topic
            (article_id, topic_id, entered_at, listed_at, quiet, reason)
            SELECT i, {topic}, {seen}, {listed}, false, '{{"word": "x"}}'::jsonb FROM {every}
            WHERE i % 10 < 8 UNION ALL
            SELECT i, 1 + {topic} % {TOPICS}, {seen}, {listed}, false, '{{"word": "y"}}'::jsonb
            FROM {every} WHERE i % 10 = 1""",
        "told": f"""INSERT INTO told (subscriber_id, scope, article_id, delivery_id, shown)
            SELECT subscriber, 'news', newest - 10 * n - choice % 10, id, true
            FROM pool_delivery, generate_series(0, {TOLD - 1}) n""",
        "delivery": """INSERT INTO delivery (id, subscription_id, edition_id, segment_id, kind,
            priority, message_id, covers_from, dated_at, expires_at, state, lease_owner,
            next_try_at, tries, settled_at, reply, created_at)
            SELECT id, subscription, edition, (edition - 1) * 31 + 1 + choice, 'edition', 1,
            md5(id::text) || '@tin.example.vn', cut - interval '1 day', cut, cut + interval '1 day',
            CASE WHEN id % 5000 = 0 THEN 'rejected' ELSE 'accepted' END, 'old', cut, 1,
            cut + interval '20 min', '250 2.0.0 OK', cut FROM pool_delivery""",
        "attempt": """INSERT INTO attempt (delivery_id, n, tried_at, relay, answer)
            SELECT id, 1, cut + interval '20 min', 'chinh', '250 2.0.0 OK' FROM pool_delivery""",
        "subscription_event": f"""INSERT INTO subscription_event
            (id, subscription_id, happened_at, what, detail)
            SELECT id, id, {INSTANT} - interval '200 days', 'confirmed', '{{}}'
            FROM subscription""",
    }
    # What a transaction empties and fills need not be logged (wal_level = minimal).
    return [(name, _plainly(f"TRUNCATE {name}; {said}")) for name, said in made.items()]


def _few(connection: psycopg.Connection[Any], size: Size, port: int) -> None:
    """What there is little of, and what the rest is made from."""
    run, sources, whole = connection.execute, size.sources, size.articles
    due = f"(i::bigint * 7919) % {sources} < {DUE}"
    run(
        f"""INSERT INTO source
        (id, name, title, home, url, kind, language, weight, created_at, paused)
        SELECT i, 's' || i, 'Báo ' || i, 'https://s' || i || '.example/',
        'http://s' || i || '.example:{port}/rss', 'feed', 'vi', 1, {INSTANT} - interval '1 year',
        false FROM generate_series(1, {sources}) i""".encode()
    )
    run(
        f"""INSERT INTO source_poll (source_id, next_poll_at, first_fetch_at, first_collected_at,
        last_tried_at, last_ok_at, etag, body_hash, interval_s, usual_gap_s, longest_gap_s,
        last_news_at, entries_last, entries_usual)
        SELECT i, CASE WHEN {due} THEN {INSTANT} - i % 60 * interval '1 s'
        ELSE {INSTANT} + (86400 + (i::bigint * 31) % 3600) * interval '1 s' END,
        {INSTANT} - interval '1 year', {INSTANT} - interval '1 year',
        {INSTANT} - interval '1 hour', {INSTANT} - interval '1 hour', '"0"',
        decode(md5(i::text), 'hex'), 3600, 86400, 90000, {INSTANT} - interval '1 day', 20, 20
        FROM generate_series(1, {sources}) i""".encode()
    )
    run(b"INSERT INTO source_counts (source_id) SELECT id FROM source")
    run(
        f"""INSERT INTO robots (address, asked_at) SELECT 'http://s' || i || '.example:{port}'
        || '/robots.txt', {INSTANT} - interval '1 hour'
        FROM generate_series(1, {sources}) i""".encode()
    )
    run(
        f"""INSERT INTO topic (id, name, title, created_at) SELECT i, 't' || i, 'Mục ' || i,
        {INSTANT} - interval '1 year' FROM generate_series(1, {TOPICS}) i""".encode()
    )
    for position, (name, (number, _, _)) in enumerate(DIGESTS.items()):
        run(
            f"""INSERT INTO digest (id, name, title, scope, position, created_at) VALUES
            ({number}, '{name}', 'Tin', 'news', {position},
            {INSTANT} - interval '1 year')""".encode()
        )
    for name, (number, rule, topics) in DIGESTS.items():
        first, last = size.readers[name]
        beyond = 0 if name != "mien" else size.subscribers
        cut, after = CUTS[rule]
        choice = "(CASE WHEN i % 10 < 6 THEN 0 ELSE 1 + (i / 10) % 30 END)"
        run(
            f"""INSERT INTO subscription (id, subscriber_id, digest_id, token, cadence, topics,
            created_at, evidence, starts_at, covered_to, next_cut_at, rule, welcome_due)
            SELECT {beyond} + i, i, {number}, md5('token' || {beyond} + i), '{rule.split("|")[0]}',
            CASE WHEN {choice} > 0 THEN jsonb_build_array('t' || 1 + {choice} % {topics}) END,
            {INSTANT} - interval '200 days', 'form', {INSTANT} - interval '200 days',
            timestamptz '{cut}+00', timestamptz '{after}+00', '{rule}', false
            FROM generate_series({first}, {last}) i""".encode()
        )
    run(b"""CREATE UNLOGGED TABLE pool_delivery (id bigint, subscription bigint, subscriber bigint,
        edition int, choice int, newest bigint, cut timestamptz)""")
    edition = 0
    for number, rule, _ in DIGESTS.values():
        for day in range(1, TOLD_DAYS + 1) if rule == RULE else [6]:
            edition += 1
            cut = NOW.replace(minute=0) - timedelta(days=day)
            cadence = rule.split("|")[0]
            run(
                f"""INSERT INTO edition (id, digest_id, cadence, cut_at, covers_from, covers_to,
                period_from, listed, more, frozen_at, planned_at) SELECT {edition}, {number},
                '{cadence}', c, c - interval '1 day', c, c - interval '1 day', true, 0, c, c
                FROM (SELECT timestamptz '{cut:%Y-%m-%d %H:%M}+00' c) one""".encode()
            )
            run(
                f"""INSERT INTO segment (id, edition_id, hash, language, stories)
                SELECT {edition - 1} * 31 + 1 + i, {edition}, decode(md5(i::text), 'hex'), 'vi',
                '[]' FROM generate_series(0, 30) i""".encode()
            )
            run(
                f"""INSERT INTO pool_delivery SELECT row_number() OVER () + (SELECT
                coalesce(max(id), 0) FROM pool_delivery), id, subscriber_id, {edition},
                CASE WHEN topics IS NULL THEN 0 ELSE 1 + (id / 10) % 30 END,
                {whole - day * whole // DAYS}, timestamptz '{cut:%Y-%m-%d %H:%M}+00'
                FROM subscription WHERE digest_id = {number}""".encode()
            )
    run(b"""INSERT INTO relay (name, answer, answered_at)
        VALUES ('chinh', '250 2.0.0 OK', now())""")
    made = {
        "fact": f"""INSERT INTO fact (name, value) VALUES
            ('references_read', '{READING} all'), ('stories_judged_to', '{whole}'),
            ('stories_listed_before', '0'), ('search_indexed', '{search_index.FORM} {whole}')""",
        "hot": f"""INSERT INTO hot_story (story_id, hot_at) SELECT {whole} - 100 * i - 1,
            {INSTANT} - i * interval '20 min' FROM generate_series(1, 100) i""",
    }
    for statement in made.values():
        run(statement.encode())


def _pools(connection: psycopg.Connection[Any], size: Size) -> None:
    """Titles and leads with their tokens, which articles are put together from."""
    language = Language(WORDS_SEED)
    for name in ("pool_title", "pool_lead"):
        connection.execute(
            f"CREATE UNLOGGED TABLE {name} (n int, said text, folded text, tokens int[])".encode()
        )
        with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN") as copy:
            for number in range(_pool(size)):
                said = language.text(WORDS_EACH).capitalize()
                tokens = search_index.numbers(sorted(article_tokens(said, "", "")))
                copy.write_row((number, said, folded_tokens(said), tokens))
    connection.execute("CREATE UNLOGGED TABLE pool_token (kind text, n int, token int)")
    ranges = size.articles // search_index.RANGE + 1
    kinds = (
        (search_index.source_token, size.sources),
        (search_index.topic_token, TOPICS),
        (search_index.range_token, ranges),
    )
    with connection.cursor() as cursor, cursor.copy("COPY pool_token FROM STDIN") as copy:
        for token, number in kinds:
            for one in range(number + 1):
                said = token(one)
                copy.write_row((said[0], one, search_index.numbers([said])[0]))


def _pool(size: Size) -> int:
    return max(int(POOL * min(1, size.part * 5)), 500)


def _finish(connection: psycopg.Connection[Any]) -> None:
    """Go on counting where the rows end; what is to be known for plans is known."""
    counted = connection.execute(
        "SELECT t.relname, s.relname FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
        " JOIN pg_class t ON t.oid = d.refobjid WHERE s.relkind = 'S' AND d.deptype IN ('a', 'i')"
        " AND t.relname NOT LIKE 'procrastinate%'"
    ).fetchall()
    for table, sequence in counted:
        connection.execute(
            f"SELECT setval('{sequence}', coalesce(max(id), 0) + 1, false) FROM {table}".encode()
        )
    connection.execute("DROP TABLE pool_title, pool_lead, pool_token, pool_delivery")
    connection.execute("VACUUM (ANALYZE)")
