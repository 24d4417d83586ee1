"""The one polite fetch: which turn goes to robots.txt, who is judged by it, whose pace is kept."""

from __future__ import annotations

import pytest

from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import SiteRules
from service.config.schema import Collect, Source
from service.errors import ForbiddenAddressError, RobotsError
from service.net.client import Client
from tests.collect.politeness.test_robots import Host
from tests.net.test_client import Answers
from tests.net.wire import raw_server

LOOPBACK = Collect(allow_networks=("127.0.0.0/8",))


@pytest.fixture
async def fetch(now):
    async with Client("x") as client:
        yield Fetch(client, lambda: now)


def rules(url):
    return SiteRules(Source(url=url), LOOPBACK)


async def test_the_first_turn_of_a_page_goes_to_robots_txt(fetch):
    host = Host(b"User-agent: *\nDisallow: /kin/", page=b"tin")
    async with raw_server(host, has_robots=True) as wire:
        url = wire.url("/tin")
        assert await fetch.get(url, rules(url), page=True) is None
        assert host.asked == ["/robots.txt"]
        answer = await fetch.get(url, rules(url), page=True)
        assert answer.body == b"tin"
        with pytest.raises(RobotsError):
            await fetch.get(wire.url("/kin/1"), rules(url), page=True)
    assert host.asked == ["/robots.txt", "/tin"]


async def test_who_is_refused_at_once_needs_no_second_turn(fetch):
    host = Host(b"User-agent: *\nDisallow: /")
    async with raw_server(host, has_robots=True) as wire:
        with pytest.raises(RobotsError):
            await fetch.get(wire.url("/tin"), rules(wire.url("/tin")), page=True)
    assert host.asked == ["/robots.txt"]


async def test_a_feed_is_asked_for_whatever_robots_txt_says(fetch):
    host = Host(b"User-agent: *\nDisallow: /", page=b"<rss/>")
    async with raw_server(host, has_robots=True) as wire:
        answer = await fetch.get(wire.url("/rss"), rules(wire.url("/rss")), page=False)
    assert answer.body == b"<rss/>"
    assert host.asked == ["/rss"]


async def test_a_redirect_leads_to_no_host_that_does_not_let_us_in(fetch):
    closed = Host(b"User-agent: *\nDisallow: /", page=b"kin")
    async with raw_server(closed, has_robots=True) as there:

        async def leads_away(talk):
            away = f"Location: {there.url('/tin')}"
            if talk.target == "/robots.txt":
                await talk.answer(b"")
            else:
                await talk.answer(b"", away, status="302 Found")

        async with raw_server(leads_away, has_robots=True) as here:
            url = here.url("/tin")
            assert await fetch.get(url, rules(url), page=True) is None
            with pytest.raises(RobotsError):
                await fetch.get(url, rules(url), page=True)


async def test_where_a_redirect_inside_leads_robots_txt_is_asked_for_inside_too(now):
    """An intranet's portal, known by a name, leads to another of its sites, which may be read."""
    other = Host(b"User-agent: *\nDisallow: /kin/", page=b"bai")
    async with raw_server(other, has_robots=True) as there:

        async def leads_on(talk):
            on = f"Location: http://bao.example:{there.port}{talk.target}"
            if talk.target == "/robots.txt":
                await talk.answer(b"")
            else:
                await talk.answer(b"", on, status="302 Found")

        async with (
            raw_server(leads_on, has_robots=True) as here,
            Client("x", resolver=Answers("127.0.0.1")) as client,
        ):
            fetch, portal = Fetch(client, lambda: now), f"http://cong.example:{here.port}"
            assert await fetch.get(f"{portal}/1", rules(portal), page=True, named=True) is None
            answer = await fetch.get(f"{portal}/1", rules(portal), page=True, named=True)
            assert answer.body == b"bai"
            with pytest.raises(RobotsError):
                await fetch.get(f"{portal}/kin/1", rules(portal), page=True, named=True)
    assert other.asked == ["/1", "/robots.txt", "/kin/1"]


async def test_a_robots_txt_that_leads_where_nobody_may_is_named(fetch):
    """Else a source at an address that anybody may read would be told that it is closed itself."""

    async def leads_inside(talk):
        await talk.answer(b"", "Location: http://10.0.0.1/robots.txt", status="302 Found")

    async with raw_server(leads_inside, has_robots=True) as wire:
        url = wire.url("/tin")
        with pytest.raises(ForbiddenAddressError) as said:
            await fetch.get(url, rules(url), page=True)
    assert str(said.value).startswith(f"{wire.url('/robots.txt')}: 10.0.0.1 ")


async def test_a_crawl_delay_holds_for_all_that_ask_the_site(fetch):
    host = Host(b"User-agent: *\nCrawl-delay: 7")
    async with raw_server(host, has_robots=True) as wire:
        url = wire.url("/tin")
        site, gap = rules(url).site(url), rules(url).gap(url)
        fetch.sites.begin(site, gap, 0.0)
        assert await fetch.get(url, rules(url), page=True) is None
        fetch.sites.end(site, gap, 1.0)
    assert gap.delay_s == 0
    assert fetch.sites.free_at(site, gap) == 8.0
