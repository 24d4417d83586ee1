"""Headers on every answer, bounds on every request, and errors that give nothing away."""

from __future__ import annotations

import logging
from itertools import product

import pytest

from service.errors import ConflictError, StatementError, StoreBusyError
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.web.subscriber.form_fields import BODY_LIMIT
from tests.levels import table
from tests.web.people import fill, newest, subscribe, text


@pytest.fixture
def token(web):
    return subscribe(web).token


def paths(token):
    return [
        "/", "/topics/giao-duc/", "/topics/giao-duc", "/feeds/all.atom", "/assets/site.css",
        "/subscribe/tuan", f"/confirm/{token}", f"/preferences/{token}", f"/unsubscribe/{token}",
        "/admin/", "/outbox/", "/healthz", "/readyz", "/nothing",
    ]  # fmt: skip


def test_every_answer_carries_the_headers(web, token):
    admin = web.admin()
    for path in paths(token):
        answer = admin.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        # The address of a page may be a token: no other site may learn it.
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]


def test_pages_obey_their_own_policy(web, token):
    """No inline script or style is written that the policy would block."""
    admin = web.admin()
    answers = {path: admin.get(path) for path in paths(token)}
    pages = {
        path: answer
        for path, answer in answers.items()
        if answer.headers.get("content-type", "").startswith("text/html")
    }
    absent = [path for path, page in pages.items() if page.status_code != 200]
    assert absent == ["/feeds/all.atom", "/nothing"]  # the first is not published here
    assert set(answers) - set(pages) == {
        "/topics/giao-duc", "/assets/site.css", "/healthz", "/readyz",
    }  # fmt: skip
    for path, page in pages.items():
        for inline in ("<script", "<style", " style=", " onclick"):
            assert inline not in page.text, path


def test_personal_pages_are_kept_by_nobody(web, token):
    admin = web.admin()
    for path in ("/subscribe/tuan", f"/confirm/{token}", f"/preferences/{token}",
                 f"/unsubscribe/{token}", "/admin/", "/outbox/", "/nothing"):  # fmt: skip
        assert admin.get(path).headers["cache-control"] == "no-store"


@table(
    ("area", "said"),
    product(["subscribe", "confirm", "preferences", "unsubscribe"], [True, False]),
)
def test_a_body_over_the_limit_is_refused(web, token, area, said):
    path = "/subscribe/tuan" if area == "subscribe" else f"/{area}/{token}"
    body = b"a=" + b"x" * BODY_LIMIT

    def pieces():
        yield body

    content = body if said else pieces()  # in pieces, no Content-Length tells
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    before = newest(web)
    answer = web.client.post(path, content=content, headers=kind)
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert newest(web) == before


def test_too_many_fields_are_no_form(web, token):
    body = "&".join(f"topic={number}" for number in range(2000))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.client.post("/subscribe/tuan", content=body, headers=kind).status_code == 403


def test_files_are_not_taken(web, token):
    answer = web.client.post(f"/preferences/{token}", files={"topic": ("a.txt", b"x")})
    assert answer.status_code == 422


@table("method", ["PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(web, token, method):
    answer = web.client.request(method, f"/unsubscribe/{token}")
    assert answer.status_code == 405
    assert newest(web).live


def test_an_error_of_ours_shows_no_trace_and_is_logged_without_a_token(make, tmp_path, caplog):
    web = make()
    token = subscribe(web).token
    broken = tmp_path / "templates" / "web"
    broken.mkdir(parents=True)
    (broken / "preferences.html.j2").write_text("{{ nobody.knows.this }}")
    web.renderer = Renderer(site_view(web.settings), tmp_path / "templates")
    with caplog.at_level(logging.ERROR):
        page = web.client.get(f"/preferences/{token}")
    assert page.status_code == 500
    assert "Có lỗi ở phía chúng tôi" in text(page)
    for inner in ("Traceback", "nobody", "jinja", "preferences.html"):
        assert inner not in page.text
    ours = [one for one in caplog.records if one.name.startswith("bantin")]
    told = "\n".join(caplog.handler.format(one) for one in ours)
    assert "preferences.html.j2" in told
    assert token not in told
    assert web.client.get("/").status_code == 200, "one bad part stops nothing else"


def test_even_a_broken_error_page_is_an_answer(make, tmp_path):
    web = make()
    broken = tmp_path / "templates" / "web"
    broken.mkdir(parents=True)
    (broken / "layout.html.j2").write_text("{% block main %}")
    web.renderer = Renderer(site_view(web.settings), tmp_path / "templates")
    page = web.client.get("/nothing")
    assert (page.status_code, page.text) == (404, "Error 404\n")
    assert web.client.get("/").status_code == 500


def test_a_broken_mail_template_is_said_and_nobody_waits_for_a_mail(make, tmp_path):
    web = make()
    broken = tmp_path / "templates" / "mail" / "confirm"
    broken.mkdir(parents=True)
    (broken / "body.txt.j2").write_text("{{ nobody }}")
    web.renderer = Renderer(site_view(web.settings), tmp_path / "templates")
    assert fill(web).status_code == 500
    assert newest(web) is None


def test_a_busy_database_asks_to_come_again(web):
    def busy():
        raise StoreBusyError("another process is writing")

    web.app.state.context.__dict__["health"] = busy
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


@pytest.mark.parametrize("refusal", [StatementError, ConflictError])
def test_what_the_database_refuses_is_a_fault_of_ours_with_its_trace_in_the_log(
    web, caplog, refusal
):
    def refused():
        raise refusal("no such column")

    web.app.state.context.__dict__["health"] = refused
    with caplog.at_level(logging.ERROR):
        assert web.client.get("/readyz").status_code == 500
    [told] = [one for one in caplog.records if one.name == "bantin.web"]
    assert told.exc_info is not None


def test_cookies_of_strangers_are_not_taken_over(web):
    web.client.cookies.set("bantin", "fixed-by-somebody")
    page = web.client.get("/subscribe/tuan")
    assert "fixed-by-somebody" not in page.headers["set-cookie"]
