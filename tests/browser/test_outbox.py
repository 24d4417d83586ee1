"""Trying the service out: the mail in the local outbox, read and followed in the browser."""

from __future__ import annotations

import asyncio
import threading

import pytest

from service.mail.drain import drain
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.web.admin import admin_key
from tests import levels
from tests.browser.conftest import SIZES
from tests.web.conftest import settings_with
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


@pytest.mark.sampled
@pytest.mark.parametrize("language", ["vi"], indirect=True)
@pytest.mark.parametrize("size", levels.each(list(SIZES), "outbox"), indirect=True)
def test_a_mail_is_shown_in_a_frame_and_its_link_opens_beside_it(site, person, size):
    web, url = site
    fill(web)
    send(web)
    page = person(size)
    key = admin_key.ensure(web.settings.var)
    page.goto(admin_key.link(url, "/outbox/", key, web.now))
    assert page.url == f"{url}/outbox/", "the token is still in the address bar"
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
def test_a_link_pressed_on_another_site_opens_the_page(site, person):
    """A terminal in a browser: the click comes from its site, and Strict cookies stay behind."""
    web, url = site
    link = admin_key.link(url, "/admin/", admin_key.ensure(web.settings.var), web.now)
    page = person((1280, 900))
    elsewhere = url.replace("127.0.0.1", "localhost")
    page.route(f"{elsewhere}/terminal", lambda route: route.fulfill(
        content_type="text/html", body=f'<link rel="icon" href="data:,"><a href="{link}">up</a>'
    ))  # fmt: skip
    page.goto(f"{elsewhere}/terminal")
    page.get_by_role("link", name="up").click()
    page.get_by_role("heading", level=2, name="Nguồn").wait_for()
    assert page.url == f"{url}/admin/"


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_on_the_machine_itself_the_link_of_a_site_with_tls_works_without(site, person):
    """Its cookie is Secure; browsers take that from loopback."""
    web, url = site
    web.settings = settings_with(web.settings.root, site={"base_url": "https://tin.example.vn"})
    web.renderer = Renderer(site_view(web.settings))
    page = person((1280, 900))
    page.route("https://tin.example.vn/**", lambda route: route.fulfill(body=""))
    page.goto(admin_key.link(url, "/admin/", admin_key.ensure(web.settings.var), web.now))
    page.get_by_role("heading", level=2).first.wait_for()
    assert page.url == f"{url}/admin/"
    [cookie] = page.context.cookies(url)
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Strict")
