"""The preferences page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.web.people import fill, newest, subscribe, text

KEEP = {"topic": ["giao-duc"], "cadence": "weekly", "hour": "", "pause": ""}


@pytest.fixture
def link(web):
    return f"/preferences/{subscribe(web).token}"


def save(web, link, **fields):
    return web.client.post(link, data={**KEEP, **fields})


def test_the_page_shows_what_is_so(web, link):
    page = web.client.get(link)
    assert "m•••h@example.vn" in text(page)
    assert "minh@" not in page.text
    assert "Thư kế tiếp: 07:00 thứ Hai 30/11" in text(page)
    assert re.findall(r'name="topic" value="([^"]*)" checked', page.text) == ["giao-duc"]
    assert re.findall(r'name="cadence" value="([^"]*)" checked', page.text) == ["weekly"]


def test_one_save_changes_all_and_shows_the_next_mail(web, link):
    done = save(web, link, topic=["y-te", "giao-duc"], cadence="daily", hour="18:00")
    assert (done.status_code, done.headers["location"]) == (303, f"{link}?saved=1")
    page = web.client.get(done.headers["location"])
    assert "Đã lưu." in text(page)
    assert "18:00 thứ Ba 24/11" in text(page)
    found = newest(web)
    assert (found.cadence, found.topics, found.hour) == ("daily", ("giao-duc", "y-te"), "18:00")
    assert web.kicks == ["MAIL", "SUBSCRIPTIONS", "SUBSCRIPTIONS"]  # sign-up, yes, another rhythm


def test_a_pause_of_thirty_days_and_its_end(web, link):
    save(web, link, pause="days")
    assert newest(web).paused_until == web.now + timedelta(days=30)
    page = web.client.get(link)
    assert "Đang tạm dừng tới hết ngày 24/12/2026" in text(page)
    assert "Thư kế tiếp: 07:00 thứ Hai 28/12" in text(page)
    until = re.search(r'name="until" value="([^"]*)"', page.text)[1]
    kept = newest(web)
    save(web, link, pause="until", until=until)
    assert newest(web) == kept, "saving the page as it stands changes nothing"
    save(web, link, pause="")
    assert newest(web).paused_until is None


def test_a_pause_to_the_end_of_a_day_in_the_sites_zone(web, link):
    save(web, link, pause="until", until="2026-12-01")
    assert newest(web).paused_until == datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
    assert "tới hết ngày 01/12/2026" in text(web.client.get(link))


def test_a_day_without_its_circle_is_meant_all_the_same(web, link):
    save(web, link, pause="", until="2026-12-01")
    assert newest(web).paused_until is not None
    save(web, link, pause="", until="2026-12-01")
    assert newest(web).paused_until is None, "of a pause that is on, the circle lifts it"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"topic": []}, "ít nhất một chủ đề"),
        ({"topic": ["khac"]}, "ít nhất một chủ đề"),
        ({"cadence": "hourly"}, "nhịp gửi"),
        ({"hour": "25:00"}, "Giờ nhận"),
        ({"pause": "until", "until": ""}, "Ngày tạm dừng"),
        ({"pause": "until", "until": "2026-11-23"}, "Ngày tạm dừng"),
        ({"pause": "until", "until": "2026-11-24"}, "Ngày tạm dừng"),  # today
        ({"pause": "until", "until": "2031-01-01"}, "Ngày tạm dừng"),
        ({"pause": "until", "until": "9999-12-31"}, "Ngày tạm dừng"),
        ({"pause": "until", "until": "mai"}, "Ngày tạm dừng"),
    ],
)
def test_a_fault_is_said_and_nothing_is_saved(web, link, fields, says):
    before = newest(web)
    page = save(web, link, **fields)
    assert page.status_code == 422
    assert says in text(page)
    assert newest(web) == before


def test_a_form_from_another_site_is_refused(web, link):
    page = web.client.post(link, data=KEEP, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 403


def test_who_has_not_confirmed_or_has_ended_is_led_on(web):
    fill(web)
    token = newest(web).token
    assert web.client.get(f"/preferences/{token}").headers["location"] == f"/confirm/{token}"
    web.client.post(f"/unsubscribe/{token}")
    assert web.client.get(f"/preferences/{token}").headers["location"] == f"/unsubscribe/{token}"
    assert save(web, f"/preferences/{token}").status_code == 303
    assert not newest(web).live


def test_a_digest_that_is_not_sent_any_more_says_so(web, link):
    web.settings = web.settings.model_copy(update={"digest": {}})
    page = web.client.get(link)
    assert "hiện không được gửi nữa" in text(page)
    assert "Ngừng nhận" in text(page)
    assert save(web, link).status_code == 422
