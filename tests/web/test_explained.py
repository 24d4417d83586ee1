"""The article's page for the admin: the explanation, and labels for learned topics."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, insert, select

from service.store import tables as t
from service.store.content import topic_labels
from service.store.content.topics import ids
from service.web.admin import admin_key
from tests.builders import add_source, add_story
from tests.web.people import text

TOPICS = {
    "giao-duc": {"title": "Giáo dục", "any": ["giáo dục"], "learn": True},
    "y-te": {"title": "Y tế", "learn": True},
    "van-hoa": {"title": "Văn hóa", "any": ["văn hóa"]},
}


@pytest.fixture
def site(make):
    """A site with two learned topics and one story. `page` is the path of its page."""
    web = make(topic=TOPICS)
    with web.store.write() as connection:
        source = add_source(connection, web.now, title="Báo <A>")
        topic = ids(connection)["giao-duc"]
        web.story, web.article = add_story(
            connection, source=source, topics=[topic], entered_at=web.now, title="Khai <i>giảng</i>"
        )
        connection.execute(
            insert(t.entry).values(
                source_id=source, entry_key="1", title="", hash=b"", quiet=False,
                first_seen_at=web.now, article_id=web.article, link="https://bao-a.example/1",
            )
        )  # fmt: skip
        web.public_id = connection.scalar(select(t.article.c.public_id))
    web.page, web.address = f"/stories/{web.public_id}/", f"/admin/articles/{web.public_id}/"
    return web


def label_of(site):
    with site.store.read() as connection:
        return topic_labels.of_article(connection, site.article)


def labels(site):
    with site.store.read() as connection:
        return connection.scalar(select(func.count()).select_from(t.topic_label))


def form(page):
    """The form's address, its token, and the labels that its buttons send."""
    (written,) = re.findall(r'(?s)<form method="post" action="[^"]+/label".*?</form>', page.text)
    token = re.search(r'name="token" value="(\w+)"', written)[1]
    buttons = re.findall(r'name="label" value="([\w-]*)" aria-pressed="(\w+)"', written)
    return re.search(r'action="([^"]+)"', written)[1], token, dict(buttons)


def test_the_storys_page_explains_itself_to_the_admin_alone(site):
    public = site.client.get(site.page)
    assert "Giải thích" not in public.text
    for path in (site.page, site.address):
        page = site.admin().get(path)
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-robots-tag"] == "noindex"
        said = text(page)
        for words in (
            "Thấy ở đâu, lúc nào",
            "Giáo dục, từ 15:00 thứ Ba 24/11: word: Khai",
            "Trong các feed: all, giao-duc.",
            "Chưa gửi cho ai.",
            "Thuộc chủ đề Y tế",
        ):
            assert words in said
        assert "Báo <A>" in said
        assert "<A>" not in page.text
        assert "<i>" not in page.text
        assert f'href="/admin/articles/{site.public_id}/label' not in page.text
    assert site.client.get(site.page).text == public.text, "what everybody gets is as it was"


def test_behind_a_path_its_links_begin_at_the_sites_root(make):
    web = make(site={"base_url": "http://127.0.0.1:8000/tin"}, topic=TOPICS)
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        add_story(connection, source=source, topics=[], entered_at=web.now, title="Một")
        public_id = connection.scalar(select(t.article.c.public_id))
    page = web.admin().get(f"/tin/admin/articles/{public_id}/")
    assert f'action="/tin/admin/articles/{public_id}/label"' in page.text
    assert f'<a href="/tin/stories/{public_id}/">Trang của tin</a>' in page.text


def test_a_press_labels_as_the_command_does_and_moves_the_article_nowhere(site):
    admin = site.admin()
    action, token, buttons = form(admin.get(site.page))
    assert buttons == {"giao-duc": "false", "y-te": "false", "not": "false"}
    with site.store.read() as connection:
        before = connection.execute(select(t.article_topic)).all()
    for label, stored in (("y-te", ("y-te",)), ("not", (None,)), ("", None), ("y-te", ("y-te",))):
        answer = admin.post(action, data={"token": token, "label": label})
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{site.address}?saved=1#label"
        assert label_of(site) == stored
        page = admin.get(f"{site.address}?saved=1")
        assert "Đã ghi." in text(page)
        pressed = [name for name, state in form(page)[2].items() if state == "true"]
        assert pressed == [label] * (label != "")
    assert "Người quản trị đã gắn nhãn: y-te." in text(admin.get(site.page))
    with site.store.read() as connection:
        assert connection.execute(select(t.article_topic)).all() == before


def test_nothing_but_our_own_form_labels(site):
    admin = site.admin()
    action, token, _ = form(admin.get(site.page))
    yes = {"token": token, "label": "y-te"}
    assert site.browser().post(action, data=yes).status_code == 404, "no cookie"
    assert admin.get(action, params=yes).status_code == 405
    assert admin.head(action, params=yes).status_code == 405
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert admin.post(action, data=yes, headers=elsewhere).status_code == 403
    assert admin.post(action, data=yes, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    key = admin_key.ensure(site.settings.var)
    cookie = admin_key.token(key, "cookie", site.now)
    for forged in ("", "x", cookie, token[:-1] + ("0" if token[-1] != "0" else "1")):
        assert admin.post(action, data={**yes, "token": forged}).status_code == 403
    assert admin.post(action, data={**yes, "label": "van-hoa"}).status_code == 422, "not learned"
    assert admin.post(action, data={**yes, "label": "khong"}).status_code == 422
    unknown = f"/admin/articles/{'a' * 24}/label"
    assert admin.post(unknown, data=yes).status_code == 404
    assert labels(site) == 0
    admin_key.renew(site.settings.var)
    assert admin.post(action, data=yes).status_code == 404, "the key was changed"
    assert labels(site) == 0


def test_where_no_topic_is_learned_the_page_says_how_to_teach_one(make):
    web = make()
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        add_story(connection, source=source, topics=[], entered_at=web.now, title="Một")
        public_id = connection.scalar(select(t.article.c.public_id))
    page = web.admin().get(f"/stories/{public_id}/")
    assert "learn = true" in text(page)
    assert '/label"' not in page.text


def test_another_article_of_the_story_has_a_page_of_its_own(site):
    with site.store.write() as connection:
        source = add_source(connection, site.now, "bao-b", title="Báo B")
        add_story(
            connection, source=source, topics=[], entered_at=site.now, title="Ngày khai trường",
            story=site.story,
        )  # fmt: skip
        other = connection.scalar(
            select(t.article.c.public_id).where(t.article.c.title == "Ngày khai trường")
        )
    admin = site.admin()
    page = admin.get(site.page)
    assert "Báo B: Ngày khai trường, 15:00 thứ Ba 24/11" in text(page)
    assert f'<a href="/admin/articles/{other}/">Ngày khai trường</a>' in page.text
    its_own = admin.get(f"/admin/articles/{other}/")
    assert "Giải thích: Ngày khai trường" in text(its_own)
    assert "Không thuộc chủ đề nào." in text(its_own)


def test_an_address_is_explained_or_it_is_said_why_it_cannot_be(site):
    admin = site.admin()
    assert admin.get("/admin/").text.count('href="/admin/explain"') == 1
    assert 'name="url"' in admin.get("/admin/explain").text
    with site.store.read() as connection:
        link = connection.scalar(select(t.article.c.link))
    found = admin.get("/admin/explain", params={"url": f"{link}?utm_source=zalo"})
    assert (found.status_code, found.headers["location"]) == (303, site.address)
    missing = admin.get("/admin/explain", params={"url": 'https://c.example/"><i>'})
    assert missing.status_code == 404
    assert 'Không có bài nào ở địa chỉ https://c.example/"><i>.' in text(missing)
    assert "không nguồn nào lấy tin từ trang web ấy" in text(missing)
    assert "<i>" not in missing.text


@pytest.mark.parametrize("path", ["/admin/explain", "/admin/articles/{}/"])
def test_strangers_find_no_such_page(site, path):
    admin_key.ensure(site.settings.var)
    assert site.client.get(path.format(site.public_id)).status_code == 404
    forged = {f"{admin_key.COOKIE}00000000": "0" * 40}
    stranger = site.browser(Cookie="; ".join(f"{name}={value}" for name, value in forged.items()))
    assert stranger.get(path.format(site.public_id)).status_code == 404
    assert "Giải thích" not in stranger.get(site.page).text


def test_an_article_that_is_not_known_is_404_for_the_admin_too(site):
    for path in ("/admin/articles/khong/", f"/admin/articles/{'a' * 24}/", "/stories/khong/"):
        assert site.admin().get(path).status_code == 404
