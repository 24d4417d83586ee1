"""The page of an address and a change of it, as people go through them, without JavaScript."""

from __future__ import annotations

import json
import os

import pytest

from tests.browser.conftest import browsers
from tests.web.own import links
from tests.web.people import newest, subscribe

pytestmark = pytest.mark.browser

WORDS = {
    "vi": {"link": "Gửi liên kết cho tôi", "check": "Kiểm tra hộp thư", "new": "Địa chỉ mới",
           "change": "Đổi", "yes": "Vâng, gửi tới đây", "moved": "Đã đổi địa chỉ",
           "data": "Tải dữ liệu", "sure": "Vâng, việc này không hoàn tác được",
           "forget": "Xóa hết về tôi", "gone": "Đã xóa"},
    "en": {"link": "Mail me that link", "check": "Check your mail", "new": "New address",
           "change": "Change", "yes": "Yes, send it here", "moved": "The address is changed",
           "data": "Download the data", "sure": "Yes, this cannot be undone",
           "forget": "Forget me", "gone": "Forgotten"},
}  # fmt: skip


def arrives(page, heading):
    page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
    picture(page, heading)


def picture(page, name):
    """Where BANTIN_TEST_PICTURES names a folder, for people to look at."""
    if folder := os.environ.get("BANTIN_TEST_PICTURES"):
        size = page.viewport_size["width"]
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        page.screenshot(path=f"{folder}/{size}-{'dark' if dark else 'light'}-{name}.png",
                        full_page=True)  # fmt: skip


@pytest.mark.sampled
@browsers("data")
def test_from_the_preferences_to_a_new_address_the_data_and_goodbye(site, person, language, size):
    web, url = site
    say = WORDS[language]
    found = subscribe(web)
    web.later(days=1)
    other = subscribe(web, digest="y-khoa", topic=[], cadence="")
    page = person(size, dark=size[0] < 1000)
    page.goto(f"{url}/preferences/{found.token}")
    picture(page, f"preferences {language}")
    page.get_by_role("button", name=say["link"]).click()
    arrives(page, say["check"])
    page.goto(url + links(web, "me")[-1])
    picture(page, f"own {language}")
    page.get_by_label(say["new"]).fill("moi@example.vn")
    page.get_by_role("button", name=say["change"], exact=True).click()
    arrives(page, say["check"])

    there = person(size, dark=size[0] >= 1000)
    there.goto(url + links(web, "move")[-1])
    picture(there, f"move {language}")
    there.get_by_role("button", name=say["yes"]).click()
    arrives(there, say["moved"])
    assert newest(web) is not None

    web.later(days=1)
    there.goto(f"{url}/preferences/{other.token}")
    there.get_by_role("button", name=say["link"]).click()
    arrives(there, say["check"])
    there.goto(url + links(web, "me")[-1])
    with there.expect_download() as started:
        there.get_by_role("button", name=say["data"]).click()
    told = json.loads(started.value.path().read_text(encoding="utf-8"))
    assert told["address"] == "moi@example.vn"
    there.get_by_label(say["sure"]).check()
    there.get_by_role("button", name=say["forget"]).click()
    arrives(there, say["gone"])
