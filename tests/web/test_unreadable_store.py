"""A store that cannot be read: a page that says so, and no trace, neither shown nor in the log."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing

import pytest
from structlog.testing import capture_logs

from tests.web.people import subscribe, text, token_in

SAID = "Lúc này chưa đọc được dữ liệu"


def paths(token: str) -> list[str]:
    return [
        "/", "/topics/giao-duc/", "/topics/khong-co/", "/topics.opml", "/feeds/all.atom",
        "/digests/tuan/", f"/confirm/{token}", f"/preferences/{token}", f"/unsubscribe/{token}",
        "/subscribe/tuan", "/subscribe/khong-co",
    ]  # fmt: skip


@pytest.fixture
def broken(web):
    """A token of a subscription, after whose making the store was written over."""
    token = subscribe(web).token
    web.form = token_in(web.client.get("/subscribe/tuan").text)
    web.store.close()
    web.store.path.write_bytes(b"\xff" * web.store.path.stat().st_size)
    return token


def test_every_page_that_needs_it_says_so_in_the_sites_language(web, broken, caplog):
    form = {"topic": ["giao-duc"], "cadence": "weekly", "token": web.form}
    person = {"address": "lan@example.vn", **form}
    with capture_logs() as lines, caplog.at_level(logging.WARNING):
        answers = {path: web.client.get(path) for path in paths(broken)}
        answers["a form"] = web.client.post(f"/preferences/{broken}", data=form)
        answers["sign-up"] = web.client.post("/subscribe/tuan", data=person)
    for path, answer in answers.items():
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30"), path
        assert answer.headers["cache-control"] == "no-store"
        assert SAID in text(answer)
        assert 'lang="vi"' in answer.text
        for inner in ("Traceback", "sqlite", "database", "bantin.db"):
            assert inner not in answer.text, path
    assert len(lines) == len(answers)
    assert {(one["event"], one["error"]) for one in lines} == {
        ("the store cannot be read", "the database cannot be used: file is not a database")
    }, "one cause, told with the same words, so that the log keeps a line a minute"
    assert not any("exc_info" in one for one in lines)
    assert caplog.records == [], "and no trace beside it"
    assert web.client.get("/assets/site.css").status_code == 200, (
        "the page of the error has its look"
    )


def test_the_admin_page_names_the_reason_to_who_has_the_key(web, broken):
    page = web.admin().get("/admin/")
    assert (page.status_code, page.headers["retry-after"]) == (503, "30")
    assert SAID in text(page)
    assert (
        "Không đọc được cơ sở dữ liệu: the database cannot be used: file is not a database"
        in text(page)
    )
    assert "Traceback" not in page.text
    assert web.client.get("/admin/").status_code == 404


def test_a_store_that_somebody_has_locked_is_told_alike(web):
    web.store.close()
    with closing(sqlite3.connect(web.store.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        answer = web.client.get("/")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert SAID in text(answer)
        other.execute("ROLLBACK")
    assert web.client.get("/").status_code == 200
