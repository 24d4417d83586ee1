"""An editor's morning in a real browser: from the mail at the freeze to the readers' mail."""

from __future__ import annotations

import email
import email.policy
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from service.newsletter.run import plan_due
from service.store import tables as t
from tests.browser.conftest import AXE
from tests.browser.test_outbox import send
from tests.builders import add_source, add_story, add_subscription

pytestmark = pytest.mark.browser

LAN = "lan@example.vn"
LONG = "38CTTW" * 16
TITLES = [
    "Khai giảng năm học mới ở các tỉnh miền núi phía Bắc",
    "Bệnh viện tuyến huyện có thêm bác sĩ",
    f"Chỉ thị {LONG} của Ban Bí thư",
    "Tiêm chủng mở rộng bước sang năm thứ bốn mươi",
    "Tuyển sinh lớp 10: ba môn thi",
    "Y tế cơ sở trước mùa mưa",
]
PICTURES = os.environ.get("BANTIN_TEST_PICTURES")


@pytest.fixture
def site_sections() -> dict[str, Any]:
    return {
        "digest": {
            "ngay": {"title": "Điểm tin ngày", "cadence": "daily", "at": "17:00", "review": "2h",
                     "editors": [LAN], "stories": {"max": 4}},
        }
    }  # fmt: skip


def furnish(web: Any) -> None:
    with web.store.write() as connection:
        source = add_source(connection, web.now, "bao-a", title="Báo điện tử của tỉnh")
        topics = {
            row.name: row.id
            for row in connection.execute(select(t.topic.c.name, t.topic.c.id)).all()
        }
        for number, title in enumerate(TITLES):
            add_story(
                connection,
                source=source,
                topics=[topics[("giao-duc", "y-te")[number % 2]]],
                entered_at=web.now - timedelta(minutes=30 + number),
                title=title,
            )
        digest = connection.scalar(select(t.digest.c.id).where(t.digest.c.name == "ngay"))
        add_subscription(
            connection,
            digest=digest,
            starts_at=web.now - timedelta(hours=30),
            address="minh@example.vn",
            cadence="daily",
        )


def run(web: Any) -> None:
    plan_due(web.store, web.settings, web.renderer, web.now)
    send(web)


def last(web: Any, address: str) -> str:
    """The text part of the newest mail to somebody."""
    folder = Path(web.settings.var) / "outbox" / "new"
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for path in folder.iterdir()
    ]
    mine = [one for one in mails if one["To"] == address]
    newest = max(mine, key=lambda one: one["Date"].datetime)
    return str(newest.get_body(("plain",)).get_content())


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


def fits(page: Any) -> bool:
    inside, whole = page.evaluate(
        "[document.documentElement.clientWidth, document.documentElement.scrollWidth]"
    )
    return bool(whole <= inside)


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_from_the_freeze_to_the_mail(site, person, language):
    web, url = site
    furnish(web)
    run(web)
    link = re.search(r"/review/[0-9a-f]{32}", last(web, LAN))[0]
    page = person((390, 844))
    page.goto(f"{url}{link}")
    assert fits(page)
    picture(page, f"review-390-{language}")
    page.fill("#opening", "Kính gửi bạn đọc,\n\nHôm nay có ba tin về trường học: https://a.vn/x.")
    page.locator("summary", has_text="Lời của bạn").first.click()
    page.locator("li textarea").first.fill("Toà soạn sẽ theo dõi tiếp.")
    page.locator("li", has_text=TITLES[1]).get_by_role("button", name="Bỏ").click()
    assert "Đã bỏ tin." in page.inner_text("main")
    assert page.input_value("#opening").startswith("Kính gửi")
    page.locator("details.more summary").click()
    page.locator("li", has_text=TITLES[5]).get_by_role("button", name="Lên đầu").click()
    page.locator("ol.reviewed h3", has_text=TITLES[5]).wait_for()  # the answer has come
    heads = page.locator("ol.reviewed h3").all_inner_texts()
    assert heads[0] == TITLES[5]
    page.get_by_role("button", name="Giữ lại").click()
    assert "đang được giữ lại" in page.inner_text("main")
    assert fits(page)
    picture(page, f"review-390-held-{language}")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert fits(page)
    picture(page, f"review-1280-{language}")
    page.emulate_media(color_scheme="dark")
    picture(page, f"review-1280-dark-{language}")
    web.later(hours=3)
    run(web)
    page.goto(f"{url}{link}")
    page.get_by_role("button", name="Duyệt và gửi").click()
    run(web)
    page.goto(f"{url}{link}")
    assert "Số này đã gửi" in page.inner_text("main")
    picture(page, f"review-gone-{language}")
    mail = last(web, "minh@example.vn")
    begins = [one[:7] for one in heads]  # where lines are not broken yet
    assert all(one in mail for one in begins)
    assert sorted(begins, key=mail.index) == begins
    assert TITLES[1] not in mail
    assert "https://a.vn/x" in mail
    assert "Toà soạn sẽ theo dõi tiếp." in mail
    page.get_by_role("link", name="Xem trên web").click()
    assert "Toà soạn sẽ theo dõi tiếp." in page.inner_text("main")
    picture(page, f"edition-{language}")


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_it_fits_a_small_phone_and_axe_finds_nothing(site, person, language):
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="needs axe: pip install axe-playwright-python"
    )
    web, url = site
    furnish(web)
    run(web)
    link = re.search(r"/review/[0-9a-f]{32}", last(web, LAN))[0]
    page = person((320, 844), scripts=True)
    page.goto(f"{url}{link}")
    page.locator("li", has_text=TITLES[1]).get_by_role("button", name="Bỏ").click()
    for closed in page.locator("summary").all():
        closed.click()
    assert fits(page)
    page.evaluate(Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8"))
    passed, violations = page.evaluate(AXE)
    assert passed > 10
    assert violations == []
