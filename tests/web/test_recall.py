"""A story that was taken back, on the web: 410 with the reason, and the admin's button for it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from service.store import tables as t
from tests.builders import add_source, add_story
from tests.web.people import text


@pytest.fixture
def site(make):
    """A story. `page`: its page, `explained`: its page for the admin."""
    web = make()
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        add_story(connection, source=source, topics=[], entered_at=web.now, title="Lũ quét")
        public_id = connection.scalar(select(t.story.c.public_id))
    web.page, web.explained = f"/stories/{public_id}/", f"/admin/articles/{public_id}/"
    return web


def press(site, do, **fields):
    """Press the button. Returns the page that follows."""
    admin = site.admin()
    opened = admin.get(site.explained).text
    assert f'name="do" value="{do}"' in opened
    token = re.search(r'name="token" value="(\w+)"', opened)[1]
    answer = admin.post(f"{site.explained}recall", data={"token": token, "do": do, **fields})
    assert answer.status_code == 303
    return text(admin.get(answer.headers["location"].partition("#")[0]))


def test_its_page_is_gone_and_says_why_until_it_is_given_back(site):
    reader = site.browser()
    before = reader.get(site.page)
    assert before.status_code == 200
    assert "Lũ quét" in before.text
    assert "Đã lưu" in press(site, "recall", reason="sai tên xã")
    gone = reader.get(site.page, headers={"If-None-Match": before.headers["etag"]})
    assert gone.status_code == 410
    assert gone.headers["x-robots-tag"] == "noindex"
    assert "Tin này đã được rút lại" in text(gone)
    assert "sai tên xã" in text(gone)
    again = reader.get(site.page, headers={"If-None-Match": gone.headers["etag"]})
    assert again.status_code == 410
    with site.store.read() as connection:
        said = connection.execute(select(t.recall)).one()
    assert (said.actor, said.reason) == ("web", "sai tên xã")
    assert "web rút lại lúc" in text(site.admin().get(site.page))
    press(site, "undo")
    assert reader.get(site.page).status_code == 200


def test_the_admin_is_shown_what_other_outlets_tell_of_it_still(site):
    with site.store.write() as connection:
        source = add_source(connection, site.now, "bao-b")
        story = connection.scalar(select(t.story.c.id))
        add_story(connection, source=source, topics=[], entered_at=site.now, story=story,
                  title="Nước rút chậm")  # fmt: skip
    page = press(site, "recall", reason="sai tên xã")
    assert "Bài của các báo khác về cùng tin vẫn còn" in page
    assert "Nước rút chậm" in page
    assert "vẫn còn" not in press(site, "undo")


def test_nothing_is_taken_back_without_a_reason_or_by_another_site(site):
    assert "cần ghi lý do" in press(site, "recall", reason=" ")
    admin = site.admin()
    sent = {"do": "recall", "reason": "x", "token": "x"}
    assert admin.post(f"{site.explained}recall", data=sent).status_code == 403
    assert site.browser().get(site.page).status_code == 200
