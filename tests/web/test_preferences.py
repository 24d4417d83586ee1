"""The preferences page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from service.store import tables as t
from service.store.audience import subscriptions
from service.web.subscriber import rhythms
from tests.audience.acts import history
from tests.levels import table
from tests.web.people import fill, newest, subscribe, text

KEEP = {"topic": ["giao-duc"], "cadence": "weekly", "hour": "", "pause": ""}


def named(digest="tuan", **fields):
    """The fields under the names that they have for this digest."""
    return {f"{name}.{digest}": value for name, value in {**KEEP, **fields}.items()}


@pytest.fixture
def link(web):
    return f"/preferences/{subscribe(web).token}"


def save(web, link, **fields):
    return web.client.post(link, data=named(**fields))


def test_the_page_shows_what_is_so(web, link):
    page = web.client.get(link)
    assert "m•••h@example.vn" in text(page)
    assert "minh@" not in page.text
    assert "Thư kế tiếp: 07:00 thứ Hai 30/11" in text(page)
    assert re.findall(r'name="topic.tuan" value="([^"]*)" checked', page.text) == ["giao-duc"]
    assert re.findall(r'name="cadence.tuan" value="([^"]*)" checked', page.text) == ["weekly"]


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
    until = re.search(r'name="until.tuan" value="([^"]*)"', page.text)[1]
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


@table(
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
    page = web.client.post(link, data=named(), headers={"Sec-Fetch-Site": "cross-site"})
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


@pytest.fixture
def both(web, link):
    """Somebody who gets two digests; the link is that of the first."""
    web.later(days=1)
    subscribe(web, digest="y-khoa", topic=[], cadence="")
    web.later(days=-1)
    return {**named(), **named("y-khoa", topic=[], cadence="")}


def theirs(web):
    with web.store.read() as connection:
        return {one.digest: one for one in subscriptions.live(connection)}


def test_all_digests_of_the_address_stand_on_one_page(web, link, both):
    page = web.client.get(link)
    said = text(page)
    assert said.index("Điểm tin tuần") < said.index("Y khoa hằng ngày"), "the link's own first"
    assert set(re.findall(r'name="hour\.([\w-]+)"', page.text)) == {"tuan", "y-khoa"}
    assert "07:00 thứ Tư 25/11" in said
    for one in theirs(web).values():
        assert f"/unsubscribe/{one.token}" in page.text


def test_one_save_changes_all_of_them(web, link, both):
    form = both | named("y-khoa", hour="18:00", pause="days") | named("tuan", cadence="daily")
    assert web.client.post(link, data=form).status_code == 303
    found = theirs(web)
    assert (found["tuan"].cadence, found["tuan"].paused_until) == ("daily", None)
    assert (found["y-khoa"].hour, found["y-khoa"].paused_until is None) == ("18:00", False)


def test_a_fault_in_one_keeps_what_was_filled_in_and_saves_none(web, link, both):
    before = theirs(web)
    page = web.client.post(
        link, data=both | named("tuan", cadence="daily", hour="18:00")
        | named("y-khoa", pause="until", until="2020-01-01"),
    )  # fmt: skip
    assert page.status_code == 422
    assert "Y khoa hằng ngày: Ngày tạm dừng" in text(page)
    assert re.findall(r'name="cadence.tuan" value="([^"]*)" checked', page.text) == ["daily"]
    assert '<option value="18:00" selected>' in page.text
    assert theirs(web) == before


def test_the_zone_moves_every_hour_and_the_language_every_page(web, link, both):
    form = both | {"zone": "America/New_York", "language": "en"}
    saved = web.client.get(web.client.post(link, data=form).headers["location"])
    said = text(saved)
    assert '<html lang="en">' in saved.text
    assert "Saved." in said
    # 07:00 in New York, and the page says it as it is there.
    assert "Next mail: Monday 30 November, 07:00" in said
    found = theirs(web)
    assert {one.zone for one in found.values()} == {"America/New_York"}
    assert rhythms.next_mail(web.settings, found["tuan"], web.now) == datetime(
        2026, 11, 30, 12, 0, tzinfo=UTC
    )
    assert web.client.post(link, data=form).status_code == 303
    assert theirs(web) == found, "saving the page as it stands changes nothing"
    web.client.post(link, data=both | {"zone": "", "language": "en"})
    assert {one.zone for one in theirs(web).values()} == {None}


@pytest.mark.parametrize("zone", ["UTC", "Japan", "Etc/GMT-7"])
def test_a_zone_that_is_not_among_the_cities_outlasts_a_save(web, link, zone):
    web.client.post(link, data={**named(), "zone": zone})
    assert f'<option value="{zone}" selected>' in web.client.get(link).text


def test_another_zone_is_a_change_of_each_subscription_in_its_history(web, link, both):
    """By these lines the newsletter sees that a rule is another one."""
    web.client.post(link, data=both | {"zone": "Asia/Tokyo"})
    for one in theirs(web).values():
        told = history(web.store, one)[-1]
        assert (told.what, told.detail["zone"]) == ("changed", "Asia/Tokyo")


def test_a_language_that_is_only_spoken_here_under_a_shorter_name_stays(web, link, both):
    with web.store.write() as connection:
        connection.execute(t.subscriber.update().values(language="en-GB"))
    page = web.client.get(link)
    assert re.findall(r'name="language" value="([^"]*)" checked', page.text) == ["en"]
    web.client.post(link, data=both | {"language": "en"})
    assert {one.language for one in theirs(web).values()} == {"en-GB"}


@table(
    ("fields", "says"),
    [
        ({"zone": "Mars/Olympus"}, "múi giờ"),
        ({"zone": "../../etc/passwd"}, "múi giờ"),
        ({"language": "xx"}, "ngôn ngữ"),
        ({"language": "../en"}, "ngôn ngữ"),
    ],
)
def test_a_zone_or_language_that_is_none_saves_nothing(web, link, fields, says):
    before = newest(web)
    page = web.client.post(link, data=named(hour="18:00") | fields)
    assert page.status_code == 422
    assert says in text(page).lower()
    assert newest(web) == before


def test_what_was_not_confirmed_or_has_ended_is_not_on_the_page(web, link, both):
    fill(web, web.browser(), address="lan@example.vn", digest="y-khoa", topic=[], cadence="")
    web.client.post(f"/unsubscribe/{theirs(web)['y-khoa'].token}")
    page = web.client.get(link)
    assert "hour.tuan" in page.text
    assert "hour.y-khoa" not in page.text
    foreign = web.client.post(link, data=both | named("y-khoa", hour="18:00"))
    assert foreign.status_code == 303, "what has ended meanwhile is not looked at"
    assert newest(web).hour is None
