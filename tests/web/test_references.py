"""Who cites an official document: its page, its feeds, and the way there from a story."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import unquote

import pytest
from lxml import etree, html
from sqlalchemy import select

from service.curate.admit import AdmitSource, admit
from service.curate.rules.matcher import compile_rules
from service.model import Document, Entry
from service.publish.build import publish
from service.store import tables as t
from service.store.content import references, stories, versions
from tests.builders import add_source, add_story
from tests.levels import table
from tests.publish.validity import atom_faults, json_faults, rss_faults
from tests.web.people import text

PAGE = "/references/38-CT-TW/"
FEEDS = [f"/references/38-CT-TW.{format_}" for format_ in ("atom", "rss", "json")]


def cite(web, title, *cited, hours=1, topics=("giao-duc",), source="bao-a"):
    """A story that cites these. Returns its public id."""
    with web.store.write() as connection:
        known = connection.scalar(select(t.source.c.id).where(t.source.c.name == source))
        rows = connection.execute(select(t.topic.c.id).where(t.topic.c.name.in_(topics))).scalars()
        story, article = add_story(
            connection, source=known or add_source(connection, web.now, source),
            topics=list(rows), entered_at=web.now - timedelta(hours=hours), title=title,
        )  # fmt: skip
        references.add(connection, {article: cited})
        versions.raise_(connection, [versions.REFERENCES])
        return stories.by_ids(connection, [story])[story].public_id


@pytest.fixture
def news(web):
    cite(web, "Sơ kết chỉ thị", "38-CT/TW", hours=2)
    cite(web, "Tập huấn chỉ thị", "38-CT/TW", "15/2020/NĐ-CP", hours=30, source="bao-b")
    cite(web, "Tin ngoài chủ đề", "38-CT/TW", hours=1, topics=())
    cite(web, "Tin khác", "15/2020/NĐ-CP", hours=3)
    publish(web.store, web.settings, web.renderer, web.now)
    return web


def headlines(page):
    return [one.text_content() for one in html.fromstring(page.text).cssselect(".headline")]


def test_the_page_lists_who_cites_a_document_newest_first(news):
    page = news.client.get(PAGE)
    assert page.status_code == 200
    assert headlines(page) == ["Tin ngoài chủ đề", "Sơ kết chỉ thị", "Tập huấn chỉ thị"]
    said = text(page)
    assert "Văn bản số 38-CT/TW" in said
    assert "3 tin dẫn văn bản này." in said
    assert "Bao-B" in said
    assert len(html.fromstring(page.text).cssselect("h2.day")) == 2
    assert "Tin khác" not in said
    assert page.headers["cache-control"] == "public, max-age=60"
    again = news.client.get(PAGE, headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304


@table(
    ("asked", "leads_to"),
    [
        ("/references/38-CT-TW", PAGE),
        ("/references/38-ct-tw/", PAGE),
        ("/references/38-CT-T.Ư/", PAGE),
        ("/references/38-ct-tw.atom", "/references/38-CT-TW.atom"),
        ("/references/15-2020-ND-CP/", "/references/15-2020-N%C4%90-CP/"),
        ("/references/15-2020-NĐ-CP", "/references/15-2020-N%C4%90-CP/"),
    ],
)
def test_another_spelling_of_the_number_leads_to_the_page(news, asked, leads_to):
    moved = news.client.get(asked)
    assert (moved.status_code, moved.headers["location"]) == (301, leads_to)
    assert news.client.get(leads_to).status_code == 200


@table(
    "path",
    [
        "/references/39-CT-TW/", "/references/39-CT-TW.atom", "/references/nothing/",
        "/references/nothing.rss", "/references/0912-345-678/", "/references/..%5c/",
        "/references/" + "1" * 3000, "/references/38-CT-TW.xml",
    ],
)  # fmt: skip
def test_what_nobody_cites_is_said_kindly(news, path):
    page = news.client.get(path)
    assert page.status_code == 404
    assert "Chưa có tin nào dẫn văn bản này" in page.text


def test_the_page_stands_below_a_path_and_in_english(make):
    web = make(site={"base_url": "https://example.vn/tin", "language": "en"})
    cite(web, "One story", "15/2020/NĐ-CP")
    moved = web.client.get("/references/15-2020-ND-CP")
    assert moved.headers["location"] == "/tin/references/15-2020-N%C4%90-CP/"
    page = web.client.get("/references/15-2020-NĐ-CP/")
    assert "Document 15/2020/NĐ-CP" in text(page)
    assert "1 story cites this document." in text(page)
    links = [one.get("href") for one in html.fromstring(page.text).cssselect("aside a")]
    assert "../../references/15-2020-N%C4%90-CP.atom" in links


def test_a_story_leads_to_each_document_that_it_cites(news):
    public_id = cite(news, "Nhiều văn bản", "38-CT/TW", "15/2020/NĐ-CP", "160/CP")
    page = html.fromstring(news.client.get(f"/stories/{public_id}/").text)
    links = page.cssselect("section[aria-labelledby=references] a")
    assert [one.text for one in links] == ["15/2020/NĐ-CP", "160/CP", "38-CT/TW"]
    for link in links:
        path = link.get("href").replace("../../", "/")
        assert "Nhiều văn bản" in news.client.get(path).text
    other = cite(news, "Không dẫn gì")
    assert "/references" not in news.client.get(f"/stories/{other}/").text


def test_the_page_and_its_feeds_are_made_once_until_somebody_else_cites_it(news):
    paths = [PAGE, *FEEDS, "/references/15-2020-N%C4%90-CP/"]
    pages = news.app.state.context.pages
    for path in paths:
        news.client.get(path)
    made = pages.made
    for path in paths:
        news.client.get(path)
    assert pages.made == made
    assert all(pages.find(path.encode()) is not None for path in paths)
    cite(news, "Mới hơn", "38-CT/TW", hours=0)
    assert headlines(news.client.get(PAGE))[0] == "Mới hơn"


def test_an_article_that_is_admitted_stands_on_the_page_at_once(news):
    with news.store.write() as connection:
        source = connection.scalar(select(t.source.c.id).where(t.source.c.name == "bao-a"))
    told = AdmitSource(source, "bao-a", "Báo A", 1, "vi", (), False, news.now)
    one = Entry(
        key="9", guid="9", link="https://bao-a.example/9", link_is_key=True, title="Vừa đăng",
        summary="Theo Chỉ thị số 38/CT-TW.",
    )  # fmt: skip
    assert "Vừa đăng" not in news.client.get(PAGE).text
    with news.store.write() as connection:
        matcher = compile_rules(news.settings.topic)
        admit(connection, told, Document("", None, "vi", (one,)), news.now, matcher)
    assert headlines(news.client.get(PAGE))[0] == "Vừa đăng"


def test_no_more_are_listed_than_on_other_pages(web):
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        cited = {}
        for number in range(120):
            at = web.now - timedelta(hours=number)
            _, article = add_story(
                connection, source=source, topics=[], entered_at=at, title=f"Tin {number}"
            )
            cited[article] = ("38-CT/TW",)
        references.add(connection, cited)
    assert headlines(web.client.get(PAGE)) == [f"Tin {number}" for number in range(100)]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (FEEDS[0], "application/atom+xml"),
        (FEEDS[1], "application/rss+xml"),
        (FEEDS[2], "application/feed+json"),
    ],
)
def test_its_feeds_are_valid_and_do_not_change_by_themselves(news, path, media_type):
    feed = news.client.get(path)
    assert feed.status_code == 200
    assert feed.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert feed.headers["access-control-allow-origin"] == "*"
    news.app.state.context.pages._pages.clear()
    assert news.client.get(path).content == feed.content
    faults = {"atom": atom_faults, "rss": rss_faults, "json": json_faults}
    assert faults[path.rpartition(".")[2]](feed.content) == []
    assert feed.text.index("Tin ngoài chủ đề") < feed.text.index("Tập huấn chỉ thị")


def test_a_feed_names_itself_and_its_page(news):
    feed = etree.fromstring(news.client.get(FEEDS[0]).content)
    atom = "{http://www.w3.org/2005/Atom}"
    links = {one.get("rel"): one.get("href") for one in feed.findall(f"{atom}link")}
    assert links["self"].endswith("/references/38-CT-TW.atom")
    assert links["alternate"].endswith("/references/38-CT-TW/")
    assert feed.findtext(f"{atom}title") == "Văn bản số 38-CT/TW – Tin Khoa giáo"
    assert feed.findtext(f"{atom}id").endswith(":references/38-CT-TW")
    said = json.loads(news.client.get(FEEDS[2]).content)
    assert len(said["items"]) == 3
    decree = json.loads(news.client.get("/references/15-2020-NĐ-CP.json").content)
    assert unquote(decree["feed_url"]).endswith("/references/15-2020-NĐ-CP.json")


def test_before_anything_was_published_there_is_no_feed(web):
    cite(web, "Sơ kết", "38-CT/TW")
    assert web.client.get(PAGE).status_code == 200
    assert web.client.get(FEEDS[0]).status_code == 404


def test_search_engines_may_read_it_as_other_lists(news):
    assert "/references" not in news.client.get("/robots.txt").text
    assert "noindex" not in news.client.get(PAGE).headers.get("x-robots-tag", "")
