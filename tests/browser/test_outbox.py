"""Trying the service out: the mail in the local outbox, read and followed in the browser."""

from __future__ import annotations

import asyncio
import threading

import pytest

from service.mail.drain import drain
from tests.web.people import fill, newest

pytestmark = pytest.mark.browser


def send(web):
    """Hand over what is planned, on a thread of its own: the browser's driver has a loop here."""
    work = threading.Thread(
        target=lambda: asyncio.run(
            drain(web.store, web.settings, lambda: web.now, owner="test")
        )
    )  # fmt: skip
    work.start()
    work.join()


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_a_mail_is_shown_in_a_frame_and_its_link_opens_beside_it(site, person, size):
    web, url = site
    fill(web)
    send(web)
    page = person(size)
    page.goto(f"{url}/outbox/")
    page.get_by_role("link", name="Xác nhận đăng ký Điểm tin tuần").click()
    button = page.frame_locator("iframe").get_by_role("link", name="Vâng, gửi Điểm tin tuần")
    button.wait_for()
    with page.expect_popup() as opened:
        button.click()
    confirm = opened.value
    confirm.get_by_role("button", name="Bắt đầu nhận").click()
    confirm.get_by_role("heading", level=1, name="Xong").wait_for()
    assert newest(web).confirmed


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_status_page_fits(site, person, size):
    _web, url = site
    page = person(size)
    page.goto(f"{url}/admin/")
    inside = page.locator("html").bounding_box()["width"]
    assert page.locator("main").bounding_box()["width"] <= inside
    assert page.evaluate("document.documentElement.scrollWidth") <= inside
