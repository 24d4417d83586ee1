"""What stands in deploy/ works as it is: units by systemd itself, the site in a real nginx.

No image can be built where the tests run, so of the Containerfile and of compose.yaml the promises
are read; docs/deployment.md says what has been tried how.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.app import cli
from service.web.visitors import visitor
from tests.nginx import nginx
from tests.running import BANTIN, ROOT, Running, unused_port

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SITE = (DEPLOY / "nginx" / "bantin.conf").read_text(encoding="utf-8")
CONTAINER = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
COMPOSE = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
INSTALL = (DEPLOY / "install.sh").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = 20
"""Tenths of what `systemd-analyze security` counts; without hardening it is 92 of 100."""


@pytest.fixture
def units(tmp_path) -> Path:
    """The units, with the command of this environment."""
    if SYSTEMD_ANALYZE is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/usr/local/bin/bantin", str(BANTIN))
        name = unit.name.replace("@.", "@collect-2.")
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_systemd_takes_the_units_and_finds_them_well_shut(units):
    for unit in sorted(units.iterdir()):
        verified = analyzed("verify", "--man=no", str(unit))
        assert (verified.returncode, verified.stderr) == (0, ""), unit.name
        judged = analyzed(
            "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(unit)
        )
        assert judged.returncode == 0, judged.stdout


def analyzed(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SYSTEMD_ANALYZE), *args], capture_output=True, text=True, check=False, timeout=300
    )


def test_both_units_are_shut_in_the_same_way():
    one, many = (set(unit.read_text("utf-8").splitlines()) for unit in UNITS)
    differ = {line for line in one ^ many if not line.startswith("#")}
    assert differ == {
        "Description=Bantin, topic feeds and digests", "Description=Bantin, %i",
        "ExecStart=/usr/local/bin/bantin up", "Environment=ROLE=%i",
        "ExecStart=/usr/local/bin/bantin up --role ${ROLE} --name %i",
        "EnvironmentFile=-/etc/bantin/%i.env",
        "ExecReload=/usr/local/bin/bantin reload", "ExecReload=/bin/kill -HUP $MAINPID",
    }  # fmt: skip


def test_the_image_is_of_this_version_and_runs_as_nobody_in_particular():
    assert f"bantin:{VERSION}" in CONTAINER
    assert f"image: bantin:{VERSION}" in COMPOSE
    last = CONTAINER.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    for copied in re.findall(r"^COPY (?!--)(.+) \S+$", CONTAINER, re.MULTILINE):
        assert [one for one in copied.split() if not (ROOT / one).exists()] == []


def test_nothing_names_where_packages_come_from():
    """No address of anybody else stands in it, and pip is told nothing but these."""
    ours = {"bantin", "127.0.0.1", "$host$request_uri"}
    options = set()
    for path in (one for one in DEPLOY.rglob("*") if one.is_file()):
        text = path.read_text(encoding="utf-8")
        hosts = set(re.findall(r"://([^\s/\"':?@;]+)", text))
        assert {one for one in hosts if not one.endswith(".example.vn")} <= ours, path
        assert "PIP_" not in text, path
        for command in re.findall(r"\bpip3? install((?:[^\n]*\\\n)*[^\n]*)", text):
            options |= set(re.findall(r"(?<=\s)-[-\w]+", command))
    assert options == {"--quiet", "--no-cache-dir", "--disable-pip-version-check", "-c"}


def test_every_process_of_compose_is_shut_and_has_its_own_folder():
    services = dict(re.findall(r"^  ([\w-]+):\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE))
    ours = {name: text for name, text in services.items() if "<<: *bantin" in text}
    assert set(ours) == {"migrate", "web", "collect-1", "collect-2", "mail"}
    assert all(f"- {name}:/data/var" in text for name, text in ours.items() if name != "migrate")
    for name, text in ours.items():
        role = re.search(r"--role, (\w+), --name, ([\w-]+)", text)
        assert name == "migrate" or (role and name == role[2] and name.startswith(role[1])), name
    shared = COMPOSE.partition("x-bantin:")[2].partition("\nx-")[0]
    for line in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "init: true"):
        assert line in shared


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_the_healthcheck_ends_with_0_only_where_a_process_answers(status, code):
    with echo(status or 200) as (port, _):
        url = f"http://127.0.0.1:{port if status else unused_port()}/healthz"
        done = subprocess.run(
            [sys.executable, "-I", DEPLOY / "healthcheck.py"],
            env={"HEALTH_URL": url, "http_proxy": "http://127.0.0.1:9/"}, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == code


# -- nginx ------------------------------------------------------------------------------------


@contextlib.contextmanager
def echo(status: int = 200) -> Iterator[tuple[int, list[tuple[str, dict[str, str]]]]]:
    """A server that answers everything so; its port, and what it was asked with which headers."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            asked.append((self.path, {name.lower(): it for name, it in self.headers.items()}))
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST = answer  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def site(folder: Path, service: int) -> Iterator[int]:
    """nginx with the site of deploy/ in front of this port; its own port."""
    folder.mkdir()
    port = unused_port()
    written = (
        SITE.replace("listen 80;", f"listen 127.0.0.1:{port};")
        .replace("server 127.0.0.1:8000;", f"server 127.0.0.1:{service};")
        .replace("/var/cache/nginx/bantin", str(folder / "cache"))
    )
    with nginx(folder / "nginx", port, written):
        yield port


def ask(
    port: int, path: str, headers: dict[str, str] | None = None, *, body: bytes | None = None,
    comes_from: str = "127.0.0.1",
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=60, source_address=(comes_from, 0)
    )
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read()


def test_the_visitors_address_is_kept_and_what_a_visitor_claims_is_not(tmp_path):
    claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example",
              "X-Forwarded-Proto": "https", "Host": "tin.example.vn"}  # fmt: skip
    with echo() as (service, asked), site(tmp_path / "site", service) as port:
        for path in ("/", "/search?q=x", "/admin/", "/websub/x", "/healthz"):
            assert ask(port, path, claims, comes_from="127.0.0.7")[0] == 200
            headers = asked[-1][1]
            seen = visitor("127.0.0.1", "http", headers, ("127.0.0.1/32",))
            assert (str(seen.address), seen.origin) == ("127.0.0.7", "http://tin.example.vn")


def test_limits_hold_for_each_visitor_and_each_kind_of_request(tmp_path):
    with echo() as (service, asked), site(tmp_path / "site", service) as port:
        searched = [ask(port, f"/search?q={n}", comes_from="127.0.0.7")[0] for n in range(40)]
        assert searched[:20] == [200] * 20
        assert 429 in searched[20:]
        assert ask(port, "/search?q=x", comes_from="127.0.0.8")[0] == 200
        assert ask(port, "/", comes_from="127.0.0.7")[0] == 200
        megabyte = bytes(1024 * 1024)
        assert ask(port, "/subscribe/x", body=megabyte, comes_from="127.0.0.9")[0] == 413
        assert ask(port, "/websub/x", body=megabyte, comes_from="127.0.0.9")[0] == 200
        before = len(asked)
        assert ask(port, "/metrics")[0] == 404
        assert len(asked) == before


def test_public_documents_come_from_the_cache_and_nothing_else_does(tmp_path):
    folder, direct = tmp_path / "tin", unused_port()
    folder.mkdir()
    config = folder / "bantin.toml"
    config.write_text(
        '[site]\ntitle = "Tin"\n[topic.tin]\ntitle = "Tin"\nany = ["giáo dục"]\n'
        f'[web]\nlisten = "127.0.0.1:{direct}"\ntrusted_proxies = ["127.0.0.1"]\n',
        encoding="utf-8",
    )
    up = Running("up", cwd=folder)
    try:
        up.wait_for("serving ")
        with site(tmp_path / "site", direct) as port:
            for packed in ("gzip, br;q=0.9", "identity"):
                wanted = {"Accept-Encoding": packed}
                until_built(direct)
                first = ask(port, "/feeds/tin.atom", wanted)
                second = ask(port, "/feeds/tin.atom", {"Accept-Encoding": packed + ", deflate"})
                theirs = ask(direct, "/feeds/tin.atom", wanted)
                assert [one[1]["x-cache"] for one in (first, second)] == ["MISS", "HIT"]
                assert first[2] == second[2] == theirs[2]
                for name in ("etag", "content-type", "cache-control", "content-security-policy"):
                    assert second[1].get(name) == theirs[1].get(name), name
                assert second[1].get("content-encoding") == theirs[1].get("content-encoding")
                known = {**wanted, "If-None-Match": second[1]["etag"]}
                assert ask(port, "/feeds/tin.atom", known)[::2] == (304, b"")
            opened = CliRunner().invoke(cli, ["admin", "link", "--config", str(config)])
            path = re.search(r"http://[^/]+(/\S+)", opened.output)
            assert path is not None, opened.output
            cookie = ask(port, path[1])[1]["set-cookie"].partition(";")[0]
            assert cookie.startswith("bantin-admin-")
            for _ in range(2):
                page = ask(port, "/", {"Cookie": cookie})
                assert (page[0], page[1]["x-cache"]) == (200, "BYPASS")
                assert "x-cache" not in ask(port, "/admin/", {"Cookie": cookie})[1]
                assert "x-cache" not in ask(port, "/readyz")[1]
            assert ask(port, "/")[1]["x-cache"] == "MISS"
        up.stop()
        with site(tmp_path / "again", direct) as port:
            assert ask(port, "/feeds/tin.atom")[0] == 502
    finally:
        up.kill()


def until_built(port: int) -> None:
    end = time.monotonic() + 60
    while ask(port, "/feeds/tin.atom")[0] != 200:
        assert time.monotonic() < end, "the feed was never built"
        time.sleep(0.1)
