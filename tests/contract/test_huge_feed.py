"""One feed with more entries than we take: the newest are in, the rest is told, nobody waits."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sqlalchemy import func, select

from service.collect.polling.poll import collect
from service.collect.workers.pool import Parsers
from service.parse.entry_limits import ENTRIES
from service.store import tables as t
from tests.builders import sources
from tests.contract.way import LOOPBACK, SITE, YESTERDAY, Way, rss
from tests.levels import WHOLE
from tests.net.wire import Talk, raw_server

HUGE = ENTRIES + 2000
SMALL = 20


def archive(kind: str) -> bytes:
    """The oldest first: what is new stands at the end."""
    at = [YESTERDAY - timedelta(hours=HUGE - n) for n in range(HUGE)]
    if kind == "json":
        listed = [
            {
                "id": f"{n}",
                "title": f"Tin {n}",
                "content_text": "",
                "date_published": f"{one:%FT%TZ}",
            }
            for n, one in enumerate(at)
        ]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Kho", "items": listed}
        return json.dumps(feed).encode()
    items = "".join(
        f"<item><guid>{n}</guid><title>Tin {n}</title><pubDate>{format_datetime(one)}</pubDate>"
        "</item>"
        for n, one in enumerate(at)
    )
    return f"<rss version='2.0'><channel><title>Kho</title>{items}</channel></rss>".encode()


@pytest.mark.sampled
@pytest.mark.parametrize("kind", ["json", "rss"] if WHOLE else ["json"])
async def test_the_newest_of_a_huge_feed_are_taken_and_the_others_need_not_wait(tmp_path, kind):
    """In a sample as JSON: tests/parse reads tens of thousands of entries of XML."""
    body = archive(kind)
    begun = datetime.now(UTC)

    async def script(talk: Talk) -> None:
        if talk.target == "/kho":
            await talk.answer(body)
        else:
            await asyncio.sleep(0.2)  # the archive has come by then
            await talk.answer(rss(talk.target, link=f"https://{talk.target[1:]}.example"))

    async with raw_server(script) as wire, Parsers(timeout_s=120) as parsers:
        names = ["kho", *(f"nho-{n}" for n in range(SMALL))]
        toml = SITE + LOOPBACK
        toml += "".join(f'[source.{name}]\nurl = "{wire.url(f"/{name}")}"\n' for name in names)
        way = Way(tmp_path, toml, now=begun)
        service = way.service
        done = await collect(
            service.store, service.settings, lambda: datetime.now(UTC), owner="test",
            names=names, parsers=parsers,
        )  # fmt: skip
        assert done.failed == {}
        fine = {row.name: row.last_ok_at for row in way.rows(sources())}
        archived = fine.pop("kho")
        assert max(fine.values()) < archived

        said = way.status()["sources"]["kho"]
        assert said["entries"] == HUGE
        assert said["refused"] == {"beyond_limit": HUGE - ENTRIES}
        (kept,) = way.rows(
            select(func.count(), func.min(t.entry.c.published_at), func.max(t.entry.c.published_at))
            .join(t.source, t.source.c.id == t.entry.c.source_id)
            .where(t.source.c.name == "kho")
        )
        hour = timedelta(hours=1)
        assert tuple(kept) == (ENTRIES, YESTERDAY - ENTRIES * hour, YESTERDAY - hour)
        way.close()
