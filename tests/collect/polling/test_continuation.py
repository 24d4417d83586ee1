"""Visits that go on: next pages, sitemaps of an index; and the alarm when a list is gone."""

from __future__ import annotations

import gzip
import time
from datetime import timedelta

from service.collect.politeness.rate_limit import Gap, RequestQueue, Sites
from service.store.sources import robots_cache
from tests.collect.polling.test_poll import Office, rss
from tests.net.wire import raw_server

LEAD = "Sáng nay, lãnh đạo tỉnh chủ trì buổi làm việc với các sở, ngành và địa phương."


def listing(*numbers, following=None, tag="h3", box="list"):
    entries = "".join(
        f"<div class='tin'><{tag}><a href='/bai-viet-{n}0001.html'>Bài viết thứ {n} của cổng tỉnh"
        f"</a></{tag}><p>{LEAD}</p></div>"
        for n in numbers
    )
    more = f"<div class='pagination'><a rel='next' href='{following}'>Sau</a></div>"
    return (
        f"<html lang='vi'><body><main class='{box}'>{entries}{more if following else ''}</main>"
        "</body></html>"
    ).encode()


class Site:
    """Answers that a test changes between visits, and what was asked."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    async def __call__(self, talk):
        self.asked.append(talk.target)
        answer = self.answers.get(talk.target.strip("/").replace("-", "_").replace(".", "_"))
        await talk.answer(b"" if answer is None else answer, status=200 if answer else 404)


def titles(office, name, *, quiet=None):
    found = [row for row in office.entries(name) if quiet in {None, row.quiet}]
    return [row.title.split()[3] if row.title else row.link for row in found]


async def visit(office, *names, later=timedelta(hours=13), **options):
    office.now += later
    return await office.collect(*names, **options)


async def test_next_pages_are_read_while_all_on_them_is_new(any_store, now):
    site = Site(
        tin=listing(9, 8, 7, following="/p2"), p2=listing(6, 5, 4, following="/p3"),
        p3=listing(3, 2, 1, following="/p4"), p4=listing(0, 10, 11),
    )  # fmt: skip
    async with raw_server(site) as wire:
        office = Office(any_store, now, wire, tin={"kind": "page", "pages": 3})
        got = await office.collect()
        assert site.asked == ["/tin", "/p2", "/p3"]
        assert got.entries_new == 9
        assert titles(office, "tin") == ["9", "8", "7", "6", "5", "4", "3", "2", "1"]
        assert titles(office, "tin", quiet=False) == []
        row = office.row("tin")
        assert (row.entries_last, row.entries_usual) == (3, 3)  # of its own page
        site.asked.clear()
        site.answers["tin"] = listing(12, 9, 8, following="/p2")
        await visit(office)
        assert site.asked == ["/tin"]  # it holds what is known: nothing was missed
        site.asked.clear()
        site.answers |= {"tin": listing(18, 17, 16, following="/p2"),
                         "p2": listing(15, 12, 9, following="/p3")}  # fmt: skip
        await visit(office)
        assert site.asked == ["/tin", "/p2"]
    assert titles(office, "tin", quiet=False) == ["12", "18", "17", "16", "15"]


async def test_one_page_is_read_where_nobody_asks_for_more(store, now):
    site = Site(tin=listing(3, 2, 1, following="/p2"), p2=listing(4, 5, 6))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        await office.collect()
    assert site.asked == ["/tin"]


async def test_a_next_page_that_cannot_be_had_costs_nothing(store, now):
    site = Site(tin=listing(3, 2, 1, following="/gone"))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page", "pages": 5})
        got = await office.collect()
    assert (got.ok, got.entries_new) == (1, 3)
    assert office.row("tin").lease_owner is None


async def test_pages_that_lead_to_each_other_end(store, now):
    site = Site(tin=listing(3, 2, 1, following="/p2"), p2=listing(3, 2, 1, following="/tin"))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page", "pages": 20})
        await office.collect()
    assert site.asked == ["/tin", "/p2"]


async def test_next_pages_keep_the_gap_of_their_site(store, now):
    site = Site(tin=listing(3, 2, 1, following="/p2"), p2=listing(4, 5, 6))
    async with raw_server(site) as wire:
        gap = {"delay": "0.3s", "connections": 1}
        office = Office(store, now, wire, tin={"kind": "page", "pages": 2, "per_site": gap})
        began = time.monotonic()
        await office.collect()
    assert site.asked == ["/tin", "/p2"]
    assert time.monotonic() - began >= 0.3


def test_a_further_request_stands_before_the_others_of_its_site():
    waiting = RequestQueue[str](Sites())
    for name in ("a", "b", "c"):
        waiting.add("x.vn", Gap(1.0, 1), name)
    ((site, first),) = waiting.take(0.0, 9)
    waiting.done(site, 0.0)
    waiting.add("x.vn", Gap(1.0, 1), f"{first}2", first=True)
    assert waiting.take(0.5, 9) == []
    assert waiting.take(1.0, 9) == [("x.vn", "a2")]
    assert waiting.withdraw(str) == ["b", "c"]
    assert len(waiting) == 0


async def test_a_pass_that_ends_keeps_what_its_visits_have_read(store, now):
    site = Site(tin=listing(3, 2, 1, following="/p2"), p2=listing(4, 5, 6))
    async with raw_server(site) as wire:
        gap = {"delay": "1h", "connections": 1}
        office = Office(store, now, wire, tin={"kind": "page", "pages": 2, "per_site": gap})
        with store.write() as connection:
            robots_cache.keep(
                connection, wire.url("/robots.txt"), robots_cache.CachedRobots(None, None, now)
            )
        got = await office.collect(at_most_s=1.5)
    assert site.asked == ["/tin"]
    assert (got.entries_new, got.left) == (3, 0)
    assert office.row("tin").lease_owner is None


async def test_a_list_that_is_gone_is_a_failure_with_its_reason(any_store, now):
    site = Site(tin=listing(*range(9)))
    async with raw_server(site) as wire:
        office = Office(any_store, now, wire, tin={"kind": "page"})
        await office.collect()
        site.answers["tin"] = b"<html><body><p>Giao dien moi</p></body></html>"
        got = await visit(office)
        error = str(got.failed["tin"])
        assert "this page used to give about 9 entries and gives none" in error
        assert "`bantin sources discover URL`" in error
        row = office.row("tin")
        assert (row.drifting_since, row.failures, row.error) == (office.now, 1, error)
        since = office.now
        await visit(office)  # the same page again
        assert (office.row("tin").drifting_since, office.row("tin").failures) == (since, 2)
        site.answers["tin"] = listing(*range(3, 12))
        await visit(office)
    row = office.row("tin")
    assert (row.drifting_since, row.failures, row.error, row.entries_usual) == (None, 0, None, 9)
    assert titles(office, "tin", quiet=False) == ["9", "10", "11"]


async def test_selectors_that_match_no_more_are_an_alarm(store, now):
    site = Site(tin=listing(1, 2, 3))
    async with raw_server(site) as wire:
        told = {"kind": "page", "page": {"entry": ".tin", "title": "h3 a"}}
        office = Office(store, now, wire, tin=told)
        await office.collect()
        site.answers["tin"] = listing(4, 5, 6, tag="h4")
        got = await visit(office)
    assert "used to give about 3 entries" in str(got.failed["tin"])
    assert "(page.title) finds nothing" in str(got.failed["tin"])
    assert office.row("tin").drifting_since == office.now


async def test_a_page_that_never_gave_anything_is_an_error_and_no_alarm(store, now):
    site = Site(tin=b"<html><body>x</body></html>")
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        got = await office.collect()
    assert "no list of news" in str(got.failed["tin"])
    assert office.row("tin").drifting_since is None


async def test_a_list_in_another_place_is_taken_if_it_holds_what_is_known(store, now):
    site = Site(tin=listing(1, 2, 3, 4))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        await office.collect()
        before = office.row("tin").list_path
        site.answers["tin"] = listing(5, 1, 2, 3, box="new-design")
        await visit(office)
        assert office.row("tin").list_path not in {None, before}
    assert titles(office, "tin", quiet=False) == ["5"]


async def test_a_block_in_another_place_with_nothing_known_is_an_alarm_and_no_news(store, now):
    """Promise 10: what may be another block of old stories is not mailed."""
    site = Site(tin=listing(1, 2, 3, 4))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        await office.collect()
        site.answers["tin"] = listing(5, 6, 7, 8, box="other-block")
        got = await visit(office)
        assert "stands elsewhere, and none of its 4 entries is known" in str(got.failed["tin"])
        assert office.row("tin").drifting_since == office.now
        assert len(office.entries("tin")) == 4


async def test_a_feed_may_be_empty(store, now):
    site = Site(tin=rss("a", "b"))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, tin={})
        await office.collect()
        site.answers["tin"] = rss()
        got = await visit(office)
    assert got.failed == {}
    assert office.row("tin").drifting_since is None


def urlset(*names, at=None):
    stamp = f"<lastmod>{at.isoformat()}</lastmod>" if at else ""
    urls = "".join(f"<url><loc>/{name}</loc>{stamp}</url>" for name in names)
    return f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>".encode()


def news(*names, at):
    urls = "".join(
        f"<url><loc>/{name}</loc><n:news><n:title>Bài viết thứ {name} nay có đầu đề</n:title>"
        f"<n:publication_date>{at.isoformat()}</n:publication_date></n:news></url>"
        for name in names
    )
    return (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:n='http://www.google."
        f"com/schemas/sitemap-news/0.9'>{urls}</urlset>"
    ).encode()


def index(**children):
    maps = "".join(
        f"<sitemap><loc>/{name.replace('_', '-')}</loc>"
        f"{f'<lastmod>{at.isoformat()}</lastmod>' if at else ''}</sitemap>"
        for name, at in children.items()
    )
    return (
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{maps}</sitemapindex>"
    ).encode()


async def test_a_news_sitemap_is_a_source_like_a_feed(any_store, now):
    site = Site(map=news("1", "2", at=now - timedelta(days=1)))
    async with raw_server(site) as wire:
        office = Office(any_store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        site.answers["map"] = news("3", "1", at=now)
        got = await visit(office)
        assert got.entries_new == 1
        site.answers["map"] = urlset()
        got = await visit(office)
        assert "this sitemap used to give about 2 entries and gives none" in str(got.failed["map"])
    assert titles(office, "map", quiet=False) == ["3"]


async def test_only_sitemaps_of_an_index_that_changed_are_read(store, now):
    old, new = now - timedelta(days=30), now + timedelta(hours=1)
    site = Site(
        map=index(a_1=now, b_2=old, category_sitemap=now), a_1=news("1", "2", at=old),
        b_2=news("3", at=old),
    )  # fmt: skip
    async with raw_server(site) as wire:
        office = Office(store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        assert site.asked == ["/map", "/a-1", "/b-2"]  # categories hold no news
        assert titles(office, "map", quiet=False) == []
        site.asked.clear()
        await visit(office)
        assert site.asked == ["/map"]
        site.asked.clear()
        site.answers |= {"map": index(a_1=new, b_2=old), "a_1": news("1", "2", "9", at=new)}
        await visit(office)
        assert site.asked == ["/map", "/a-1"]
    assert titles(office, "map", quiet=False) == ["9"]


async def test_old_sitemaps_that_come_into_sight_later_are_no_news(store, now):
    """An index of many months: five are read at first; the sixth is touched by an old edit."""
    old = now - timedelta(days=400)
    months = {f"m_{n}": now - timedelta(days=n) for n in range(7)}
    site = Site(map=index(**months), **{name: news(name[2:], at=old) for name in months})
    async with raw_server(site) as wire:
        office = Office(store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        assert site.asked == ["/map", "/m-0", "/m-1", "/m-2", "/m-3", "/m-4"]
        site.asked.clear()
        site.answers["map"] = index(**(months | {"m_6": now + timedelta(hours=2)}))
        site.answers["m_6"] = news("6", "66", at=old)
        await visit(office)
        assert site.asked == ["/map", "/m-6"]
        assert titles(office, "map", quiet=False) == []
        assert len(titles(office, "map", quiet=True)) == 7
        site.answers["map"] = index(**(months | {"m_6": now + timedelta(hours=3)}))
        site.answers["m_6"] = news("6", "66", "67", at=now + timedelta(hours=3))
        await visit(office)
    assert titles(office, "map", quiet=False) == ["67"]


async def test_an_index_that_says_no_days_is_gone_through_each_time(store, now):
    site = Site(map=index(news_1=None, post_2=None), news_1=news("1", at=now), post_2=urlset())
    async with raw_server(site) as wire:
        office = Office(store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        site.answers["news_1"] = news("2", "1", at=now + timedelta(hours=1))
        await visit(office)
    assert site.asked == ["/map", "/news-1", "/post-2"] * 2
    assert titles(office, "map", quiet=False) == ["2"]


async def test_a_sitemap_that_cannot_be_had_is_asked_for_again(store, now):
    site = Site(map=index(a_1=now, b_2=now), a_1=news("1", at=now))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        site.asked.clear()
        site.answers["b_2"] = gzip.compress(news("2", at=now + timedelta(hours=1)))
        await visit(office)
        assert site.asked == ["/map", "/b-2"]
    assert "2" in titles(office, "map")


async def test_what_a_plain_sitemap_had_is_not_looked_at_again(store, now):
    site = Site(map=urlset(*(f"bai-{n}" for n in range(1200))))
    async with raw_server(site) as wire:
        office = Office(store, now, wire, map={"kind": "sitemap"})
        await office.collect()
        assert len(office.entries("map")) == 1200
        site.answers["map"] = urlset("bai-moi", *(f"bai-{n}" for n in range(1199)))
        got = await visit(office)
    assert got.entries_new == 1
    row = office.row("map")
    assert (row.entries_last, row.entries_usual) == (1200, 1200)
