"""The list of a page that nobody has described, on pages of many shapes."""

from __future__ import annotations

import gzip
import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseError
from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from tests.levels import some
from tests.parse.portals import LEAD, OTHERS, PORTALS, top_and_more
from tests.parse.refusals import read_or_refusal

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
PAGE = ParseOptions(SourceKind.PAGE, zone="Asia/Ho_Chi_Minh")


def read(html, url, now, reading=PAGE):
    body = html if isinstance(html, bytes) else html.encode()
    return parse_document(body, {"content-type": "text/html"}, url, reading, now)


@pytest.mark.parametrize("portal", PORTALS, ids=lambda one: one.name)
def test_the_main_list_is_found_whole_and_nothing_else(portal, now):
    document = read(portal.html, portal.url, now)
    assert tuple(entry.link for entry in document.entries) == portal.links
    assert tuple(entry.title for entry in document.entries) == portal.titles
    assert [one.url for one in document.further] == ([portal.next] if portal.next else [])
    assert sum(entry.published is not None for entry in document.entries) == portal.dates
    assert sum(bool(entry.summary) for entry in document.entries) == portal.leads
    assert sum(entry.image is not None for entry in document.entries) == portal.images


@pytest.mark.parametrize("portal", PORTALS, ids=lambda one: one.name)
def test_the_list_stays_where_it_was_found(portal, now):
    place = read(portal.html, portal.url, now).place
    again = read(portal.html, portal.url, now, ParseOptions(SourceKind.PAGE, place=place))
    assert again.place == place


def test_the_list_is_looked_for_elsewhere_when_its_place_is_gone(now):
    portal = PORTALS[0]
    reading = ParseOptions(SourceKind.PAGE, place=">div.of>div.yore>a")
    assert len(read(portal.html, portal.url, now, reading).entries) == len(portal.links)


def test_what_is_remembered_of_a_place_is_no_reason_to_read_again():
    assert replace(PAGE, place="x").fingerprint == PAGE.fingerprint


def test_a_place_that_gives_still_less_is_left_for_a_better_one(now):
    """A template is used anew for one lonely block; the list has moved."""
    portal = top_and_more()
    lonely = read(portal.html, portal.url, now).place
    moved = portal.html.replace("<h3>", "<h5>").replace("</h3>", "</h5>")
    document = read(moved, portal.url, now, ParseOptions(SourceKind.PAGE, place=lonely))
    assert document.place != lonely
    assert set(portal.links) <= {entry.link for entry in document.entries}


NO_LISTS = {
    "an error page": "<h1>404</h1><p>Không tìm thấy trang bạn yêu cầu.</p><a href='/'>Về đầu</a>",
    "menus alone": "<nav>" + "".join(
        f"<a href='/muc-{n}'>Chuyên mục thứ {n} của tỉnh</a>" for n in range(30)
    ) + "</nav>",
    "sections alone": "<div class='box'>" + "".join(
        f"<a href='/{n}'>Giới thiệu chung phần {n}</a>" for n in "abcdefghi"
    ) + "</div>",
    "links elsewhere": "".join(
        f"<li><a href='https://khac{n}.example/bai-{n}'>Một bài dài ở nơi khác {n}</a></li>"
        for n in range(20)
    ),
    "a tag cloud": "<div class='tag-cloud tagcloud'>" + "".join(
        f"<a href='/tag/mot-tu-khoa-rat-dai-{n}'>Một từ khóa rất dài {n}</a>" for n in range(40)
    ) + "</div>",
}  # fmt: skip


@pytest.mark.parametrize("html", NO_LISTS.values(), ids=NO_LISTS)
def test_what_is_no_list_is_not_taken_for_one(html, now):
    with pytest.raises(ParseError, match="no list"):
        read(f"<html><body>{html}</body></html>", "https://tinh.example.vn/tin", now)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_stands_around_the_list_does_not_change_it(data):
    """Boxes of links, notices and empty columns between the list and the page's ends."""
    portal = data.draw(st.sampled_from(PORTALS))
    boxes = st.sampled_from(
        (
            "<div class='banner'><a href='/qc'><img src='/qc.gif'></a></div>",
            "<p>Thông báo: cổng bảo trì từ 22 giờ hôm nay đến 2 giờ sáng mai, mong thông cảm.</p>",
            "<aside><h3>Đọc nhiều</h3>" + "".join(
                f"<li><a href='/nhieu-{n}-{n}4321.html'>{title}</a></li>"
                for n, title in enumerate(OTHERS)
            ) + "</aside>",
            "<div></div><table></table><ul><li></ul>",
            "<script>document.write('<h3><a href=/x>Một tin không có thật</a></h3>')</script>",
        )
    )  # fmt: skip
    before = "".join(data.draw(st.lists(boxes, max_size=3)))
    after = "".join(data.draw(st.lists(boxes, max_size=3)))
    html = portal.html.replace("<body>", f"<body>{before}").replace("</body>", f"{after}</body>")
    document = read(html, portal.url, NOW)
    assert tuple(entry.link for entry in document.entries) == portal.links


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PORTALS), st.integers(0, 6000), st.integers(1, 4000), st.binary())
def test_a_damaged_page_is_read_or_refused(portal, start, length, dirt):
    body = portal.html.encode()
    found = read_or_refusal(read, body[:start] + dirt + body[start + length :], portal.url, NOW)
    assert found
    if isinstance(found, str):
        return
    assert found.entries  # a list without one is refused
    assert all(one.title and is_http(one.link) for one in found.entries)


def is_http(link):
    return link.startswith(("http://", "https://"))


CLASSES = "c " * some(5000, 2000)
HOSTILE = {
    "ten megabytes of links": lambda: "".join(
        f"<li><a href='/bai-viet-so-{n}.html'>Một bài viết dài số {n}</a><p>{LEAD}</p></li>"
        for n in range(some(60_000, 8_100))
    ),
    "one endless headline": lambda: (
        "<ul><li><a href='/b-12345'>" + "chữ " * some(1_000_000, 100_000)
    ),
    "deep": lambda: (
        "<div>" * some(50_000, 20_000) + "<a href='/b-12345'>Một bài viết dài ở dưới</a>"
    ),
    "deep links": lambda: "".join(
        f"<div><a href='/bai-viet-so-{n}.html'>Một bài viết dài số {n}</a>"
        for n in range(some(3000, 1000))
    ),
    "endless classes": lambda: "".join(
        f"<li class='{CLASSES}'><a href='/bai-{n}1234.html'>Một bài viết dài số {n}</a></li>"
        for n in range(100)
    ),
    "strange addresses": lambda: "".join(
        f"<li><a href='{link}'>Một bài viết dài ở chỗ lạ</a></li>"
        for link in ("javascript:alert(1)", "//[::1", "http://[", "//x:99999999/", "data:,x",
                     "\x00/a-12345", "/" + "a" * 5000, "mailto:a@b.c", "?", "#", "//", "http:///x")
    ),
}  # fmt: skip


READ = {"ten megabytes of links": 8000, "endless classes": 100}
"""Entries. In all others no list is found."""


@pytest.mark.large
@pytest.mark.sampled
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_cost_seconds_at_most(name, now):
    body = f"<html><body>{HOSTILE[name]()}</body></html>".encode()
    began = time.process_time()
    if name in READ:
        entries = read(body, "https://tinh.example.vn/tin", now).entries
        assert len(entries) == READ[name]
        assert all(entry.link.startswith("https://tinh.example.vn/") for entry in entries)
    else:
        with pytest.raises(ParseError, match="no list of news"):
            read(body, "https://tinh.example.vn/tin", now)
    assert time.process_time() - began < 12


def test_of_strange_addresses_beside_honest_ones_none_is_taken(now):
    honest = "".join(
        f"<li><a href='/bai-viet-so-{n}1234.html'>Một bài viết dài của hôm nay, số {n}</a></li>"
        for n in range(8)
    )
    body = f"<html><body><ul>{honest}{HOSTILE['strange addresses']()}</ul></body></html>".encode()
    entries = read(body, "https://tinh.example.vn/tin", now).entries
    assert len(entries) >= 8
    assert all(entry.link.startswith("https://tinh.example.vn/") for entry in entries)


CORPUS = {
    "baodautu": ("https://baodautu.vn/tai-chinh-chung-khoan-d6", 19),
    "cafef": ("https://cafef.vn/thi-truong-chung-khoan.chn", 24),
    "tuoitre": ("https://tuoitre.vn/kinh-doanh.htm", 9),
    "vnexpress": ("https://vnexpress.net/kinh-doanh", 50),
}


@pytest.mark.parametrize("name", CORPUS)
def test_list_pages_of_the_corpus(corpus, name, now):
    """All entries of the list and of the large stories on top of it; the next page."""
    folder = corpus / "pages/vi/2026-03"
    url, number = CORPUS[name]
    expected = json.loads((folder / "expected.json").read_text())[f"{name}_list.html"]
    body = gzip.decompress((folder / f"{name}_list.html.gz").read_bytes())
    document = read(body, url, now)
    assert [one.url for one in document.further] == [expected["next_url"]]
    assert len(document.entries) == number
    assert all(len(entry.title) > 15 and entry.link_is_key for entry in document.entries)
    assert not any("Đọc nhiều" in entry.title for entry in document.entries)
    if name == "cafef":
        assert all(entry.published and entry.summary and entry.image for entry in document.entries)


def test_a_home_page_of_the_corpus(corpus, now):
    """Stories of all sections; no older story that a card links below its own."""
    body = gzip.decompress((corpus / "pages/vi/older/dantri-home-a.html.gz").read_bytes())
    entries = read(body, "https://dantri.com.vn/", now).entries
    assert len(entries) > 95
    assert not any(entry.title.startswith(">>") for entry in entries)
    assert sum(bool(entry.summary) for entry in entries) >= 24


@pytest.mark.parametrize("when", ["ngày 0{n}/11/2026", "0{n}/11"])
def test_date_lines_that_are_links_are_no_headlines(now, when):
    """A page that lists other sites' articles links its own pages by their dates."""
    rows = "".join(
        f"<li><h3><a href='https://bao-{n}.example/bai'>Tin số {n} của một báo khác</a></h3>"
        f"<p><a href='/stories/{n}00{n}/'>08:3{n} Chủ nhật, {when.format(n=n)}</a></p></li>"
        for n in range(1, 9)
    )
    with pytest.raises(ParseError, match="no list of news"):
        read(f"<html><body><ul>{rows}</ul></body></html>", "https://tin.example.vn/", now)


def test_headlines_with_numbers_in_a_script_without_blanks_are_no_dates(now):
    rows = "".join(
        f"<li><a href='/news/00{n}.html'>2026年度予算案第{n}号を公表しました</a></li>"
        for n in range(1, 9)
    )
    body = f"<html lang='ja'><body><main><ul class='news'>{rows}</ul></main></body></html>"
    assert len(read(body, "https://city.example.jp/", now).entries) == 8


def led_to(*hosts, page="https://so.example.vn/tin"):
    rows = "".join(
        f"<li><h3><a href='https://{hosts[n % len(hosts)]}/tin-bai-so-{n}1234.html'>Một tin bài "
        f"khá dài số {n}</a></h3><p>Những câu đầu tiên của tin bài thứ {n}, đủ dài.</p></li>"
        for n in range(8)
    )
    menu = "".join(f"<a href='/muc-{n}'>Chuyên mục {n}</a>" for n in range(6))
    return read(f"<html><body><nav>{menu}</nav><ul>{rows}</ul></body></html>", page, NOW)


@pytest.mark.parametrize(
    "host", ["bao-cua-so.example", "so.example.com.vn", "tin.so-y-te.example", "203.0.113.9"]
)
def test_a_list_that_leads_to_another_host_of_its_owner_is_a_list(host):
    assert len(led_to(host).entries) == 8


def test_headlines_of_many_sites_are_no_list_and_it_says_why():
    with pytest.raises(ParseError, match=r"no list of news.*other sites.*a\.example"):
        led_to("a.example", "b.example", "c.example", "d.example")


def test_a_page_with_a_list_of_its_own_keeps_it_beside_a_longer_one_of_others():
    portal = PORTALS[0]
    others = "".join(
        f"<li><a href='https://khac.example/tin-bai-{n}1234.html'>Một tin bài khá dài số {n}</a>"
        for n in range(40)
    )
    html = portal.html.replace("</body>", f"<ul>{others}</ul></body>")
    assert tuple(entry.link for entry in read(html, portal.url, NOW).entries) == portal.links


def test_a_headline_with_a_lost_quote_swallows_no_other(now):
    portal = PORTALS[0]
    first = portal.html.index('href="', portal.html.index(portal.titles[1]) - 300)
    end = portal.html.index('"', first + 6)
    document = read(portal.html[:end] + portal.html[end + 1 :], portal.url, now)
    assert tuple(entry.link for entry in document.entries) == portal.links


def test_headlines_and_leads_keep_their_words_whole_and_apart(now):
    rows = "".join(
        f"<li><a href='/tin-bai-so-{n}1234.html'><b>M</b>ột tin<br>bài dài số {n}</a>"
        f"<span class='d'>0{n}/11/2026</span><span class='c'>Giáo dục</span>"
        f"<p>Nh<b>ữ</b>ng câu đầu tiên<br>của tin bài thứ {n} đứng ở đây. Xem chi tiết »</p></li>"
        for n in range(1, 9)
    )
    entries = read(
        f"<html><body><ul>{rows}</ul></body></html>", "https://t.example.vn/", now
    ).entries
    assert [one.title for one in entries] == [f"Một tin bài dài số {n}" for n in range(1, 9)]
    assert entries[0].summary == "Những câu đầu tiên của tin bài thứ 1 đứng ở đây."
    assert all(one.published for one in entries)
