"""What a page says of feeds: every sign that sites really give, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.collect.discovery.candidates import is_own
from service.collect.discovery.common_paths import common_feeds_of
from service.collect.discovery.feed_links import (
    MOST,
    LinkOrigin,
    feeds_of,
    is_feed_like,
    is_of_comments,
)
from service.collect.discovery.site_page import read_site_page
from service.model import Further
from service.parse.html.tree import tree_of
from service.parse.sitemap.well_known import best_of, named_in
from tests.collect.outlets import declared, page
from tests.levels import table
from tests.parse.refusals import read_or_refusal

HERE = "https://bao.example.vn/tin/"


def found(body="", head="", here=HERE):
    return feeds_of(tree_of(page(body, head).encode(), {}), here, here)


@table(
    ("markup", "url"),
    [
        (declared("/rss"), "https://bao.example.vn/rss"),
        (declared("a.atom", kind="application/atom+xml; charset=utf-8"), f"{HERE}a.atom"),
        (declared("/f.json", kind="application/feed+json"), "https://bao.example.vn/f.json"),
        (declared("/f", kind="application/rdf+xml"), "https://bao.example.vn/f"),
        (declared("/f", kind="application/x.atom+xml"), "https://bao.example.vn/f"),
        (declared("/rss.xml", kind="text/xml"), "https://bao.example.vn/rss.xml"),
        (declared("/feed.json", kind="application/json"), "https://bao.example.vn/feed.json"),
        ("<link rel=feed href=/x>", "https://bao.example.vn/x"),
        ("<LINK REL='Alternate' TYPE='Application/RSS+XML' HREF='/x'>", "https://bao.example.vn/x"),
        (declared("feed://bao.example.vn/x"), "http://bao.example.vn/x"),
        (declared("feed:https://bao.example.vn/x"), "https://bao.example.vn/x"),
        (declared("https://feeds.feedburner.com/bao"), "https://feeds.feedburner.com/bao"),
    ],
)
def test_what_is_declared(markup, url):
    (one,) = found(head=markup)
    assert (one.url, one.origin) == (url, LinkOrigin.DECLARED)


@pytest.mark.parametrize(
    "markup",
    [
        "<link rel=alternate type=application/json+oembed href='/wp-json/oembed?url=x'>",
        "<link rel=alternate type=application/json href='/wp-json/wp/v2/posts'>",
        "<link rel=EditURI type=application/rsd+xml href='/xmlrpc.php?rsd'>",
        "<link rel=search type=application/opensearchdescription+xml href='/os.xml'>",
        "<link rel=alternate hreflang=en href='/en/'>",
        "<link rel=alternate media=handheld href='https://m.example.vn/'>",
        "<link rel=sitemap type=application/xml href='/sitemap.xml'>",
        "<link rel=alternate type=application/rss+xml href='javascript:void(0)'>",
        "<link rel=alternate type=application/rss+xml href='#'>",
        "<link rel=alternate type=application/rss+xml>",
    ],
)
def test_what_is_no_feed_is_not_taken_for_one(markup):
    assert found(head=markup) == []


@pytest.mark.parametrize(
    ("markup", "url", "origin"),
    [
        ("<a href=/rss/home.rss>Tin</a>", "https://bao.example.vn/rss/home.rss", LinkOrigin.LINKED),
        ("<a href='?format=feed&amp;type=atom'>x</a>", f"{HERE}?format=feed&type=atom",
         LinkOrigin.LINKED),
        ("<a href=/kenh-tin.htm>RSS</a>", "https://bao.example.vn/kenh-tin.htm", LinkOrigin.NAMED),
        ("<a href=/kenh.htm><img src=r.png alt='RSS feed'></a>", "https://bao.example.vn/kenh.htm",
         LinkOrigin.NAMED),
        ("<a href=/k.htm>Đăng ký kênh RSS</a>", "https://bao.example.vn/k.htm", LinkOrigin.NAMED),
        ("<a href=/k.htm>RSS-Feeds</a>", "https://bao.example.vn/k.htm", LinkOrigin.NAMED),
        ("<a href=http://feeds.feedburner.com/x>Theo</a>", "http://feeds.feedburner.com/x",
         LinkOrigin.LINKED),
        ("<a href=https://bao.example.net/feed>RSS</a>", "https://bao.example.net/feed",
         LinkOrigin.LINKED),
        ("<a href=/k.htm><i class='fa fa-rss'></i></a>", "https://bao.example.vn/k.htm",
         LinkOrigin.NAMED),
        ("<a href='https://feedly.com/i/subscription/feed/https%3A%2F%2Fbao.example.vn%2Fr.xml'>",
         "https://bao.example.vn/r.xml", LinkOrigin.LINKED),
        ("<a href=/_layouts/15/listfeed.aspx?List=1>Nguồn cấp</a>",
         "https://bao.example.vn/_layouts/15/listfeed.aspx?List=1", LinkOrigin.LINKED),
    ],
)  # fmt: skip
def test_what_people_are_shown(markup, url, origin):
    assert [(one.url, one.origin) for one in found(markup)] == [(url, origin)]


@pytest.mark.parametrize(
    "markup",
    [
        "<a href=/gop-y>Feedback</a>",
        "<a href=/tin/rss-la-gi-4512.html>RSS là gì và dùng thế nào</a>",
        "<a href=/anh/rss.png>Ảnh</a>",
        "<a href=https://www.rssboard.example/spec>RSS</a>",
        "<a href=/nang-luong/atomic>Điện hạt nhân</a>",
        "<a href=/dang-nhap>Your feed</a>",
        "<a href=/tin/rss-55.html>RSS Sangh đặt mục tiêu</a>",
        "<a href='https://www.facebook.com/dialog/feed?app_id=1&link=x'>Chia sẻ</a>",
        "<a href='https://www.google.com/podcasts?feed=aHR0'>Nghe</a>",
    ],
)
def test_links_that_only_look_alike(markup):
    assert found(markup) == []


def test_each_address_stands_once_where_it_is_trusted_most():
    links = "<a href=/rss/a>RSS</a><a href=/rss/b>B</a>"
    got = found(links, declared("/rss/b", "Mục B") + declared("/rss/c"))
    assert [one.url.rpartition("/")[2] for one in got] == ["b", "c", "a"]
    assert got[0].title == "Mục B"


def test_a_page_of_thousands_of_links_is_cut():
    assert len(found("".join(f"<a href=/rss/{n}.rss>x</a>" for n in range(5000)))) == MOST


@table(
    ("title", "url", "answer"),
    [
        ("Báo » Dòng bình luận", "https://x.vn/a", True),
        ("Comments on: Tin", "https://x.vn/a", True),
        ("Zeitung » Kommentar-Feed", "https://x.vn/a", True),
        ("Diario » RSS de los comentarios", "https://x.vn/a", True),
        ("Revue » Flux des commentaires", "https://x.vn/a", True),
        ("Giornale » Feed dei commenti", "https://x.vn/a", True),
        ("Báo", "https://x.vn/comments/feed/", True),
        ("Báo", "https://x.vn/?feed=comments-rss2", True),
        ("Bình luận viên bóng đá", "https://x.vn/the-thao.rss", False),
        ("Bình luận - Báo Tỉnh", "https://x.vn/binh-luan.rss", False),
        ("Tin tỉnh » Phản hồi cho bài viết", "https://x.vn/a", True),
        ("Tin bình thường", "https://x.vn/rss", False),
    ],
)
def test_feeds_of_comments(title, url, answer):
    assert is_of_comments(title, url) is answer


@pytest.mark.parametrize(
    ("url", "asked", "answer"),
    [
        ("https://x.vn/rss/kinh-doanh.rss", "https://x.vn/kinh-doanh.htm", True),
        ("https://x.vn/kinh-doanh.rss", "https://x.vn/kinh-doanh", True),
        ("https://x.vn/a/b/feed/", "https://x.vn/a/b/", True),
        ("https://x.vn/rss/kinh-te.rss", "https://x.vn/kinh-doanh.htm", False),
        ("https://x.vn/rss/home.rss", "https://x.vn/", False),
        ("https://x.vn/rss/home.rss", "https://x.vn/index.html", False),
    ],
)
def test_which_feed_is_a_sections_own(url, asked, answer):
    assert is_own(url, asked) is answer


def test_guesses_are_few_and_begin_with_the_software():
    body = b"<script src='/wp-content/themes/x.js'></script>"
    got = [one.url for one in common_feeds_of(body, HERE)]
    assert got[:2] == ["https://bao.example.vn/tin/feed/", "https://bao.example.vn/feed/"]
    assert len(got) == len(set(got)) <= 12


def test_sitemaps_of_news_come_first_and_only_of_the_site():
    robots = (
        "Sitemap: https://bao.example.vn/video-news.xml\nSITEMAP:/sitemap.xml\n"
        "sitemap: https://bao.example.vn/news-sitemap.xml\nSitemap: https://la.example.com/n.xml\n"
        "Sitemap: https://bao.example.vn/sitemap.xml\nDisallow: /sitemap: x"
    )
    assert named_in(robots, "https://bao.example.vn/robots.txt") == [
        "https://bao.example.vn/news-sitemap.xml",
        "https://bao.example.vn/sitemap.xml",
        "https://bao.example.vn/video-news.xml",
    ]
    assert named_in("\x00", "https://bao.example.vn/robots.txt") == []


def test_of_an_index_the_newest_is_read(now):
    index = [Further("https://x.vn/1.xml", None), Further("https://x.vn/2.xml", now),
             Further("https://x.vn/tags.xml", now)]  # fmt: skip
    assert best_of(index, 1) == ["https://x.vn/2.xml"]
    undated = [Further(f"https://x.vn/posts-{n}.xml", None) for n in (1, 2, 3)]
    assert best_of(undated, 1) == ["https://x.vn/posts-3.xml"]


def test_addresses_of_feeds():
    yes = [
        "/rss",
        "/feed/",
        "/rss/tin.rss",
        "/a-rss.html",
        "/x.rdf",
        "/tin/index.xml",
        "/?feed=rss2",
    ]
    no = ["/", "/tin", "/feedback", "/atomic", "/rss-la-gi-4.html", "/rss.css", "/index.html"]
    assert all(is_feed_like(f"https://x.vn{path}") for path in yes)
    assert not any(is_feed_like(f"https://x.vn{path}") for path in no)


DAMAGED = page(
    "<a href='/rss/a.rss'>RSS</a><area href='/feed'><a href='feed:http://x'>x</a>",
    declared("/rss") + "<base href='/tin/'><meta http-equiv=refresh content='0;url=/x'>",
)


@given(
    start=st.integers(0, len(DAMAGED)), length=st.integers(0, 40),
    dirt=st.sampled_from(["", "<", "'", "\x00", "&#0;", "<base href='http://['>", "http://[", "%"]),
)  # fmt: skip
def test_a_damaged_page_names_addresses_of_the_web_or_nothing(start, length, dirt):
    body = (DAMAGED[:start] + dirt + DAMAGED[start + length :]).encode()
    seen = read_or_refusal(read_site_page, body, {}, HERE)
    assert seen
    if isinstance(seen, str):
        return
    for one in (*seen.feeds, *seen.common):
        assert one.url.startswith(("http://", "https://"))


def test_undamaged_that_page_names_feeds_and_common_places():
    seen = read_site_page(DAMAGED.encode(), {}, HERE)
    assert (len(seen.feeds), len(seen.common)) == (3, 8)
