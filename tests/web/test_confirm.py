"""The link in the confirmation mail."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select

from service.newsletter.run import plan_due
from service.store import tables as t
from tests.builders import add_source, add_story, add_subscription
from tests.levels import table
from tests.web.people import fill, newest, text


@pytest.fixture
def link(web):
    fill(web)
    return f"/confirm/{newest(web).token}"


def test_one_click_confirms_where_one_signed_up(web, link):
    page = web.client.get(link)
    assert page.status_code == 200
    assert newest(web).confirmed
    assert "07:00 thứ Hai 30/11" in text(page)
    assert "m•••h@example.vn" in text(page)
    assert "minh@example.vn" not in page.text
    assert web.kicks == ["MAIL", "SUBSCRIPTIONS"]


def test_elsewhere_a_get_changes_nothing_and_one_button_says_yes(web, link):
    phone = web.browser(**{"Sec-Fetch-Site": "cross-site"})
    page = phone.get(link)
    assert "Còn một bước" in text(page)
    assert not newest(web).confirmed
    assert page.text.count("<button") == 1
    pressed = web.browser().post(link)
    assert "07:00 thứ Hai 30/11" in text(pressed)
    assert newest(web).confirmed


def test_a_scanner_confirms_nothing(web, link):
    """Heads, prefetches and other browsers' cookies are nobody's yes."""
    web.client.head(link)
    web.client.get(link, headers={"Sec-Purpose": "prefetch"})
    web.client.get(link, headers={"X-Moz": "prefetch"})
    stranger = web.browser()
    stranger.get("/subscribe/tuan")  # it has a cookie of its own
    stranger.get(link)
    for browser in (web.client, stranger):
        browser.options(link)
    assert not newest(web).confirmed


def test_a_button_on_another_site_confirms_nothing(web, link):
    page = web.browser().post(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 403
    assert not newest(web).confirmed


def test_confirming_again_says_the_same(web, link):
    first = web.client.get(link)
    web.later(hours=2)
    assert text(web.client.get(link)) == text(first)
    assert text(web.browser().post(link)) == text(first)
    assert web.kicks.count("SUBSCRIPTIONS") == 1


def test_undo_behind_the_confirmation_and_undo_of_the_undo(web, link):
    web.client.get(link)
    undone = web.client.post(link, data={"do": "undo"})
    assert "Đã ngừng" in text(undone)
    assert newest(web).ended_reason == "undone"
    back = web.client.post(link.replace("confirm", "unsubscribe"), data={"do": "undo"})
    assert "Đã khôi phục" in text(back)
    assert newest(web).live


def test_a_link_that_has_lapsed_leads_to_a_new_sign_up(web, link):
    web.later(days=7)
    page = web.client.get(link)
    assert page.status_code == 410
    assert "đã hết hạn" in text(page)
    assert 'href="/subscribe/tuan"' in page.text
    assert web.browser().post(link).status_code == 410
    assert not newest(web).confirmed


def test_a_link_of_who_has_ended_offers_undo(web, link):
    web.client.get(link)
    token = newest(web).token
    web.client.post(f"/unsubscribe/{token}", data={"do": "stop"})
    page = web.browser().post(link)
    assert "Đã ngừng" in text(page)
    assert "Hoàn tác" in text(page)
    assert not newest(web).live


@table(
    ("area", "token"),
    product(["confirm", "preferences", "unsubscribe"], ["1" * 32, "x", "%00", "a" * 5000]),
)
def test_an_unknown_link_is_404_to_every_method(web, link, area, token):
    assert web.client.get(f"/{area}/{token}").status_code == 404
    assert web.client.post(f"/{area}/{token}", data={"cadence": "daily"}).status_code == 404


def test_the_welcome_is_promised_only_if_there_is_an_edition(web, link):
    assert "số gần nhất" not in text(web.client.get(link))


def test_the_welcome_is_promised_only_with_what_came_since_the_digest_has_readers(web, link):
    """What the first reader would get with it is older than any reader: no mail, no promise."""
    with web.store.write() as connection:
        digest = connection.execute(
            select(t.digest.c.id).where(t.digest.c.name == "tuan")
        ).scalar_one()
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar_one()
        before = web.now - timedelta(days=1)
        source = add_source(connection, before)
        add_story(connection, source=source, topics=[topic], entered_at=before, title="Tin cũ")
    plan_due(web.store, web.settings, web.renderer, web.now + timedelta(days=6))
    web.later(days=6)
    assert "số gần nhất" not in text(web.client.get(link))
    with web.store.write() as connection:
        first = web.now - timedelta(days=9)
        add_subscription(connection, digest=digest, starts_at=first, address="a@example.vn")
    fill(web, address="lan@example.vn")
    assert "số gần nhất" in text(web.client.get(f"/confirm/{newest(web).token}"))
