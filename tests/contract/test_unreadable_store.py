"""The store of a running `bantin up` becomes unreadable: visitors are told, the log stays short."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from service.web.admin import admin_key
from tests.contract.test_admin_key import ask, serving
from tests.running import until, unused_port

SAID = "Lúc này chưa đọc được dữ liệu"
PATHS = ("/", "/topics/tin/", "/subscribe/tuan", "/preferences/" + "a" * 32, "/feeds/all.atom")
TIMES = 40


def write_over(var: Path) -> None:
    """In place, for all of it is mapped into the process."""
    for file in (var / "bantin.db", var / "bantin.db-wal", var / "bantin.db-shm"):
        with file.open("r+b") as broken:
            broken.write(b"\xff" * file.stat().st_size)


def test_pages_say_that_the_data_cannot_be_read_and_the_log_says_why_once(tmp_path):
    port = unused_port()
    with serving(tmp_path / "tin", port, port) as site:
        write_over(site.folder / "var")
        begun = time.monotonic()
        until(lambda: b"cannot be read" in ask(port, "/readyz").body)
        for path in PATHS * TIMES:
            answer = ask(port, path)
            assert (answer.status, answer.headers["retry-after"]) == (503, "30"), path
            page = answer.body.decode()
            assert SAID in page
            for inner in ("Traceback", "database", "bantin.db", str(site.folder)):
                assert inner not in page
        entered = ask(port, admin_key.link("", "/admin/", site.key, datetime.now(UTC)))
        cookie = entered.headers["set-cookie"].partition(";")[0]
        admin = ask(port, "/admin/", Cookie=cookie)
        assert (admin.status, admin.headers["retry-after"]) == (503, "30")
        assert "Không đọc được cơ sở dữ liệu: " in admin.body.decode()
        assert ask(port, "/admin/").status == 404
        minutes = 1 + int((time.monotonic() - begun) / 60)
        lines = [json.loads(line) for line in site.running.err.read_text().splitlines()]
    told = [one for one in lines if one["event"] == "the store cannot be read"]
    causes = {one["error"] for one in told}
    assert 1 <= len(told) <= minutes * len(causes)
    assert len(causes) <= 3, causes
    assert not any("exception" in one for one in told)
    assert "request failed" not in {one["event"].partition(":")[0] for one in lines}
    assert len(lines) < len(PATHS) * TIMES / 2
