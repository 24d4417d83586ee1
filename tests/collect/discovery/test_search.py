"""Searching sites as an admin would: real sockets, and every offer really gives what it says."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from service.collect.discovery.candidates import clear
from service.collect.discovery.feed_links import LinkOrigin
from service.collect.discovery.search import discover
from service.collect.discovery.visitor import SearchDependencies, SearchTerms
from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import SiteRules
from service.config.schema import Collect, PerSite, Source
from service.errors import FetchError, ForbiddenAddressError, HttpError
from service.model import SourceKind
from service.net.client import Client
from service.parse.options import ParseOptions
from tests.collect import outlets
from tests.collect.outlets import HTML, Outlet, declared, feed, page
from tests.net.wire import raw_server
from tests.parse import portals

LOOPBACK = Collect(allow_networks=("127.0.0.0/8",))
VIETNAM = ParseOptions(zone="Asia/Ho_Chi_Minh", language="vi")


@pytest.fixture
def search(parsers, now):
    async def run(wire, path="/", *, source=None, sitemaps=True, **bounds):
        url = wire.url(path)
        rules = SiteRules(source or Source(url=url), LOOPBACK)
        terms = SearchTerms(rules, VIETNAM, **bounds)
        async with Client("x", LOOPBACK.allow_networks) as client:
            clock = lambda: now
            dependencies = SearchDependencies(Fetch(client, clock), parsers, clock)
            return await discover(dependencies, terms, url, sitemaps=sitemaps)

    return run


def paths(found, wire):
    base = wire.url("")
    return [one.url.removeprefix(base) for one in found.offers]


async def test_what_a_page_declares_is_read_and_comments_come_last(search):
    outlet = outlets.wordpress()
    async with raw_server(outlet) as wire:
        found = await search(wire)
        assert paths(found, wire) == ["/feed/", "/comments/feed/"]
        assert found.offers[0].also == (wire.url("/feed/atom/"),)
        assert clear(found.offers, found.url) is found.offers[0]
    first, last = found.offers
    assert (first.kind, first.title, first.entries) == (SourceKind.FEED, "Báo B", 8)
    assert (first.origin, first.comments, last.comments) == (LinkOrigin.DECLARED, False, True)
    assert f"{first.newest:%d.%m. %H:%M}" == "22.11. 01:00"
    assert outlet.asked == ["/", "/feed/", "/feed/atom/", "/comments/feed/"]


async def test_two_formats_of_unequal_length_are_one_feed(search):
    head = declared("/r.xml") + declared("/a.xml", kind="application/atom+xml") + declared("/s.xml")
    outlet = Outlet({
        "/": page("", head), "/r.xml": feed(*portals.TITLES, name="Báo B"),
        "/a.xml": outlets.atom(*portals.TITLES[:3], name="Báo B"),
        "/s.xml": feed(*portals.TITLES[:3], name="Thời sự"),
    })  # fmt: skip
    async with raw_server(outlet) as wire:
        found = await search(wire)
        assert paths(found, wire) == ["/r.xml", "/s.xml"]
        assert found.offers[0].also == (wire.url("/a.xml"),)


async def test_a_sections_own_feed_stands_before_the_sites(search):
    outlet = outlets.wordpress()
    async with raw_server(outlet) as wire:
        found = await search(wire, "/chuyen-muc/giao-duc/")
        assert paths(found, wire) == ["/chuyen-muc/giao-duc/feed/", "/feed/", "/comments/feed/"]
        assert clear(found.offers, found.url) is found.offers[0]


async def test_a_page_that_lists_feeds_is_read_for_them(search):
    outlet = outlets.newspaper()
    async with raw_server(outlet) as wire:
        found = await search(wire)
        assert paths(found, wire) == [
            "/rss/giao-duc.rss", "/rss/suc-khoe.rss", "/rss/the-thao.rss",
        ]  # fmt: skip
        assert clear(found.offers, found.url) is None  # a person must choose
        assert [url for url, _ in found.refused] == [wire.url("/rss/loi.rss")]
        section = await search(wire, "/suc-khoe.htm")
        assert paths(section, wire)[0] == "/rss/suc-khoe.rss"
        assert clear(section.offers, section.url) is section.offers[0]


SOFTWARE = {
    "WordPress": ("<meta name='generator' content='WordPress 6.1'>", "/tin/feed/"),
    "Liferay": (
        "<a href='/tin/-/asset_publisher/aB3xYz/content/mot'>Một</a>",
        "/tin/-/asset_publisher/aB3xYz/rss",
    ),
    "Liferay 7": (
        (
            "<div id='p_p_id_com_liferay_asset_publisher_web_portlet"
            "_AssetPublisherPortlet_INSTANCE_qW12_'>"
        ),
        "/tin/-/asset_publisher/qW12/rss",
    ),
    "SharePoint": (
        (
            "_spPageContextInfo={webServerRelativeUrl:'/so',pageListId:'{"
            "0a1b2c3d-1111-2222-3333-444455556666}'}"
        ),
        "/so/_layouts/15/listfeed.aspx?List=0a1b2c3d-1111-2222-3333-444455556666",
    ),
    "Joomla": (
        "<meta name='generator' content='Joomla! - Open Source'>",
        "/tin?format=feed&type=rss",
    ),
    "Hugo": ("<meta name='generator' content='Hugo 0.1'>", "/tin/index.xml"),
    "nothing said": ("", "/rss.xml"),
    "nothing said either": ("", "/feed/"),
}


@pytest.mark.parametrize(("markup", "place"), SOFTWARE.values(), ids=SOFTWARE)
async def test_where_software_keeps_its_feeds(search, markup, place):
    async with raw_server(Outlet({"/tin": page(markup), place: feed("Tin một của tỉnh")})) as wire:
        found = await search(wire, "/tin")
        assert paths(found, wire) == [place]
    assert found.offers[0].origin is LinkOrigin.GUESSED


async def test_a_site_that_answers_everything_with_a_page_is_not_asked_for_ever(search):
    outlet = Outlet()

    async def always(talk):
        outlet.asked.append(talk.target)
        await talk.answer(page("<p>Xin chào</p>").encode(), HTML)

    async with raw_server(always) as wire:
        found = await search(wire, "/tin")
    assert found.offers == ()
    assert len(outlet.asked) <= 14


PORTALS = ["liferay", "sharepoint", "bare_list", "top_and_more", "cards", "definitions", "read_on"]


@pytest.mark.parametrize("name", PORTALS)
async def test_without_a_feed_the_pages_own_list_is_offered(search, name):
    portal = getattr(portals, name)()
    outlet = Outlet()
    async with raw_server(outlet) as wire:
        path = "/" + "/".join(portal.url.split("/")[3:])
        outlet.answers[path] = outlets.moved(portal, wire.url(""))
        found = await search(wire, path)
        (offer,) = found.offers
        assert (offer.kind, offer.url, offer.entries) == ("page", wire.url(path), len(portal.links))
    assert offer.titles == portal.titles[:3]
    assert offer.goes_on == (portal.next is not None)
    # Dates of definitions stand outside the blocks, where no selector finds them.
    assert (offer.selected is None) == (name == "definitions")


def urlset(*urls, news=()):
    rows = "".join(f"<url><loc>{one}</loc><lastmod>2026-11-20</lastmod></url>" for one in urls)
    rows += "".join(
        f"<url><loc>{one}</loc><n:news><n:title>Tin của {one[-1]}</n:title><n:publication_date>"
        "2026-11-23T08:00:00+07:00</n:publication_date></n:news></url>"
        for one in news
    )
    return (
        "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
        f"xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>{rows}</urlset>"
    )


def index(*places):
    rows = "".join(f"<sitemap><loc>{one}</loc></sitemap>" for one in places)
    return (
        f"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{rows}</sitemapindex>"
    )


async def test_a_sitemap_of_news_is_found_by_robots_txt(search):
    outlet = Outlet({"/": page()})
    async with raw_server(outlet, has_robots=True) as wire:
        outlet.answers |= {
            "/robots.txt": "\ufeffUser-agent: *\r\nDisallow: /x\r\n"
            f"sitemap : {wire.url('/video.xml')}\r\nSitemap: /sm/google-news.xml # mới\r\n"
            "Sitemap: https://elsewhere.example/s.xml",
            "/video.xml": urlset(wire.url("/v1")),
            "/sm/google-news.xml": urlset(news=[wire.url("/a1"), wire.url("/a2")]),
        }
        found = await search(wire)
        assert paths(found, wire) == ["/sm/google-news.xml"]
    (offer,) = found.offers
    assert (offer.kind, offer.entries, offer.why) == ("sitemap", 2, "robots.txt names it")
    assert offer.titles == ("Tin của 1", "Tin của 2")
    assert "/video.xml" not in outlet.asked


async def test_an_index_leads_to_its_news_or_is_offered_itself(search):
    outlet = Outlet({"/": page()})
    async with raw_server(outlet) as wire:
        outlet.answers |= {
            "/sitemap.xml": index(wire.url("/tags.xml"), wire.url("/news-1.xml")),
            "/tags.xml": urlset(wire.url("/t")),
            "/news-1.xml": urlset(news=[wire.url("/a1")]),
        }
        found = await search(wire)
        assert paths(found, wire) == ["/news-1.xml"]
        outlet.answers["/news-1.xml"] = urlset(wire.url("/a1"), wire.url("/a2"))
        plain = await search(wire)
        assert paths(plain, wire) == ["/sitemap.xml"]
    assert (plain.offers[0].sitemaps, plain.offers[0].entries) == (2, 2)


async def test_what_is_given_may_be_the_feed_or_the_sitemap_itself(search):
    outlet = Outlet({"/f": feed("Tin một"), "/s": urlset("/x"), "/old": None})
    async with raw_server(outlet) as wire:
        outlet.answers["/old"] = ("301 Moved", (f"Location: {wire.url('/f')}",), b"")
        outlet.answers["/s"] = urlset(wire.url("/x"))
        for path, kind, lasting in (("/f", "feed", "/f"), ("/s", "sitemap", "/s"),
                                    ("/old", "feed", "/f")):  # fmt: skip
            found = await search(wire, path)
            assert [(one.kind, one.origin) for one in found.offers] == [(kind, LinkOrigin.ASKED)]
            assert paths(found, wire) == [lasting]
            assert found.asked == 1


async def test_an_old_address_leads_to_what_the_site_has_now(search):
    outlet = Outlet({"/": page("", declared("/moi.rss")), "/moi.rss": feed("Tin một")})
    async with raw_server(outlet) as wire:
        found = await search(wire, "/cu/rss.aspx")
        assert paths(found, wire) == ["/moi.rss"]
        assert found.refused[0] == (wire.url("/cu/rss.aspx"), "the server answered 404 (Not Found)")
        assert found.url == wire.url("/")


async def test_a_page_is_not_read_where_its_redirect_leads_to_a_host_that_forbids_it(search):
    closed = Outlet({
        "/robots.txt": "User-agent: *\nDisallow: /", "/moi": page("", declared("/a.rss")),
    })  # fmt: skip
    outlet = Outlet({"/tin": page()})
    async with raw_server(closed, has_robots=True) as there, raw_server(outlet) as wire:
        outlet.answers["/"] = ("302 Found", (f"Location: {there.url('/moi')}",), b"")
        found = await search(wire, "/tin", sitemaps=False)
    assert found.offers == ()
    (reason,) = [why for url, why in found.refused if url == wire.url("/")]
    assert "robots.txt does not let" in reason
    assert "/a.rss" not in closed.asked


async def test_the_home_page_speaks_for_a_section_that_says_nothing(search):
    outlet = Outlet({
        "/tin": page(), "/": page("", declared("/a.rss", "Báo")), "/a.rss": feed("Tin một"),
    })  # fmt: skip
    async with raw_server(outlet) as wire:
        found = await search(wire, "/tin")
        assert paths(found, wire) == ["/a.rss"]
    assert found.offers[0].why == "the home page declares it"


async def test_empty_dead_and_stale_feeds_stand_behind(search):
    head = declared("/cu.rss") + declared("/rong.rss") + declared("/mat.rss") + declared("/moi.rss")
    old = feed("Tin của năm xưa").replace("2026", "2015")
    outlet = Outlet({
        "/": page("", head), "/cu.rss": old, "/rong.rss": feed(), "/moi.rss": feed("Tin mới"),
    })  # fmt: skip
    async with raw_server(outlet) as wire:
        found = await search(wire)
        assert paths(found, wire) == ["/moi.rss", "/cu.rss", "/rong.rss"]
        assert found.refused == ((wire.url("/mat.rss"), "the server answered 404 (Not Found)"),)
        assert clear(found.offers, found.url) is None


async def test_a_site_that_is_asked_too_much_is_left_alone_at_once(search):
    outlet = Outlet({
        "/": page("", declared("/a.rss") + declared("/b.rss") + declared("/c.rss")),
        "/a.rss": feed("Tin một"), "/b.rss": ("429 Too Many Requests", ("Retry-After: 60",), b""),
        "/c.rss": feed("Tin ba"),
    })  # fmt: skip
    async with raw_server(outlet) as wire:
        found = await search(wire)
        assert paths(found, wire) == ["/a.rss"]
    assert outlet.asked == ["/", "/a.rss", "/b.rss"]
    assert "left alone" in found.ended


async def test_a_search_is_bounded_in_requests_and_time(search):
    many = "".join(declared(f"/{n}.rss") for n in range(50))
    outlet = Outlet({"/": page("", many)} | {f"/{n}.rss": feed(f"Tin {n}") for n in range(50)})
    async with raw_server(outlet) as wire:
        found = await search(wire, most_requests=7)
        assert (len(outlet.asked), found.asked, len(found.offers)) == (7, 7, 6)
        assert "7 addresses" in found.ended
        outlet.asked.clear()
        gentle = Source(url=wire.url(), per_site=PerSite(delay=timedelta(seconds=0.2)))
        found = await search(wire, source=gentle, longest_s=1.0)
        assert 1 <= len(outlet.asked) <= 6
        assert "1 seconds" in found.ended


async def test_the_sites_pace_is_kept(search):
    starts = []
    outlet = Outlet({"/": page("", declared("/a.rss") + declared("/b.rss")),
                     "/a.rss": feed("Tin một"), "/b.rss": feed("Tin hai")})  # fmt: skip

    async def timed(talk):
        starts.append(asyncio.get_running_loop().time())
        await outlet(talk)

    async with raw_server(timed) as wire:
        gentle = Source(url=wire.url(), per_site=PerSite(delay=timedelta(seconds=0.2)))
        found = await search(wire, source=gentle)
    assert len(found.offers) == 2
    assert min(b - a for a, b in pairwise(starts)) >= 0.2


async def test_no_candidate_leads_into_a_private_network(search):
    outlet = Outlet({"/": page("", declared("http://10.0.0.7/rss") + declared("/a.rss"))})
    async with raw_server(outlet) as wire:
        outlet.answers["/a.rss"] = ("302 Found", ("Location: http://169.254.169.254/",), b"")
        found = await search(wire)
    reasons = dict(found.refused)
    assert "10.0.0.7" in reasons["http://10.0.0.7/rss"]
    assert "169.254.169.254" in reasons[wire.url("/a.rss")]
    assert not found.offers


ROBOTS = "User-agent: *\nDisallow: /tin\nDisallow: /rss.html\nSitemap: /sm.xml\n"


async def test_pages_are_asked_for_and_offered_as_robots_txt_lets_us(search):
    portal = portals.liferay()
    links = "<a href='/rss.html'>RSS</a><a href='/rss/a.rss'>Mục A</a>"
    outlet = Outlet({"/robots.txt": ROBOTS, "/rss.html": page("<a href='/rss/b.rss'>B</a>"),
                     "/rss/a.rss": feed(), "/rss/b.rss": feed("Tin b")})  # fmt: skip
    async with raw_server(outlet, has_robots=True) as wire:
        body = outlets.moved(portal, wire.url("")).replace("</body>", f"{links}</body>")
        outlet.answers |= {"/tin-tuc": body, "/sm.xml": urlset(wire.url("/bai-1"))}
        found = await search(wire, "/tin-tuc")
        assert paths(found, wire) == ["/sm.xml", "/rss/a.rss"]
        reasons = dict(found.refused)
        assert 'does not let "bantin"' in reasons[wire.url("/tin-tuc")]  # read once, by a person
        assert 'does not let "bantin"' in reasons[wire.url("/rss.html")]
    assert outlet.asked.count("/robots.txt") == 1
    assert "/rss.html" not in outlet.asked


async def test_a_crawl_delay_widens_the_gap(search):
    outlet = Outlet({"/": page(), "/robots.txt": "User-agent: *\nCrawl-delay: 30\n"})
    async with raw_server(outlet, has_robots=True) as wire:
        gentle = Source(url=wire.url(), per_site=PerSite(delay=timedelta(seconds=0.01)))
        found = await search(wire, source=gentle, longest_s=3.0)
    assert "3 seconds" in found.ended
    assert len(outlet.asked) <= 3


async def test_an_address_that_cannot_be_had_is_an_error(search):
    outlet = Outlet({"/x": ("500 Oops", (), b"")})
    async with raw_server(outlet) as wire:
        with pytest.raises(HttpError, match="500"):
            await search(wire, "/x")
        with pytest.raises(HttpError, match="404"):
            await search(wire, "/gone")
        gone = wire.url("/")
    with pytest.raises(FetchError):
        await search(type("Gone", (), {"url": lambda self, path: gone})())


async def test_a_first_page_that_only_leads_on_is_followed(search):
    portal = portals.liferay()
    lead = "<meta http-equiv='Refresh' content='0; url=/tin-tuc'>"
    outlet = Outlet({"/": page("", lead)})
    async with raw_server(outlet) as wire:
        outlet.answers["/tin-tuc"] = outlets.moved(portal, wire.url(""))
        found = await search(wire)
        assert paths(found, wire) == ["/tin-tuc"]
        assert found.offers[0].entries == len(portal.links)
        outlet.answers["/tin-tuc"] = page("", lead.replace("/tin-tuc", "/"))  # round and round
        found = await search(wire)
        assert found.offers == ()
        outlet.answers["/"] = page("", lead.replace("/tin-tuc", "http://10.0.0.7/"))
        await search(wire)
    assert outlet.asked.count("/tin-tuc") == 2


async def test_what_is_opened_for_a_source_is_not_open_to_what_a_search_meets(search):
    outlet = outlets.wordpress()
    async with raw_server(outlet, has_robots=True) as wire:
        for asked in ("/", "/feed/"):
            with pytest.raises(ForbiddenAddressError):
                await search(wire, asked, source=Source(url="https://bao.example/rss"))
    assert outlet.asked == []
