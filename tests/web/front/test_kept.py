"""Answers out of memory are those of the application, header by header, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.publish.build import publish
from service.web.admin import admin_key
from service.web.front.server import Server
from tests.builders import add_source, add_story

PATHS = ("/", "/topics/giao-duc/", "/feeds/giao-duc.atom", "/topics.opml", "/assets/site.css")


@contextmanager
def serving(app, find) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        servers: list[Server] = []

        async def run() -> None:
            servers.append(Server(app, most=100, find=find, grace_s=1))
            await servers[0].serve(sockets=[bound])

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        try:
            while not (servers and servers[0].started):
                thread.join(0.01)
            yield bound.getsockname()[1]
        finally:
            servers[0].should_exit = True
            thread.join(60)
    assert not thread.is_alive()


@pytest.fixture
def site(web):
    """With a story and its feeds, every page of PATHS in memory, and never asked of the store."""
    with web.store.write() as connection:
        source = add_source(connection, web.now)
        topic = connection.exec_driver_sql("SELECT id FROM topic WHERE name = 'giao-duc'").scalar()
        add_story(connection, source=source, topics=[topic], entered_at=web.now, title="Khai giảng")
    publish(web.store, web.settings, web.renderer, web.now)
    web.pages = web.app.state.context.pages
    web.pages.clock = lambda: 0.0  # what was looked at once is trusted
    for path in PATHS:
        assert web.client.get(path).status_code == 200
    web.found = []

    def find(target: bytes):
        found = web.pages.find(target)
        web.found.append(found is not None)
        return found

    async def app(scope, receive, send):
        web.asked += scope["type"] == "http"
        await web.app(scope, receive, send)

    web.asked, web.counted = 0, app
    web.find = find
    return web


@pytest.fixture
def ports(site):
    """The application behind what is kept, and without."""
    with serving(site.counted, site.find) as kept, serving(site.counted, lambda _: None) as plain:
        yield kept, plain


def talk(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        one.sendall(data)
        said = b""
        while piece := one.recv(65536):
            said += piece
    return said


def parted(answer: bytes) -> tuple[bytes, dict[bytes, bytes], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    assert len(headers) == len(lines), "a header stands twice"
    headers.pop(b"date")
    return first, headers, body


def etag(site, path):
    return site.client.get(path).headers["etag"].removesuffix('-gzip"').rstrip('"') + '"'


HEADERS = [
    "",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Encoding: br\r\nAccept-Encoding: gzip;q=0.5",
    "Accept-Encoding: gzip;q=0",
    f"Accept-Encoding: {'x, ' * 60}gzip",
    "If-None-Match: {etag}",
    'If-None-Match: "a", W/{etag}',
    'If-None-Match: "a"\r\nIf-None-Match: {etag}',
    "If-None-Match: {etag}\r\nAccept-Encoding: gzip",
    'If-None-Match: "other"',
    "If-None-Match: *",
    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT",
    "If-Modified-Since: Fri, 01 Jan 2010 00:00:00 GMT",
    'If-None-Match: "other"\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT',
    "If-Modified-Since: never",
    "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\nIf-Modified-Since: x",
    "Range: bytes=0-9",
    "Cookie: a=b\r\nX-Forwarded-For: 203.0.113.5",
]


def test_each_answer_is_the_applications(site, ports):
    for path, method, lines in itertools.product(PATHS, ["GET", "HEAD"], HEADERS):
        asked = lines.format(etag=etag(site, path))
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += f"{asked}\r\n\r\n" if asked else "\r\n"
        site.found.clear()
        kept, plain = (parted(talk(port, head.encode())) for port in ports)
        assert site.found == [True], "it was to come out of memory"
        assert kept == plain, head


def test_who_may_be_the_admin_is_answered_by_the_application(site, ports):
    cookie = f"a=b; {admin_key.COOKIE}0123abcd=0"
    head = f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"
    before = site.asked
    kept, plain = (parted(talk(port, head.encode())) for port in ports)
    assert kept == plain
    assert site.asked == before + 2, "by the application, both times"


def test_a_connection_stays_open_and_answers_come_in_their_order(ports):
    """What is kept, what is not, what has a body, and another that is kept, in one go."""
    some = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /topics/giao-duc/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"GET /feeds/giao-duc.atom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ]
    kept, plain = (talk(port, b"".join(some)) for port in ports)
    without_dates = [
        b"\n".join(line for line in one.split(b"\n") if not line.lower().startswith(b"date:"))
        for one in (kept, plain)
    ]
    assert kept.count(b"HTTP/1.1 200 OK") == 5
    assert kept.count(b"HTTP/1.1 405 ") == 1
    # The application's private pages differ by nothing, those that are kept only in their order.
    assert sorted(without_dates[0].lower().split(b"\r\n")) == sorted(
        without_dates[1].lower().split(b"\r\n")
    )


def test_http_1_0_is_answered_and_ended(ports):
    kept, plain = (parted(talk(port, b"GET / HTTP/1.0\r\n\r\n")) for port in ports)
    assert kept == plain
    assert kept[1][b"connection"] == b"close"


def test_a_kept_page_is_found_whatever_the_query_and_nothing_new_is_kept(site, ports):
    before = len(site.pages)
    for number in range(20):
        head = f"GET /topics/giao-duc/?x={number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert talk(ports[0], head.encode()).startswith(b"HTTP/1.1 200 ")
        head = f"GET /stories/{number}/?x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert talk(ports[0], head.encode()).startswith(b"HTTP/1.1 404 ")
    assert len(site.pages) == before
    assert site.found.count(True) == 20


def test_who_does_not_read_is_not_answered_without_end(site, ports):
    """Pipelined requests for what is kept: as long as he reads none, no more are written."""
    asked = b"GET /topics/giao-duc/ HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(2)
        one.connect(("127.0.0.1", ports[0]))
        sent = 0
        try:
            for _ in range(2000):
                sent += one.send(asked * 400)
        except (TimeoutError, ConnectionError):
            pass
    assert sent < 2000 * 400 * len(asked), "reading stopped, or the connection was cut"
