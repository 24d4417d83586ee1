"""WebSub's discovery: Link header, document, redirects, in the Recommendation's order."""

from __future__ import annotations

import json

import pytest

from service.collect.polling.advertised_hub import MOST_HUBS, Advertised, advertised
from service.model import Document, SourceKind
from service.net.answers import Hop
from service.parse.document import parse_document
from service.parse.options import ParseOptions, Selectors

URL = "https://bao.example/rss"
HUB, SELF = "https://hub.example/", "https://bao.example/canonical.xml"
ATOM_LINKS = f'<link rel="hub" href="{HUB}"/><link rel="self" href="{SELF}"/>'

RSS = f"""<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Báo</title>
<link>https://bao.example/</link>
{ATOM_LINKS.replace("<link", "<atom:link")}
<item><guid>a</guid><title>Tin</title><link>https://bao.example/a</link></item></channel></rss>"""

ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Báo</title>{ATOM_LINKS}
<entry><id>urn:a</id><title>Tin</title><updated>2026-11-24T07:00:00Z</updated>
<link rel="hub" href="https://evil.example/"/></entry></feed>"""

JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Báo",
        "feed_url": SELF,
        "hubs": [
            {"type": "rssCloud", "url": "https://cloud.example/"},
            {"type": "WebSub", "url": HUB},
        ],
        "items": [{"id": "a", "title": "Tin", "url": "https://bao.example/a"}],
    }
)

PAGE = f"""<html><head>{ATOM_LINKS}</head><body><link rel="hub" href="https://evil.example/">
<div class="tin"><a href="/a">Một tin dài của ngày hôm nay</a></div></body></html>"""


def said(text, now, headers=None, hops=()):
    document = parse_document(text.encode(), {}, URL, ParseOptions(), now)
    return advertised(headers or {}, URL, hops, document)


@pytest.mark.parametrize("text", [RSS, ATOM, JSON], ids=["rss", "atom", "json"])
def test_a_document_names_its_hub_and_itself(text, now):
    assert said(text, now) == Advertised(SELF, (HUB,))


def test_of_a_page_the_head_alone_is_believed(now):
    reading = ParseOptions(kind=SourceKind.PAGE, selectors=Selectors(entry=".tin"))
    document = parse_document(PAGE.encode(), {}, URL, reading, now)
    assert advertised({}, URL, (), document) == Advertised(SELF, (HUB,))


def test_the_header_wins_over_the_document(now):
    header = '<https://other-hub.example/>; rel="hub", <https://bao.example/by-header>; rel="self"'
    told = said(ATOM, now, {"link": header})
    assert told == Advertised("https://bao.example/by-header", ("https://other-hub.example/",))


def test_what_the_header_leaves_out_the_document_says(now):
    assert said(ATOM, now, {"link": '<https://bao.example/x>; rel="self"'}) == Advertised(
        "https://bao.example/x", (HUB,)
    )
    assert said(ATOM, now, {"link": '<https://h.example/>; rel="hub"'}) == Advertised(
        SELF, ("https://h.example/",)
    )


def test_a_redirect_names_the_hub_where_nothing_else_does(now):
    plain = "<rss version='2.0'><channel><title>Báo</title></channel></rss>"
    hops = (
        Hop(
            302,
            "https://x.example/",
            "https://bao.example/old",
            '<hub>; rel="hub", <me>; rel="self"',
        ),
        Hop(302, URL, "https://x.example/", '<https://y.example/>; rel="next"'),
    )
    assert said(plain, now, hops=hops) == Advertised(
        "https://bao.example/me", ("https://bao.example/hub",)
    )
    assert said(ATOM, now, hops=hops) == Advertised(SELF, (HUB,))


def test_without_self_the_address_that_answered_is_the_topic():
    named = Document("", None, None, (), hubs=(HUB,))
    assert advertised({}, URL, (), named) == Advertised(URL, (HUB,))


@pytest.mark.parametrize(
    "hub",
    ["ftp://hub.example/", "javascript:alert(1)", "https://h.example/" + "x" * 2000],
)
def test_what_cannot_be_asked_is_no_hub(hub):
    assert (
        advertised({"link": f'<{hub}>; rel="hub"'}, URL, (), Document("", None, None, ())) is None
    )


def test_a_few_hubs_are_remembered_each_once():
    header = ", ".join(f'<https://h{n % 5}.example/>; rel="hub"' for n in range(40))
    told = advertised({"link": header}, URL, (), Document("", None, None, ()))
    assert told is not None
    assert told.hubs == tuple(f"https://h{n}.example/" for n in range(MOST_HUBS))
