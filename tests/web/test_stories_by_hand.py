"""The article's page for the admin splits and merges stories, as the commands do."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from service.store import tables as t
from tests.builders import add_source, add_story
from tests.web.people import text


@pytest.fixture
def site(make):
    """Two stories, of two articles and of one. `of`: headline -> path of its page, its link."""
    web = make()
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        story, _ = add_story(
            connection, source=source, topics=[], entered_at=web.now, title="Lũ quét"
        )
        for title, home in (("Lũ ống", story), ("Bão số 9", None)):
            add_story(
                connection, source=source, topics=[], entered_at=web.now, title=title, story=home
            )
        rows = connection.execute(
            select(t.article.c.title, t.article.c.public_id, t.article.c.link)
        )
        web.of = {row.title: (f"/admin/articles/{row.public_id}/", row.link) for row in rows}
    return web


def homes(site):
    """Each headline's story, by the order in which the stories came."""
    with site.store.read() as connection:
        rows = connection.execute(
            select(t.article.c.title, t.story_article.c.story_id)
            .join(t.story_article, t.story_article.c.article_id == t.article.c.id)
            .order_by(t.article.c.id)
        )
        return dict(tuple(row) for row in rows)


def press(site, title, do, **fields):
    """Press a button on the article's page. Returns the page that follows."""
    admin, (page, _) = site.admin(), site.of[title]
    opened = admin.get(page).text
    action = f"{page}story"
    assert f'action="{action}"' in opened
    assert f'name="do" value="{do}"' in opened
    token = re.search(r'name="token" value="(\w+)"', opened)[1]
    answer = admin.post(action, data={"token": token, "do": do, **fields})
    assert answer.status_code == 303
    return text(admin.get(answer.headers["location"].partition("#")[0]))


def test_an_article_leaves_its_story_and_comes_back(site):
    assert "Đã ghi" in press(site, "Lũ ống", "split")
    found = homes(site)
    assert len(set(found.values())) == 3
    assert "Đã ghi" in press(site, "Lũ ống", "merge", other=site.of["Lũ quét"][1])
    found = homes(site)
    assert found["Lũ ống"] == found["Lũ quét"] != found["Bão số 9"]
    with site.store.read() as connection:
        kinds = connection.execute(select(t.story_act.c.kind, t.story_act.c.actor)).all()
    assert [tuple(row) for row in kinds] == [("apart", "web"), ("together", "web")]


def test_the_first_article_leaves_the_story_that_has_its_id(site):
    press(site, "Lũ quét", "split")
    press(site, "Lũ quét", "merge", other=site.of["Bão số 9"][1])
    found = homes(site)
    assert found["Lũ quét"] == found["Bão số 9"] != found["Lũ ống"]


def test_admin_and_readers_see_one_story_at_an_address(site):
    """The first article leaves the story that has its id, then what stays joins another."""
    admin, first = site.admin(), site.of["Lũ quét"][0]
    page = first.replace("/admin/articles/", "/stories/")
    press(site, "Lũ quét", "split")
    assert "Lũ ống" in text(site.client.get(page))
    assert "Giải thích: Lũ ống" in text(admin.get(page))
    assert "Lũ quét" not in text(admin.get(page))
    assert "Giải thích: Lũ quét" in text(admin.get(first)), "the article is at its own address"
    asked = admin.get("/admin/explain", params={"url": site.of["Lũ quét"][1]})
    assert asked.headers["location"] == first
    press(site, "Lũ ống", "merge", other=site.of["Bão số 9"][1])
    for browser in (site.browser(), admin):
        browser.follow_redirects = True
        said = text(browser.get(page))
        assert "Lũ ống" in said
        assert "Lũ quét" not in said


def test_what_cannot_be_done_is_said_and_changes_nothing(site):
    before = homes(site)
    assert "Chưa đổi gì" in press(site, "Bão số 9", "merge", other="https://khong.example/1")
    assert 'value="split"' not in site.admin().get(site.of["Bão số 9"][0]).text
    assert homes(site) == before
    assert site.kicks == []


def test_nothing_but_our_own_form_acts(site):
    admin, before = site.admin(), homes(site)
    page, _ = site.of["Lũ ống"]
    token = re.search(r'name="token" value="(\w+)"', admin.get(page).text)[1]
    good = {"token": token, "do": "split"}
    assert site.browser().post(f"{page}story", data=good).status_code == 404, "no cookie"
    assert admin.get(f"{page}story", params=good).status_code == 405
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert admin.post(f"{page}story", data=good, headers=elsewhere).status_code == 403
    assert admin.post(f"{page}story", data={**good, "token": "x"}).status_code == 403
    for wrong in ({"do": "drop"}, {"do": "merge", "other": " "}):
        assert admin.post(f"{page}story", data={**good, **wrong}).status_code == 422
    unknown = f"/admin/articles/{'a' * 24}/story"
    assert admin.post(unknown, data=good).status_code == 404
    assert homes(site) == before
