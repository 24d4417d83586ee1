"""One article's own page: title, lead, time, authors, text, and nothing of other articles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import fromstring

from service.collect.workers.pool import TIMEOUT_S
from service.errors import ParseError
from service.parse.html.article import page as article_page
from service.parse.html.article import prose as prose_of
from service.parse.html.blocks import blocks
from service.parse.html.boilerplate import is_pointer
from service.parse.options import ParseOptions
from tests.levels import some, table
from tests.parse import article_pages as portals
from tests.parse.article_pages import LEAD, OTHERS, PARAGRAPHS, TITLE

AT = datetime(2026, 11, 24, 1, 5, tzinfo=UTC)
EARLIER = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
URL = "https://tinh.example.vn/tin/khoa-giao"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def read(page: str, url: str = URL, **reading):
    return article_page.read(page.encode(), {}, url, ParseOptions(**reading), NOW)


PAGES = {
    "a portal": portals.liferay(),
    "a portal whose elements have no names": portals.liferay(named=False),
    "a portal of tables in one form": portals.aspnet(),
    "a newspaper": portals.newspaper(),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_what_a_feed_would_have_said(name):
    page = read(PAGES[name])
    assert page.title == TITLE
    assert page.lead == LEAD
    assert page.published is not None
    assert page.published.replace(second=0) == AT
    assert page.language is not None
    assert page.language.startswith("vi")
    assert [one for one in PARAGRAPHS if one not in page.text] == []
    assert [one for one in OTHERS if one in page.text] == []
    assert page.text.startswith(LEAD)
    assert page.text.count(LEAD) == 1
    for word in ("quan tâm", "Phản hồi", "Các tin", "Xem nhiều", "Giấy phép", "Bình luận", TITLE):
        assert word not in page.text


def test_official_documents_stay_as_they_are_written():
    text = read(portals.liferay()).text
    for number in ("38-CT/TW", "623-QĐ/TU", "30/2020/NĐ-CP"):
        assert number in text


@pytest.mark.parametrize("name", [name for name in PAGES if "portal" in name])
def test_the_name_at_the_end_of_a_text_is_its_author(name):
    assert read(PAGES[name]).authors == ("Hoàng Chung",)


def test_the_visible_headline_goes_before_the_one_for_search_engines():
    page = read(portals.newspaper())
    assert page.title == TITLE
    assert page.link == "https://baotinh.example.vn/tin/khoa-giao-123.htm"
    assert page.image is not None
    assert page.image.url == "https://cdn.example.vn/anh.jpg"


def test_a_headline_that_is_the_sites_name_is_none():
    assert read(portals.newspaper(h1="Báo Tỉnh điện tử", headline=TITLE, seo=TITLE)).title == TITLE


def test_a_word_before_the_headline_in_its_element_is_left_out():
    page = read(portals.newspaper(h1=f"Khoa giáo <br> {TITLE}", seo=TITLE))
    assert page.title == TITLE


@table(
    ("told", "authors"),
    [
        ('{"@type":"Person","name":"Theo Minh Anh"}', ("Minh Anh",)),
        ('[{"@type":"Person","name":"Lan Chi"},{"name":"Bá Quý"}]', ("Lan Chi", "Bá Quý")),
        ('"Lan Chi; Bá Quý"', ("Lan Chi", "Bá Quý")),
        ('{"@type":"Person","name":"Baotinh.example.vn"}', ()),
        ('{"@type":"Organization","name":"Báo Tỉnh"}', ()),
        ('{"@type":"Person","name":"BÁO TỈNH ONLINE"}', ()),
    ],
)
def test_authors_are_people_and_never_the_sites_own_account(told, authors):
    assert read(portals.newspaper(author=told)).authors == authors


@table(
    ("changes", "at"),
    [
        ({}, AT.replace(second=41)),  # JSON-LD shows the clock, meta the same with its zone
        ({"published": "2026-11-24T08:05:00Z"}, AT.replace(hour=8)),
        ({"published": "2026-11-24", "meta": ""}, AT),  # a day alone: the line knows the minute
        ({"published": "2026-11-24T00:00:00+07:00", "meta": ""}, AT),
        ({"published": "", "meta": "2026-11-24T08:05:00&amp;#x2B;07:00", "line": ""}, AT),
        ({"published": "", "meta": ""}, AT),
        ({"published": "", "meta": "", "line": "07:00 ngày 23/11/2026"}, EARLIER),
        ({"published": "", "meta": "", "line": "Minh Anh - 24/11/2026 08:05"}, AT),
        ({"published": "", "meta": "", "line": "24-11-2026 - 08:05 AM"}, AT),
        ({"published": "2031-01-01T00:00:00Z", "meta": ""}, AT),  # ahead of us: not believed
        ({"published": "", "meta": "", "line": ""}, None),  # a date in the prose is never it
    ],
)  # fmt: skip
def test_the_time_by_machines_first_then_by_the_line_that_people_see(changes, at):
    assert read(portals.newspaper(**changes)).published == at


def test_a_zone_of_the_source_goes_before_the_languages():
    page = read(portals.newspaper(meta=""), zone="Europe/Berlin")
    assert page.published == AT.replace(hour=7)


@pytest.mark.parametrize(
    ("description", "lead"),
    [
        (LEAD[:70] + "...", LEAD),
        ("Báo Tỉnh điện tử: tin nhanh 24h, thời sự, kinh tế", LEAD),
        ("", LEAD),
    ],
)
def test_a_lead_cut_short_for_search_engines_is_not_taken(description, lead):
    assert read(portals.newspaper(description=description)).lead == lead


def test_without_anything_that_stands_out_there_is_no_lead():
    text = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    page = read(f"<html><title>{TITLE}</title><h1>{TITLE}</h1>{text}")
    assert page.lead == ""
    assert page.text.split("\n\n") == list(PARAGRAPHS)


def test_a_canonical_link_to_the_front_page_is_not_the_articles():
    page = read(f'<link rel="canonical" href="https://tinh.example.vn/"><h1>{TITLE}</h1>')
    assert page.link == URL


def test_prose_in_other_languages():
    text = "".join(
        f"<p>The council agreed on item {n}, after a debate of two hours, to go on.</p>"
        for n in range(5)
    )
    page = read(
        "<html lang=en><head><meta property=og:title content='Council agrees'>"
        "<meta name=author content='Jane Doe'></head><body><header><a href=/>Home</a></header>"
        "<article><h1>Council agrees</h1><time datetime=2026-11-24T01:05:00Z>yesterday</time>"
        f"{text}"
        "</article><aside><a href=/x>Another story of the day that is read a lot</a></aside>"
    )
    assert (page.title, page.published, page.authors) == ("Council agrees", AT, ("Jane Doe",))
    assert len(page.text.split("\n\n")) == 5


def test_what_is_no_page_says_so():
    with pytest.raises(ParseError):
        article_page.read(b"<!-- -->", {}, URL, ParseOptions(), NOW)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="<>/=\"'& abcdh1pdivspan\n\u00e1\u0300{}[]:,@", max_size=400))
def test_no_page_breaks_it(text):
    pieces = ("<p>", "</div>", '<script type="application/ld+json">', "<h1>", "<form>", "<br>")
    markup = text
    for at, piece in enumerate(pieces):
        markup = markup[: at * 20] + piece + markup[at * 20 :]
    try:
        page = article_page.read(markup.encode(), {}, URL, ParseOptions(), NOW)
    except ParseError:
        return
    assert isinstance(page.text, str)


def prose(*paragraphs, lead=None, head="", before="", wrap="{}"):
    """A plain article: paragraphs of our own, a description in its head, boxes around them."""
    meta = f'<meta property="og:description" content="{lead}">' if lead else ""
    text = wrap.format("".join(f"<p>{one}</p>" for one in paragraphs))
    return (
        f"<html lang=vi><head><title>{TITLE}</title>{meta}{head}</head><body>{before}"
        f"<article><h1>{TITLE}</h1>{text}</article></body></html>"
    )


CUTS = {
    "one paragraph": lambda: PARAGRAPHS[0],
    "two paragraphs": lambda: f"{PARAGRAPHS[0]} {PARAGRAPHS[1]}",
    "a paragraph and the beginning of the next": lambda: f"{PARAGRAPHS[0]} {PARAGRAPHS[1][:60]}",
    "cut short": lambda: f"{PARAGRAPHS[0][:90]}…",
    "cut within a word": lambda: f"{PARAGRAPHS[0][:96]}...",
    "two paragraphs, cut short": lambda: f"{PARAGRAPHS[0]} {PARAGRAPHS[1][:71]} […]",
    "read more behind it": lambda: f"{PARAGRAPHS[0][:90]}… Đọc tiếp",
    "signs written otherwise": lambda: PARAGRAPHS[0].replace(";", " -").replace(",", " ,"),
}


@table("cut", CUTS)
def test_a_lead_that_is_the_beginning_of_the_text_stands_there_once(cut):
    page = read(prose(*PARAGRAPHS, lead=CUTS[cut]()))
    assert page.text.split("\n\n") == list(PARAGRAPHS)
    assert not page.lead.endswith(("Đọc tiếp", "]"))


def test_a_lead_of_its_own_is_put_in_front_of_the_text():
    page = read(prose(*PARAGRAPHS, lead=LEAD))
    assert page.text.split("\n\n") == [LEAD, *PARAGRAPHS]


SLOGANS = (
    "Cổng thông tin điện tử tỉnh - thông tin chỉ đạo điều hành, tin tức sự kiện của tỉnh",
    "Tin tức 24h, đọc báo mới nhất, cập nhật tin nhanh về công tác khoa giáo trong tỉnh",
    "Cơ quan ngôn luận của Đảng bộ tỉnh, tiếng nói của Đảng bộ và Nhân dân địa phương",
    "Latest news, breaking news and headlines about the province and its people",
    "Thông tin chính xác - Tin cậy - Gần gũi với Nhân dân",
)


@table("slogan", SLOGANS)
@table(
    "where",
    ["meta", "site-description", "slogan", "header", "footer"],
)
def test_a_slogan_of_the_site_is_no_lead(slogan, where):
    shown = {
        "meta": "",
        "site-description": f'<header><p class="site-description">{slogan}</p></header>',
        "slogan": f'<div class="top"><div class="slogan">{slogan}</div></div>',
        "header": f'<div class="header-desc"><b>{slogan}</b></div>',
        "footer": f"<footer><p>{slogan}</p></footer>",
    }[where]
    page = read(prose(*PARAGRAPHS, lead=slogan, before=shown))
    assert page.lead != slogan
    assert slogan not in page.text


@table(
    "name",
    ["article-widget", "widget text", "elementor-widget elementor-widget-text-editor", "read-more",
     "paywall", "print-content", "story-tools article-print", "tags-content tag"],
)  # fmt: skip
def test_opening_paragraphs_in_a_box_whose_name_says_little_are_kept(name):
    opening = "".join(f"<p>{one}</p>" for one in PARAGRAPHS[:2])
    rest = "".join(f"<p>{one}</p>" for one in PARAGRAPHS[2:] * 3)
    body = f'<div class="{name}">{opening}</div><div class="rest">{rest}</div>'
    page = read(prose(wrap=body))
    assert all(one in page.text for one in PARAGRAPHS[:2])


def test_a_widget_without_sentences_is_none_of_the_text():
    links = "".join(f'<li><a href="/x{n}">{one}</a></li>' for n, one in enumerate(OTHERS))
    page = read(prose(*PARAGRAPHS, wrap=f'{{}}<div class="widget"><ul>{links}</ul></div>'))
    assert page.text.split("\n\n") == list(PARAGRAPHS)


@table(
    "notice",
    ["Lưu bài viết thành công", "Đã lưu bài viết", "Nghe đọc bài", "3 phút đọc", "Xem chi tiết",
     "Bạn có thể xem lại bài viết đã lưu ở trang Tin bài đã lưu"],
)  # fmt: skip
def test_what_a_program_says_on_the_page_is_none_of_the_text(notice):
    page = read(prose(*PARAGRAPHS, wrap=f"<div>{notice}</div>{{}}<div>{notice}</div>"))
    assert page.text.split("\n\n") == list(PARAGRAPHS)
    assert page.lead in {"", PARAGRAPHS[0]}


@table(
    ("start", "points"),
    [("Xem thêm:", True), (">> Tin liên quan:", True), (">>> ", True), ("Read next >", True),
     ("Lue myös:", True), ("Cùng chuyên mục:", True), ("Thông báo:", False), ("Hà Nội:", False)],
)  # fmt: skip
def test_a_line_that_points_to_another_article_is_told_by_its_label(start, points):
    (line,) = blocks(fromstring(f"<p>{start} <a href='/x'>{OTHERS[0]}</a></p>"))
    assert is_pointer(line) is points


def test_words_of_a_page_are_parted_by_boxes_and_not_within():
    page = read(prose("Ông <b>N</b>guyễn<br>Văn A<img src='/a.png'>phát biểu.", *PARAGRAPHS))
    assert "Ông Nguyễn Văn A phát biểu." in page.text


NUMBERS = tuple((f"Mặt hàng thứ {n}", f"{n * 7 + 11}.000 đồng", f"tăng {n} %") for n in range(14))
ROWS = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in NUMBERS)


@pytest.mark.parametrize("before", ["", f"<p>{LEAD}</p>"], ids=["alone", "behind a lead"])
def test_a_table_that_is_the_article_is_told_by_rows(before):
    text = read(prose(wrap=f"{before}<table>{ROWS}</table>")).text.split("\n\n")
    assert [" | ".join(row) for row in NUMBERS] == text[-len(NUMBERS) :]


def test_rows_that_begin_with_a_link_are_no_headlines_of_others():
    rows = "".join(
        f'<tr><td><a href="/phim-{n}">{title}</a></td><td>19{n + 60}</td><td>{PARAGRAPHS[n]}</td>'
        for n, title in enumerate(OTHERS)
    )
    text = read(prose(wrap=f"<p>{LEAD}</p><table>{rows}</table>")).text
    assert [one for one in (*OTHERS, *PARAGRAPHS) if one not in text] == []


LAYOUTS = {
    "breaks in a cell": "<table><tr><td><font>{}</font></td></tr></table>",
    "paragraphs in a cell": "<table><tr><td>{}</td><td><h3>Tin khác</h3>{others}</td></tr></table>",
    "tables within a table": (
        "<table><tr><td><table><tr><td>{others}</td></tr></table></td>"
        "<td><table><tr><td>{}</td></tr></table></td></tr></table>"
    ),
}


@pytest.mark.parametrize("how", LAYOUTS)
def test_a_page_laid_out_in_tables_keeps_its_paragraphs(how):
    apart = "<br><br>" if "breaks" in how else "</p><p>"
    others = "".join(f'<p><a href="/x{n}">{one}</a></p>' for n, one in enumerate(OTHERS))
    body = LAYOUTS[how].format(f"<h1>{TITLE}</h1><p>{apart.join(PARAGRAPHS)}</p>", others=others)
    page = read(f"<html><title>{TITLE} - Báo Tỉnh</title><body>{body}")
    assert page.text.split("\n\n") == list(PARAGRAPHS)


@table(
    "name",
    ["related-content", "article-widget", "sidebar-left main", "post-comments-body", "tags-post",
     "share-content", "newsletter-body", "promo-body", "popup-content", "RelatedBody"],
)  # fmt: skip
@table("around", ["text", "title and text"])
def test_a_text_whose_box_is_called_an_aside_is_none(name, around):
    text = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    others = "".join(f'<li><a href="/x{n}">{one}</a></li>' for n, one in enumerate(OTHERS))
    head = f"<h1>{TITLE}</h1>"
    inner = f'{head}<div class="{name}">{text}</div>' if around == "text" else (
        f'<div class="{name}">{head}{text}</div>'
    )  # fmt: skip
    page = read(
        f"<html><title>{TITLE} - Báo Tỉnh</title><body><div>{inner}</div>"
        f'<div class="related"><ul>{others}</ul></div>'
    )
    assert page.text.split("\n\n") == list(PARAGRAPHS)


def test_paragraphs_left_out_for_a_name_cost_as_much_as_there_are():
    """One box is looked through once, not again for each of its paragraphs."""

    def told(number):
        left_out, seen = ([f"{n}: {PARAGRAPHS[0]}" for n in range(begin, begin + number)]
                          for begin in (0, number))  # fmt: skip
        boxes = ["".join(f"<p>{one}</p>" for one in some) for some in (left_out, seen)]
        widget, body = boxes
        tree = fromstring(f"<h1>{TITLE}</h1><div class=article-widget>{widget}</div>{body}")
        found = blocks(tree)
        begun = process_time()
        text = prose_of.find(seen, found, "https://a.vn/x")
        took = process_time() - begun
        assert text.texts == (*left_out, *seen)
        return took

    told(10)
    once, twice = (min(told(number) for _ in range(3)) for number in (150, 300))
    assert twice < 3 * once


def test_readers_comments_are_none_of_the_text_however_long():
    comments = "".join(f"<p>Ý kiến thứ {n}: {one}</p>" for n in range(4) for one in PARAGRAPHS)
    page = read(prose(*PARAGRAPHS, wrap=f'{{}}<div class="comments">{comments}</div>'))
    assert page.text.split("\n\n") == list(PARAGRAPHS)


def test_what_is_hidden_is_none_of_the_text_unless_it_is_all_there_is():
    hidden = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    page = read(prose(*PARAGRAPHS[:2], wrap=f'{{}}<div style="display: none">{hidden}</div>'))
    assert page.text.split("\n\n") == list(PARAGRAPHS[:2])
    page = read(prose(wrap=f'<div style="display:none">{hidden}</div>'))
    assert PARAGRAPHS[3] in page.text


def test_a_text_that_only_json_ld_tells():
    told = json.dumps({"@type": "NewsArticle", "articleBody": " ".join(PARAGRAPHS)})
    script = f'<script type="application/ld+json">{told}</script>'
    page = read(f"<html><head><title>{TITLE}</title>{script}</head><body><div id=app></div>")
    assert page.text == " ".join(PARAGRAPHS)


@pytest.mark.parametrize(
    "page",
    ["<html><body></body></html>", f"<html><title>{TITLE}</title><body><h1>{TITLE}</h1></body>",
     '<html><body><a href="/x">Một bài viết khác ở trang khác của cổng</a><img src="/a.jpg">'],
    ids=["nothing", "a title", "a link"],
)  # fmt: skip
def test_a_page_without_a_text_has_none(page):
    assert read(page).text == ""


HUGE = {
    "boxes in boxes": ("<div>" * 200_000, PARAGRAPHS[0]),
    "tables in tables": ("<table><tr><td>a b c" * 100_000, ""),
    "links": ('<a href="/x">Một bài viết khác ở trang khác của cổng</a><br><br>' * 11_000, ""),
    "one text": (f"{' '.join(PARAGRAPHS)} " * 1_500, ""),
}
"""What there is without end, and what follows it."""

PART = some(1, 4)
"""A sample is so much smaller, and has the part of the time."""


@pytest.mark.sampled
@pytest.mark.parametrize("name", HUGE)
def test_a_page_without_end_is_read_within_a_workers_time(name):
    endless, rest = HUGE[name]
    before = process_time()
    read(f"<html><title>{TITLE}</title><body>{endless[: len(endless) // PART]}{rest}")
    assert process_time() - before < TIMEOUT_S / PART
