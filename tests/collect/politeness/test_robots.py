"""robots.txt for pages: whose rules count, for how long, and what happens when it cannot be had."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest

from service.collect.politeness.robots import AGAIN, FRESH, GIVEN_UP, Permissions
from service.collect.polling.poll import open_client
from service.net import robots
from service.store.sources import robots_cache
from service.store.sources.robots_cache import KEPT, CachedRobots
from tests.collect.polling.test_continuation import listing
from tests.collect.polling.test_poll import Office
from tests.levels import table
from tests.net.wire import raw_server

OURS = (
    b"User-agent: *\nDisallow: /\n\nUser-agent: BanTin\nDisallow: /kin/\nAllow: /kin/cong-khai*\n"
)


class Host:
    """A host whose robots.txt a test changes, and what was asked of it."""

    def __init__(self, rules=b"", status="200 OK", page=b""):
        self.rules, self.status, self.page, self.asked = rules, status, page, []

    async def __call__(self, talk):
        self.asked.append(talk.target)
        if talk.target == "/robots.txt":
            await talk.answer(self.rules, status=self.status)
        else:
            await talk.answer(self.page)


@table(
    ("rules", "path", "allowed"),
    [
        (b"", "/tin", True),
        (b"User-agent: *\nDisallow: /", "/tin", False),
        (b"\xef\xbb\xbfUser-agent: *\nDisallow: /", "/tin", False),  # a byte order mark
        (b"User-agent: *\nDisallow: /*.pdf$\nDisallow: /t*/in", "/to/in?x", False),
        (b"User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", True),
        (OURS, "/tin", True),  # our own group alone counts
        (OURS, "/kin/1", False),
        (OURS, "/kin/cong-khai/1", True),  # the longer rule
        (b"User-agent: otherbot\nDisallow: /", "/tin", True),
        ("User-agent: *\nDisallow: /báo-cáo".encode(), "/b%C3%A1o-c%C3%A1o/1", False),
        (b"<html>404</html>", "/tin", True),
        (b"\0\xff" * 100_000, "/tin", True),
        (b"User-agent: *\nDisallow: /" + b"*a" * 5000, "/" + "a" * 4999 + "b", True),
    ],
)
def test_whose_rules_count(rules, path, allowed):
    assert robots.allows(robots.text(rules), f"https://tinh.example.vn{path}") is allowed


def test_it_stands_at_the_root_of_its_origin():
    assert robots.address("https://a:b@x.vn:8443/y?z#w") == "https://x.vn:8443/robots.txt"


@pytest.mark.parametrize(
    ("status", "allowed"),
    [("200 OK", False), ("404 Not Found", True), ("403 Forbidden", True), ("401 No", True),
     ("500 Oh", False), ("503 Later", False), ("429 Too Many", False)],
)  # fmt: skip
async def test_what_its_absence_means(store, now, status, allowed):
    host = Host(b"User-agent: *\nDisallow: /", status)
    async with raw_server(host, has_robots=True) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        async with open_client(store, office.settings, lambda: now) as client:
            permissions = Permissions(client, lambda: now, store)
            told = await permissions.ask(wire.url("/tin"), ("127.0.0.0/8",), None)
    assert (told.refusal is None) is allowed
    if told.refusal is not None:
        assert "/robots.txt" in str(told.refusal)
        assert told.refusal.for_now is (status != "200 OK")


async def test_it_is_asked_once_a_day_also_after_a_restart(any_store, now):
    host = Host(b"User-agent: *\nDisallow: /tin", page=listing(1, 2, 3))
    async with raw_server(host, has_robots=True) as wire:
        office = Office(any_store, now, wire, tin={"kind": "page"}, bao={"kind": "page"})
        got = await office.collect()
        assert host.asked == ["/robots.txt", "/bao"]
        error = str(got.failed["tin"])
        assert (
            error == f'{wire.url("/robots.txt")} does not let "bantin" ask for {wire.url("/tin")}'
        )
        assert office.row("tin").error == error
        host.asked.clear()
        office.now += FRESH - timedelta(minutes=1)
        await office.collect("tin", "bao")
        assert host.asked == ["/bao"]
        host.rules = b""
        office.now += timedelta(minutes=1)
        assert (await office.collect("tin")).failed == {}
        assert host.asked == ["/bao", "/robots.txt", "/tin"]


async def test_rules_that_were_had_once_stand_while_it_cannot_be_had(store, now):
    host = Host(b"User-agent: *\nDisallow: /kin")
    url = "/tin"
    async with raw_server(host, has_robots=True) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        async with open_client(store, office.settings, lambda: office.now) as client:
            permissions = Permissions(client, lambda: office.now, store)

            async def may(path):
                place = wire.url(path)
                told = await permissions.known(place)
                told = told or await permissions.ask(place, ("127.0.0.0/8",), None)
                return told.refusal is None

            assert (await may(url), await may("/kin")) == (True, False)
            host.status = "500 Oh"
            office.now += FRESH
            assert (await may(url), await may("/kin")) == (True, False)
            assert len(host.asked) == 2
            office.now += AGAIN
            assert await may(url)
            assert len(host.asked) == 3


async def test_what_cannot_be_had_for_a_month_counts_as_none(store, now):
    host = Host(status="500 Oh", page=listing(1, 2, 3))
    async with raw_server(host, has_robots=True) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        got = await office.collect()
        assert "cannot be had" in str(got.failed["tin"])
        assert host.asked == ["/robots.txt"]
        office.now += GIVEN_UP
        assert (await office.collect("tin")).failed == {}


async def test_crawl_delay_widens_the_gap_of_the_whole_site(store, now):
    host = Host(b"User-agent: *\nCrawl-delay: 0.7", page=listing(1, 2, 3))
    async with raw_server(host, has_robots=True) as wire:
        gap = {"delay": "0.1s", "connections": 1}
        office = Office(store, now, wire, tin={"kind": "page", "per_site": gap})
        began = time.monotonic()
        await office.collect()
    assert host.asked == ["/robots.txt", "/tin"]
    assert time.monotonic() - began >= 0.7


@pytest.mark.both_engines
async def test_crawl_delay_holds_for_the_process_that_asks_the_site_next(any_store, now):
    """Another machine, or this one after a restart, has never been told of it."""
    host = Host(b"User-agent: *\nCrawl-delay: 30", page=listing(1, 2, 3))
    async with raw_server(host, has_robots=True) as wire:
        gap = {"delay": "0.1s", "connections": 1}
        office = Office(any_store, now, wire, tin={"kind": "page", "per_site": gap})
        await office.collect(at_most_s=0.5)
        office.now += timedelta(seconds=29)
        await office.collect(owner="two", at_most_s=0.5)
        assert host.asked == ["/robots.txt"]
        office.now += timedelta(seconds=1)
        await office.collect(owner="two", at_most_s=0.5)
        assert host.asked == ["/robots.txt", "/tin"]


async def test_crawl_delay_holds_between_all_pages_of_a_list(store, now):
    asked = []

    async def site(talk):
        asked.append((talk.target, time.monotonic()))
        if talk.target == "/robots.txt":
            await talk.answer(b"User-agent: *\nCrawl-delay: 0.5")
        else:
            number = {"/tin": 1, "/p2": 4, "/p3": 7}[talk.target]
            following = {"/tin": "/p2", "/p2": "/p3"}.get(talk.target)
            await talk.answer(listing(number, number + 1, number + 2, following=following))

    async with raw_server(site, has_robots=True) as wire:
        gap = {"delay": "0.1s", "connections": 1}
        office = Office(store, now, wire, tin={"kind": "page", "pages": 3, "per_site": gap})
        assert (await office.collect()).entries_new == 9
    assert [target for target, _ in asked] == ["/robots.txt", "/tin", "/p2", "/p3"]
    gaps = [after - before for (_, before), (_, after) in itertools.pairwise(asked)]
    assert min(gaps) >= 0.5


async def test_a_redirect_to_a_host_that_does_not_let_us_in_gives_nothing(store, now):
    asked = []

    async def site(talk):
        host = talk.headers["host"].partition(":")[0]
        asked.append((host, talk.target))
        if talk.target == "/robots.txt":
            rules = b"User-agent: *\nDisallow: /" if host == "localhost" else b""
            await talk.answer(rules)
        elif host == "localhost":
            await talk.answer(listing(1, 2, 3))
        else:
            port = talk.headers["host"].partition(":")[2]
            place = f"Location: http://localhost:{port}/elsewhere"
            await talk.answer(b"", place, status="302 Found")

    async with raw_server(site, has_robots=True) as wire:
        office = Office(store, now, wire, tin={"kind": "page"})
        got = await office.collect()
    assert "does not let" in str(got.failed["tin"])
    assert got.entries_new == 0
    assert asked[-1] == ("localhost", "/robots.txt")


async def test_a_next_page_that_is_not_let_is_not_asked_for(store, now):
    host = Host(b"User-agent: *\nDisallow: /p2", page=listing(3, 2, 1, following="/p2"))
    async with raw_server(host, has_robots=True) as wire:
        office = Office(store, now, wire, tin={"kind": "page", "pages": 3})
        assert (await office.collect()).entries_new == 3
    assert host.asked == ["/robots.txt", "/tin"]


async def test_feeds_and_sitemaps_that_the_admin_names_are_not_subject_to_it(store, now):
    host = Host(b"User-agent: *\nDisallow: /", page=b"<rss version='2.0'><channel/></rss>")
    async with raw_server(host, has_robots=True) as wire:
        office = Office(store, now, wire, tin={})
        assert (await office.collect()).ok == 1
    assert host.asked == ["/tin"]


def test_what_nobody_asks_for_any_more_is_forgotten(any_store, now):
    with any_store.write() as connection:
        robots_cache.keep(
            connection, "https://a.vn/robots.txt", CachedRobots("x", None, now - KEPT)
        )
        robots_cache.keep(
            connection, "https://b.vn/robots.txt", CachedRobots("x", None, now - 2 * KEPT)
        )
        robots_cache.keep(connection, "https://b.vn/robots.txt", CachedRobots("y", "z", now, now))
        robots_cache.forget(connection, now + timedelta(seconds=1))
        assert robots_cache.known(connection, "https://a.vn/robots.txt") is None
        assert robots_cache.known(connection, "https://b.vn/robots.txt") == CachedRobots(
            "y", "z", now, now
        )


@table(
    ("asked", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("86400", 3600.0), ("1e300", 3600.0), ("inf", 0.0),
     ("nan", 0.0), ("-5", 0.0), ("soon", 0.0)],
)  # fmt: skip
def test_a_crawl_delay_is_heeded_up_to_an_hour(asked, seconds):
    assert robots.delay_s(f"User-agent: *\nCrawl-delay: {asked}") == seconds
