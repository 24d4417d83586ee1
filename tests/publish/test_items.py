"""A story as an entry: what stands where, before it has a format."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.config.schema import Publish
from service.model import Enclosure, Image, Outlet
from service.publish.items import item
from service.render.engine import shipped_templates
from service.render.words import load_words
from tests.publish.newsroom import a_story

WORDS = load_words([shipped_templates()], "vi")
PAGE = "https://tin.example.vn/stories/0a1b2c3d4e5f60718293a4b5/"


@pytest.fixture
def make(now):
    def _make(feed="giao-duc", *, content="lead", images="link", **values):
        return item(
            a_story(now, **values), WORDS, Publish(content=content, images=images),
            authority="tin.example.vn,2026", base="https://tin.example.vn", language="vi",
            feed=feed,
        )  # fmt: skip

    return _make


def test_the_original_first_then_our_page_then_the_other_outlets(make):
    others = (
        Outlet("t", "Tuổi Trẻ", None, "https://t.example/9"),
        Outlet("m", "Mekong Eye", "https://m.example/", None),
        Outlet("d", "Dân trí", None, "https://vnexpress.example/1"),
    )
    one = make(others=others)
    assert one.link == "https://vnexpress.example/1"
    assert one.related == (PAGE, "https://t.example/9")


@pytest.mark.parametrize("link", [None, "javascript:alert(1)", "mailto:a@example.vn"])
def test_without_an_address_that_can_be_read_our_page_is_the_link(make, link):
    one = make(outlet=Outlet("v", "VnExpress", None, link))
    assert one.link == PAGE
    assert one.related == ()


@pytest.mark.parametrize("home", [None, "javascript:alert(1)", "mailto:a@example.vn", "ftp://a/"])
def test_a_home_that_is_no_page_is_not_given_to_readers(make, home):
    assert make(outlet=Outlet("v", "VnExpress", home, "https://v.example/1")).outlet_home is None


def test_the_id_is_permanent_and_the_same_in_every_feed(make):
    assert make("giao-duc").id == "tag:tin.example.vn,2026:story/0a1b2c3d4e5f60718293a4b5"
    assert make("all").id == make("giao-duc").id


def test_categories_are_the_other_topics_without_commas(make):
    assert make("giao-duc").categories == ("Khoa học – công nghệ",)
    assert make("all").categories == ("Giáo dục", "Khoa học – công nghệ")


def test_the_outlet_and_who_else_told_it_stand_under_the_text(make):
    body = make(others=(Outlet("t", "Tuổi <b>Trẻ", None, "https://t.example/?a=1&b=2"),)).body
    assert body.endswith(
        '<p>Theo <a href="https://vnexpress.example/1">VnExpress</a>. Cùng đưa tin: '
        '<a href="https://t.example/?a=1&amp;b=2">Tuổi &lt;b&gt;Trẻ</a>.</p>'
    )
    assert make().body.endswith('<p>Theo <a href="https://vnexpress.example/1">VnExpress</a>.</p>')


def test_our_sentence_under_a_story_in_another_language_says_its_own(make):
    assert make(language="en").language == "en"
    assert '<p lang="vi">Theo ' in make(language="en").body
    assert make(language="vi-VN").language is None
    assert "lang=" not in make(language="vi-VN").body


def test_the_picture_stands_first_with_size_and_alt(make):
    picture = Image("https://a.example/1.jpg?a=1&b=2", 'Lớp "A"', 640, 360)
    assert make(image=picture).body.startswith(
        '<p><img src="https://a.example/1.jpg?a=1&amp;b=2" alt="Lớp &quot;A&quot;" '
        'width="640" height="360"></p>'
    )
    nameless = make(image=Image("https://a.example/1.jpg")).body
    assert 'alt="Khai giảng sớm hai tuần"></p>' in nameless
    assert "width" not in nameless


def test_a_site_may_do_without_pictures(make):
    one = make(images="none", image=Image("https://a.example/1.jpg"))
    assert one.image is None
    assert "<img" not in one.body


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("https://a.example/1.jpg", "https://a.example/1.jpg"),
        ("https://a.example/1.jpg?a=1&b=2", "https://a.example/1.jpg?a=1&amp;b=2"),
    ],
)
def test_a_picture_that_the_text_has_is_not_put_there_twice(now, address, written):
    content = f'<p><img src="{written}" alt=""></p><p>Chữ.</p>'
    story = a_story(now, content=content, image=Image(address))
    one = item(
        story, WORDS, Publish(content="full"), authority="a,2026", base="https://b.example",
        language="vi", feed="x",
    )  # fmt: skip
    assert one.body.count("<img") == 1
    assert one.image is not None


@pytest.mark.parametrize("content", ["title", "lead", "full"])
def test_how_much_of_the_text_is_published(now, content):
    story = a_story(now, content="<p>Toàn văn bài báo.</p>", lead="Câu mở đầu.")
    one = item(
        story, WORDS, Publish(content=content), authority="a,2026", base="https://b.example",
        language="vi", feed="x",
    )  # fmt: skip
    assert ("Toàn văn" in one.body) is (content == "full")
    assert ("Câu mở đầu" in one.body) is (content == "lead")
    assert one.is_full is (content == "full")
    assert one.summary == ("Câu mở đầu." if content == "full" else "")
    assert one.lead == ("" if content == "title" else "Câu mở đầu.")


def test_full_text_is_published_only_where_the_source_gave_it(now):
    one = item(
        a_story(now, lead="Câu mở đầu."), WORDS, Publish(content="full"), authority="a,2026",
        base="https://b.example", language="vi", feed="x",
    )  # fmt: skip
    assert not one.is_full
    assert "<p>Câu mở đầu.</p>" in one.body


@pytest.mark.parametrize("lead", ["Toàn văn bài báo", "Toàn văn bài…", "Toàn văn bài báo."])
def test_a_summary_that_says_what_the_text_begins_with_is_left_out(now, lead):
    one = item(
        a_story(now, content="<p>Toàn <b>văn</b> bài báo. Hết.</p>", lead=lead), WORDS,
        Publish(content="full"), authority="a,2026", base="https://b.example", language="vi",
        feed="x",
    )  # fmt: skip
    assert one.summary == ""


def test_only_what_can_be_heard_or_seen_hangs_on_an_entry(make):
    files = (
        Enclosure("https://a.example/1.jpg", "image/jpeg", 5),
        Enclosure("https://a.example/1.mp3", "audio/mpeg", 5),
        Enclosure("https://a.example/1.pdf", "application/pdf", 5),
        Enclosure("https://a.example/1.mp4", "video/mp4"),
    )
    assert [one.url[-3:] for one in make(enclosures=files).enclosures] == ["mp3", "mp4"]


def test_dates(make, now):
    one = make()
    assert one.published == one.updated == now - timedelta(hours=2)
    later = make(updated=now)
    assert (later.published, later.updated) == (one.published, now)
    odd = make(updated=now - timedelta(days=9))
    assert odd.updated == odd.published, "nothing is changed before it is published"


def test_a_title_is_never_empty(make):
    assert make(title=" ").title == "Các trường mở cửa từ ngày 20. Phụ huynh được báo trước."
    assert make(title="", lead="").title == "https://vnexpress.example/1"
    assert make(title="", lead="", outlet=Outlet("v", "VnE", None, None)).title == "VnE"
