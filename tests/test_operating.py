"""What docs/operating.md tells an operator to write works as it is written there.

The systemd units are judged by systemd itself; the nginx configurations run in a real nginx before
a real `bantin up`.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.nginx import nginx
from tests.running import BANTIN, ROOT, Running, finished, unused_port

PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "systemd" / "bantin.service").read_text(encoding="utf-8")
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")

UNITS = dict(
    zip(
        re.findall(r"`/etc/systemd/system/([\w.-]+)`", PAGE),
        re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL),
        strict=True,
    )
)
PROXIED, MIXED = re.findall(r"```nginx\n(.*?)```", PAGE, re.DOTALL)


def test_the_units_are_those_of_the_page():
    assert list(UNITS) == ["bantin-files.service", "bantin-files.timer"]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit(tmp_path, name):
    if SYSTEMD_ANALYZE is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    for other, text in UNITS.items():
        (tmp_path / other).write_text(text.replace("/usr/local/bin/bantin", str(BANTIN)))
    done = subprocess.run(
        [SYSTEMD_ANALYZE, "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_runs_what_pipx_installs_as_the_one_who_owns_the_folder():
    unit = UNIT
    where = re.search(r"PIPX_BIN_DIR=(\S+)", PAGE)
    assert where is not None
    assert f"ExecStart={where[1]}/bantin up" in unit
    user = re.search(r"^User=(\w+)$", unit, re.MULTILINE)
    home = re.search(r"^WorkingDirectory=(\S+)$", unit, re.MULTILINE)
    state = re.search(r"^StateDirectory=(\w+)$", unit, re.MULTILINE)
    assert user is not None
    assert home is not None
    assert state is not None
    assert home[1] == f"/var/lib/{state[1]}"  # systemd makes it, and gives it to the user
    assert f"useradd --system --home-dir {home[1]}" in PAGE
    assert f"install -d -o {user[1]} -g {user[1]} -m 0700 {home[1]}" in PAGE
    assert "UMask=0077" in unit


CONFIG = """\
[site]
title = "Tin Trung Du"
language = "vi"
[web]
listen = "127.0.0.1:{port}"
trusted_proxies = ["127.0.0.1"]
[topic.tin]
title = "Tin"
any = ["giáo dục"]
[digest.tuan]
cadence = "weekly"
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Site:
    folder: Path
    static: Path
    port: int
    direct: int

    def ask(
        self, path: str, form: dict[str, str] | None = None, port: int = 0, cookie: str = ""
    ) -> Answer:
        """A GET, or a POST of the form. `port` 0: through nginx."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        with contextlib.closing(connection):
            if form is None:
                connection.request("GET", path)
            else:
                kind = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
                connection.request("POST", path, urlencode(form), kind)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read().decode())

    def mails(self) -> list[str]:
        """The text part of each mail in the outbox."""
        new = self.folder / "var" / "outbox" / "new"
        found = sorted(new.iterdir()) if new.is_dir() else []
        read = [BytesParser(policy=policy.default).parsebytes(one.read_bytes()) for one in found]
        return [message.get_body(("plain",)).get_content() for message in read]


@contextlib.contextmanager
def running(folder: Path, server: str) -> Iterator[Site]:
    """`bantin up`, its static files, and nginx before both, with a server block of the page."""
    site, static = folder / "tin", folder / "www"
    site.mkdir()
    port, direct = unused_port(), unused_port()
    (site / "bantin.toml").write_text(CONFIG.format(port=direct), encoding="utf-8")
    up = Running("up", cwd=site)
    try:
        up.wait_for("serving ")
        assert finished("publish", "--out", str(static), cwd=site).returncode == 0
        written = (
            server.replace("listen 80;", f"listen 127.0.0.1:{port};")
            .replace("127.0.0.1:8000", f"127.0.0.1:{direct}")
            .replace("/var/www/tin", str(static))
        )
        with nginx(folder / "nginx", port, written):
            yield Site(site, static, port, direct)
    finally:
        up.stop()


def _pressed(site: Site, path: str, **fields: str) -> Answer:
    """The answer to the form that stands on a page, sent as a browser does."""
    page = site.ask(path)
    assert page.status == 200
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    cookie = page.headers.get("set-cookie", "").partition(";")[0]
    return site.ask(path, {**hidden, **fields}, cookie=cookie)


def _sign_up(site: Site) -> str:
    """Sign up through nginx, and return the path of the link in the confirmation mail."""
    before = len(site.mails())
    answer = _pressed(site, "/subscribe/tuan", address="minh@example.vn")
    assert answer.status in {200, 303}, answer.text
    end = time.monotonic() + 30
    while len(site.mails()) == before:
        assert time.monotonic() < end, "no confirmation was mailed"
        time.sleep(0.1)
    (link,) = set(re.findall(r"/confirm/\w+", site.mails()[-1]))
    return link


def test_behind_a_proxy_all_of_it_is_reached(tmp_path):
    with running(tmp_path, PROXIED) as site:
        assert site.ask("/").text == site.ask("/", port=site.direct).text
        assert (
            site.ask("/feeds/tin.atom").headers["content-type"].startswith("application/atom+xml")
        )
        assert site.ask(_sign_up(site)).status == 200
        assert site.ask("/readyz").status == 200


def test_files_come_from_nginx_and_all_else_from_the_service(tmp_path):
    with running(tmp_path, MIXED) as site:
        for path in ("/", "/topics/tin/", "/feeds/tin.atom", "/feeds/tin.rss", "/feeds/tin.json",
                     "/topics.opml", "/robots.txt", "/assets/site.css"):  # fmt: skip
            ours, theirs = site.ask(path), site.ask(path, port=site.direct)
            assert (ours.status, ours.text) == (200, theirs.text), path
            assert ours.headers["content-type"] == theirs.headers["content-type"], path
        mark = site.static / "topics" / "tin" / "index.html"
        mark.write_text("from a file")
        assert site.ask("/topics/tin/").text == "from a file"
        assert site.ask("/topics/tin").headers["location"] == "/topics/tin/"
        assert site.ask("/nothing/").status == 404
        link = _sign_up(site)
        assert _pressed(site, link).status in {200, 303}
        assert site.ask(link.replace("/confirm/", "/preferences/")).status == 200
        one_click = {"List-Unsubscribe": "One-Click"}
        assert site.ask(link.replace("/confirm/", "/unsubscribe/"), one_click).status == 200
        assert site.ask("/healthz").status == 200
