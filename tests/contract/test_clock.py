"""The system's clock is set while `bantin up` runs: an hour ahead and back, then two hours back.

The process is a real one; libfaketime gives it another time of day, by a file that the test
writes. Its monotonic clock is the machine's.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.app import cli
from tests.cli.conftest import rss, server, web
from tests.running import Hasty, readyz, until

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

TOML = """
[site]
title = "Tin"
language = "vi"
timezone = "Asia/Ho_Chi_Minh"

[web]
listen = "127.0.0.1:{port}"

[collect]
allow_networks = ["127.0.0.0/8"]
interval = {{ min = "1s", max = "1s" }}

[source.bao]
url = "{web}/rss"
topics = ["tin"]

[topic.tin]
title = "Tin"

[digest.ngay]
cadence = "immediate"
"""

IN_A_STORY = """
SELECT count(*) FROM article JOIN story_article ON story_article.article_id = article.id
WHERE article.title = ?
"""

HOUR = 3600

POLLED = re.compile(r'"new": 0.*"event": "(source|pass)"')

MONOTONIC = {
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "DONT_FAKE_MONOTONIC": "1",
    # Else threads that wait for one another do so in a loop that takes half a processor.
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",
}
"""For libfaketime: the monotonic clock is left as it is."""

__all__ = ["server", "web"]


class Clock:
    """What the process believes: the machine's clock and so many seconds."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        half = self.file.with_suffix(".new")
        half.write_text(f"{seconds:+d}\n")
        half.replace(self.file)

    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_CACHE_DURATION": "1",  # else it reads the file at each look at the clock
            **MONOTONIC,
        }


@pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime: apt-get install libfaketime")
def test_collecting_and_mail_go_on_whatever_the_clock_does(tmp_path, unused_tcp_port, web):
    web.pages["/rss"] = rss("Tin cũ")
    config = tmp_path / "bantin.toml"
    config.write_text(TOML.format(port=unused_tcp_port, web=web.base), encoding="utf-8")
    added = CliRunner().invoke(
        cli,
        ["subscribers", "add", "lan@example.vn", "--digest", "ngay", "--config", str(config)],
    )
    assert added.exit_code == 0, added.output
    clock = Clock(tmp_path / "faketime")

    def polls() -> int:
        return len(web.answered)

    def mailed(words: str) -> bool:
        return any(
            words in file.read_text(encoding="utf-8") for file in tmp_path.glob("var/outbox/new/*")
        )

    def polled_again(times: int = 2) -> None:
        before = polls()
        until(lambda: polls() >= before + times)

    def in_a_story(title: str) -> bool:
        """What enters after a cut waits for the next one, as long as this test has patience."""
        with closing(sqlite3.connect(tmp_path / "var" / "bantin.db")) as database:
            return bool(database.execute(IN_A_STORY, [title]).fetchone()[0])

    up = Hasty(str(config), cwd=tmp_path, environ=clock.environment())
    try:
        until(lambda: polls() >= 1)
        web.pages["/rss"] = rss("Tin cũ", "Tin-hai")
        polled_again()
        until(lambda: in_a_story("Tin-hai"))
        clock.set(HOUR)  # many cuts are past at once
        until(lambda: mailed("Tin-hai"))
        polled_again()

        clock.set(0)
        polled_again()
        web.pages["/rss"] = rss("Tin cũ", "Tin-hai", "Tin-ba")
        polled_again()
        until(lambda: in_a_story("Tin-ba"))
        clock.set(301)  # past the next cut of an immediate digest, and far from the hour
        until(lambda: mailed("Tin-ba"))

        clock.set(301 - 2 * HOUR)
        web.pages["/rss"] = rss("Tin cũ", "Tin-hai", "Tin-ba", "Tin-tu")
        polled_again()
        until(lambda: in_a_story("Tin-tu"))
        clock.set(605 - 2 * HOUR)
        until(lambda: mailed("Tin-tu"))
        until(lambda: readyz(unused_tcp_port, tmp_path / "var")[0] == 200)
        assert up.err.read_text().count("the system's clock was set") >= 4
    except AssertionError:
        said = up.err.read_text().splitlines()
        print("\n".join(one for one in said if not POLLED.search(one))[-20_000:])  # noqa: T201
        raise
    finally:
        up.kill()
