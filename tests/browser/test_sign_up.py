"""From sign-up to goodbye as people do it: without JavaScript, on a phone and on a desk."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import browsers
from tests.web.people import newest

pytestmark = pytest.mark.browser

WORDS = {
    "vi": {
        "sign up": "Đăng ký",
        "check": "Kiểm tra hộp thư",
        "done": "Xong",
        "first": "07:00 thứ Hai 30/11",
        "start": "Bắt đầu nhận",
        "topic": "Y tế",
        "daily": "Mỗi ngày, 07:00",
        "save": "Lưu",
        "saved": "Đã lưu.",
        "stop": "Ngừng nhận",
        "stopped": "Đã ngừng, từ bây giờ.",
        "undo": "Hoàn tác",
        "restored": "Đã khôi phục",
    },
    "en": {
        "sign up": "Sign up",
        "check": "Check your mail",
        "done": "Done",
        "first": "Monday 30 November, 07:00",
        "start": "Start",
        "topic": "Y tế",
        "daily": "Every day, 07:00",
        "save": "Save",
        "saved": "Saved.",
        "stop": "Stop",
        "stopped": "Stopped, as of now.",
        "undo": "Undo",
        "restored": "Restored",
    },
}


def arrives(page, words):
    """Wait for the page with this heading."""
    page.get_by_role("heading", level=1, name=words, exact=True).wait_for()


EDGES = """nodes => nodes.map(node => node.getBoundingClientRect())
    .filter(box => box.width || box.height)
    .map(box => [box.left, box.right])"""
"""Asked at once: an answer for each element would take longer than all pages."""


def fits(page):
    """Nothing has to be scrolled sideways."""
    inside = page.locator("html").bounding_box()["width"]
    seen = page.locator("main *:visible:not(.hidden, .hidden *)")
    edges = seen.evaluate_all(EDGES)
    assert len(edges) > 3, "nothing to look at"
    return all(left >= -0.5 and right <= inside + 0.5 for left, right in edges)


@pytest.mark.sampled
@browsers("in one browser")
def test_the_whole_way_in_one_browser(site, person, size, language):
    web, url = site
    say = WORDS[language]
    page = person(size)
    page.goto(f"{url}/subscribe/tuan?topic=y-te")
    assert fits(page)
    page.get_by_label(re.compile("address|Địa chỉ")).first.fill("minh@example.vn")
    page.get_by_label(say["daily"]).check()
    page.get_by_role("button", name=say["sign up"]).click()
    arrives(page, say["check"])
    assert "minh@example.vn" in page.locator("main").inner_text()
    assert fits(page)
    found = newest(web)
    assert (found.topics, found.cadence, found.confirmed) == (("y-te",), "daily", False)

    page.goto(f"{url}/confirm/{found.token}")
    arrives(page, say["done"])
    assert newest(web).confirmed, "one click, in the browser that signed up"
    assert fits(page)

    page.goto(f"{url}/preferences/{found.token}")
    page.get_by_label(re.compile("thứ Hai|Mondays")).check()
    page.get_by_label("Giáo dục").check()
    page.get_by_role("button", name=say["save"]).click()
    assert say["saved"] in page.locator("main").inner_text()
    assert say["first"] in page.locator("main").inner_text()
    assert fits(page)
    assert newest(web).topics == ("giao-duc", "y-te")

    page.goto(f"{url}/unsubscribe/{found.token}")
    assert fits(page)
    page.get_by_role("button", name=say["stop"], exact=True).click()
    arrives(page, say["stopped"])
    assert not newest(web).live
    page.get_by_role("button", name=say["undo"]).click()
    arrives(page, say["restored"])
    assert newest(web).live
    assert fits(page)


@pytest.mark.sampled
@browsers("one button")
def test_elsewhere_one_big_button(site, person, size, language):
    web, url = site
    say = WORDS[language]
    desk = person(size)
    desk.goto(f"{url}/subscribe/tuan")
    desk.get_by_label(re.compile("address|Địa chỉ")).first.fill("lan@example.vn")
    desk.get_by_role("button", name=say["sign up"]).click()
    token = newest(web).token

    phone = person((390, 844), touch=True)
    phone.goto(f"{url}/confirm/{token}")
    assert not newest(web).confirmed
    button = phone.get_by_role("button")
    assert button.count() == 1
    assert button.bounding_box()["height"] >= 44, "a thumb must find it"
    button.tap()
    arrives(phone, say["done"])
    assert newest(web).confirmed


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_by_keyboard_alone(site, person):
    web, url = site
    page = person((1280, 900))
    page.goto(f"{url}/subscribe/tuan")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("class") == "skip"
    page.keyboard.press("Enter")  # straight to the form
    page.keyboard.press("Tab")
    for _step in range(4):  # the link of the site or of an edition may stand before it
        if page.locator(":focus").get_attribute("name") == "address":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("minh@example.vn")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # the first topic off
    seen = []
    for _step in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        seen.append(focused.get_attribute("name"))
        if focused.evaluate("node => node.tagName") == "BUTTON":
            break
        if seen[-1] == "cadence":
            page.keyboard.press("ArrowDown")
    assert "leave_empty" not in seen, "what people do not see must not catch their keyboard"
    page.keyboard.press("Enter")
    arrives(page, "Kiểm tra hộp thư")
    found = newest(web)
    assert (found.topics, found.cadence) == (("y-te", "khoa-hoc"), "monthly")

    page.goto(f"{url}/unsubscribe/{found.token}")
    reach(page, "Ngừng nhận")
    page.keyboard.press("Enter")
    arrives(page, "Đã ngừng, từ bây giờ.")
    reach(page, "Hoàn tác")
    page.keyboard.press("Enter")
    arrives(page, "Đã khôi phục")
    assert newest(web).live


def reach(page, label):
    """Tab until the button of this name has the focus, which must be seen."""
    for _step in range(20):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.inner_text() == label:
            assert focused.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"
            return
    raise AssertionError(f"no way to {label!r} by keyboard")


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_browser_itself_sees_a_bad_address(site, person):
    web, url = site
    page = person((390, 844))
    page.goto(f"{url}/subscribe/tuan")
    page.get_by_label("Địa chỉ thư điện tử").fill("minh")
    page.get_by_role("button", name="Đăng ký").click()
    arrives(page, "Nhận Điểm tin tuần qua thư")  # it was not sent
    assert newest(web) is None
