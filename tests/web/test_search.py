"""The search page, its feeds, and what keeps a crowd of searches from being a burden."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from urllib.parse import quote

import pytest
from lxml import etree, html
from sqlalchemy import select, update

from service.curate.search.indexing import index_stored
from service.publish.build import publish
from service.store import tables as t
from service.store.content.search_queries import TAIL
from service.web.search_limits import SearchLimits, TooManySearchesError
from tests.builders import add_source, add_story
from tests.levels import table
from tests.publish.validity import atom_faults, json_faults, rss_faults
from tests.web.people import text

TITLES = ["Chinh phu hop", "Chính phủ họp bất thường", "Trường học mở cửa", "Chính phủ họp"]


@pytest.fixture
def news(web):
    """Stories, the last one the newest; one is of another source, and two are indexed."""
    with web.store.write() as connection:
        one, other = add_source(connection, web.now), add_source(connection, web.now, "bao-b")
        topic = connection.scalar(select(t.topic.c.id).where(t.topic.c.name == "giao-duc"))
        for number, title in enumerate(TITLES):
            at = web.now - timedelta(hours=9 - number)
            source = other if number == 1 else one
            add_story(connection, source=source, topics=[topic], entered_at=at, title=title)
    index_stored(web.store, batches=1, most=2)
    publish(web.store, web.settings, web.renderer, web.now)
    web.settings = web.settings.model_copy(
        update={"source": {"bao-a": None, "bao-b": None}}
    )  # as the TOML would name them
    return web


def ask(web, question, path="/search", **options):
    return web.client.get(f"{path}?q={quote(question)}", **options)


def headlines(page):
    found = html.fromstring(page.text).cssselect("main .headline")
    return [one.text_content() for one in found]


def test_answers_have_the_questions_accents_first_and_the_newest_first(news):
    page = ask(news, "chính phủ")
    assert page.status_code == 200
    assert headlines(page) == ["Chính phủ họp", "Chính phủ họp bất thường", "Chinh phu hop"]
    assert headlines(ask(news, "CHINH PHU")) == [
        "Chính phủ họp", "Chính phủ họp bất thường", "Chinh phu hop",
    ]  # fmt: skip
    assert headlines(ask(news, '"phủ họp bất"')) == ["Chính phủ họp bất thường"]
    assert headlines(ask(news, "họp source:bao-b topic:giao-duc since:1d")) == [TITLES[1]]
    assert "3 tin khớp." in text(page)
    assert "Không có tin nào khớp." in text(ask(news, "quang cao"))


def test_just_after_an_upgrade_it_is_said_that_older_articles_are_still_indexed(news):
    """More than can be asked themselves: as if there were as many as the ids go."""
    said = "Các bài cũ hơn đang được đưa dần vào phần tìm kiếm, nên có thể còn thiếu."
    assert said not in text(ask(news, "chính phủ"))
    with news.store.write() as connection:
        source = connection.scalar(select(t.source.c.id))
        add_story(
            connection, source=source, topics=[], entered_at=news.now, title="Mới", id=TAIL + 9
        )
    for question in ("chính phủ", "quang cao"):
        page = text(ask(news, question))
        assert said in page
        assert "Câu tìm quá rộng" not in page
    index_stored(news.store)
    assert said not in text(ask(news, "quang cao"))


def test_no_search_engine_keeps_an_answer(news):
    page = ask(news, "chính phủ")
    assert page.headers["x-robots-tag"] == "noindex"
    assert html.fromstring(page.text).cssselect("meta[name=robots][content=noindex]")
    assert "Disallow: /search\n" in news.client.get("/robots.txt").text
    again = ask(news, "chính phủ", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


def test_the_form_works_without_scripts_and_keeps_what_was_asked(news):
    home = html.fromstring(news.client.get("/").text)
    (form,) = home.cssselect("header form[role=search]")
    assert (form.get("action"), form.get("method", "get")) == ("search", "get")
    empty = news.client.get("/search")
    assert empty.status_code == 200
    assert "alert" not in empty.text
    shown = html.fromstring(ask(news, '"><script>x</script> & “y”').text)
    assert shown.cssselect("input[name=q]")[0].get("value") == '"><script>x</script> & "y"'
    assert not shown.cssselect("script")
    label = shown.cssselect("label[for=q]")[0]
    assert label.text == "Tìm trong các tin"


@table(
    ("question", "said"),
    [
        ("", "hãy gõ ít nhất một từ."),
        ("x" * 300, "câu dài quá 200 ký tự."),
        ("topic:khong-co học", "không có chủ đề “khong-co”."),
        ("màu:đỏ", "không có “màu:”, chỉ có topic, source, since."),
        ("học since:mai", "“mai” không phải là thời gian"),
    ],
)
def test_a_question_that_cannot_be_answered_is_explained(news, question, said):
    page = ask(news, question)
    assert page.status_code == 400
    assert f"Chưa tìm được: {said}" in text(page)
    (field,) = html.fromstring(page.text).cssselect("input[name=q]")
    assert (field.get("aria-describedby"), field.get("value")) == ("problem", question[:200])
    assert ask(news, question, "/search.atom").status_code == 404


def test_the_page_speaks_english_below_a_path(make):
    web = make(site={"base_url": "https://example.vn/tin", "language": "en"})
    page = ask(web, "news")
    assert "No story matches." in text(page)
    links = [one.get("href") for one in html.fromstring(page.text).cssselect("aside a")]
    assert "search.atom?q=news" in links
    moved = ask(web, "  the   news ", "/search.atom")
    assert moved.headers["location"] == "/tin/search.atom?q=the+news"


@pytest.mark.parametrize(
    ("format_", "media_type", "faults"),
    [
        ("atom", "application/atom+xml", atom_faults),
        ("rss", "application/rss+xml", rss_faults),
        ("json", "application/feed+json", json_faults),
    ],
)
def test_a_question_can_be_followed(news, format_, media_type, faults):
    """The newest first, whatever their accents; and as valid when nothing answers yet."""
    feed = ask(news, "chinh phu", f"/search.{format_}")
    assert feed.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert feed.headers["x-robots-tag"] == "noindex"
    places = [feed.text.index(TITLES[number]) for number in (3, 1, 0)]
    assert places == sorted(places)
    assert faults(feed.content) == []
    assert ask(news, "chinh phu", f"/search.{format_}").content == feed.content
    nothing = ask(news, "quảng cáo", f"/search.{format_}")
    assert nothing.status_code == 200
    assert faults(nothing.content) == []
    assert ask(news, "học", "/search.xml").status_code == 404


def test_a_feed_names_its_question_and_its_page(news):
    feed = etree.fromstring(ask(news, '"chính phủ"', "/search.atom").content)
    atom = "{http://www.w3.org/2005/Atom}"
    links = {one.get("rel"): one.get("href") for one in feed.findall(f"{atom}link")}
    asked = "?q=%22ch%C3%ADnh+ph%E1%BB%A7%22"
    assert links["self"].endswith(f"/search.atom{asked}")
    assert links["alternate"].endswith(f"/search{asked}")
    assert feed.findtext(f"{atom}title") == '"chính phủ" – Tin Khoa giáo'
    assert feed.findtext(f"{atom}id").endswith(":search/%22ch%C3%ADnh+ph%E1%BB%A7%22")


def test_a_story_that_two_articles_tell_stands_once(news):
    with news.store.write() as connection:
        one, other = (
            connection.scalar(
                select(t.story_article.c.story_id)
                .join(t.article, t.article.c.id == t.story_article.c.article_id)
                .where(t.article.c.title == title)
            )
            for title in ("Chinh phu hop", "Chính phủ họp")
        )
        connection.execute(
            update(t.story_article).where(t.story_article.c.story_id == one).values(story_id=other)
        )
    assert headlines(ask(news, "chính phủ")) == ["Chính phủ họp", "Chính phủ họp bất thường"]


def test_one_visitor_may_search_so_often_and_another_is_not_held_back(news):
    limits = news.app.state.context.searches
    limits.visitors.most = 3
    assert [ask(news, "học").status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = ask(news, "học", "/search.atom")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert "Quá nhiều lượt tìm" in text(refused)
    other = news.browser(peer="192.0.2.7")
    assert other.get("/search?q=h").status_code == 200
    assert news.client.get("/").status_code == 200
    news.now += timedelta(minutes=1)
    assert ask(news, "học").status_code == 200


def test_so_many_searches_run_and_wait_and_the_next_is_refused():
    """Those who have gone count until the database has let go of them."""
    go = threading.Event()

    async def crowd():
        limits = SearchLimits(most_waiting=3)
        begun = [asyncio.ensure_future(limits.run(go.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        begun[0].cancel()
        await asyncio.sleep(0)
        with pytest.raises(TooManySearchesError):
            await limits.run(go.wait)
        go.set()
        assert await asyncio.gather(*begun[1:]) == [True, True]
        assert await limits.run(lambda: "found") == "found"
        async with asyncio.timeout(60):
            while limits._under_way:  # noqa: ASYNC110 - its thread tells no one that it has ended
                await asyncio.sleep(0.01)

    asyncio.run(crowd())
