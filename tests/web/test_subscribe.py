"""The sign-up page: what it asks, what it says, and what it never gives away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from service.audience.tokens import cookie_hash
from service.store import tables as t
from service.store.audience.signup_hours import EVERYBODY
from service.store.sources import registry
from tests.levels import some, table
from tests.web.conftest import NOW, settings_with
from tests.web.people import fill, letters, newest, subscribe, text, token_in


def ticked(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)" checked', page)


def test_the_form_asks_for_an_address_topics_and_a_rhythm(web):
    page = web.client.get("/subscribe/tuan")
    assert page.status_code == 200
    said = text(page)
    assert "Nhận Điểm tin tuần qua thư" in said
    assert "Sáng thứ Hai, 07:00. Miễn phí, ngừng lúc nào cũng được." in said
    assert ticked(page.text, "topic") == ["giao-duc", "y-te", "khoa-hoc"]
    assert ticked(page.text, "cadence") == ["weekly"]
    assert page.headers["cache-control"] == "no-store"


def test_this_pages_topic_is_ticked(web):
    page = web.client.get("/subscribe/tuan?topic=y-te&topic=khac")
    assert ticked(page.text, "topic") == ["y-te"]
    assert ticked(web.client.get("/subscribe/tuan?topic=khac").text, "topic") == [
        "giao-duc", "y-te", "khoa-hoc",
    ]  # fmt: skip


def test_what_cannot_be_chosen_is_not_asked(web, make):
    page = web.client.get("/subscribe/y-khoa").text
    assert 'type="checkbox"' not in page
    assert 'type="radio"' not in page
    fill(web, digest="y-khoa", topic=[], cadence="")
    assert (newest(web).cadence, newest(web).topics) == ("daily", None)
    short = make(signup={"ask": []})
    page = short.client.get("/subscribe/tuan").text
    assert 'type="checkbox"' not in page
    assert 'type="radio"' not in page


def test_a_sign_up_is_answered_with_check_your_mail(web):
    page = fill(web, address=" Minh@Example.VN ", topic=["y-te", "giao-duc"], cadence="daily")
    assert page.status_code == 200
    said = text(page)
    for words in ("Minh@example.vn", "Tin Khoa giáo <tin@example.vn>", "7 ngày", "thư rác", "CNTT"):
        assert words in said
    found = newest(web)
    assert (found.cadence, found.topics) == ("daily", ("giao-duc", "y-te"))
    assert found.evidence == "page /subscribe/tuan, from 127.0.0.1"
    assert found.signup_hash == cookie_hash(web.client.cookies["bantin"])
    assert web.kicks == ["MAIL"]


def test_all_topics_ticked_are_all_now_and_later(web):
    fill(web, topic=["giao-duc", "y-te", "khoa-hoc"])
    assert newest(web).topics is None


def page_for(web, address):
    """The page after sign-up from a fresh browser, without what differs for everybody."""
    page = fill(web, web.browser(), address=address)
    body = re.sub(r'value="[0-9a-f]{32}"', "", page.text).replace(address, "ADDRESS")
    headers = {k: v for k, v in page.headers.items() if k not in ("set-cookie", "content-length")}
    return page.status_code, body, headers


def test_known_or_unknown_the_page_is_the_same(web):
    subscribe(web, address="active@example.vn")
    fill(web, web.browser(), address="waiting@example.vn")
    web.later(days=2)
    unknown = page_for(web, "nobody@example.vn")
    assert page_for(web, "active@example.vn") == unknown
    assert page_for(web, "waiting@example.vn") == unknown
    assert page_for(web, "waiting@example.vn") == unknown, "the second of the day as well"


@table(
    ("fields", "says"),
    [
        ({"address": "minh"}, "Địa chỉ chưa đúng"),
        ({"address": ""}, "Địa chỉ chưa đúng"),
        ({"address": "a@b.vn\r\nBcc: c@d.vn"}, "Địa chỉ chưa đúng"),
        ({"topic": []}, "ít nhất một chủ đề"),
        ({"topic": ["khac"]}, "ít nhất một chủ đề"),
        ({"cadence": "hourly"}, "nhịp gửi"),
        ({"cadence": ""}, "nhịp gửi"),
    ],
)
def test_a_fault_is_said_beside_what_was_filled_in(web, fields, says):
    page = fill(web, **fields)
    assert page.status_code == 422
    assert says in text(page)
    assert newest(web) is None
    if fields.get("address") is None:
        assert 'value="minh@example.vn"' in page.text
    assert token_in(page.text)


def test_correcting_the_address_shows_the_form_as_it_was(web):
    sent = fill(web, address="mihn@example.vn", topic=["y-te"], cadence="daily")
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', sent.text)
    form = {"do": "correct"}
    for name, value in hidden:
        form.setdefault(name, []).append(value)
    page = web.client.post("/subscribe/tuan", data=form)
    assert page.status_code == 200
    assert 'value="mihn@example.vn"' in page.text
    assert ticked(page.text, "topic") == ["y-te"]
    assert ticked(page.text, "cadence") == ["daily"]
    assert len(letters(web)) == 1


def test_correcting_the_address_is_no_further_sign_up(make):
    """Behind one address of a network a whole office may make slips."""
    web = make(most=1)
    sent = fill(web, address="mihn@example.vn")
    form = {"do": "correct", "address": "mihn@example.vn", "token": token_in(sent.text)}
    assert web.client.post("/subscribe/tuan", data=form).status_code == 200
    assert web.client.post("/subscribe/tuan", data={**form, "do": "again"}).status_code == 429


def test_sending_again_on_the_same_day_sends_nothing_and_says_why(web):
    first = fill(web)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', first.text)
    again = web.client.post("/subscribe/tuan", data={**dict(hidden), "do": "again"})
    assert text(again) == text(first)
    assert "mỗi ngày" in text(again)
    assert len(letters(web)) == 1
    web.later(days=1, seconds=1)
    web.client.post("/subscribe/tuan", data={**dict(hidden), "do": "again"})
    assert len(letters(web)) == 2


def test_a_program_that_fills_every_field_is_thanked_and_ignored(web):
    page = fill(web, leave_empty="https://spam.example")
    assert page.status_code == 200
    assert "Kiểm tra hộp thư" in text(page)
    assert newest(web) is None
    assert web.kicks == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
    ],
)
def test_a_form_from_another_site_writes_nothing(web, headers):
    """Not even with the token of ours: our own page asks for one press."""
    token = token_in(web.client.get("/subscribe/tuan").text)
    form = {"address": "minh@example.vn", "topic": "giao-duc", "cadence": "weekly", "token": token}
    page = web.client.post("/subscribe/tuan", data=form, headers=headers)
    assert page.status_code == 200
    assert "Bạn đến đây từ một trang khác" in text(page)
    assert newest(web) is None


@pytest.mark.parametrize("token", ["", "0" * 32, "é"])
def test_a_form_without_its_token_is_shown_once_more(web, token):
    web.client.get("/subscribe/tuan")
    form = {"address": "minh@example.vn", "topic": "giao-duc", "cadence": "weekly", "token": token}
    page = web.client.post("/subscribe/tuan", data=form)
    assert page.status_code == 403
    assert "một lần nữa" in text(page)
    assert newest(web) is None
    form["token"] = token_in(page.text)
    assert web.client.post("/subscribe/tuan", data=form).status_code == 200
    assert newest(web) is not None


def test_the_token_of_one_browser_is_nothing_in_another(web):
    stolen = token_in(web.client.get("/subscribe/tuan").text)
    other = web.browser()
    other.get("/subscribe/tuan")
    form = {"address": "a@example.vn", "topic": "y-te", "cadence": "weekly", "token": stolen}
    assert other.post("/subscribe/tuan", data=form).status_code == 403


def test_a_browser_without_cookies_can_sign_up(web):
    form = {"address": "minh@example.vn", "topic": "giao-duc", "cadence": "weekly", "token": "x"}
    assert web.browser().post("/subscribe/tuan", data=form).status_code == 200
    assert newest(web) is not None


@pytest.mark.parametrize(
    "almost",
    [
        lambda token: token[:16],
        lambda token: token[16:],
        lambda token: token[:-1],
        lambda token: f"{token}0",
        str.upper,
        lambda token: f"{token[:-1]}{(int(token[-1], 16) + 1) % 16:x}",
    ],
    ids=["half", "the other half", "one less", "one more", "in capitals", "one changed"],
)
def test_what_is_almost_the_token_of_a_form_signs_up_nobody(web, almost):
    token = token_in(web.client.get("/subscribe/tuan").text)
    while token == token.upper():  # digits alone: another browser gets another one
        web.client.cookies.clear()
        token = token_in(web.client.get("/subscribe/tuan").text)
    form = {"address": "minh@example.vn", "topic": "giao-duc", "cadence": "weekly"}
    page = web.client.post("/subscribe/tuan", data={**form, "token": almost(token)})
    assert (page.status_code, newest(web)) == (403, None)
    page = web.client.post("/subscribe/tuan", data={**form, "token": token})
    assert page.status_code == 200
    assert newest(web).address == "minh@example.vn"


def test_of_an_endless_address_the_form_shows_no_more_than_an_address_may_have(web):
    page = fill(web, address="x" * 3000)
    assert page.status_code == 422
    assert f'value="{"x" * 254}"' in page.text


def test_who_says_neither_where_from_nor_a_token_is_refused(web):
    form = {"address": "minh@example.vn", "topic": "giao-duc", "cadence": "weekly"}
    silent = web.browser(**{"Sec-Fetch-Site": ""})
    assert silent.post("/subscribe/tuan", data=form).status_code == 403
    assert newest(web) is None


def test_one_network_is_held_back_for_an_hour(make):
    web = make(most=2)
    assert fill(web, address="a@example.vn").status_code == 200
    assert fill(web, address="b@example.vn").status_code == 200
    held = fill(web, address="c@example.vn")
    assert (held.status_code, held.headers["retry-after"]) == (429, "3600")
    assert "Quá nhiều lượt đăng ký" in text(held)
    other = web.browser(peer="203.0.113.9")
    assert fill(web, other, address="d@example.vn").status_code == 200
    web.later(hours=1)
    assert fill(web, address="c@example.vn").status_code == 200


FLOOD = some(300, 20)
"""Sign-ups that are made, of the 300 that fill an hour."""


@pytest.mark.sampled
def test_three_hundred_sign_ups_shut_nobody_out(web):
    """A flood fills the hour: whoever comes then waits for a mail, and is told until when."""
    for number in range(FLOOD):
        flooder = web.browser(peer=f"203.0.113.{number % 100}")
        page = fill(web, flooder, address=f"a{number}@d{number}.example")
        assert page.status_code == 200
    with web.store.write() as connection:
        hour = t.signup_hour.c
        counted = update(t.signup_hour).where(hour.key == EVERYBODY)
        connection.execute(counted.values(mails=hour.mails + 300 - FLOOD))
    page = fill(web, web.browser(peer="198.51.100.7"), address="minh@example.vn")
    assert page.status_code == 200
    assert "minh@example.vn" in text(page)
    *_, letter = letters(web)
    assert letter.kind == "confirm"
    assert NOW < letter.next_try_at <= NOW + timedelta(hours=1)
    assert "lúc 16:00" in text(page), "the page promises no mail at once"


def test_behind_a_trusted_proxy_visitors_are_told_apart(make):
    web = make(most=1, web={"trusted_proxies": ["127.0.0.1"]})
    for number in (1, 2):
        visitor = web.browser(**{"X-Forwarded-For": f"6.6.6.6, 203.0.113.{number}"})
        assert fill(web, visitor, address=f"a{number}@example.vn").status_code == 200
        assert newest(web).evidence.endswith(f"from 203.0.113.{number}")
    forger = web.browser(**{"X-Forwarded-For": "7.7.7.7, 203.0.113.1"})
    assert fill(web, forger, address="a3@example.vn").status_code == 429


def test_unknown_and_renamed_digests(web):
    assert web.client.get("/subscribe/khac").status_code == 404
    assert web.client.post("/subscribe/khac").status_code == 404
    renamed = settings_with(digest={"moi": {"title": "Mới", "was": "tuan"}})
    digests = {name: one for name, one in renamed.digest.items() if name != "tuan"}
    web.settings = renamed.model_copy(update={"digest": digests})
    with web.store.write() as connection:
        registry.register(connection, web.settings, web.now, retire=True)
    moved = web.client.get("/subscribe/tuan?topic=y-te")
    assert (moved.status_code, moved.headers["location"]) == (301, "/subscribe/moi?topic=y-te")


def test_a_site_under_a_path_of_a_host(make):
    web = make(site={"base_url": "https://example.vn/tin/"})
    for path in ("/subscribe/tuan", "/tin/subscribe/tuan"):  # the proxy takes it off, or not
        page = web.browser("https://example.vn").get(path)
        assert 'action="/tin/subscribe/tuan"' in page.text
        cookie = page.headers["set-cookie"]
        assert cookie.startswith("__Host-bantin=")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "Max-Age=691200" in cookie, "a browser that was closed is known as long as the link"
        assert "samesite=lax" in cookie.lower()
    for path in ("/topics/y-te", "/tin/topics/y-te"):
        assert web.client.get(path).headers["location"] == "/tin/topics/y-te/"
    assert fill(web, web.browser("https://example.vn")).status_code == 200


def test_english_words(make):
    web = make(site={"language": "en"})
    said = text(web.client.get("/subscribe/tuan"))
    assert "Get Điểm tin tuần by mail" in said
    assert "Mondays, 07:00. Free, stop any time." in said
    assert "Check your mail" in text(fill(web))
    page = web.client.get(f"/confirm/{newest(web).token}")
    assert 'lang="en"' in page.text
    assert "Your first Điểm tin tuần comes Monday 30 November, 07:00" in text(page)


def test_markup_in_a_title_and_an_address_is_text(make):
    web = make(site={"title": "<b>Tin</b>"}, mail={"from": "tin@example.vn"})
    page = fill(web, address='"><script>x</script>@example.vn')
    assert "<script" not in page.text
    assert "<b>Tin" not in page.text
    assert page.status_code == 422


def test_letters_are_dated_now_and_due_at_once(web):
    fill(web)
    [letter] = letters(web)
    assert (letter.kind, letter.state) == ("confirm", "planned")
    assert letter.dated_at == letter.next_try_at == web.now
    assert letter.expires_at == web.now + timedelta(days=1)
