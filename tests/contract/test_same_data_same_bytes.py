"""Promise 5: the same data gives the same bytes, today, in an hour and after a restart."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from service.collect.workers.pool import Parsers
from service.publish.channel import FORMATS
from service.store import tables as t
from service.store.content import stale_feeds, story_rows
from tests.contract.way import AFTER_THE_CUT, LOOPBACK, SITE, TODAY, Outlets, Way, outlets, rss
from tests.curate.stories.test_engine import strangers

ADDRESSES = ("minh@example.vn", "lan@example.vn")
FEEDS = ("all", "giao-duc", "y-te")
HOUR = timedelta(hours=1)

OLD = ("Trường học mở cửa", "Bệnh viện mở phòng khám")
NEWS = ("Học sinh nghỉ học vì bão", "Tuyển sinh lớp 10 & chỉ tiêu", "Y tế xã tiêm chủng <miễn phí>")


def configuration(served: Outlets) -> str:
    return f"""{SITE}{LOOPBACK}
[source.bao-a]
url = "{served.url("/a")}"
[source.bao-b]
url = "{served.url("/b")}"
[source.bao-c]
url = "{served.url("/c")}"
[topic.giao-duc]
title = "Giáo dục"
any = ["trường học", "học sinh", "tuyển sinh"]
[topic.y-te]
title = "Y tế"
any = ["bệnh viện", "y tế"]
[digest.ngay]
title = "Điểm tin ngày"
cadence = "daily"
"""


def atom(*titles: str) -> bytes:
    entries = "".join(
        f"<entry><id>urn:b:{number}</id><title>{title}</title><updated>2026-11-23T0{number}:00:00Z"
        f"</updated><link href='https://b.example/{number}'/><author><name>Hà</name></author>"
        f"<summary>Sapo</summary></entry>"
        for number, title in enumerate(titles)
    )
    head = "<title>Báo B</title><id>urn:b</id><updated>2026-11-23T00:00:00Z</updated>"
    return f"<feed xmlns='http://www.w3.org/2005/Atom'>{head}{entries}</feed>".encode()


def json_feed(*titles: str) -> bytes:
    items = [
        {
            "id": f"c{number}",
            "url": f"https://c.example/{number}?utm_source=rss",
            "title": title,
            "content_html": f"<p>{title}</p><p>Hết.</p>",
            "date_published": "2026-11-23T20:00:00Z",
            "image": "https://c.example/a.jpg",
        }
        for number, title in enumerate(titles)
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Báo C", "items": items}
    return json.dumps(feed).encode()


WORDS = ("trường học", "bệnh viện", "học sinh", "tuyển sinh", "y tế")
OWN = {
    path: [f"{title} {word}" for word, (title, _) in zip(WORDS, some, strict=True)]
    for path, some in (("/b", strangers(10)[:5]), ("/c", strangers(10)[5:]))
}
"""What two outlets say who do not tell the news of the first: old, then new."""


def serve_apart(served: Outlets, *news: str) -> None:
    """Three outlets, each with news of its own."""
    serve(served, *news)
    for path, make in (("/b", atom), ("/c", json_feed)):
        served.pages[path] = (served.pages[path][0], make(*OWN[path][: len(OLD) + len(news)]))


def serve(served: Outlets, *news: str) -> None:
    titles = [title.replace("&", "&amp;").replace("<", "&lt;") for title in (*OLD, *news)]
    served.pages["/a"] = ("application/rss+xml", rss(*titles))
    served.pages["/b"] = ("application/atom+xml", atom(*(f"{title} (B)" for title in titles)))
    served.pages["/c"] = ("application/feed+json", json_feed(*(f"{one} (C)" for one in OLD + news)))


async def walk(way: Way, served: Outlets) -> None:
    """From the first collection to the mails."""
    serve(served)
    await way.collect()
    for address in ADDRESSES:
        way.subscribe(address, "ngay", topics=("y-te",) if address.startswith("lan") else ())
    way.now = TODAY
    serve(served, *NEWS)
    assert (await way.collect()).entries_new == 3 * len(NEWS)
    assert waits_for_a_judge(way), "a pass does not wait until its stories are judged"
    way.now = AFTER_THE_CUT
    await again(way)
    assert not waits_for_a_judge(way), "what is published is judged first"


def waits_for_a_judge(way: Way) -> bool:
    with way.service.store.read() as connection:
        return story_rows.has_unjudged(connection)


async def again(way: Way) -> None:
    """Everything after the collection."""
    await way.publish()
    await way.mail("ngay")
    way.write_site()


class Seen:
    """All bytes that the service has made, with the instant of their last change."""

    def __init__(self, way: Way) -> None:
        folder = way.config.parent
        self.files = {
            str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for root in (way.site_folder, way.service.settings.var / "outbox")
            for path in root.rglob("*")
            if path.is_file()
        }
        kept = [table for table in t.metadata.sorted_tables if table.name not in VOLATILE]
        self.rows = {
            table.name: sorted(map(repr, way.rows(select(table)))) for table in kept
        }  # fmt: skip


VOLATILE = {"source", "source_poll", "source_counts", "subscription"}
"""Rows that say when a source was last asked, and up to when a subscription is covered."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def environ(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "sqlite":
        return {}
    return {"BANTIN_STORE__URL": request.getfixturevalue("postgres_database")}


async def test_each_step_run_twice_changes_not_a_byte(tmp_path, environ):
    async with outlets() as served:
        way = Way(tmp_path, configuration(served), environ=environ)
        await walk(way, served)
        before = Seen(way)
        assert len(way.mails()) == len(ADDRESSES)
        assert len(before.files) > 20
        for what in ("in the same minute", "an hour later", "after a restart", "after a day"):
            if what == "an hour later":
                way.now += HOUR
            if what == "after a restart":
                way.restart()
            if what == "after a day":  # another cut, and nothing to tell at it
                way.now += 24 * HOUR
            got = await way.collect()
            assert (got.entries_new, got.changed.articles, got.failed) == (0, 0, {}), what
            published = await way.publish()
            assert (published.written, dict(published.failed)) == ((), {}), what
            _, sent = await way.mail()
            assert dict(sent.counts) == {}, what
            after = Seen(way)
            if what != "after a day":
                written = way.write_site()
                assert (written.new, written.changed) == (0, 0), what
                assert after.rows == before.rows, what
                assert Seen(way).files == before.files, what
            else:
                assert after.files == before.files, what
                assert len(way.rows(select(t.edition))) == 2
        way.close()


async def test_a_feed_that_is_built_anew_keeps_its_bytes_and_its_date(tmp_path):
    async with outlets() as served:
        way = Way(tmp_path, configuration(served))
        await walk(way, served)
        before = Seen(way)
        for restarted in (False, True):
            way.now += HOUR
            if restarted:
                way.restart()
            with way.service.store.write() as connection:
                stale_feeds.mark(connection, FEEDS, way.now)
            published = await way.publish()
            assert (set(published.unchanged), published.written) == (set(FEEDS), ())
            assert Seen(way).rows["document"] == before.rows["document"]
        way.close()


async def test_the_same_entries_in_another_order_are_the_same_data(tmp_path):
    """Outlets sort anew, and put other marks of tracking behind their links."""
    async with outlets() as served:
        way = Way(tmp_path, configuration(served))
        await walk(way, served)
        before = Seen(way)
        body = json.loads(served.pages["/c"][1])
        body["items"].reverse()
        for item in body["items"]:
            item["url"] = item["url"].replace("utm_source=rss", "utm_source=web&fbclid=1")
        served.pages["/c"] = ("application/feed+json", json.dumps(body).encode())
        way.now += HOUR
        got = await way.collect()
        assert (got.entries_new, got.failed) == (0, {})
        await again(way)
        after = Seen(way)
        assert after.rows["document"] == before.rows["document"]
        assert after.files == before.files
        way.close()


async def test_a_store_that_is_built_anew_gives_the_same_feeds_and_pages(tmp_path):
    """Ids come from what the outlets say, never from the order in which rows were written.

    Which outlet stands for a story of several does follow from the order: who came first
    (docs/decisions/055-stories-in-use.md). So no two outlets tell one story here.
    """
    made: list[dict[str, bytes]] = []
    async with outlets() as served, Parsers(1) as parsers:
        for name, order in (("one", None), ("two", ("bao-c", "bao-b", "bao-a"))):
            way = Way(tmp_path / name, configuration(served))
            serve_apart(served)
            for source in order or ("bao-a", "bao-b", "bao-c"):
                await way.collect(source, parsers=parsers)
            for address in ADDRESSES:
                way.subscribe(address, "ngay")
            way.now = TODAY
            serve_apart(served, *NEWS)
            for source in order or ("bao-a", "bao-b", "bao-c"):
                await way.collect(source, parsers=parsers)
            way.now = AFTER_THE_CUT
            await again(way)
            assert len(way.rows(select(t.story).where(t.story.c.merged_into.is_(None)))) == 15
            made.append(_tree(way.site_folder))
            for format_ in FORMATS:
                assert way.feed("all", format_) == made[-1][f"feeds/all.{format_}"]
            way.close()
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
