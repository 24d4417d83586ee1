"""What stands in the mails is what the pages answer to."""

from __future__ import annotations

import re
from email import policy
from email.parser import BytesParser

import pytest

from service.mail.drain import drain
from tests.web.people import fill, newest, subscribe, text


async def outbox(web):
    """Send what is planned; every mail of the outbox by its subject."""
    await drain(web.store, web.settings, lambda: web.now, owner="test")
    parser = BytesParser(policy=policy.default)
    files = (web.settings.var / "outbox" / "new").iterdir()
    mails = [parser.parsebytes(file.read_bytes()) for file in files]
    return {str(mail["Subject"]): mail for mail in mails}


def paths(web, mail, kind):
    """The addresses of the site in a part, as paths."""
    body = mail.get_body((kind,)).get_content()
    return set(re.findall(rf"{re.escape(web.renderer.site.base_url)}(/[\w/]+)", body))


@pytest.fixture(params=["http://127.0.0.1:8000", "https://tin.example.vn"])
def sited(request, make):
    return make(site={"base_url": request.param})


async def test_the_button_of_the_confirmation_leads_to_the_confirmation(sited):
    browser = sited.browser(sited.renderer.site.base_url)
    fill(sited, browser)
    mail = (await outbox(sited))["Xác nhận đăng ký Điểm tin tuần"]
    assert mail["To"] == "minh@example.vn"
    for kind in ("plain", "html"):
        assert paths(sited, mail, kind) == {f"/confirm/{newest(sited).token}"}
    [path] = paths(sited, mail, "html")
    assert "Xong" in text(browser.get(path))
    assert newest(sited).confirmed


async def test_the_header_of_any_mail_unsubscribes_with_one_click(sited):
    fill(sited, sited.browser(sited.renderer.site.base_url))
    [mail] = (await outbox(sited)).values()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = re.fullmatch(r"<(.*)>", mail["List-Unsubscribe"])[1]
    provider = sited.browser(**{"Sec-Fetch-Site": "cross-site"})
    answer = provider.post(url, data={"List-Unsubscribe": "One-Click"})
    assert (answer.status_code, newest(sited).ended_reason) == (200, "one_click")


async def test_who_signs_up_again_is_led_to_the_preferences(web):
    subscribe(web)
    web.later(days=2)
    fill(web, web.browser())
    mail = (await outbox(web))["Bạn đang nhận Điểm tin tuần rồi"]
    for kind in ("plain", "html"):
        assert paths(web, mail, kind) == {f"/preferences/{newest(web).token}"}
    [path] = paths(web, mail, "plain")
    assert "Tùy chọn của bạn" in text(web.client.get(path))


async def test_who_confirmed_before_the_mail_left_is_not_asked_again(web):
    subscribe(web)
    assert await outbox_is_empty(web)


async def outbox_is_empty(web):
    await drain(web.store, web.settings, lambda: web.now, owner="test")
    return not (web.settings.var / "outbox" / "new").exists()
