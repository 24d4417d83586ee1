"""The same application on a real socket, asked byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.web.front.server import Server
from tests.web.people import newest, subscribe


def free_port() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def serving(app, bound: socket.socket | None = None) -> Iterator[int]:
    """The application on a port of loopback (a free one), as `bantin up` runs it."""
    bound = bound or free_port()
    server = Server(app, most=100)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(60)
        bound.close()
    assert not thread.is_alive()


@pytest.fixture
def port(web) -> Iterator[int]:
    with serving(web.app) as found:
        yield found


def ask(port: int, request: str, body: bytes = b"") -> tuple[str, dict[str, str], bytes]:
    """Send these very lines; the status line, the headers and the bytes of the body."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = request.strip().replace("\n", "\r\n") + f"\r\nHost: 127.0.0.1:{port}"
        if "Connection:" not in request:
            head += "\r\nConnection: close"
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        data = b""
        while piece := connection.recv(65536):
            data += piece
    head_bytes, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head_bytes.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        headers[name.lower()] = value
    return first, headers, rest


def test_get_head_and_304_on_the_wire(web, port):
    first, headers, body = ask(port, "GET / HTTP/1.1")
    assert first == "HTTP/1.1 200 OK"
    assert len(body) == int(headers["content-length"])
    assert "server" not in headers
    head = ask(port, "HEAD / HTTP/1.1")
    assert (head[0], head[2]) == ("HTTP/1.1 200 OK", b"")
    assert head[1]["content-length"] == headers["content-length"]
    again = ask(port, f"GET / HTTP/1.1\nIf-None-Match: {headers['etag']}")
    assert again[0] == "HTTP/1.1 304 Not Modified"
    assert again[2] == b""


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
def test_one_click_as_a_mail_provider_sends_it(web, port, kind):
    token = subscribe(web).token
    body = b"List-Unsubscribe=One-Click"
    content_type = "application/x-www-form-urlencoded"
    if kind == "multipart":
        content_type = "multipart/form-data; boundary=b"
        part = 'Content-Disposition: form-data; name="List-Unsubscribe"'
        body = f"--b\r\n{part}\r\n\r\nOne-Click\r\n--b--\r\n".encode()
    first, headers, _ = ask(
        port,
        f"POST /unsubscribe/{token} HTTP/1.1\nContent-Type: {content_type}\n"
        f"Content-Length: {len(body)}",
        body,
    )
    assert first == "HTTP/1.1 200 OK"
    assert "set-cookie" not in headers
    assert "location" not in headers
    assert newest(web).ended_reason == "one_click"


def test_a_body_that_claims_to_be_huge_is_refused_before_it_is_sent(web, port):
    first, headers, _ = ask(
        port,
        "POST /subscribe/tuan HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n"
        "Content-Length: 1000000000",
    )
    assert first.startswith("HTTP/1.1 413")
    assert headers["x-content-type-options"] == "nosniff"


def test_many_at_once(web, port):
    """Sign-ups and pages from many threads: every one is answered."""
    answers = []

    def visit(number):
        path = "/" if number % 2 else "/subscribe/tuan"
        answers.append(ask(port, f"GET {path} HTTP/1.1")[0])

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == ["HTTP/1.1 200 OK"] * 24
