"""The form of `bantin subscribers form` on a page of another origin, in a real browser."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from service.web.subscriber.snippet import form_to_copy
from tests import levels
from tests.browser.conftest import browsers
from tests.web.conftest import settings_with
from tests.web.people import newest

pytestmark = pytest.mark.browser

PHONE = (390, 844)


@contextmanager
def another_site() -> Iterator[tuple[str, dict[str, str]]]:
    """A site on a port of its own: its origin, and its pages by path, which may be filled later."""
    pages: dict[str, str] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            self.send_response(200 if page is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            if self.path.endswith("?hidden"):
                self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            body = f'<!doctype html><link rel="icon" href="data:,"><h1>Trường</h1>{page or ""}'
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}", pages
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def school() -> Iterator[tuple[str, dict[str, str]]]:
    with another_site() as found:
        yield found


@pytest.fixture
def embedded(site: Any, school: Any) -> Callable[..., str]:
    """Put the printed form on the other site's page; its address. `known`: it is in the TOML."""
    web, url = site
    origin, pages = school

    def put(*, known: bool = True, **how: Any) -> str:
        web.settings = settings_with(
            web.settings.root,
            site={"language": web.settings.site.language, "base_url": url},
            signup={"embed": (origin,) if known else ()},
        )
        digest = web.settings.digest["tuan"]
        pages["/"] = form_to_copy(web.settings, web.renderer, digest, **how)
        pages["/cam-on"] = "<p>Cảm ơn</p>"
        return origin

    return put


WORDS = {
    "vi": {"address": "Địa chỉ thư điện tử", "get": "Nhận Điểm tin tuần qua thư",
           "check": "Kiểm tra hộp thư", "elsewhere": "Bạn đến đây từ một trang khác",
           "sign up": "Đăng ký"},
    "en": {"address": "Your e-mail address", "get": "Get Điểm tin tuần by mail",
           "check": "Check your mail", "elsewhere": "You came here from another site",
           "sign up": "Sign up"},
}  # fmt: skip


@pytest.mark.sampled
@browsers()
@pytest.mark.parametrize("scripts", [False, True] if levels.WHOLE else [None])
def test_a_reader_signs_up_on_the_other_sites_page(site, embedded, person, language, size, scripts):
    """In a sample with scripts in one of the browsers, and without in the other."""
    web, _url = site
    scripts = language == "en" if scripts is None else scripts
    words = WORDS[language]
    page = person(size, scripts=scripts)
    page.goto(embedded(language=language))
    page.get_by_label(words["address"]).fill("minh@example.vn")
    page.get_by_label("Y tế").uncheck()
    page.get_by_role("button", name=words["get"]).click()
    page.get_by_role("heading", level=1, name=words["check"], exact=True).wait_for()
    found = newest(web)
    assert (found.address, found.topics) == ("minh@example.vn", ("giao-duc", "khoa-hoc"))
    assert (found.language, found.signup_hash) == (language, None)
    assert found.evidence.startswith("form on http://localhost:")


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_reader_is_brought_back_where_the_site_says(site, embedded, school, person):
    web, _url = site
    origin, _pages = school
    page = person(PHONE)
    page.goto(embedded(return_to=f"{origin}/cam-on"))
    page.get_by_label(WORDS["vi"]["address"]).fill("minh@example.vn")
    page.get_by_role("button").click()
    page.get_by_text("Cảm ơn").wait_for()
    assert page.url == f"{origin}/cam-on"
    assert newest(web).address == "minh@example.vn"


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_so_is_who_had_to_press_once_more_on_our_page(embedded, school, person):
    """Our page's policy on forms counts for where the answer leads as well."""
    page = person(PHONE)
    origin, _pages = school
    embedded(return_to=f"{origin}/cam-on", language="vi")
    page.goto(f"{origin}/?hidden")
    page.get_by_label(WORDS["vi"]["address"]).fill("minh@example.vn")
    page.get_by_role("button").click()
    page.get_by_role("button", name=WORDS["vi"]["sign up"], exact=True).click()
    page.get_by_text("Cảm ơn").wait_for()
    assert page.url == f"{origin}/cam-on"


@pytest.mark.parametrize("language", ["vi"], indirect=True)
@pytest.mark.parametrize("where", ["unknown", "hidden"])
def test_a_page_that_is_not_known_leads_to_ours_and_one_more_press(site, embedded, person, where):
    """What sends no referrer says "Origin: null", and is nobody's."""
    web, url = site
    page = person(PHONE)
    origin = embedded(known=where == "hidden", language="vi")
    page.goto(f"{origin}/?{where}")
    page.get_by_label(WORDS["vi"]["address"]).fill("minh@example.vn")
    page.get_by_role("button").click()
    page.get_by_text(WORDS["vi"]["elsewhere"]).wait_for()
    assert newest(web) is None
    assert page.url.startswith(url)
    page.get_by_role("button", name=WORDS["vi"]["sign up"], exact=True).click()
    page.get_by_role("heading", level=1, name=WORDS["vi"]["check"], exact=True).wait_for()
    assert newest(web).address == "minh@example.vn"
    assert newest(web).signup_hash is not None


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_a_hostile_page_that_sends_the_form_by_itself_gets_nowhere(site, school, person):
    """With a script, in the browser of somebody who has our cookie: no row, no mail."""
    web, url = site
    origin, pages = school
    page = person(PHONE, scripts=True)
    page.goto(f"{url}/subscribe/tuan")
    pages["/"] = (
        f'<form method="post" action="{url}/subscribe/tuan">'
        '<input name="address" value="nan-nhan@example.vn">'
        '<input name="language" value="vi"></form>'
        "<script>document.forms[0].submit()</script>"
    )
    page.goto(origin)
    page.get_by_text(WORDS["vi"]["elsewhere"]).wait_for()
    assert newest(web) is None
