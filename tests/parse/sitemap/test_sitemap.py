"""Sitemaps: plain, news, images, indexes, packed, as text; hostile and huge ones."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import ParseError
from service.model import Further, Image, SourceKind
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.parse.sitemap.sitemap import CUT_SHORT
from tests.levels import some
from tests.parse.refusals import read_or_refusal

URL = "https://bao.example.vn/sitemap.xml"
SITEMAP = ParseOptions(SourceKind.SITEMAP, zone="Asia/Ho_Chi_Minh")
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:n="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)
NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def read(body, now, url=URL):
    return parse_document(body.encode() if isinstance(body, str) else body, {}, url, SITEMAP, now)


def urlset(*urls, head='<?xml version="1.0" encoding="UTF-8"?>'):
    return f"{head}<urlset {SPACES}>{''.join(f'<url>{one}</url>' for one in urls)}</urlset>"


def test_a_plain_sitemap_gives_addresses_and_when_they_changed(now):
    document = read(
        urlset(
            "<loc>https://bao.example.vn/a-1.html</loc><lastmod>2026-11-24T07:00:00+07:00</lastmod>"
            "<changefreq>daily</changefreq><priority>0.5</priority>",
            "<loc>\n  https://bao.example.vn/a-2.html?x=1&amp;y=2\n</loc><lastmod>2026-11-23</lastmod>",
            "<lastmod>2026-11-23</lastmod>",
            "<loc>https://khac.example/a-3.html</loc>",
            "<loc>javascript:alert(1)</loc>",
        ),
        now,
    )
    first, second = document.entries
    assert (first.title, first.link) == ("", "https://bao.example.vn/a-1.html")
    assert first.key == first.link
    assert first.updated == datetime(2026, 11, 24, tzinfo=UTC)
    assert first.published is None
    assert second.link == "https://bao.example.vn/a-2.html?x=1&y=2"
    assert second.updated == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert document.further == ()


def test_a_news_sitemap_gives_headlines_days_words_and_pictures(now):
    (entry,) = read(
        urlset(
            "<loc>https://bao.example.vn/a-1.html</loc><n:news><n:publication><n:name>Báo</n:name>"
            "<n:language>vi</n:language></n:publication><n:publication_date>2026-11-24T08:05:00"
            "+07:00</n:publication_date><n:title>Giá gạo &amp;amp; cà phê tăng</n:title>"
            "<n:keywords>gạo, cà phê,</n:keywords></n:news><image:image><image:loc>"
            "https://anh.example/1.jpg</image:loc><image:caption>Kho gạo</image:caption>"
            "</image:image><image:image><image:loc>https://anh.example/2.jpg</image:loc>"
            "</image:image>"
        ),
        now,
    ).entries
    assert entry.title == "Giá gạo & cà phê tăng"
    assert entry.published == datetime(2026, 11, 24, 1, 5, tzinfo=UTC)
    assert entry.categories == ("gạo", "cà phê")
    assert entry.image == Image("https://anh.example/1.jpg", "Kho gạo")
    assert entry.language == "vi"


def test_an_index_names_its_sitemaps(now):
    document = read(
        f"<sitemapindex {SPACES}><sitemap><loc>/post-sitemap1.xml</loc><lastmod>2026-11-24T08:00Z"
        "</lastmod></sitemap><sitemap><loc>https://bao.example.vn/page.xml.gz</loc></sitemap>"
        "<sitemap><loc>https://khac.example/x.xml</loc></sitemap></sitemapindex>",
        now,
    )
    assert document.entries == ()
    assert document.further == (
        Further("https://bao.example.vn/post-sitemap1.xml", datetime(2026, 11, 24, 8, tzinfo=UTC)),
        Further("https://bao.example.vn/page.xml.gz"),
    )


def test_a_packed_sitemap_and_one_of_lines(now):
    packed = gzip.compress(urlset("<loc>https://bao.example.vn/a-1.html</loc>").encode())
    assert len(read(packed, now).entries) == 1
    lines = "\ufeffhttps://bao.example.vn/a-1.html\r\n\r\nhttps://bao.example.vn/a-2.html\n"
    assert len(read(lines, now).entries) == 2


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<rss version='2.0'><channel/></rss>", "a feed, not a sitemap"),
        ("<html><body>404</body></html>", "an HTML page, not a sitemap"),
        ("<!DOCTYPE html><html><body>404</body></html>", "an HTML page, not a sitemap"),
        ("<a/>", "it begins <a>"),
        ("Not found", "neither XML nor"),
        (b"\x1f\x8bbroken", "gzip is broken"),
        ("<", "not a sitemap|understood"),
    ],
)
def test_what_is_no_sitemap_says_what_it_is(body, reason, now):
    with pytest.raises(ParseError, match=reason):
        read(body, now)


def test_a_sitemap_that_breaks_off_gives_what_came(now):
    whole = urlset(*(f"<loc>https://bao.example.vn/a-{n}.html</loc>" for n in range(10)))
    assert len(read(whole[:-200], now).entries) in range(5, 10)


OF_OTHERS = some(0, 25_000)
"""Addresses of another site, which are passed over, and count among the most that are read."""


@pytest.mark.large
@pytest.mark.sampled
def test_fifty_thousand_addresses_are_read_in_seconds_and_more_are_left_out(now):
    body = urlset(
        *("<loc>https://khac.example.com/1.html</loc>" for _ in range(OF_OTHERS)),
        *(
            f"<loc>https://bao.example.vn/muc/bai-viet-so-{n}.html</loc>"
            "<lastmod>2026-11-24T07:00:00+07:00</lastmod>"
            for n in range(50_010 - OF_OTHERS)
        ),
    )
    began = time.process_time()
    document = read(body, now)
    assert time.process_time() - began < some(20, 10)
    assert len(document.entries) == 50_000 - OF_OTHERS
    assert document.repairs == (CUT_SHORT,)


@pytest.mark.large
def test_a_bomb_is_unpacked_no_further_than_a_sitemap_may_be(now):
    bomb = gzip.compress(b"<urlset>" + b" " * 60_000_000, 1)
    began = time.process_time()
    document = read(bomb, now)
    assert (document.entries, document.repairs) == ((), (CUT_SHORT,))
    assert time.process_time() - began < 10


def test_entities_are_neither_fetched_nor_multiplied(now):
    body = (
        '<!DOCTYPE urlset [<!ENTITY a "bao"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
        '<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        "<urlset><url><loc>https://bao.example.vn/&x;&b;a-1</loc></url></urlset>"
    )
    assert [entry.link for entry in read(body, now).entries] == ["https://bao.example.vn/"]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 400), st.integers(0, 60), st.binary(max_size=40))
def test_a_damaged_sitemap_is_read_or_refused(start, length, dirt):
    body = urlset("<loc>https://bao.example.vn/a-1.html</loc><lastmod>2026-11-23</lastmod>" * 3)
    damaged = body.encode()[:start] + dirt + body.encode()[start + length :]
    document = read_or_refusal(read, damaged, NOW)
    assert document
    if isinstance(document, str):
        return
    assert len({entry.key for entry in document.entries}) == len(document.entries)
    assert all(one.link.startswith(("http://", "https://")) for one in document.entries)
