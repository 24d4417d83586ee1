"""A backup is restored after a disaster: nobody is told anything twice, or greeted by old news.

The backup forgets what was sent and collected after it was made; the readers have not.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.mail.drain import HELD
from service.report.why import why
from service.runtime import pipeline
from service.store import tables as t
from service.store.core import facts, hold
from service.store.kept.backup import backup
from service.store.kept.restore import restore
from service.text import mailboxes
from tests.contract.way import LOOPBACK, SITE, Way, outlets, rss, text_of
from tests.databases import on_server, postgres_url

DAY = datetime(2026, 11, 23, 0, 5, tzinfo=UTC)  # Monday, five past seven in Viet Nam
FIRST_CUT, LOST_CUT, NEXT_CUT = (DAY + timedelta(days=n) for n in (1, 2, 3))
DISASTER = LOST_CUT + timedelta(hours=2)
READERS = ("an@example.vn", "binh@example.vn")
TITLES = ("Tin xưa", "Tin một", "Tin hai", "Tin ba", "Tin bốn")

TOML = f"""{SITE}{LOOPBACK}
[store]
url = "{{url}}"
[source.bao]
url = "{{bao}}"
[source.dai]
url = "{{dai}}"
[topic.tin]
title = "Tin"
any = ["tin"]
[digest.ngay]
title = "Điểm tin"
cadence = "daily"
at = "07:00"
"""


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request, tmp_path):
    """The address of the office's store, and of an empty one elsewhere."""
    if request.param == "sqlite":
        yield [f"sqlite:///{tmp_path}/{name}/var/bantin.db" for name in ("office", "elsewhere")]
        return
    url = request.getfixturevalue("postgres_database")
    name = f"bantin_test_{uuid.uuid4().hex[:12]}"
    on_server(f"CREATE DATABASE {name}")
    yield [url, postgres_url(name)]
    on_server(f"DROP DATABASE {name} WITH (FORCE)")


def told(way: Way) -> Counter[tuple[str, str]]:
    """(Reader, title) -> how many mails told it."""
    return Counter(
        (str(mail["To"]), title)
        for mail in way.mails()
        for title in TITLES
        if title in text_of(mail)
    )


def each(*titles: str) -> Counter[tuple[str, str]]:
    """Every reader was told each of these once."""
    return Counter((reader, title) for reader in READERS for title in titles)


def explained(way: Way, title: str) -> tuple[str, bool]:
    """What `bantin why` answers the first reader, and whether it tells of the restore."""
    with way.service.store.read() as connection:
        article = connection.scalar(select(t.article.c.id).where(t.article.c.title == title))
        key = mailboxes.key(facts.known_secret(connection) or b"", READERS[0])
        answer = why(connection, key, article, [article], {"ngay": None}, way.now)
    return answer.answer, "it may have been told before" in answer.reason


def feed(*titles: str, host: str = "bao.vn") -> tuple[str, bytes]:
    """The first of these titles are the first ever: each keeps its link."""
    return "application/rss+xml", rss(*titles, link=f"https://{host}")


def reprinted(*numbers: int) -> tuple[str, bytes]:
    """Another outlet's feed, which tells old stories of the first one as its own news."""
    items = "".join(
        f"<item><guid isPermaLink='false'>dai {number}</guid><title>{TITLES[number]}</title>"
        f"<link>https://bao.vn/{number}</link></item>"
        for number in numbers
    )
    body = feed("Tin đài xưa", host="dai.vn")[1].decode()
    return "application/rss+xml", body.replace("</channel>", items + "</channel>").encode()


async def test_nobody_is_told_twice_nor_greeted_by_old_news(tmp_path, stores):
    file = tmp_path / "site.backup"
    async with outlets() as served, Parsers() as parsers:
        addresses = {name: served.url(f"/{name}") for name in ("bao", "dai")}
        served.pages["/dai"] = feed("Tin đài xưa", host="dai.vn")

        async def collect(way: Way, number: int) -> None:
            served.pages["/bao"] = feed(*TITLES[:number])
            await way.collect(parsers=parsers)

        way = Way(tmp_path / "office", TOML.format(url=stores[0], **addresses), now=DAY)
        await collect(way, 1)
        for reader in READERS:
            way.subscribe(reader, "ngay")
        way.now = FIRST_CUT - timedelta(hours=2)
        await collect(way, 2)
        way.now = FIRST_CUT
        await pipeline.plan(way.service)  # planned in the backup, and sent after it
        await collect(way, 3)  # known to the backup, and told after it
        made = backup(stores[0], file, way.now, "0.1.0")
        assert (made.size, file.stat().st_mode & 0o777) == (file.stat().st_size, 0o600)
        await way.mail()
        way.now = LOST_CUT - timedelta(hours=5)
        await collect(way, 4)  # neither collected nor told, as far as the backup knows
        way.now = LOST_CUT
        await way.mail()
        assert told(way) == each("Tin một", "Tin hai", "Tin ba")
        way.close()

        done = restore(stores[1], file, DISASTER)
        assert (done.uncertain, done.contents.made_at) == (2, FIRST_CUT)
        way = Way(tmp_path / "elsewhere", TOML.format(url=stores[1], **addresses), now=DISASTER)
        await collect(way, 4)  # all that is old comes again
        planned, drained = await way.mail()
        assert (planned.editions, set(drained.paused.values())) == (0, {HELD})
        with way.service.store.ledger() as connection:
            assert hold.lift(connection)
        way.now += timedelta(minutes=10)
        await way.mail()
        assert not told(way), "old news"

        way.now = NEXT_CUT - timedelta(hours=5)
        served.pages["/dai"] = reprinted(2, 3)
        await collect(way, 5)
        for day in range(3):
            way.now = NEXT_CUT + timedelta(days=day)
            await way.mail()
        assert told(way) == each("Tin bốn")
        assert {title: explained(way, title) for title in TITLES[2:]} == {
            "Tin hai": ("skipped", True), "Tin ba": ("skipped", True), "Tin bốn": ("sent", False),
        }  # fmt: skip
        states = way.rows(select(t.delivery.c.state))
        assert sorted(row.state for row in states) == ["accepted"] * 2 + ["uncertain"] * 2
        way.close()
