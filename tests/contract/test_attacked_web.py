"""The web part of a running `bantin up` under attack, with 1,024 descriptors and no proxy in front.

What is attacked must refuse or let go; other visitors are answered and sources are collected
meanwhile, and the log stays readable. The attacker has the same address as everybody else here,
which is the hardest case: the fair share of his address is the others' as well.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Web, publisher, rss
from tests.levels import some
from tests.running import LIMITED, Running, until, unused_port

DESCRIPTORS = 1024
MEANWHILE = some(8, 4)
"""How often somebody else asks during an attack."""
PATIENCE_S = 60.0
"""Far more than any answer takes beside much else."""
BLOWS = some(600, 80)
"""Requests of an attacker who goes on and on: as many on a busy machine, where we wait longer."""
UNREAD = some(30, 16)
"""Answers that nobody reads, on each connection: more than its buffers hold."""

CONFIG = """\
[site]
title = "Tin"
language = "vi"
[web]
listen = "127.0.0.1:{port}"
[collect]
allow_networks = ["127.0.0.0/8"]
interval = {{ min = "1s", max = "1s" }}
[source.bao]
url = "{web}/a.xml"
topics = ["tin"]
[topic.tin]
title = "Tin"
[digest.tuan]
title = "Tuần"
topics = ["tin"]
cadence = "weekly"
"""

HALF_A_FORM = b"""\
POST /subscribe/tuan HTTP/1.1\r
Host: x\r
Content-Type: application/x-www-form-urlencoded\r
Content-Length: 9\r
\r
a"""
"""A form for a digest that exists: the application waits for the rest of it."""


class Up(Running):
    """The service, which cannot have more than DESCRIPTORS."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        super().__init__(str(folder / "bantin.toml"), cwd=folder)

    def command(self, *args: str) -> list[str]:
        return [str(LIMITED), str(DESCRIPTORS), *args]

    def connect(self, timeout: float = PATIENCE_S) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def ask(self, head: bytes) -> bytes:
        """Send these bytes; the first bytes of the answer, b"" where the connection is cut."""
        with self.connect() as one, contextlib.suppress(ConnectionError):
            one.sendall(head)
            return one.recv(65536)
        return b""

    def get(self, path: str) -> bytes:
        """The whole answer to somebody who asks as browsers do."""
        with self.connect() as one:
            one.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while piece := one.recv(65536):
                data += piece
        return data

    def collects(self, site: Web, title: str, within_s: float = 120.0) -> None:
        """What a source has from now on must come into the feed."""
        site.pages["/a.xml"] = rss(title)
        until(lambda: title.encode() in self.get("/feeds/tin.atom"), within_s)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    yield from publisher()


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory, web: Web) -> Iterator[Up]:
    """It runs, with one source that answers."""
    tmp_path, free_port = tmp_path_factory.mktemp("site"), unused_port()
    web.pages["/a.xml"] = rss("Tin đầu")
    (tmp_path / "bantin.toml").write_text(CONFIG.format(port=free_port, web=web.base))
    found = Up(tmp_path, free_port)
    try:
        found.wait_for("serving")
        found.collects(web, "Tin đầu")
        yield found
    finally:
        found.stop()


@contextlib.contextmanager
def while_running(attack) -> Iterator[None]:
    """Attack in a thread beside the block, at most until that ends; what fails there is his."""
    over = threading.Event()
    thread = threading.Thread(target=attack, args=(over,))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)
    assert not thread.is_alive()


def test_headers_without_end_are_refused_and_hold_up_nobody(up, web):
    many = b"".join(b"X-%d: a\r\n" % n for n in range(20_000))
    cases = {
        b"GET / HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n": b"431",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n": b"431",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 2_000_000 + b"\r\n\r\n": b"431",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a" * 2_000_000 + b": x\r\n\r\n": b"431",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n": b"414",
        b"POST /subscribe/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n": b"413",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n": b"400",
    }

    def attack(over):
        for head in itertools.islice(itertools.cycle(cases), BLOWS):
            if over.is_set():
                return
            with contextlib.suppress(OSError):
                up.ask(head)

    for head, status in cases.items():
        # One who has not read all may be cut off: his answer is then lost on the way.
        assert up.ask(head)[9:12] in {status, b""}, head[:60]
    with while_running(attack):
        for _ in range(MEANWHILE):
            assert up.get("/healthz").startswith(b"HTTP/1.1 200 ")
        up.collects(web, "Tin hai")
    assert up.err.stat().st_size < 50_000


def test_the_status_of_a_refusal_reaches_who_reads_it(up):
    with up.connect() as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 150 + b"\r\n")
        answer = one.recv(65536)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"content-security-policy: default-src 'none'" in answer.lower()


def test_unfinished_requests_keep_neither_visitors_nor_jobs_waiting(up, web):
    """1,200 at once, and some 200 new ones a second from there on, BLOWS in all."""
    held: list[socket.socket] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))

    def attack(over):
        while len(held) < 1200 + BLOWS and not over.is_set():
            if len(held) > 1200:
                over.wait(0.005)
            with contextlib.suppress(OSError):
                one = up.connect(1.0)
                held.append(one)
                kind = len(held) % 3
                if kind == 0:
                    one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                elif kind == 1:
                    one.sendall(HALF_A_FORM)

    try:
        with while_running(attack):
            until(lambda: len(held) >= 1200)
            open_files = len(list(Path(f"/proc/{up.process.pid}/fd").iterdir()))
            assert open_files < DESCRIPTORS - 300, "too few are left for collecting and mail"
            for _ in range(MEANWHILE):
                assert up.get("/healthz").startswith(b"HTTP/1.1 200 ")
                assert up.get("/topics/tin/").startswith(b"HTTP/1.1 200 ")
            up.collects(web, "Tin ba")
    finally:
        for one in held:
            one.close()
    said = up.err.read_text()
    assert len(said) < 50_000
    assert not re.search(r"Too many open files|job failed|Traceback", said)


def test_half_sent_forms_keep_nobody_waiting(up):
    """More than one address may hold: each has a task of the application that waits for it."""
    with contextlib.ExitStack() as held:
        for _ in range(300):
            one = held.enter_context(up.connect())
            with contextlib.suppress(ConnectionError):
                one.sendall(HALF_A_FORM)
        time.sleep(1)  # until the application waits for all that are let in
        for _ in range(MEANWHILE):
            assert up.get("/").startswith(b"HTTP/1.1 200 ")
    assert up.err.stat().st_size < 50_000


def test_answers_that_nobody_reads_keep_nobody_waiting(up, web):
    held: list[socket.socket] = []

    def attack(over):
        for _ in range(1100):
            with contextlib.suppress(OSError):
                one = socket.socket()
                held.append(one)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                one.settimeout(1.0)
                one.connect(("127.0.0.1", up.port))
                one.sendall(b"GET /assets/icon-512.png HTTP/1.1\r\nHost: x\r\n\r\n" * UNREAD)
        over.wait()

    try:
        with while_running(attack):
            for _ in range(MEANWHILE):
                assert up.get("/topics/tin/").startswith(b"HTTP/1.1 200 ")
            up.collects(web, "Tin bốn")
    finally:
        for one in held:
            one.close()
    assert up.err.stat().st_size < 50_000


if sys.platform != "linux":  # /proc and ulimit
    pytest.skip("attacks a process through Linux's own means", allow_module_level=True)
