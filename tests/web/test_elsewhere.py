"""A sign-up form on somebody else's page: what it may do, where it may lead, what it never does."""

from __future__ import annotations

import re

import pytest

from service.store import tables as t
from service.text.web.origins import web_origin
from service.web.subscriber import elsewhere
from tests.levels import table
from tests.web.conftest import NOW
from tests.web.people import fill, letters, newest, subscribe, text, token_in

SCHOOL = "https://truong.example.vn"
KNOWN = (SCHOOL, "http://127.0.0.1:9000")


@table(
    ("origin", "known"),
    [
        (SCHOOL, True),
        ("HTTPS://Truong.Example.VN:443", True),
        ("http://127.0.0.1:9000", True),
        ("http://truong.example.vn", False),
        ("https://truong.example.vn:8443", False),
        ("https://truong.example.vn.evil.example", False),
        ("https://evil.example/https://truong.example.vn", False),
        ("null", False),
        ("", False),
        ("http://[::1", False),
    ],
)
def test_whose_page_it_is(origin, known):
    assert elsewhere.is_known({"origin": origin}, KNOWN) is known
    assert elsewhere.is_known({"origin": origin}, ()) is False


@pytest.mark.parametrize(
    "wanted",
    [f"{SCHOOL}/cam-on?x=1#y", SCHOOL, "https://TRUONG.example.vn:443/a", "http://127.0.0.1:9000/"],
)
def test_where_it_may_lead(wanted):
    assert elsewhere.return_address(wanted, KNOWN) == wanted


@table(
    "wanted",
    [
        "",
        "/cam-on",
        "//truong.example.vn/",
        "https://evil.example/",
        "https://truong.example.vn@evil.example/",
        "https://truong.example.vn\\@evil.example/",
        "https://truong.example.vn.evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://truong.example.vn/\r\nSet-Cookie: a=b",
        "https://truong.example.vn/ x",
        "https://truong.example.vn/\u202egnp",
        "https://[::1/",
        f"{SCHOOL}/{'x' * 2000}",
    ],
)
def test_where_it_never_leads(wanted):
    assert elsewhere.return_address(wanted, KNOWN) is None


@table(
    ("said", "accepted", "expected"),
    [
        ("en", "vi", "en"),
        ("", "en-GB,en;q=0.9", "en-GB"),
        ("", "fr-FR,fr;q=0.9,en;q=0.5,vi;q=0.6", "vi"),
        ("xx", "vi;q=0.1", "vi"),
        ("../../etc/passwd", "", None),
        ("", "en;q=0, vi;q=0", None),
        ("", "en;q=nan", None),
        ("", "en;q=ein", None),
        ("", "fr", None),
        ("", "", None),
        ("", ",".join(["fr"] * 5000 + ["vi"]), None),
    ],
)
def test_the_readers_language(make, said, accepted, expected):
    speaks = make().renderer.speaks
    assert elsewhere.language_of(said, accepted, speaks) == expected


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Truong.Example.vn/", SCHOOL),
        ("https://truong.example.vn:443", SCHOOL),
        ("http://bücher.example:8080", "http://xn--bcher-kva.example:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(written, origin):
    assert web_origin(written) == origin


@table(
    "written",
    ["truong.example.vn", "ftp://a.vn", "https://a.vn/trang", "https://u@a.vn", "https://a.vn?x=1"],
)
def test_what_is_no_origin(written):
    with pytest.raises(ValueError, match="origin of a page"):
        web_origin(written)


@pytest.fixture
def web(make):
    return make(signup={"embed": (SCHOOL,)})


def send(web, *, origin=SCHOOL, path="/subscribe/tuan", browser=None, language="vi", **fields):
    """What a browser sends for a form on a page of that origin: no cookie of ours."""
    browser = browser or web.browser()
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": origin, "Accept-Language": language}
    return browser.post(path, data={"address": "minh@example.vn", **fields}, headers=headers)


def test_a_form_on_a_known_site_signs_up_with_the_address_alone(web):
    page = send(web)
    assert page.status_code == 200
    assert "Kiểm tra hộp thư" in text(page)
    found = newest(web)
    assert (found.digest, found.cadence, found.topics) == ("tuan", "weekly", None)
    assert found.evidence == f"form on {SCHOOL}, from 127.0.0.1"
    assert [one.kind for one in letters(web)] == ["confirm"]


def test_its_yes_is_never_one_click_for_any_page_could_have_sent_it(web):
    browser = web.browser()
    send(web, browser=browser)
    assert newest(web).signup_hash is None
    assert "Bắt đầu nhận" in text(browser.get(f"/confirm/{newest(web).token}"))
    assert not newest(web).confirmed
    browser.post(f"/confirm/{newest(web).token}")
    assert newest(web).confirmed


def test_the_digest_may_stand_in_a_field(web, make):
    send(web, path="/subscribe", digest="y-khoa")
    assert newest(web).digest == "y-khoa"
    chosen = send(web, path="/subscribe", address="lan@example.vn")
    assert (chosen.status_code, "Chọn bản điểm tin bạn muốn nhận" in text(chosen)) == (200, True)
    assert send(web, path="/subscribe", digest="khong").status_code == 404
    only = make(signup={"embed": (SCHOOL,)})
    only.settings.digest.pop("y-khoa")
    send(only, path="/subscribe", address="nam@example.vn")
    assert newest(only).digest == "tuan"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_from_any_other_site_our_own_page_asks_for_one_press(web, origin):
    """Nobody is sent away, and no page that an admin does not know makes us write."""
    browser = web.browser()
    page = send(web, origin=origin, browser=browser, topic=["y-te"])
    assert page.status_code == 200
    assert "Bạn đến đây từ một trang khác" in text(page)
    assert 'value="minh@example.vn"' in page.text
    assert re.findall(r'name="topic" value="([^"]*)" checked', page.text) == ["y-te"]
    assert newest(web) is None
    form = {"address": "minh@example.vn", "topic": "y-te", "cadence": "weekly"}
    browser.post("/subscribe/tuan", data={**form, "token": token_in(page.text)})
    assert newest(web).topics == ("y-te",)
    assert newest(web).signup_hash is not None, "that press was on our own page"


def test_a_foreign_form_presses_no_button_but_the_sign_up(web):
    """Preferences, goodbye to all, undo: a token in the address gives no leave."""
    found = subscribe(web)
    away = {"Sec-Fetch-Site": "cross-site", "Origin": SCHOOL}
    for path, do in (("unsubscribe", "all"), ("confirm", "undo"), ("preferences", "")):
        answer = web.browser().post(f"/{path}/{found.token}", data={"do": do}, headers=away)
        assert answer.status_code == 403, path
    assert newest(web) == found


def test_the_same_form_twice_is_one_sign_up_and_one_mail(web):
    first, second = send(web), send(web)
    plain = [re.sub(r'value="[0-9a-f]{32}"', "", page.text) for page in (first, second)]
    assert plain[0] == plain[1]
    assert len(letters(web)) == 1


def test_known_or_unknown_the_answer_is_the_same(web):
    subscribe(web, address="active@example.vn")
    web.later(days=2)
    plain = []
    for address in ("active@example.vn", "nobody@example.vn"):
        page = send(web, address=address)
        body = re.sub(r'value="[0-9a-f]{32}"', "", page.text).replace(address, "ADDRESS")
        plain.append((page.status_code, body))
    assert plain[0] == plain[1]


def test_the_answer_goes_back_to_a_known_site_and_nowhere_else(web):
    done = send(web, return_to=f"{SCHOOL}/cam-on")
    assert (done.status_code, done.headers["location"]) == (303, f"{SCHOOL}/cam-on")
    page = send(web, address="lan@example.vn", return_to="https://evil.example/")
    assert (page.status_code, "location" in page.headers) == (200, False)
    assert newest(web).address == "lan@example.vn"


def test_who_was_asked_to_correct_the_address_is_returned_as_well(web):
    browser = web.browser()
    page = send(web, browser=browser, address="minh", return_to=f"{SCHOOL}/cam-on", language="en")
    assert page.status_code == 422
    assert "does not look right" in text(page)
    policy = page.headers["content-security-policy"]
    assert f"form-action 'self' {SCHOOL};" in policy, "Chromium asks it about the way back as well"
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    form = {**dict(hidden), "address": "minh@example.vn", "topic": "y-te", "cadence": "weekly"}
    assert browser.post("/subscribe/tuan", data=form).headers["location"] == f"{SCHOOL}/cam-on"
    assert newest(web).language == "en"


def test_the_answer_and_the_mail_speak_the_readers_language(web):
    page = send(web, language="en-GB,en;q=0.9,vi;q=0.5")
    assert '<html lang="en-GB">' in page.text
    assert "Check your mail" in text(page)
    assert newest(web).language == "en-GB"
    with web.store.read() as connection:
        assert connection.execute(t.segment.select()).one().language == "en-GB"
    assert "Press the button to start" in text(web.client.get(f"/confirm/{newest(web).token}"))


def test_a_strangers_sign_up_does_not_change_the_language_of_a_reader(web):
    subscribe(web)
    web.later(days=2)
    send(web, language="en")
    assert newest(web).language is None


def test_a_program_that_fills_everything_gets_the_page_and_no_mail(web):
    page = send(web, leave_empty="x")
    assert (page.status_code, "Kiểm tra hộp thư" in text(page)) == (200, True)
    assert newest(web) is None


def test_the_caps_of_our_own_page_count(make):
    web = make(most=2, signup={"embed": (SCHOOL,)})
    for number in range(2):
        assert send(web, address=f"a{number}@example.vn").status_code == 200
    assert send(web, address="a3@example.vn").status_code == 429
    assert fill(web, address="a4@example.vn").status_code == 429
    assert web.now == NOW


@table(
    "address",
    [
        "minh(đi học)@example.vn",
        '"minh"@example.vn',
        "minh@example.vn (Minh)",
        "Minh <minh@example.vn>",
        f"{'a' * 65}@example.vn",
        "minh\u202e@example.vn",
        "minh@exam\u2066ple.vn",
        "minh@example.vn\r\nBcc: lan@example.vn",
        "minh@example.vn,lan@example.vn",
        "minh@[127.0.0.1]",
        "minh\0@example.vn",
        "@",
        "",
    ],
)
def test_an_address_that_is_none_is_asked_for_again(web, address):
    page = send(web, address=address)
    assert page.status_code == 422
    assert "Địa chỉ chưa đúng" in text(page)
    assert newest(web) is None
