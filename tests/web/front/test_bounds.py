"""Bounds on one connection, over real sockets, with an application that knows little."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.web.front.limits import ServerLimits
from service.web.front.server import Server

BIG = b"x" * 8_000_000
"""More than the system takes for a reader who does not read."""


async def app(scope, receive, send):
    """`/big`: much; `/echo`: what was sent, once all of it is there; else at once, "ok".

    `/begun` sends its head at once and waits for the body then; `/slow` takes its time.
    """
    body = b"ok"
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    if scope["path"] == "/big":
        body = BIG
    if scope["path"] in ("/echo", "/websub/x"):
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
    length = str(len(body)).encode()
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
    await send(start)
    while scope["path"] == "/begun" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(
    limits: ServerLimits, most: int = 100, first: Callable[[int], None] = lambda _port: None
) -> Iterator[int]:
    """`first` is called with the port when connections wait already and nobody takes them in."""
    bound = socket.create_server(("127.0.0.1", 0), backlog=1000)
    first(bound.getsockname()[1])
    server: list[Server] = []

    async def run() -> None:
        server.append(Server(app, most=most, limits=limits, grace_s=1))
        await server[0].serve(sockets=[bound])

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        yield bound.getsockname()[1]
    finally:
        server[0].should_exit = True
        thread.join(60)
        bound.close()
    assert not thread.is_alive()


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as one:
        yield one


def rest(one: socket.socket) -> bytes:
    """All until the other side ends it."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := one.recv(1 << 20):
            data += piece
    return data


def answer(port: int, request: bytes) -> bytes:
    with connected(port) as one:
        with contextlib.suppress(ConnectionError):
            one.sendall(request)
        return rest(one)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ServerLimits()) as found:
        yield found


QUICK = ServerLimits(head_s=0.5, body_s=0.5, idle_s=0.5, answer_s=0.5, goodbye_s=0.5)


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    """Everything must be over soon."""
    with serving(QUICK) as found:
        yield found


def head(lines: bytes = b"", first: bytes = b"GET / HTTP/1.1") -> bytes:
    return first + b"\r\nHost: x\r\n" + lines + b"\r\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (head(b"A: b\r\n" * 98 + b"Connection: close\r\n"), b"200"),
        (head(b"A: b\r\n" * 100), b"431"),
        (head(b"A: " + b"b" * 15_000 + b"\r\nConnection: close\r\n"), b"200"),
        (head(b"A: " + b"b" * 17_000 + b"\r\n"), b"431"),
        (head(b"A: " + b"b" * 40_000)[:-2], b"431"),
        (head(b"b" * 40_000)[:-2], b"431"),
        (head(b"Connection: close\r\n", b"GET /" + b"a" * 8_000 + b" HTTP/1.1"), b"200"),
        (head(first=b"GET /" + b"a" * 9_000 + b" HTTP/1.1"), b"414"),
        (b"GET /" + b"a" * 20_000, b"414"),
        (b"NONSENSE / HTTP/1.1\r\n\r\n", b"400"),
        (head(first=b"GET http://[ HTTP/1.1"), b"400"),
        (head(b"Content-Length: 90000\r\n", b"POST /echo HTTP/1.1"), b"413"),
        (head(b"Content-Length: -1\r\n", b"POST /echo HTTP/1.1"), b"400"),
    ],
)
def test_what_is_too_much_is_refused(port, request_, status):
    assert answer(port, request_)[9:12] == status


def chunked(size: int, piece: int, path: bytes = b"/echo", extension: bytes = b"") -> bytes:
    one = b"%x%s\r\n%s\r\n" % (piece, extension, b"b" * piece)
    lines = b"Transfer-Encoding: chunked\r\nConnection: close\r\n"
    return head(lines, b"POST " + path + b" HTTP/1.1") + one * (size // piece) + b"0\r\n\r\n"


def test_a_body_in_chunks_is_bounded_as_well(port):
    assert answer(port, chunked(60_000, 1000)).endswith(b"b" * 60_000)
    assert answer(port, chunked(200_000, 1000))[9:12] == b"413"
    assert answer(port, chunked(60_000, 10, extension=b";" + b"a" * 100))[9:12] in {b"413", b""}


def test_hubs_may_deliver_more(port):
    assert answer(port, chunked(1_000_000, 10_000, b"/websub/x")).endswith(b"b" * 1_000_000)


def test_trailers_count_as_headers(port):
    request = chunked(10, 10).removesuffix(b"\r\n") + b"A: b\r\n" * 200 + b"\r\n"
    assert answer(port, request)[9:12] == b"431"


def test_who_is_answered_before_his_body_came_is_let_go(port):
    began = head(b"Content-Length: 60000\r\n", b"POST / HTTP/1.1") + b"a"
    with connected(port) as one:
        one.sendall(began)
        assert rest(one).endswith(b"ok")


def test_requests_behind_one_another_are_answered_in_order_and_bounded(port):
    few = head() * 30 + head(b"Connection: close\r\n")
    assert answer(port, few).count(b"HTTP/1.1 200 OK") == 31
    assert answer(port, head() * 500).count(b"HTTP/1.1 200 OK") < 100


def test_another_protocol_is_answered_in_this_one_and_is_the_last(port):
    upgrade = head(b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
    found = answer(port, upgrade)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in found.lower()


def dripping(one: socket.socket, what: bytes, over: Callable[[], bool]) -> None:
    while not over():
        with contextlib.suppress(OSError):
            one.send(what)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("begun", "drop", "status"),
    [
        (b"", b"\r\n", b""),
        (b"", b"", b""),
        (b"GET / HTTP/1.1\r\n", b"A: b\r\n", b"408"),
        (b"GET / HTTP/1.1\r\nA: ", b"b", b"408"),
    ],
)
def test_a_head_that_does_not_end_is_ended(quick, begun, drop, status):
    with connected(quick) as one:
        one.sendall(begun)
        ended: list[bytes] = []
        thread = threading.Thread(target=lambda: ended.append(rest(one)))
        thread.start()
        dripping(one, drop, over=lambda: not thread.is_alive())
        thread.join()
    assert ended[0][9:12] in {status, b""}
    if not drop:
        assert ended == [b""]


def test_a_body_that_does_not_end_is_ended_and_told_why(quick):
    with connected(quick) as one:
        one.sendall(head(b"Content-Length: 50000\r\n", b"POST /echo HTTP/1.1"))
        ended: list[bytes] = []
        thread = threading.Thread(target=lambda: ended.append(rest(one)))
        thread.start()
        dripping(one, b"a", over=lambda: not thread.is_alive())
        thread.join()
    assert ended[0].startswith(b"HTTP/1.1 408 ")
    assert ended[0].count(b"HTTP/1.1 ") == 1, "the application answers no more"


def test_an_answer_that_was_begun_is_not_torn_by_a_refusal(quick):
    """The answer waits for the rest of the body, which does not come."""
    with connected(quick) as one:
        one.sendall(head(b"Content-Length: 9\r\n", b"POST /begun HTTP/1.1"))
        assert rest(one).count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "behind", [b"NONSENSE / HTTP/1.1\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n"]
)
def test_what_is_wrong_behind_a_request_is_not_the_answer_to_it(port, behind):
    """A request whose answer is still being made, then one that cannot be read."""
    assert b" 400 " not in answer(port, head(first=b"GET /slow HTTP/1.1") + behind)


def test_who_does_not_finish_a_body_makes_room():
    with serving(ServerLimits(), most=8) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(2)]
        for one in held:
            one.sendall(
                head(b"Expect: 100-continue\r\nContent-Length: 9\r\n", b"POST /echo HTTP/1.1")
            )
            assert one.recv(100).startswith(b"HTTP/1.1 100 "), "the application waits for it"
        assert answer(port, head(b"Connection: close\r\n")).endswith(b"ok")
        assert rest(held[0]) == b"", "the oldest has made room"
        held[1].sendall(b"123456789")
        assert held[1].recv(1000).startswith(b"HTTP/1.1 200 ")
        for one in held:
            one.close()


def test_who_asks_nothing_more_is_let_go(quick):
    with connected(quick) as one:
        one.sendall(head())
        assert rest(one).endswith(b"ok")


def test_an_answer_that_nobody_reads_is_dropped():
    with serving(QUICK) as port, connected(port) as one:
        one.sendall(head(first=b"GET /big HTTP/1.1"))
        time.sleep(4)
        assert len(rest(one)) < len(BIG)


def test_a_reader_who_is_slow_but_reads_gets_all():
    slow = replace(QUICK, answer_bytes=1000)
    with serving(slow) as port, connected(port) as one:
        one.sendall(head(b"Connection: close\r\n", b"GET /big HTTP/1.1"))
        data = b""
        while piece := one.recv(400_000):
            data += piece
            time.sleep(0.1)
    assert data.endswith(BIG)


def test_who_asks_amid_a_flood_from_his_own_address_is_answered():
    """All of them come at once: his request is read before the flood has pushed him out."""
    held: list[socket.socket] = []
    honest = socket.socket()

    def come(port: int) -> None:
        """They wait in front of the door, he in their midst."""
        for number in range(400):
            one = honest if number == 100 else socket.socket()
            one.settimeout(60)
            one.connect(("127.0.0.1", port))
            held.append(one)
        honest.sendall(head(b"Connection: close\r\n"))

    with serving(ServerLimits(), most=64, first=come):
        assert rest(honest).endswith(b"ok")
        for one in held:
            one.close()


SERVER = """
import asyncio, logging, socket, sys
sys.path.insert(0, {root!r})
from service.web.front.server import Server
from tests.web.front.test_bounds import app
bound = socket.create_server(("127.0.0.1", 0), backlog=512)
print(bound.getsockname()[1], flush=True)
asyncio.run(Server(app, most=10_000).serve(sockets=[bound]))
"""


def test_without_descriptors_it_pauses_and_goes_on_by_itself(tmp_path):
    """Here the gate knows of no bound: what else of the process takes descriptors may do this."""
    log = tmp_path / "log"
    script = SERVER.format(root=str(Path(__file__).parents[3]))
    with log.open("wb") as err:
        server = subprocess.Popen(
            ["sh", "-c", 'ulimit -n 64; exec "$0" -c "$1"', sys.executable, script],
            stdout=subprocess.PIPE, stderr=err,
        )  # fmt: skip
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        held = []
        for _ in range(200):
            held.append(socket.create_connection(("127.0.0.1", port), timeout=60))
            held[-1].send(b"GET / HTTP/1.1\r\n")
        for _ in range(5):
            assert answer(port, head(b"Connection: close\r\n")).endswith(b"ok")
        for one in held:
            one.close()
        assert answer(port, head(b"Connection: close\r\n")).endswith(b"ok")
    finally:
        server.terminate()
        server.communicate(timeout=60)
    told = log.read_text()
    assert "no descriptors for further connections" in told
    assert "Traceback" not in told
    assert len(told.splitlines()) < 200
