"""Selectors made from what was found by itself: they give the same list, or there are none."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect.discovery.site_page import read_news_list, read_site_page
from service.config.crosschecks import _wrong_selector
from service.model import SourceKind
from service.parse.html.listing.page import read_page
from service.parse.options import ParseOptions
from tests.parse import portals
from tests.parse.html.test_listing_detect import CORPUS
from tests.parse.refusals import read_or_refusal

VIETNAM = ParseOptions(kind=SourceKind.PAGE, zone="Asia/Ho_Chi_Minh", language="vi")
PORTALS = [
    "liferay", "sharepoint", "bare_list", "top_and_more", "cards", "wordpress", "read_on",
]  # fmt: skip


def both_ways(body, url, now):
    """The site's page, and its list read by the selectors that it gave."""
    seen = read_news_list(body, {}, url, VIETNAM, now)
    assert seen.selected is not None
    by_selectors = ParseOptions(
        kind=SourceKind.PAGE, zone="Asia/Ho_Chi_Minh", language="vi",
        selectors=seen.selected.selectors,
    )  # fmt: skip
    return seen, read_page(body, {}, url, by_selectors, now)


def facts(document):
    return {one.link: (one.title, one.published) for one in document.entries}


@pytest.mark.parametrize("name", PORTALS)
def test_selectors_give_the_list_of_every_portal(name, now):
    portal = getattr(portals, name)()
    seen, document = both_ways(portal.html.encode(), portal.url, now)
    assert facts(document) == facts(seen.document)
    assert set(facts(document)) == set(portal.links)
    for selector in vars_of(seen.selected.selectors):
        assert _wrong_selector(selector) is None


def vars_of(selectors):
    names = ("entry", "title", "link", "date", "lead", "image")
    return [value for name in names if (value := getattr(selectors, name)) is not None]


@pytest.mark.parametrize("name", CORPUS)
def test_selectors_give_the_lists_of_the_corpus(corpus, name, now):
    """All entries, and the next page, by selectors as by itself."""
    folder = corpus / "pages/vi/2026-03"
    url, number = CORPUS[name]
    expected = json.loads((folder / "expected.json").read_text())[f"{name}_list.html"]
    body = gzip.decompress((folder / f"{name}_list.html.gz").read_bytes())
    seen, document = both_ways(body, url, now)
    assert facts(document) == facts(seen.document)
    assert len(document.entries) == number
    assert [one.url for one in document.further] == [expected["next_url"]]


def test_feeds_that_pages_of_the_corpus_declare(corpus, now):
    """Of four section pages two declare their own feed, one links a page of feeds."""
    told = {}
    for name, (url, _) in CORPUS.items():
        path = corpus / "pages/vi/2026-03" / f"{name}_list.html.gz"
        seen = read_site_page(gzip.decompress(path.read_bytes()), {}, url)
        told[name] = [one.url for one in seen.feeds]
    assert told["cafef"] == ["https://cafef.vn/thi-truong-chung-khoan.rss"]
    assert told["tuoitre"] == [
        "https://tuoitre.vn/rss/kinh-doanh.rss",
        "https://tuoitre.vn/rss.htm",
    ]


def test_where_no_selector_gives_the_same_there_is_none(now):
    portal = portals.definitions()  # its dates stand outside the blocks
    seen = read_news_list(portal.html.encode(), {}, portal.url, VIETNAM, now)
    assert seen.document.entries
    assert seen.selected is None


@given(
    names=st.lists(
        st.sampled_from(["tin", "md:flex", "a.b", "1x", "ñ", "item first", 'x"y', "[z]", "odd"]),
        min_size=3, max_size=3,
    ),
    tag=st.sampled_from(["div", "li", "article", "tr"]),
    extra=st.sampled_from(["", "<{0} class='tin'></{0}>", "<{0}><a href='/'>Trang chủ</a></{0}>"]),
)  # fmt: skip
def test_whatever_classes_are_called_selectors_are_valid_and_right(names, tag, extra):
    rows = "".join(
        f"<{tag} class='{name}'><h3><a href='/bai-viet-{n}0001.html'>Bài viết thứ {n} của cổng"
        f" thông tin</a></h3></{tag}>"
        for n, name in enumerate(names, 1)
    )
    body = f"<html><body><main>{extra.format(tag)}{rows}</main></body></html>".encode()
    url, now = "https://tinh.example.vn/tin", datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    seen = read_or_refusal(read_news_list, body, {}, url, VIETNAM, now)
    if isinstance(seen, str):
        assert "no list of news" in seen
        return
    assert seen.document.entries
    if seen.selected is None:
        assert len(set(names)) > 1 or extra  # nothing that all blocks, and they alone, have
    else:
        assert all(_wrong_selector(one) is None for one in vars_of(seen.selected.selectors))
        _, document = both_ways(body, url, now)
        assert facts(document) == facts(seen.document)
