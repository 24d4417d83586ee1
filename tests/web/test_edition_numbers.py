"""The page of an edition's numbers, and its CSV: for those who have the key."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select, update

from service.audience.unsubscribe import unsubscribe
from service.model import EndedReason, ReviewAct
from service.newsletter.run import plan_due
from service.store import tables as t
from service.store.reviews import reviews
from service.store.reviews.reviews import NewAct
from tests.builders import add_source, add_story
from tests.databases import Kept
from tests.web.conftest import Web, settings_with
from tests.web.people import subscribe, text

PAGE = "/admin/editions/y-khoa/20261125T000000Z/"


@pytest.fixture(scope="module")
def read(sqlite_pattern):
    return Kept(sqlite_pattern)


@pytest.fixture
def mailed(store, tmp_path, portal, read):
    """Two readers of a daily digest got their mail; one of them unsubscribed then."""
    begun = read.begin(store)
    web = Web(store, settings_with(tmp_path), portal=portal, registered=begun)
    if begun:
        web.later(days=1, minutes=1)
    else:
        mail(web)
        read.keep(store)
    return web


def mail(web):
    people = [
        subscribe(web, web.browser(), digest="y-khoa", address=f"{name}@example.vn")
        for name in ("lan", "minh")
    ]
    web.later(minutes=1)
    with web.store.write() as connection:
        source = add_source(connection, web.now, "bao-a")
        topic = connection.scalar(t.topic.select().where(t.topic.c.name == "y-te"))
        add_story(
            connection, source=source, topics=[topic], entered_at=web.now, title="Tiêm chủng",
        )  # fmt: skip
    web.later(days=1)
    plan_due(web.store, web.settings, web.renderer, web.now)
    with web.store.write() as connection:
        connection.execute(
            update(t.delivery)
            .where(t.delivery.c.edition_id.is_not(None))
            .values(state="accepted", settled_at=web.now)
        )
    unsubscribe(web.store, web.now, people[0].token, EndedReason.ONE_CLICK)


def test_the_page_says_what_became_of_the_mails(mailed):
    admin = mailed.admin()
    assert f'href="{PAGE}"' in admin.get("/admin/").text
    page = admin.get(PAGE)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    said = text(page)
    for words in (
        "Y khoa hằng ngày, 07:00 thứ Tư, 25/11/2026",
        "Mỗi thư nằm ở đúng một dòng, cộng lại là 2.",
        "Đã gửi Máy chủ gửi thư đã nhận. 2",
        "Ngừng nhận vì số này",
        "Y tế 1 0 giây",
    ):
        assert words in said
    assert 'href="/editions/y-khoa/20261125T000000Z/"' in page.text


def test_the_page_says_what_its_editors_did(mailed):
    with mailed.store.write() as connection:
        edition, story = connection.execute(
            select(t.edition_story.c.edition_id, t.edition_story.c.story_id)
        ).one()
        reviews.begin(connection, edition, required=False)
        for version, (who, act) in enumerate(
            [
                ("lan@example.vn", NewAct(ReviewAct.HOLD)),
                ("", NewAct(ReviewAct.PIN, story)),
            ]
        ):
            reviews.note(connection, edition, version, who, [act], mailed.now)
    said = text(mailed.admin().get(PAGE))
    assert "giữ số này lại (lan@example.vn)" in said
    assert "đưa “Tiêm chủng” lên đầu" in said
    assert said.index("lên đầu") < said.index("giữ số này lại"), "the newest first"
    assert 'href="/editions/' not in mailed.admin().get(PAGE).text, "it has no page yet"


@pytest.mark.parametrize("path", [f"{PAGE}numbers.csv", "/admin/editions/y-khoa/numbers.csv"])
def test_its_numbers_are_downloaded_as_csv(mailed, path):
    answer = mailed.admin().get(path)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="y-khoa')
    [line] = csv.DictReader(io.StringIO(answer.text))
    assert (line["planned"], line["accepted"], line["left"]) == ("2", "2", "1")
    assert line["cut_at"] == "2026-11-25T00:00:00+00:00"


def test_lateness_by_topic_is_downloaded_as_csv(mailed):
    answer = mailed.admin().get(f"{PAGE}topics.csv")
    [line] = csv.DictReader(io.StringIO(answer.text))
    assert (line["topic"], line["stories"], line["collected_s"]) == ("y-te", "1", "0")


def test_what_is_no_edition_is_404_and_nobody_sees_it_without_the_key(mailed):
    admin = mailed.admin()
    for path in (
        "/admin/editions/y-khoa/20261124T000000Z/", "/admin/editions/y-khoa/x/topics.csv",
        "/admin/editions/khac/20261125T000000Z/", "/admin/editions/khac/numbers.csv",
    ):  # fmt: skip
        assert admin.get(path).status_code == 404
    for path in (PAGE, f"{PAGE}numbers.csv", f"{PAGE}topics.csv",
                 "/admin/editions/y-khoa/numbers.csv"):  # fmt: skip
        assert mailed.browser().get(path).status_code == 404
