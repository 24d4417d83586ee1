"""Goodbye: GET shows, POST acts, one click needs nothing but its link."""

from __future__ import annotations

import pytest

from service.mail.personal import NOBODYS_TOKEN
from service.web.subscriber.unsubscribe import ACTS_ON_NOBODY
from tests.audience.acts import history
from tests.web.people import newest, subscribe, text


@pytest.fixture
def link(web):
    return f"/unsubscribe/{subscribe(web).token}"


def stopped(web):
    return not newest(web).live


def test_get_shows_and_changes_nothing(web, link):
    for method in ("GET", "HEAD", "OPTIONS"):
        page = web.client.request(method, link)
        assert not stopped(web)
    page = web.client.get(link)
    said = text(page)
    assert "Ngừng nhận Điểm tin tuần ở m•••h@example.vn?" in said
    for offer in ("Mỗi tháng một lần", "Tạm dừng 30 ngày", "Ngừng tất cả"):
        assert offer in said
    assert "minh@" not in page.text


BODIES = {
    "urlencoded": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
    "empty": {},
    "of another kind": {
        "content": b'{"List-Unsubscribe":"One-Click"}',
        "headers": {"Content-Type": "application/json"},
    },
    "broken multipart": {
        "content": b"--x\r\nnonsense",
        "headers": {"Content-Type": "multipart/form-data; boundary=x"},
    },
    "multipart without a boundary": {
        "content": b"One-Click",
        "headers": {"Content-Type": "multipart/form-data"},
    },
    "bytes that are not text": {
        "content": b"List-Unsubscribe=%ff%fe",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    },
}


@pytest.mark.parametrize("body", BODIES)
def test_one_click_whatever_its_body(web, link, body):
    """RFC 8058: no cookie is sent or needed, no redirect, both encodings, from anywhere."""
    provider = web.browser(
        "http://127.0.0.1:8000", peer="203.0.113.77",
        **{"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"},
    )  # fmt: skip
    answer = provider.post(link, **BODIES[body])
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert stopped(web)
    assert newest(web).ended_reason == "one_click"


def test_one_click_twice_and_years_later(web, link):
    web.later(days=1000)
    assert web.client.post(link).status_code == 200
    ended = newest(web)
    web.later(days=1)
    assert web.client.post(link).status_code == 200
    assert newest(web) == ended


def test_the_page_stops_and_undo_restores_the_same(web, link):
    before = newest(web)
    page = web.client.post(link, data={"do": "stop"})
    assert "Đã ngừng, từ bây giờ." in text(page)
    assert newest(web).ended_reason == "page"
    back = web.client.post(link, data={"do": "undo"})
    assert web.kicks == ["MAIL", "SUBSCRIPTIONS", "SUBSCRIPTIONS"]  # sign-up, yes, going on
    assert "Đã khôi phục" in text(back)
    assert "07:00 thứ Hai 30/11" in text(back)
    assert newest(web) == before
    assert [event.what for event in history(web.store, before)] == [
        "signed_up",
        "confirmed",
        "ended",
        "restored",
    ]


def test_a_stopped_link_says_since_when_and_offers_undo(web, link):
    web.client.post(link)
    web.later(days=3)
    page = web.client.get(link)
    assert "từ ngày 24/11/2026" in text(page)
    assert "Hoàn tác" in text(page)


def test_monthly_instead(web, link):
    page = web.client.post(link, data={"do": "monthly"})
    assert newest(web).cadence == "monthly"
    assert "07:00 thứ Ba 01/12" in text(page)
    assert "Mỗi tháng một lần" not in text(web.client.get(link))
    assert web.kicks == ["MAIL", "SUBSCRIPTIONS", "SUBSCRIPTIONS"]  # sign-up, yes, another rhythm


def test_monthly_is_not_offered_where_it_cannot_be(web):
    link = f"/unsubscribe/{subscribe(web, digest='y-khoa', topic=[], cadence='').token}"
    assert "Mỗi tháng một lần" not in text(web.client.get(link))
    answer = web.client.post(link, data={"do": "monthly"})
    assert answer.headers["location"] == link
    assert newest(web).cadence == "daily"


def test_pause_instead(web, link):
    page = web.client.post(link, data={"do": "pause"})
    assert "sẽ trở lại sau ngày 24/12/2026" in text(page)
    assert not stopped(web)


def test_stop_all(web, link):
    other = subscribe(web, digest="y-khoa", topic=[], cadence="")
    web.later(minutes=1)
    page = web.client.post(link, data={"do": "all"})
    assert "Không còn thư nào của Tin Khoa giáo" in text(page)
    assert stopped(web)
    back = web.client.post(f"/unsubscribe/{other.token}", data={"do": "undo"})
    assert "Đã khôi phục" in text(back)
    assert not stopped(web)


@pytest.mark.parametrize("do", ["all", "monthly", "pause", "undo"])
def test_what_is_no_goodbye_to_this_digest_must_come_from_our_page(web, link, do):
    answer = web.client.post(link, data={"do": do}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_a_goodbye_to_this_digest_counts_wherever_it_is_said(web, link):
    """Whoever reads mail in a frame of another site must get out as well: the link permits it."""
    answer = web.client.post(link, data={"do": "stop"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert newest(web).ended_reason == "page"


def test_an_unknown_answer_does_nothing(web, link):
    assert web.client.post(link, data={"do": "dance"}).status_code == 404
    assert not stopped(web)


def test_changes_after_the_end_show_how_it_stands(web, link):
    web.client.post(link)
    for do in ("pause", "monthly"):
        answer = web.client.post(link, data={"do": do})
        assert answer.headers["location"] == link
    assert stopped(web)


def test_the_link_of_a_preview_is_answered_and_acts_on_nobody(web, link):
    """`bantin doctor` knows by these words that a POST came through to this service."""
    address = f"/unsubscribe/{NOBODYS_TOKEN}"
    for body in BODIES.values():
        answer = web.client.post(address, **body)
        assert (answer.status_code, answer.text) == (200, ACTS_ON_NOBODY)
        assert "set-cookie" not in answer.headers
    assert web.client.get(address).status_code == 404
    assert web.client.post(address, data={"do": "stop"}).status_code == 404
    assert not stopped(web)
