"""The date that a page promises is the cut that the newsletter then keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.newsletter.run import plan_due
from service.render import dates
from service.web.subscriber import rhythms
from tests.web.people import newest, subscribe, text


def plan(web):
    plan_due(web.store, web.settings, web.renderer, web.now)


def said(web, at):
    words = web.renderer.words("vi")
    return dates.moment(at, "Asia/Ho_Chi_Minh", words)


@pytest.mark.parametrize("cadence", ["daily", "weekly", "monthly"])
def test_the_first_edition(web, cadence):
    found = subscribe(web, cadence=cadence)
    promised = rhythms.next_mail(web.settings, found, web.now)
    page = web.client.get(f"/confirm/{found.token}")
    assert said(web, promised) in text(page)
    plan(web)
    assert newest(web).next_cut_at == promised
    assert said(web, promised) in text(web.client.get(f"/preferences/{found.token}"))


def test_after_a_change_of_rhythm_and_hour(web):
    link = f"/preferences/{subscribe(web).token}"
    plan(web)
    web.client.post(
        link,
        data={"topic.tuan": ["y-te"], "cadence.tuan": "daily", "hour.tuan": "21:00"},
    )
    promised = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
    assert said(web, promised) in text(web.client.get(link))
    plan(web)
    assert newest(web).next_cut_at == promised


def test_after_a_cut_that_has_passed_the_next_one_is_promised(web):
    """Between the cut and the tick that plans it the page must not show a date in the past."""
    found = subscribe(web)
    plan(web)
    web.now = newest(web).next_cut_at + timedelta(seconds=3)
    page = web.client.get(f"/preferences/{found.token}")
    assert "07:00 thứ Hai 07/12" in text(page)
