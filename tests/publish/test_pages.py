"""The pages: what people see on each, and that it can be read with eyes, ears and on paper."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from lxml import html as markup
from sqlalchemy import update

from service.publish.front import TOP
from service.publish.pages import Pages
from service.store import tables as t
from tests.publish.newsroom import (
    also_tell,
    configure,
    fill,
    freeze_edition,
    public_id,
    renderer_for,
    tell,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def newsroom(any_store, now):
    """A store with a week of news and two editions of the weekly digest."""
    picture = {"url": "https://a.example/1.jpg", "alt": "Lớp học", "width": 640, "height": 360}
    with any_store.write() as connection:
        ids = fill(connection, now)
        old = tell(connection, ids, now - 9 * DAY, "Tin tuần trước")
        mid = tell(connection, ids, now - 2 * DAY, "Tiêm chủng", ["y-te", "giao-duc"], "tuoitre")
        new = tell(connection, ids, now, "Khai giảng & <b>sớm</b>", image=picture,
                   authors=["Thanh Hằng"], content="<p>Toàn văn.</p>")  # fmt: skip
        also_tell(connection, ids, new, now, "tuoitre")
        tell(connection, ids, now - DAY, "Reef spawns", ["khoa-hoc"], "mekong", language="en")
        monday = now.replace(day=23, hour=0)
        freeze_edition(connection, ids, monday - 7 * DAY, [old])
        freeze_edition(connection, ids, monday, [mid, old], more=2)
        freeze_edition(
            connection, ids, now.replace(hour=0), [mid, new], cadence="daily", listed=False, days=1
        )
    return any_store, ids


@pytest.fixture
def open_page(newsroom):
    store, _ids = newsroom

    def _open(kind, *arguments, **sections):
        settings = configure(**sections)
        with store.read() as connection:
            body = getattr(Pages(connection, settings, renderer_for(settings)), kind)(*arguments)
        return None if body is None else markup.document_fromstring(body.decode())

    return _open


def _text(page, selector):
    return [" ".join(one.text_content().split()) for one in page.cssselect(selector)]


def _alternates(page):
    return [one.get("href") for one in page.cssselect("link[rel=alternate]")]


ALL = [
    ("home",),
    ("topic", "giao-duc"),
    ("topic", "khoa-hoc"),
    ("archive", "tuan"),
    ("edition", "tuan", "20261123T000000Z"),
    ("edition", "tuan", "20261124T000000Z-daily"),
]


@pytest.mark.parametrize("page", ALL, ids="-".join)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_can_be_read_by_everyone(open_page, page, language):
    document = open_page(*page, site={"language": language})
    assert document.get("lang") == language
    assert document.cssselect("title")[0].text.strip()
    assert len(document.cssselect("h1")) == 1
    levels = [int(one.tag[1]) for one in document.iter("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = [one.get("id") for one in document.cssselect("[id]")]
    assert len(set(names)) == len(names)
    for one in document.cssselect("[aria-labelledby]"):
        assert one.get("aria-labelledby") in names
    for one in document.cssselect("img"):
        assert one.get("alt")
        assert one.get("referrerpolicy") == "no-referrer"
    assert document.cssselect("a[href='#main']")[0].getparent().tag == "body"
    assert document.cssselect("main#main")
    assert not document.cssselect("script, [onclick], [style]"), "nothing that a policy forbids"
    for one in document.cssselect("a"):
        assert one.text_content().strip()
    assert "page." not in document.text_content()


def test_the_story_page_can_be_read_by_everyone(open_page, newsroom):
    _store, ids = newsroom
    name = public_id("Khai giảng & <b>sớm</b>", ids["vnexpress"])
    test_every_page_can_be_read_by_everyone(open_page, ("story", name), "vi")


def test_home(open_page):
    page = open_page("home")
    assert _text(page, "h1") == ["Tin Khoa giáo"]
    headlines = _text(page, ".headline")
    assert headlines[:2] == ["Khai giảng & <b>sớm</b>", "Reef spawns"]
    assert len(set(headlines)) == len(headlines), "nothing stands on the front page twice"
    assert _alternates(page) == ["feeds/all.atom"]
    links = {one.get("href") for one in page.cssselect("a")}
    assert {"feeds/all.rss", "feeds/all.json", "topics.opml", "topics/giao-duc/"} <= links
    assert "subscribe/tuan" in links
    assert "editions/tuan/20261123T000000Z/" in links
    assert "Giáo dục 3 tin" in _text(page, ".counted li")
    assert "Nhận Điểm tin tuần qua thư: sáng thứ Hai, 07:00." in _text(page, ".card")[0]


def test_a_story_of_two_topics_stands_in_one_section_of_the_home_page(open_page, newsroom, now):
    store, ids = newsroom
    with store.write() as connection:
        for number in range(TOP):
            tell(connection, ids, now + (number + 1) * HOUR, f"Tin đầu {number}", ["khoa-hoc"])
    page = open_page("home")
    headlines = _text(page, ".headline")
    assert headlines.count("Tiêm chủng") == 1, "it is in y-te and giao-duc"
    assert "Khai giảng & <b>sớm</b>" in headlines[:TOP], "seven of one topic leave it its place"
    assert "Tiêm chủng" in headlines[TOP:], "the topics' own are below the first"
    assert len(set(headlines)) == len(headlines)


def test_a_headline_in_another_language_says_so_and_no_other(open_page):
    page = open_page("home")
    assert [one.text_content() for one in page.cssselect("h3[lang]")] == ["Reef spawns"]


def test_an_empty_home_page(any_store):
    settings = configure(topic={}, digest={})
    with any_store.read() as connection:
        page = Pages(connection, settings, renderer_for(settings)).home().decode()
    assert "Chưa có tin nào." in page


def test_topic(open_page):
    page = open_page("topic", "giao-duc")
    assert _text(page, "h1") == ["Giáo dục"]
    assert _text(page, ".day") == [
        "thứ Ba, 24/11/2026", "Chủ nhật, 22/11/2026", "Chủ nhật, 15/11/2026"
    ]  # fmt: skip
    assert _text(page, ".headline")[1:] == ["Tiêm chủng", "Tin tuần trước"]
    assert _alternates(page) == ["../../feeds/giao-duc.atom"]
    assert _text(page, "[aria-current=page]") == ["Giáo dục"]
    assert "Tin từ 2 nguồn" in _text(page, ".title p")[0]
    assert _text(page, ".card h2") == ["Điểm tin tuần"], "only digests that bring this topic"
    assert _text(open_page("topic", "y-te"), ".card h2") == ["Điểm tin tuần", "Tin y tế"]


def test_a_retired_topic_stays_readable_but_offers_no_feed(open_page, newsroom, now):
    store, ids = newsroom
    with store.write() as connection:
        retired = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(retired_at=now)
        connection.execute(retired)
    page = open_page("topic", "y-te")
    assert _text(page, ".headline") == ["Tiêm chủng"]
    assert "không còn được cập nhật" in page.text_content()
    assert _alternates(page) == []
    assert "topics/y-te/" not in {one.get("href") for one in open_page("home").cssselect("a")}


def test_story(open_page, newsroom):
    _store, ids = newsroom
    name = public_id("Khai giảng & <b>sớm</b>", ids["vnexpress"])
    page = open_page("story", name)
    assert _text(page, "h1") == ["Khai giảng & <b>sớm</b>"]
    assert "Thanh Hằng · VnExpress" in _text(page, ".meta")[0]
    assert "15:00 thứ Ba, 24/11/2026" in _text(page, ".meta")[0]
    assert page.cssselect("time")[0].get("datetime") == "2026-11-24T08:00:00+00:00"
    assert _text(page, ".original") == ["Đọc bài gốc trên VnExpress"]
    assert page.cssselect(".told a")[0].get("href").startswith("https://tuoitre.example/")
    assert "Toàn văn." not in page.text_content()
    full = open_page("story", name, publish={"content": "full"})
    assert _text(full, ".prose") == ["Toàn văn."]
    bare = open_page("story", name, publish={"content": "title", "images": "none"})
    assert not bare.cssselect("img, .standfirst, .prose")


def test_an_edition_shows_its_own_period_and_then_what_came_before(open_page):
    page = open_page("edition", "tuan", "20261123T000000Z")
    assert _text(page, "h1") == ["Tuan"]
    assert "07:00 thứ Hai, 23/11/2026 · 1 tin" in _text(page, ".title p")[0]
    headings = _text(page, ".edition h2")
    assert headings == ["Giáo dục", "Tin trước đó"]
    assert _text(page, ".headline") == ["Tiêm chủng", "Tin tuần trước"]
    assert "Ngoài ra còn 2 tin khác" in page.text_content()
    assert not page.cssselect("link[rel=canonical]")


def test_what_an_earlier_edition_in_the_archive_has_is_not_shown_as_new(open_page, newsroom, now):
    """It came in the last hour before a cut: late enough for both, shown as new by the first."""
    store, ids = newsroom
    first, second = (now.replace(hour=0) + days * DAY for days in (1, 2))
    with store.write() as connection:
        late = tell(connection, ids, first - timedelta(minutes=30), "Tin sát giờ")
        new = tell(connection, ids, first + timedelta(hours=1), "Tin mới")
        freeze_edition(connection, ids, first, [late], days=1)
        freeze_edition(connection, ids, second, [new, late], days=1)
    before = open_page("edition", "tuan", f"{first:%Y%m%dT%H%M%SZ}")
    assert _text(before, ".edition h2") == ["Giáo dục"]
    after = open_page("edition", "tuan", f"{second:%Y%m%dT%H%M%SZ}")
    assert _text(after, "section[aria-labelledby=earlier] .headline") == ["Tin sát giờ"]
    assert _text(after, ".edition .headline") == ["Tin mới", "Tin sát giờ"]


def test_what_came_too_late_for_the_edition_before_is_news_of_this_one(open_page, newsroom, now):
    """On PostgreSQL a commit may be seen only after a cut that lies behind its own time."""
    store, ids = newsroom
    cut = now.replace(hour=0) + DAY
    with store.write() as connection:
        late = tell(connection, ids, cut - DAY - timedelta(minutes=30), "Tin lọt khe")
        freeze_edition(connection, ids, cut, [late], days=1)
    page = open_page("edition", "tuan", f"{cut:%Y%m%dT%H%M%SZ}")
    assert _text(page, ".edition h2") == ["Giáo dục"]
    assert _text(page, ".edition .headline") == ["Tin lọt khe"]


@pytest.mark.parametrize("first", ["Y tế", "Giáo dục"])
def test_a_story_of_two_topics_stands_under_the_digest_s_first_as_in_its_mails(open_page, first):
    order = ["y-te", "giao-duc"] if first == "Y tế" else ["giao-duc", "y-te"]
    digest = {"tuan": {"cadence": "weekly", "topics": order}}
    page = open_page("edition", "tuan", "20261123T000000Z", digest=digest)
    assert _text(page, ".edition h2")[0] == first


def test_an_unlisted_edition_names_the_one_in_the_archive(open_page):
    page = open_page("edition", "tuan", "20261124T000000Z-daily")
    assert page.cssselect("link[rel=canonical]")[0].get("href") == (
        "https://tin.example.vn/editions/tuan/20261123T000000Z/"
    )
    assert _text(page, ".edition h2")[-1] == "Tin trước đó", "what Monday's had is not news here"
    plain = open_page("edition", "tuan", "20261124T000000Z")
    assert plain is not None, "the plain address of a cut finds the unlisted one"


def test_the_archive_lists_what_is_listed_newest_first(open_page):
    page = open_page("archive", "tuan")
    assert _text(page, ".headline") == ["07:00 thứ Hai, 23/11/2026", "07:00 thứ Hai, 16/11/2026"]
    assert _text(page, ".lead")[0] == "Tiêm chủng · Tin tuần trước"
    assert [one.get("href") for one in page.cssselect(".headline a")] == [
        "../../editions/tuan/20261123T000000Z/",
        "../../editions/tuan/20261116T000000Z/",
    ]


@pytest.mark.parametrize(
    "page",
    [
        ("topic", "none"),
        ("story", "none"),
        ("archive", "none"),
        ("edition", "none", "20261123T000000Z"),
        ("edition", "tuan", "20260101T000000Z"),
        ("edition", "tuan", "20261123T000000Z-daily"),
        ("edition", "tuan", "yesterday"),
        ("edition", "tuan", "20261399T000000Z"),
        ("edition", "tuan", ""),
    ],
)
def test_there_is_no_such_page(open_page, page):
    assert open_page(*page) is None


def test_the_list_of_feeds(newsroom):
    store, _ids = newsroom
    settings = configure()
    with store.read() as connection:
        body = Pages(connection, settings, renderer_for(settings)).opml()
    outlines = markup.etree.fromstring(body).findall(".//outline[@type='rss']")
    assert [one.get("text") for one in outlines] == ["Giáo dục", "Y tế", "Khoa học, công nghệ"]
    assert outlines[0].get("xmlUrl") == "https://tin.example.vn/feeds/giao-duc.atom"
    assert outlines[0].get("htmlUrl") == "https://tin.example.vn/topics/giao-duc/"
