"""An office moves to the other database in the middle of a day: each digest goes out once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.mail.drain import drain
from service.runtime import pipeline
from service.store import tables as t
from service.store.kept.copying import copy
from tests import levels
from tests.contract.way import LOOPBACK, SITE, Way, outlets, rss, text_of

WAYS = {False: "to_postgres", True: "to_sqlite"}
"""In a sample one of them: in tests/store/kept every row is copied both ways in each run."""

MORNING = datetime(2026, 11, 23, 0, 5, tzinfo=UTC)  # five past seven in Viet Nam
READERS = [f"ban-{n}@example.vn" for n in range(4)]
TITLES = ("Tin xưa", "Tin một", "Tin hai", "Tin ba")

TOML = f"""{SITE}{LOOPBACK}
[store]
url = "{{url}}"
[source.bao]
url = "{{bao}}"
[topic.tin]
title = "Tin"
any = ["tin"]
[digest.ngay]
title = "Điểm tin"
cadence = "daily"
at = "07:00"
"""


def told(way: Way) -> Counter[tuple[str, str]]:
    """(Reader, title) -> how many mails told it; the outbox is the relay's, and stays."""
    return Counter(
        (str(mail["To"]), title)
        for mail in way.mails()
        for title in TITLES
        if title in text_of(mail)
    )


def each(*titles: str) -> Counter[tuple[str, str]]:
    return Counter((reader, title) for reader in READERS for title in titles)


@pytest.mark.sampled
@pytest.mark.parametrize("back", levels.each([False, True], "copied"), ids=WAYS.get)
async def test_the_digest_goes_out_once(tmp_path, postgres_database, sqlite_url, back):
    old, new = (postgres_database, sqlite_url) if back else (sqlite_url, postgres_database)
    async with outlets() as served, Parsers() as parsers:

        async def collect(way: Way, number: int) -> None:
            served.pages["/bao"] = ("application/rss+xml", rss(*TITLES[:number]))
            await way.collect(parsers=parsers)

        def toml(url: str) -> str:
            return TOML.format(url=url, bao=served.url("/bao"))

        way = Way(tmp_path / "site", toml(old), now=MORNING)
        await collect(way, 1)
        for reader in READERS:
            way.subscribe(reader, "ngay")
        way.now += timedelta(hours=20)
        await collect(way, 2)
        way.now = MORNING + timedelta(days=1)
        await pipeline.plan(way.service)
        stop = asyncio.Event()
        await drain(
            way.service.store, way.service.settings, way.service.clock,
            owner=way.service.owner, stop=stop,
            checkpoint=lambda step: step == "composed" and stop.set(),
        )  # fmt: skip
        sent = way.rows(select(t.delivery.c.id).where(t.delivery.c.state == "accepted"))
        assert 0 < len(sent) < len(READERS), "the move is in the middle"
        await collect(way, 3)  # known, and told by nobody yet
        way.close()

        copy(old, new)
        way = Way(tmp_path / "site", toml(new), now=way.now + timedelta(hours=1))
        await way.mail()
        assert told(way) == each("Tin một")
        await collect(way, 4)  # what is old stays old, and what is new is news at once
        for day in range(2, 4):
            way.now = MORNING + timedelta(days=day)
            await way.mail()
        assert told(way) == each("Tin một", "Tin hai", "Tin ba")
        assert {row.state for row in way.rows(select(t.delivery.c.state))} == {"accepted"}
        way.close()
