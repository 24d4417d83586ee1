"""Entries whose own pages are read before they become articles: what is asked, kept, given up."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select, update

from service.collect.polling.article_pages import CLAIMS
from service.collect.polling.poll import collect
from service.collect.schedule import article_page_retry
from service.config.schema import Settings, Source, Topic
from service.net.client import Client
from service.store import tables as t
from service.store.core.lease import LASTS
from service.store.sources import site_leases
from tests.collect.polling.test_poll import LOOPBACK, Office
from tests.levels import some
from tests.net.test_client import Answers
from tests.net.wire import raw_server
from tests.parse import article_pages as portals

BORN = datetime(2026, 11, 24, 1, 5, 41, tzinfo=UTC)


def bare(*numbers):
    """A list that names headlines alone."""
    items = "".join(
        f"<li><a href='/bai-{n}0001.html'>Bài viết thứ {n} của cổng thông tin tỉnh</a></li>"
        for n in numbers
    )
    return f"<html lang='vi'><body><main><ul class='tin'>{items}</ul></main></body></html>".encode()


def sitemap(*paths, wire):
    return ("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>" + "".join(
        f"<url><loc>{wire.url(path)}</loc></url>" for path in paths
    ) + "</urlset>").encode()  # fmt: skip


def article(n, **changes):
    title = f"Bài viết thứ {n} của cổng thông tin tỉnh"
    return portals.newspaper(h1=title, headline=title, seo=title, **changes).encode()


class Site:
    """Answers by path, which a test changes: bytes, or a status with headers."""

    def __init__(self, **answers):
        self.answers = {f"/{name}": answer for name, answer in answers.items()}
        self.asked = []

    def has(self, *numbers, **changes):
        for n in numbers:
            self.answers[f"/bai-{n}0001.html"] = article(n, **changes)

    async def __call__(self, talk):
        self.asked.append(talk.target)
        answer = self.answers.get(talk.target, "404 Not Found")
        if isinstance(answer, str):
            status, *headers = answer.split("; ")
            await talk.answer(b"", "Connection: close", *headers, status=status)
        else:
            html = "Content-Type: text/html; charset=utf-8"
            await talk.answer(answer, "Connection: close", html)


def office_of(store, now, wire, **values):
    page = {"entry": "li", "date": ".date"}
    told = {"kind": "page", "page": page, "article_pages": True, **values}
    return Office(store, now, wire, tin=told)


def stored(store):
    statement = (
        select(t.article, t.entry.c.quiet, t.entry.c.entry_key)
        .join(t.entry, t.entry.c.article_id == t.article.c.id)
        .order_by(t.article.c.title)
    )
    with store.read() as connection:
        return connection.execute(statement).all()


def waiting(store):
    with store.read() as connection:
        return connection.execute(select(t.unread_page)).all()


async def test_what_a_list_lacks_comes_from_the_pages(any_store, now):
    site = Site(tin=bare(1, 2))
    site.has(1, 2)
    async with raw_server(site) as wire:
        office = office_of(any_store, now, wire)
        got = await office.collect()
        assert site.asked[0] == "/tin"
        assert sorted(site.asked[1:]) == ["/bai-10001.html", "/bai-20001.html"]
        assert (got.entries_new, got.pages, got.ok) == (2, 2, 1)
        first, second = stored(any_store)
        assert first.title == "Bài viết thứ 1 của cổng thông tin tỉnh"
        assert first.published_at == BORN
        assert first.lead == portals.LEAD
        assert first.authors == ["Minh Anh"]
        assert first.image["url"] == "https://cdn.example.vn/anh.jpg"
        assert first.content == ""  # its text is kept only where full_text is written
        assert first.quiet
        assert second.quiet
        assert waiting(any_store) == []
        site.asked.clear()
        office.now += timedelta(hours=13)
        site.answers["/tin"] = bare(3, 1, 2)
        site.has(3)
        await office.collect()
        assert site.asked == ["/tin", "/bai-30001.html"]  # each page is read once
        assert [row.quiet for row in stored(any_store)] == [True, True, False]
        assert office.row("tin").page_error is None


async def test_at_first_what_the_page_dates_after_our_first_fetch_is_news(store, now):
    site = Site(tin=bare(1, 2))
    site.has(1)
    at = (now + timedelta(minutes=1)).isoformat()
    site.has(2, published=at, meta=at, line="")
    async with raw_server(site) as wire:
        await office_of(store, now, wire).collect()
    assert [row.quiet for row in stored(store)] == [True, False]


async def test_a_plain_sitemap_gets_its_headlines_from_the_pages(any_store, now):
    site = Site()
    site.has(1)
    async with raw_server(site) as wire:
        paths = ("/bai-10001.html", "/gone-20001.html")
        site.answers["/tin"] = sitemap(*paths, wire=wire)
        office = Office(any_store, now, wire, tin={"kind": "sitemap", "article_pages": None})
        await office.collect()
        (one,) = stored(any_store)
        assert (one.title, one.published_at) == ("Bài viết thứ 1 của cổng thông tin tỉnh", BORN)
        rows = {row.entry_key.rpartition("/")[2]: row for row in office.entries("tin")}
        assert rows["gone-20001.html"].refused_reason == "no_page"
        assert "/gone-20001.html: the server answered 404" in office.row("tin").page_error
        assert waiting(any_store) == []


async def test_a_feed_is_left_as_it_is_unless_it_asks_for_its_pages(store, now):
    item = "<item><title>Bài viết thứ 1 của cổng thông tin tỉnh</title><link>{}</link></item>"
    site = Site()
    site.has(1)
    async with raw_server(site) as wire:
        link = item.format(wire.url("/bai-10001.html"))
        feed = f"<rss version='2.0'><channel><title>A</title>{link}</channel></rss>".encode()
        site.answers |= {"/a": feed, "/b": feed}
        await Office(store, now, wire, a={"article_pages": None}).collect()
        assert site.asked == ["/a"]
        await Office(store, now, wire, b={"article_pages": None, "full_text": True}).collect()
        assert site.asked == ["/a", "/b", "/bai-10001.html"]
    rows = stored(store)
    assert {row.title for row in rows} == {"Bài viết thứ 1 của cổng thông tin tỉnh"}


async def test_full_text_is_kept_and_matched(any_store, now):
    site = Site(tin=bare(1))
    site.has(1)
    async with raw_server(site) as wire:
        office = office_of(any_store, now, wire, full_text=True)
        topic = Topic(title="Văn thư", any=("công tác văn thư",))  # stands in the text alone
        office.settings = office.settings.model_copy(update={"topic": {"van-thu": topic}})
        office.register()
        got = await office.collect()
    (one,) = stored(any_store)
    assert got.changed.topics == {"van-thu"}
    assert "<p>Hội nghị nghe báo cáo kết quả 10 năm" in one.content
    assert portals.OTHERS[0] not in one.content
    assert one.content.startswith(f"<p>{portals.LEAD}</p>")


async def test_a_page_that_fails_is_tried_again_and_does_not_hold_its_entry_for_ever(
    any_store, now
):
    site = Site(tin=bare(1, 2))
    site.has(2)
    site.answers["/bai-10001.html"] = "503 Later"
    async with raw_server(site) as wire:
        office = office_of(any_store, now, wire, interval={"min": "12h", "max": "12h"})
        await office.collect()
        assert [row.title.split()[3] for row in stored(any_store)] == ["2"]
        (page,) = waiting(any_store)
        assert (page.tries, page.lease_owner) == (1, None)
        assert "503" in page.error
        entry = office.entries("tin")[0]
        assert (entry.article_id, entry.refused_reason) == (None, "unread")
        for wait in article_page_retry.WAITS:
            site.asked.clear()
            office.now += wait - timedelta(minutes=1)
            await office.collect()
            assert site.asked == []
            office.now += timedelta(minutes=1)
            await office.collect()
            assert site.asked == ["/bai-10001.html"]
        assert waiting(any_store) == []
    first = stored(any_store)[0]
    assert first.title == "Bài viết thứ 1 của cổng thông tin tỉnh"  # as its list told it
    assert first.published_at is None
    assert office.entries("tin")[0].refused_reason is None
    assert "/bai-10001.html: the server answered 503" in office.row("tin").page_error


async def test_retry_after_is_never_undercut_and_429_spares_the_rest(store, now):
    site = Site(tin=bare(1, 2, 3))
    site.has(2, 3)
    site.answers["/bai-10001.html"] = "429 Too Many; Retry-After: 7200"
    async with raw_server(site) as wire:
        gap = {"delay": "0.05s", "connections": 1}
        office = office_of(store, now, wire, per_site=gap)
        more = Source(url=wire.url("/kia"), per_site=gap)
        told = office.settings.source | {"kia": more}
        office.register(office.settings.model_copy(update={"source": told}))
        await office.collect("tin")
        assert site.asked == ["/tin", "/bai-10001.html"]
        assert {page.next_try_at for page in waiting(store)} == {now + timedelta(hours=2)}
        for name in ("tin", "kia"):
            assert office.row(name).next_poll_at >= now + timedelta(hours=2)
        office.now += timedelta(hours=2)
        site.has(1)
        await office.collect("tin")
        assert len(stored(store)) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("404 Not Found", "404"),
        ("410 Gone", "410"),
        (b"", "empty"),
        ("302 Found; Location: /", "front page"),
    ],
)
async def test_what_will_not_get_better_is_given_up_at_once(store, now, answer, reason):
    site = Site(tin=bare(1))
    site.answers |= {"/bai-10001.html": answer, "/": article(9)}
    async with raw_server(site) as wire:
        office = office_of(store, now, wire)
        await office.collect()
    assert [row.title for row in stored(store)] == ["Bài viết thứ 1 của cổng thông tin tỉnh"]
    assert waiting(store) == []
    assert reason in office.row("tin").page_error


async def test_a_document_that_is_no_page_is_given_up(store, now):
    async def script(talk):
        if talk.target == "/tin":
            await talk.answer(bare(1))
        else:
            await talk.answer(b"%PDF-1.7 ...", "Content-Type: application/pdf")

    async with raw_server(script) as wire:
        office = office_of(store, now, wire)
        await office.collect()
    assert "no page but application/pdf" in office.row("tin").page_error
    assert len(stored(store)) == 1


async def test_robots_txt_is_asked_first_and_its_refusal_told(store, now):
    site = Site(tin=bare(1), **{"robots.txt": b"User-agent: *\nDisallow: /bai-1"})
    site.has(1)
    async with raw_server(site, has_robots=True) as wire:
        office = office_of(store, now, wire)
        await office.collect()
    assert site.asked == ["/robots.txt", "/tin"]
    assert len(stored(store)) == 1
    assert 'robots.txt does not let "bantin" ask for' in office.row("tin").page_error


async def test_pages_keep_the_gap_of_their_site(store, now):
    site = Site(tin=bare(1, 2))
    site.has(1, 2)
    async with raw_server(site) as wire:
        gap = {"delay": "0.2s", "connections": 1}
        began = time.monotonic()
        await office_of(store, now, wire, per_site=gap).collect()
    assert time.monotonic() - began >= 3 * 0.2
    assert wire.most_open == 1


async def test_a_date_that_moves_with_the_clock_does_not_send_us_there_again(store, now):
    def listing(ago):
        return bare(1).replace(b"</a>", f"</a><span class='date'>{ago}</span>".encode())

    site = Site(tin=listing("2 giờ trước"))
    site.has(1)
    async with raw_server(site) as wire:
        office = office_of(store, now, wire)
        await office.collect()
        site.answers["/tin"] = listing("15 giờ trước")
        office.now += timedelta(hours=13)
        await office.collect()
    assert site.asked.count("/bai-10001.html") == 1
    (one,) = stored(store)
    assert (one.published_at, one.lead, one.updated_at) == (BORN, portals.LEAD, None)


async def test_another_headline_is_read_once_more(store, now):
    site = Site(tin=bare(1))
    site.has(1)
    async with raw_server(site) as wire:
        office = office_of(store, now, wire)
        await office.collect()
        site.answers["/tin"] = bare(1).replace("tỉnh".encode(), "tỉnh nhà".encode())
        office.now += timedelta(hours=13)
        await office.collect()
    assert site.asked.count("/bai-10001.html") == 2
    (one,) = stored(store)
    assert (one.title[-3:], one.lead) == ("nhà", portals.LEAD)


@pytest.mark.both_engines
async def test_a_pass_that_is_killed_leaves_its_pages_to_the_next(any_store, now):
    site = Site(tin=bare(1, 2))
    site.has(1, 2)
    asked, alive = asyncio.Semaphore(0), asyncio.Event()

    async def script(talk):
        if talk.target.startswith("/bai") and not alive.is_set():
            asked.release()
            await asyncio.sleep(60)
        await site(talk)

    async with raw_server(script) as wire:
        office = office_of(any_store, now, wire)
        one = asyncio.create_task(office.collect())
        await asked.acquire()
        await asked.acquire()
        held = waiting(any_store)
        assert {page.lease_owner for page in held} == {"one"}
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        with any_store.write() as connection:  # as kill -9 would have left it
            for page in held:
                values = {"lease_owner": "one", "lease_until": page.lease_until}
                row = t.unread_page.c.entry_id == page.entry_id
                connection.execute(update(t.unread_page).where(row).values(**values))
        alive.set()
        await office.collect(owner="two")
        assert stored(any_store) == []
        office.now += LASTS
        await office.collect(owner="two")
        assert len(stored(any_store)) == 2
        assert waiting(any_store) == []


async def test_what_waits_for_a_source_that_wants_no_pages_any_more_is_taken(store, now):
    site = Site(tin=bare(1))
    site.answers["/bai-10001.html"] = "503 Later"
    async with raw_server(site) as wire:
        office = office_of(store, now, wire)
        await office.collect()
        told = Source(url=wire.url("/tin"), kind="page", article_pages=False)
        office.settings = Settings(collect=LOOPBACK, source={"tin": told})
        office.now += timedelta(minutes=5)
        site.asked.clear()
        await collect(store, office.settings, lambda: office.now, owner="two")
        assert site.asked == []
    assert len(stored(store)) == 1


async def test_what_never_had_its_turn_is_taken_as_its_list_told_it(store, now):
    site = Site(tin=bare(1))
    site.answers["/bai-10001.html"] = "503 Later"
    async with raw_server(site) as wire:
        office = office_of(store, now, wire)
        await office.collect()
        office.now += article_page_retry.OVERDUE
        site.asked.clear()
        await office.collect()
    assert "/bai-10001.html" not in site.asked
    assert len(stored(store)) == 1
    assert "too long" in office.row("tin").page_error


async def test_of_what_was_there_at_first_the_newest_are_read(store, now):
    async with raw_server(site := Site()) as wire:
        many = "".join(
            f"<url><loc>{wire.url(f'/b-{n}.html')}</loc><lastmod>2026-01-01T00:{n:02}:00Z</lastmod>"
            "</url>"
            for n in range(60)
        )
        site.answers["/tin"] = f"<urlset>{many}</urlset>".encode()
        office = Office(store, now, wire, tin={"kind": "sitemap", "article_pages": True})
        await office.collect()
    assert len(site.asked) == 51
    assert "/b-9.html" not in site.asked
    reasons = [row.refused_reason for row in office.entries("tin")]
    assert (reasons.count("empty"), reasons.count("no_page")) == (10, 50)


@pytest.mark.both_engines
async def test_a_site_that_another_process_is_asking_is_left_to_it(any_store, now):
    site = Site(tin=bare(1))
    site.answers["/bai-10001.html"] = "503 Later"
    async with raw_server(site) as wire:
        gap = {"delay": "0.05s", "connections": 1}
        slow = {"min": "12h", "max": "12h"}
        office = office_of(any_store, now, wire, per_site=gap, interval=slow)
        await office.collect()
        office.now += article_page_retry.WAITS[0]
        with any_store.write() as connection:
            until = office.now + timedelta(minutes=1)
            site_leases.take(connection, ["127.0.0.1"], "other", office.now, until)
        site.has(1)
        site.asked.clear()
        await office.collect()
        assert site.asked == []
        assert waiting(any_store)[0].tries == 1
        office.now += timedelta(minutes=1)
        await office.collect()
    assert site.asked == ["/bai-10001.html"]
    assert len(stored(any_store)) == 1


async def test_what_a_list_outside_names_is_never_looked_for_inside(store, now):
    """`allow_networks` is for sources, not for whoever writes a link into one of them."""
    inside = Site(kin=b"User-agent: *")
    inside.has(1)

    async def names_it(talk):
        link = f"<a href='{kept.url('/bai-10001.html')}'>Bài viết thứ 1 của cổng thông tin tỉnh</a>"
        await talk.answer(
            f"<html><body><main><ul><li>{link}</li></ul></main></body></html>".encode()
        )

    async with raw_server(inside, has_robots=True) as kept, raw_server(names_it) as outside:
        office = office_of(store, now, outside, url=f"http://cong.example:{outside.port}/tin")
        async with Client("x", resolver=Answers("127.0.0.1")) as client:
            got = await office.collect(client=client)
        assert (got.ok, inside.asked) == (1, [])
        assert [(row.title, row.content) for row in stored(store)] == [
            ("Bài viết thứ 1 của cổng thông tin tỉnh", "")
        ]
        assert "127.0.0.1 is this machine itself" in office.row("tin").page_error


async def test_a_reason_that_is_no_utf_8_is_told_and_its_entry_is_taken(any_store, now):
    site = Site(tin=bare(1))
    site.answers["/bai-10001.html"] = "499 L\xfac n\xe0y kh\xf4ng"
    async with raw_server(site) as wire:
        office = office_of(any_store, now, wire)
        await office.collect()
    assert [row.title for row in stored(any_store)] == ["Bài viết thứ 1 của cổng thông tin tỉnh"]
    assert waiting(any_store) == []
    assert "the server answered 499" in office.row("tin").page_error


SITES = some(40, 34)  # of eight pages each: more than are claimed at once


@pytest.mark.large
@pytest.mark.sampled
async def test_a_backlog_is_not_gone_through_for_each_page(store, now):
    claims, seen = [], []

    def note(_connection, _cursor, statement, *_rest):
        if "row_number" in statement:
            claims.append(statement)

    async def script(talk):
        if talk.target.startswith("/tin"):
            first = 10 * int(talk.target.removeprefix("/tin"))
            await talk.answer(bare(*range(first, first + 8)))
        else:
            seen.append(len(claims))
            await talk.answer(b"", status="404 Not Found")

    async with raw_server(script) as wire:
        told = {"kind": "page", "page": {"entry": "li", "date": ".date"}, "article_pages": True}
        office = Office(store, now, wire, **{f"tin{n}": told for n in range(1, SITES + 1)})
        event.listen(store._engine, "before_cursor_execute", note)
        await office.collect()
        event.remove(store._engine, "before_cursor_execute", note)
    assert len(seen) == 8 * SITES, "each page is asked"
    assert seen[CLAIMS - 1] == 1
    assert seen[-1] > 1
