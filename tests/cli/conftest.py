"""A site in a folder of its own, a web server with its sources, and the command line before it."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.cli.app import cli
from tests.running import Running, unused_port

CONFIG = """\
include = ["feeds/*.toml"]

[site]
title = "Tin Trung Du"
language = "vi"
timezone = "Asia/Ho_Chi_Minh"

[collect]
allow_networks = ["127.0.0.0/8"]

[source.bao-a]
url = "{web}/a.xml"
topics = ["tin"]

[source.bao-b]
url = "{web}/b.xml"

[topic.tin]
title = "Tin"
any = ["giáo dục"]

[digest.ngay]
title = "Điểm tin ngày"
cadence = "daily"
at = "07:00"
"""


def rss(*titles: str, outlet: str = "Báo A", host: str = "bao-a.example") -> bytes:
    """A feed with an article for each title."""
    items = "".join(
        f"<item><title>{title}</title><link>https://{host}/{title.replace(' ', '-')}</link>"
        f"<guid isPermaLink='false'>{title}</guid><description>Sapo {title}.</description></item>"
        for title in titles
    )
    channel = f"<title>{outlet}</title><link>https://{host}/</link>{items}"
    return f"<rss version='2.0'><channel>{channel}</channel></rss>".encode()


@dataclass
class Web:
    """What the server answers: path -> body. Everything else is a 404.

    What stands in `slow` is answered once `go` is set; `asked` tells that somebody waits for it.
    `tags`: path -> ETag, for which there is a 304. `refusals`: path -> (status, more headers).
    `answered`: path and status of each answer.
    """

    base: str
    pages: dict[str, bytes] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    tags: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    answered: list[tuple[str, int]] = field(default_factory=list)

    def forget(self) -> None:
        """As it was when it began."""
        self.go.clear()
        self.asked.clear()
        for one in (self.pages, self.slow, self.tags, self.refusals, self.answered):
            one.clear()

    def answer(self, path: str, known: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for who sends `known` as If-None-Match."""
        if path in self.refusals:
            return *self.refusals[path], b""
        if path not in self.pages:
            return 404, {}, b""
        tag = self.tags.get(path)
        headers = {} if tag is None else {"ETag": tag}
        return (304, headers, b"") if tag and tag == known else (200, headers, self.pages[path])


@pytest.fixture
def web(server: Web) -> Iterator[Web]:
    """A web server on loopback with the sources of the site."""
    server.forget()
    yield server
    server.go.set()


@pytest.fixture(scope="module")
def server() -> Iterator[Web]:
    """One for all tests of a module: the site that they begin with can be made once."""
    yield from publisher()


def publisher() -> Iterator[Web]:
    """A web server on loopback, in a thread: commands run an event loop of their own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in served.slow:
                served.asked.set()
                served.go.wait(60)
            status, headers, body = served.answer(self.path, self.headers.get("If-None-Match"))
            served.answered.append((self.path, status))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            with contextlib.suppress(OSError):  # who asked may have gone
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Web(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield served
        served.go.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which commands run."""
    here = tmp_path / "site"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def bare_site(folder: Path, web: Web) -> Path:
    """A folder with a configuration of two sources that answer, and nothing else."""
    _configure(folder, web)
    return folder


def _configure(folder: Path, web: Web) -> None:
    (folder / "bantin.toml").write_text(CONFIG.format(web=web.base), encoding="utf-8")
    web.pages["/a.xml"] = rss("Tin cũ")
    web.pages["/b.xml"] = rss("Giáo dục vùng cao", outlet="Báo B", host="bao-b.example")


@pytest.fixture
def site(bare_site: Path, sqlite_pattern: Path) -> Path:
    """The same with a database, so that no command has to make one first."""
    _with_database(bare_site, sqlite_pattern)
    return bare_site


def _with_database(folder: Path, pattern: Path) -> None:
    database = folder / "var" / "bantin.db"
    database.parent.mkdir(mode=0o700)
    database.write_bytes(pattern.read_bytes())


Run = Callable[..., Result]


def command(*args: str, code: int = 0, stdin: str | None = None) -> Result:
    """Run a command in this process; an exception of ours must not get out of it."""
    result = CliRunner().invoke(cli, args, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def run() -> Run:
    return command


class MadeOnce:
    """A site on which some commands have been run, for one test of a module after the other.

    They all have one web server, since its address stands in the site. A module makes it by the
    fixture `once`.
    """

    def __init__(self, folder: Path, pattern: Path, web: Web, make: Callable[[Web], None]) -> None:
        web.forget()
        _configure(folder, web)
        _with_database(folder, pattern)
        with contextlib.chdir(folder):
            make(web)
        self._folder, self._pages = folder, dict(web.pages)

    def copy(self, site: Path, web: Web) -> None:
        """Make the same of the site and of what its sources give."""
        shutil.rmtree(site / "var")
        shutil.copytree(self._folder, site, symlinks=True, dirs_exist_ok=True)
        web.forget()
        web.pages.update(self._pages)


@pytest.fixture(scope="module")
def once(
    tmp_path_factory: pytest.TempPathFactory, sqlite_pattern: Path, server: Web
) -> Callable[[Callable[[Web], None]], MadeOnce]:
    """Make a site by a function, which has the web server and stands in the site's folder."""

    def make(by: Callable[[Web], None]) -> MadeOnce:
        return MadeOnce(tmp_path_factory.mktemp("once"), sqlite_pattern, server, by)

    return make


@pytest.fixture
def ask(run: Run) -> Callable[..., Any]:
    """Run a command with --json and read the one document that it prints."""

    def invoke(*args: str, code: int = 0) -> Any:
        return json.loads(run(*args, "--json", code=code).stdout)

    return invoke


@pytest.fixture
def free_port() -> int:
    return unused_port()


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Start commands that run on; what is left at the end of the test is killed.

    `own`: one that is not forked from a process which has loaded the program.
    """
    started: list[Running] = []

    def begin(*args: str, cwd: Path, own: bool = False) -> Running:
        started.append(Running(*args, cwd=cwd, own=own))
        return started[-1]

    yield begin
    for one in started:
        one.kill()


RELAY = """
[mail]
from = "Tin <tin@example.vn>"
[mail.relay.a]
host = "127.0.0.1"
username = "t"
password = "bí mật"
"""
