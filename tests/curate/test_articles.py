"""What an entry makes: clean, plain, bounded, and the same substance whatever the markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.curate.articles import FULL_TEXT_CHARS, Shaped, shape
from service.model import Enclosure, Image, Refusal
from tests.curate.desk import entry
from tests.levels import table

LONG = "Một câu của bài báo dài. " * 40


def made(outlet="Báo A", told=None, said=None, **values):
    shaped = shape(entry(**values), outlet=outlet, told=told, said=said)
    assert isinstance(shaped, Shaped)
    return shaped


@table(
    ("values", "title"),
    [
        ({"title": "  Tin \n một "}, "Tin một"),
        ({"title": "R&amp;D <b>mới</b>"}, "R&D mới"),
        ({"title": "\ufdd0Tin\x00"}, "Tin"),
        ({"title": "", "summary": "<p>Không có tít. Chỉ có chữ.</p>"}, "Không có tít. Chỉ có chữ."),
        ({"title": "", "content": f"<p>{LONG}</p>"}, "Một câu của bài báo dài."),
        ({"title": "x" * 9000}, "x" * 499 + "…"),
    ],
)
def test_titles(values, title):
    assert made(**values).values.title.startswith(title[:80])
    assert len(made(**values).values.title) <= 500


@pytest.mark.parametrize("summary", ["", " <p> </p>", "<script>alert(1)</script>", "<img src=x>"])
def test_neither_title_nor_text_is_refused(summary):
    assert shape(entry(title=" \u200b", summary=summary)) is Refusal.EMPTY


def test_a_short_description_is_the_lead_as_the_outlet_wrote_it():
    shaped = made(summary="Câu một. Câu hai. Câu <b>ba</b>.")
    assert (shaped.values.lead, shaped.values.content) == ("Câu một. Câu hai. Câu ba.", "")


def test_a_long_description_is_the_text_itself_and_its_first_sentences_the_lead():
    shaped = made(summary=f"<p>{LONG}</p><script>x</script>")
    assert len(LONG) > FULL_TEXT_CHARS
    assert shaped.values.lead == "Một câu của bài báo dài. Một câu của bài báo dài."
    assert shaped.values.content.startswith("<p>Một câu")
    assert "script" not in shaped.values.content


def test_rules_see_the_standfirst_and_the_text():
    shaped = made(summary="Sapo riêng.", content="<p>Thân bài.</p>")
    assert shaped.text == "Sapo riêng. Thân bài."
    assert shaped.values.content == "<p>Thân bài.</p>"
    assert shaped.values.folded == "hoc sinh nghi hoc sapo rieng than bai"


def test_a_description_that_repeats_the_title_is_no_lead():
    assert made(title="Tin một", summary="Tin một").values.lead == ""


@table(
    ("written", "names"),
    [
        (("Thanh Hằng", "THANH HẰNG", ""), ("Thanh Hằng",)),
        (("toa-soan@a.vn (Thanh Hằng)",), ("Thanh Hằng",)),
        (("Thanh Hằng <th@a.vn>",), ("Thanh Hằng",)),
        (("noreply@blogger.com",), ()),
        (("báo a", "Minh"), ("Minh",)),  # "Báo A · Báo A" says nothing
        (("<b>Minh</b>\n",), ("Minh",)),
    ],
)
def test_authors_are_names_and_not_the_outlet_itself(written, names):
    assert made(authors=written).values.authors == names


def test_categories_stand_once_and_are_bounded():
    many = tuple(f"loại {n}" for n in range(200))
    assert made(categories=("Giáo dục", "GIÁO DỤC", " ")).values.categories == ("Giáo dục",)
    assert len(made(categories=many).values.categories) == 50


@table(
    ("told", "entrys", "said", "text", "language"),
    [
        ("vi", "en", "en", "School news", "vi"),  # the admin knows
        (None, "en-GB", "fr", "School news", "en-GB"),
        (None, None, "en_US", "School news", "en-US"),
        (None, None, "en-US", "Học sinh cả nước nghỉ học vì bão lũ", "vi"),  # WordPress's default
        (None, None, "vi-VN", "Học sinh cả nước nghỉ học vì bão lũ", "vi-VN"),
        (None, None, "Tiếng Việt có dấu và rất dài", "School news", None),
        (None, "x" * 60, None, "School news", None),
        (None, None, None, "Học sinh cả nước nghỉ học vì bão lũ", "vi"),
    ],
)
def test_languages(told, entrys, said, text, language):
    shaped = made(told=told, said=said, language=entrys, title=text)
    assert shaped.values.language == language


@table("link", ["javascript:alert(1)", "data:text/html,x", "urn:uuid:1", "http://", "//", "", None])
def test_readers_are_sent_nowhere_but_to_the_web(link):
    shaped = made(
        link=link, image=Image(link or ""), enclosures=(Enclosure(link or "", "audio/mpeg"),)
    )
    assert (shaped.values.link, shaped.values.image, shaped.values.enclosures) == (None, None, ())


def test_links_and_files_of_the_web_stay():
    shaped = made(
        link="https://a.vn/1?utm_source=rss",
        image=Image("https://a.vn/i.jpg", "Một <b>ảnh</b>", 640, 480),
        enclosures=(Enclosure("https://a.vn/e.mp3", "audio/mpeg", 7),),
    )
    assert shaped.values.link == "https://a.vn/1"
    assert shaped.values.image == Image("https://a.vn/i.jpg", "Một ảnh", 640, 480)
    assert shaped.values.enclosures == (Enclosure("https://a.vn/e.mp3", "audio/mpeg", 7),)


def test_readers_get_the_publishers_address_without_tracking():
    shaped = made(
        link="http://feedproxy.google.com/~r/a/~3/1/", origin="https://a.vn/1?utm_source=feedburner"
    )
    assert shaped.values.link == "https://a.vn/1"


NOON = datetime(2026, 11, 24, 12, tzinfo=timezone(timedelta(hours=7)))


@table(
    ("said", "published"),
    [
        (NOON, datetime(2026, 11, 24, 5, tzinfo=UTC)),
        (datetime(1970, 1, 1, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=7))), None),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-7))), None),
        (datetime(2026, 11, 24), None),  # noqa: DTZ001 - that is the case
        (None, None),
    ],
)
def test_dates_that_cannot_be_meant_are_not_said(said, published):
    assert made(published=said).values.published_at == published


def test_the_substance_is_the_words():
    base = entry(summary="Sở Y tế họp.", content="<p>Thân bài.</p>")

    def substance(**values):
        shaped = shape(replace(base, **values))
        assert isinstance(shaped, Shaped)
        return shaped.values.hash

    same = [
        {"content": "<div class='a17'><p>Thân  bài.</p></div>"},
        {"content": "<p>Thân bài.</p><img src='https://count.vn/9.gif?r=123'>"},
        {"title": "Học sinh nghỉ học!"},
        {"summary": "SỞ Y TẾ họp."},
        {"authors": ("Minh",)},
        {"link": "https://a.vn/2"},
    ]
    assert {substance(**values) for values in same} == {substance()}
    assert substance(title="Học sinh đi học") != substance()
    assert substance(content="<p>Thân bài mới.</p>") != substance()
