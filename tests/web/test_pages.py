"""Pages, assets and where old addresses lead."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from service.render.views import freeze, story_view
from service.store import tables as t
from service.store.content import stories, versions
from service.store.sources import registry
from tests.builders import add_source, add_story
from tests.levels import table
from tests.web.conftest import settings_with
from tests.web.people import text


@pytest.fixture
def news(web):
    """Two stories in a topic, one listed edition with the first of them. Returns their ids."""
    cut = web.now.replace(hour=0)
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar_one()
        ids = [
            add_story(
                connection, source=source, topics=[topic], title=title,
                entered_at=cut - timedelta(hours=hours),
            )[0]
            for hours, title in ((1, "Khai giảng năm học mới"), (2, "Tuyển sinh lớp 10"))
        ]  # fmt: skip
        found = stories.by_ids(connection, ids)
        edition = connection.execute(
            insert(t.edition).values(
                digest_id=select(t.digest.c.id).where(t.digest.c.name == "tuan").scalar_subquery(),
                cadence="weekly", cut_at=cut, covers_from=cut - timedelta(7), covers_to=cut,
                period_from=cut - timedelta(7), listed=True, more=0, frozen_at=cut,
            )
        ).inserted_primary_key[0]  # fmt: skip
        connection.execute(
            insert(t.edition_story).values(
                edition_id=edition, story_id=ids[0], position=0,
                topics=[["giao-duc", (cut - timedelta(hours=1)).isoformat()]],
                article_ids=list(found[ids[0]].article_ids), view=freeze(story_view(found[ids[0]])),
            )
        )  # fmt: skip
    return [found[one].public_id for one in ids]


@table(
    ("path", "says"),
    [
        ("/", "Khai giảng năm học mới"),
        ("/topics/giao-duc/", "Tuyển sinh lớp 10"),
        ("/digests/tuan/", "Khai giảng năm học mới"),
        ("/editions/tuan/20261124T000000Z/", "Khai giảng năm học mới"),
        ("/topics.opml", ""),
    ],
)
def test_a_page_and_its_validators(web, news, path, says):
    page = web.client.get(path)
    assert page.status_code == 200
    assert says in text(page)
    again = web.client.get(path, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = web.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert "set-cookie" not in page.headers, "what all may cache is nobody's own"
    assert page.headers["cache-control"].startswith("public")


def test_a_story_and_the_one_that_it_has_become(web, news):
    page = web.client.get(f"/stories/{news[1]}/")
    assert "Tuyển sinh lớp 10" in text(page)
    with web.store.write() as connection:
        first = connection.execute(
            select(t.story.c.id).where(t.story.c.public_id == news[0])
        ).scalar_one()
        second = t.story.c.public_id == news[1]
        articles = select(t.story.c.article_id).where(second)
        connection.execute(
            update(t.story_article)
            .where(t.story_article.c.article_id.in_(articles))
            .values(story_id=first)
        )
        connection.execute(update(t.story).where(second).values(merged_into=first))
        versions.raise_(connection, [versions.STORIES])
    moved = web.client.get(f"/stories/{news[1]}/")
    assert (moved.status_code, moved.headers["location"]) == (301, f"/stories/{news[0]}/")


@pytest.mark.parametrize(
    "path",
    ["/topics/giao-duc", "/digests/tuan", "/editions/tuan/20261124T000000Z", "/stories/abc"],
)
def test_a_missing_slash_is_put_back(web, news, path):
    moved = web.client.get(f"{path}?x=1")
    assert (moved.status_code, moved.headers["location"]) == (301, f"{path}/?x=1")


@table(
    "path",
    [
        "/topics/khac/", "/stories/khac/", "/digests/khac/", "/editions/tuan/nix/",
        "/editions/khac/20261124T000000Z/", "/assets/khac.css", "/assets/..%2f..%2fpyproject.toml",
        "/assets/site.css/", "/index.php", "/topics/%00/", "/.env", "//evil.example/",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404_in_the_sites_language(web, path):
    page = web.client.get(f"http://127.0.0.1:8000{path}")
    assert page.status_code == 404
    assert 'lang="vi"' in page.text
    assert "Không có trang này" in text(page)


def test_a_renamed_digest_takes_its_pages_along(web, news):
    renamed = settings_with(digest={"moi": {"title": "Mới", "was": "tuan"}})
    digests = {name: one for name, one in renamed.digest.items() if name != "tuan"}
    renamed = renamed.model_copy(update={"digest": digests})
    with web.store.write() as connection:
        registry.register(connection, renamed, web.now, retire=True)
    for old, new in (
        ("/digests/tuan/", "/digests/moi/"),
        ("/editions/tuan/20261124T000000Z/", "/editions/moi/20261124T000000Z/"),
    ):
        moved = web.client.get(old)
        assert (moved.status_code, moved.headers["location"]) == (301, new)
        assert web.client.get(new).status_code == 200


def test_the_page_of_a_retired_topic_stays(web, news):
    with web.store.write() as connection:
        connection.execute(update(t.topic).values(retired_at=web.now))
    assert "Khai giảng" in text(web.client.get("/topics/giao-duc/"))


def test_the_form_links_to_the_last_edition(web, news):
    page = web.client.get("/subscribe/tuan")
    assert 'href="/editions/tuan/20261124T000000Z/"' in page.text


def test_the_page_of_a_topic_leads_to_a_form_with_it_ticked(web):
    page = web.client.get("/topics/y-te/").text
    assert 'subscribe/tuan?topic=y-te"' in page
    assert "?topic=" not in web.client.get("/").text


def test_assets_are_kept_for_ever_under_their_version_alone(web):
    page = web.client.get("/").text
    at = page.split('href="')[1].split('"')[0].replace("&amp;", "&")
    assert at.startswith(("./assets/site.css?v=", "assets/site.css?v="))
    exact = web.client.get("/" + at.removeprefix("./"))
    assert "immutable" in exact.headers["cache-control"]
    assert exact.headers["content-type"] == "text/css; charset=utf-8"
    for path in ("/assets/site.css", "/assets/site.css?v=old"):
        assert "immutable" not in web.client.get(path).headers["cache-control"]
    assert web.client.get("/favicon.ico").headers["content-type"] == "image/vnd.microsoft.icon"


def test_search_engines_are_kept_from_personal_links(web):
    lines = web.client.get("/robots.txt").text.splitlines()
    assert "Disallow: /unsubscribe/" in lines
    assert web.client.get("/subscribe/tuan").headers["x-robots-tag"] == "noindex"


def test_below_a_path_of_a_host_search_engines_are_told_the_whole_path(make):
    web = make(site={"base_url": "https://example.vn/tin/"})
    lines = web.client.get("/robots.txt").text.splitlines()
    closed = [line.removeprefix("Disallow: ") for line in lines if line.startswith("Disallow: ")]
    assert "/tin/unsubscribe/" in closed
    assert all(path.startswith("/tin/") for path in closed)


def test_subscribe_offers_each_digest_where_there_are_several(web):
    page = web.client.get("/subscribe")
    assert page.status_code == 200
    assert "Điểm tin tuần" in text(page)
    assert "Y khoa hằng ngày" in text(page)
    assert 'href="subscribe/tuan"' in page.text
    assert 'href="subscribe/y-khoa"' in page.text
    slash = web.client.get("/subscribe/")
    assert (slash.status_code, slash.headers["location"]) == (303, "/subscribe")


def test_subscribe_is_the_form_of_the_only_digest(make):
    web = make()
    web.settings = settings_with(web.settings.root)
    only = dict(list(web.settings.digest.items())[:1])
    web.settings = web.settings.model_copy(update={"digest": only})
    assert web.client.get("/subscribe").headers["location"] == "/subscribe/tuan"
    web.settings = web.settings.model_copy(update={"digest": {}})
    assert web.client.get("/subscribe").headers["location"] == "/"
