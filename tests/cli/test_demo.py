"""`bantin demo`: the whole way offline, counted, repeated, served."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path

import feedparser
import pytest

from tests.running import finished

OWN_SITE = "bantin init tin && cd tin && bantin up"


def demo(cwd: Path, *args: str) -> dict[str, object]:
    done = finished("demo", "--once", "--json", *args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1].endswith(OWN_SITE)
    (line,) = done.stdout.splitlines()
    return json.loads(line)


COUNTS = {
    "sources": 7,
    "failed": 1,
    "entries": 25,
    "articles": 24,
    "topics": {"giao-duc": 8, "in-english": 4, "khoa-hoc": 5, "moi-truong": 5, "y-te": 7},
    "deliveries": {"accepted": 3},
}


@pytest.fixture(scope="module")
def toured(tmp_path_factory) -> tuple[Path, dict[str, object]]:
    """Where the tour was walked, and what it said."""
    cwd = tmp_path_factory.mktemp("tour")
    return cwd, demo(cwd)


def test_the_tour_ends_with_the_right_counts(toured):
    cwd, told = toured
    here = cwd / "bantin-demo"
    assert {name: told[name] for name in COUNTS} == COUNTS
    assert set(told) == {*COUNTS, "feeds", "outbox"}
    assert told["outbox"] == str(here / "var" / "outbox")
    for path in told["feeds"]:
        assert Path(path).is_file()
    titles = [entry.title for entry in feedparser.parse(here / "site/feeds/y-te.atom").entries]
    assert len(titles) == 7


def test_the_tour_walked_again_adds_nothing(toured, tmp_path):
    for attempt in range(5):
        cwd, first = toured if attempt == 0 else (tmp_path, demo(tmp_path))
        before = files(cwd / "bantin-demo")
        second, after = demo(cwd), files(cwd / "bantin-demo")
        if address(before) == address(after):
            break  # else another test had taken its port meanwhile, which moves every link
    assert second == first
    assert after == before


def files(demo: Path) -> dict[Path, tuple[bytes, int]]:
    """Mails by their names, and the tree of the site: bytes, and when they were written."""
    return {
        path.relative_to(demo): (path.read_bytes(), path.stat().st_mtime_ns)
        for place in ("var/outbox/new", "site")
        for path in (demo / place).rglob("*")
        if path.is_file()
    }


def address(there: dict[Path, tuple[bytes, int]]) -> bytes:
    """Host and port of the demo's site."""
    return there[Path("site/topics.opml")][0].partition(b"http://")[2].partition(b"/")[0]


def test_each_mail_has_text_and_html_and_its_one_click_unsubscribes(tmp_path, start):
    running = start("demo", "--dir", "thu", cwd=tmp_path)
    said = running.wait_for(f"Begin your own site: {OWN_SITE}")
    assert "serving http://127.0.0.1:" in said
    links = []
    for path in (tmp_path / "thu/var/outbox/new").iterdir():
        mail = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        assert mail["Message-ID"].startswith(f"<{path.name}@")
        assert mail.get_body(("plain",)).get_content().strip()
        assert "<html" in mail.get_body(("html",)).get_content()
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        links.append(mail["List-Unsubscribe"].strip("<>"))
    assert len(links) == 3
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    for link in links:
        with urllib.request.urlopen(link, data=body, timeout=60) as answer:
            assert answer.status == 200
    listed = finished("subscribers", "list", "--json", "--config", "thu/bantin.toml", cwd=tmp_path)
    assert json.loads(listed.stdout) == []
    base = links[0].split("/unsubscribe/")[0]
    for path in ("/", "/subscribe/", "/feeds/all.atom"):
        with urllib.request.urlopen(base + path, timeout=60) as answer:
            assert answer.status == 200
    for path in ("/outbox/", "/admin/"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(base + path, timeout=60)
    # What it printed is pressed as it stands, by a browser that has nothing.
    printed = re.findall(r"http://\S+\?key=\S+", said)
    assert [urllib.parse.urlsplit(one).path for one in printed] == ["/outbox/", "/admin/"]
    for one in printed:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(one, timeout=60) as answer:
            assert (answer.status, "key=" in answer.url) == (200, False)
        with browser.open(f"{base}/outbox/", timeout=60) as answer:
            assert b"minh@trung-du.example" in answer.read()
    assert running.stop(signal.SIGINT) == 0
    assert "Traceback" not in running.err.read_text()


@contextlib.contextmanager
def held(port: int) -> Iterator[None]:
    """Nobody else gets the port; somebody may have it already."""
    try:
        taken = socket.create_server(("127.0.0.1", port))
    except OSError:
        yield
    else:
        with taken:
            yield


def test_another_port_is_taken_when_its_own_is_gone(toured, tmp_path, start):
    shutil.copytree(toured[0] / "bantin-demo", tmp_path / "thu")
    config = (tmp_path / "thu/bantin.toml").read_text()
    port = int(config.split('listen = "127.0.0.1:')[1].split('"')[0])
    with held(port):
        running = start("demo", "--dir", "thu", cwd=tmp_path)
        said = running.wait_for("serving http://127.0.0.1:")
        assert f"serving http://127.0.0.1:{port}/" not in said
        assert running.stop() == 0


def test_a_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "bantin.toml").write_text("mine")
    done = finished("demo", "--once", "--dir", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not the demo's" in done.stderr
    assert (tmp_path / "bantin.toml").read_text() == "mine"
