"""Answers that are made to burn time or memory, to be read twice, or to send us where we must not.

Every script here goes on for ever or lies byte by byte; the client ends it early, in plain words.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import subprocess
import sys
from pathlib import Path

import brotli
import pytest
from backports import zstd

from service.errors import FetchError, ForbiddenAddressError, TooLargeError
from service.net.client import Client
from service.net.limits import MEBI, FetchLimits
from tests.levels import some
from tests.net.island import HIDING, NOT_ALLOWED, OTHER, PRIVATE, PUBLIC, PUBLIC_6
from tests.net.wire import raw_server

LOOPBACK = ["127.0.0.0/8"]
MOST_MB = some(10, 1)
PATIENT = FetchLimits(total_s=300.0, wire_bytes=MOST_MB * MEBI, body_bytes=MOST_MB * MEBI)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

TOO_MUCH = f"more than {MOST_MB} MB"
FLOODS = {
    # what it begins with, what it repeats for ever, what is said of it
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, "'1xx' again and again"),
    "hints": (b"", b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" * 500, "'1xx' again and again"),
    "small chunks": (CHUNKED, b"1\r\nx\r\n" * 5000, TOO_MUCH),
    "chunk extensions": (CHUNKED, b"1;" + b"a" * 30_000 + b"\r\nx\r\n", TOO_MUCH),
    "one chunk extension": (CHUNKED + b"1;", b"a" * 60_000, TOO_MUCH),
    "zeros of a length": (CHUNKED, b"0" * 60_000, TOO_MUCH),
    "blank lines": (b"", b"\r\n" * 30_000, TOO_MUCH),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-T: a\r\n" * 5000, "proper HTTP"),
    "headers": (OK, b"X-T: a\r\n" * 5000, "proper HTTP"),
    "one header": (OK + b"X-T: ", b"a" * 60_000, "proper HTTP"),
    "reason": (b"HTTP/1.1 200 ", b"a" * 60_000, "proper HTTP"),
    "body": (OK + b"\r\n", b"x" * 60_000, TOO_MUCH),
    "after an upgrade": (
        OK + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"x" * 60_000, TOO_MUCH,
    ),
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("name", FLOODS)
async def test_a_flood_of_any_kind_is_ended_by_the_bytes_and_not_by_the_clock(name):
    """Its reason is none of time: the time limits here are longer than any machine needs."""
    begin, piece, reason = FLOODS[name]
    sent = 0

    async def script(talk):
        nonlocal sent
        await talk.send(begin)
        while not talk.closed and not talk.writer.is_closing():
            await talk.send(piece)
            sent += len(piece)

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        with pytest.raises(FetchError, match=reason):
            await fetch.get(wire.url())
        assert sent < 25_000_000


@pytest.mark.parametrize("where", ["status line", "headers", "body", "chunk", "trailers"])
async def test_a_byte_now_and_then_meets_the_deadline_wherever_it_drips(where):
    begin, piece = {
        "status line": (b"", b"H"),
        "headers": (OK, b"X: y\r\n"),
        "body": (OK + b"Content-Length: 1000\r\n\r\n", b"x"),
        "chunk": (CHUNKED, b"1\r\nx\r\n"),
        "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n"),
    }[where]

    async def script(talk):
        await talk.send(begin)
        while not talk.closed:
            await talk.send(piece)
            await asyncio.sleep(0.1)
            if where == "status line":
                await asyncio.sleep(60)

    slow = FetchLimits(read_s=30.0, total_s=0.8)
    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=slow) as fetch:
        with pytest.raises(FetchError, match=r"no complete answer within 0\.8 s"):
            await fetch.get(wire.url())


LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n<rss/>"


@pytest.mark.parametrize(
    "sent",
    [
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<rss/>\r\n0\r\n\r\n",
        OK + b"Content-Length: 3\r\nContent-Length: 6\r\n\r\n<rss/>",
        LENGTHS % b"6, 3",
        LENGTHS % b"-6",
        LENGTHS % b"+6",
        LENGTHS % b"99999999999999999999999",
        LENGTHS % b"100",
        CHUNKED + b"-6\r\n<rss/>\r\n0\r\n\r\n",
        CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\n<rss/>\r\n0\r\n\r\n",
        CHUNKED + b"6\r\n<rss/>\r\n",
        CHUNKED + b"9\r\n<rss/>\r\n0\r\n\r\n",
        OK + b"X-A: a\0b\r\nContent-Length: 6\r\n\r\n<rss/>",
        OK + b"X-A : a\r\nContent-Length: 6\r\n\r\n<rss/>",
        OK + b"nonsense\r\nContent-Length: 6\r\n\r\n<rss/>",
        b"<rss version='2.0'/>",
        b"HTTP/2 200\r\nContent-Length: 6\r\n\r\n<rss/>",
        b"HTTP/1.1 20 X\r\nContent-Length: 6\r\n\r\n<rss/>",
        b"HTTP/1.1 099 X\r\nContent-Length: 6\r\n\r\n<rss/>",
        b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n<rss/>",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-5/9\r\nContent-Length: 6\r\n\r\n<rss/>",
    ],
)
async def test_an_answer_that_could_be_read_in_two_ways_is_not_read(sent):
    async def script(talk):
        await talk.send(sent)

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        with pytest.raises(FetchError, match=r"proper HTTP|broke off|answered|part of|never answ"):
            await fetch.get(wire.url())


async def test_a_second_answer_behind_the_first_is_nobodys():
    first = OK + b"Content-Length: 6\r\n\r\n<rss/>"

    async def script(talk):
        await talk.send(first + OK + b"Content-Length: 4\r\n\r\nevil")

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        for _ in range(2):
            assert (await fetch.get(wire.url())).body == b"<rss/>"
        assert len(wire.asked) == 2


@pytest.mark.parametrize("name", ["none", "UTF-8", "identity", "8bit"])
async def test_a_packing_that_is_a_misunderstanding_is_none(name):
    async def script(talk):
        await talk.answer(b"<rss/>", f"Content-Encoding: {name}")

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        assert (await fetch.get(wire.url())).body == b"<rss/>"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(b"<rss/>"))),
        ("gzip, br", brotli.compress(gzip.compress(b"<rss/>"))),
        ("gzip", brotli.compress(b"<rss/>" * 50)),
        ("br", gzip.compress(b"<rss/>" * 50)),
        ("zstd", gzip.compress(b"<rss/>" * 50)),
        ("deflate", b"<rss/>" * 50),
        ("gzip", gzip.compress(b"<rss/>" * 500)[:-12]),
        ("br", brotli.compress(bytes(range(256)) * 50)[:-3]),
        ("zstd", zstd.compress(bytes(range(256)) * 50)[:-3]),
        ("gzip", b""),
        ("gzip", b"\x1f\x8b\x08\x00"),
    ],
    ids=range(11),  # the bodies would carry the second of their packing into the names
)
async def test_lies_about_packing_on_the_wire(name, body):
    async def script(talk):
        await talk.answer(body or b" ", f"Content-Encoding: {name}")

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        with pytest.raises(FetchError, match=r"unpack|packed|middle"):
            await fetch.get(wire.url())


@pytest.mark.parametrize(
    "place",
    [
        "http://example.com@10.0.0.1/", "http://10.0.0.1#@example.com/", "http://10.0.0.1?@x/",
        "http://10.0.0.1\\@example.com/", "http://012.0.0.1/", "http://0xa.1/",
        "http://167772161/", "http://10.0.0.1./", "http://[::ffff:10.0.0.1]/",
        "http://[::10.0.0.1]/", "http://[64:ff9b::10.0.0.1]/", "http://[64:ff9b:1::10.0.0.1]/",
        "http://[2002:0a00:0001::]/", "http://[2001:0:0:0:0:0:f5ff:fffe]/",
        "http://[fe80::1%25lo]/", "http://[fd00::1]/", "http://[ff02::1]/", "http://224.0.0.1/",
        "http://0.0.0.0/", "http://0/", "http://100.64.0.1/", "http://169.254.169.254/latest/",
        "http://\u2469.0.0.1/", "http://10\uff0e0\uff0e0\uff0e1/", "http://10。0。0。1/",
        "//10.0.0.1/", "http:10.0.0.1/", "http:\\\\10.0.0.1/", "https://10.0.0.1/",
        "http://4294967296/", "http://a..example/", "http://xn--a/", "http://%31%30.0.0.1/",
        "http://127.0.0.1:99999/", "gopher://127.0.0.1/", "data:text/xml,<rss/>", "unix:/tmp/x",
        "http://127.0.0.1:25/", "http://127.0.0.1:6667/",
    ],
)  # fmt: skip
async def test_a_redirect_that_hides_where_it_leads_leads_nowhere(place):
    async def script(talk):
        if talk.target == "/":
            await talk.send(f"HTTP/1.1 302 F\r\nLocation: {place}\r\n\r\n".encode())
        else:
            await talk.answer(b"", status="404 Not Found")  # read as a path of the same server

    async with raw_server(script) as wire, Client("x", ["127.0.0.1/32"]) as fetch:
        with pytest.raises(FetchError) as caught:
            await fetch.get(wire.url(), timeout=5)
        assert len(wire.asked) <= 2
        assert "Traceback" not in str(caught.value)
        assert not str(caught.value).startswith("no connection"), "it went there"


@pytest.fixture(scope="module")
def island():
    """What the guard did among servers that really answer at public and private addresses."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.net.island"],
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode == NOT_ALLOWED:
        pytest.skip(f"needs Linux with user namespaces: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_public_servers_are_reached(island):
    assert island["public"] == {"said": "ok", "entered": [PUBLIC]}
    assert island["public to public"] == {"said": "ok", "entered": [PUBLIC, OTHER]}


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_server_is_ever_asked(island, address):
    """By its number, its name, a redirect or a name that leads elsewhere the second time."""
    number = int.from_bytes(socket.inet_aton(address), "big")
    for host in (address, str(number), hex(number), f"[::ffff:{address}]"):
        assert island[f"direct {host}"] == {"said": "ForbiddenAddressError", "entered": []}
        assert island[f"redirect {host}"] == {"said": "ForbiddenAddressError", "entered": [PUBLIC]}
    assert island[f"name {address}"] == {"said": "ForbiddenAddressError", "entered": []}
    assert island[f"rebound {address}"] == {"said": "ForbiddenAddressError", "entered": [PUBLIC]}


@pytest.mark.parametrize("address", HIDING)
def test_no_private_server_is_asked_by_an_ipv6_address_that_hides_it(island, address):
    """Behind each of them a server answers, which `opened6` shows."""
    if "public6" not in island:
        pytest.skip("this kernel gives a network of one's own no IPv6 addresses")
    assert island["public6"] == {"said": "ok", "entered": [PUBLIC_6]}
    assert island[f"opened6 {address}"]["said"] == "ok"
    for way, entered in (("direct", []), ("redirect", [PUBLIC_6]), ("name", []),
                         ("rebound", [PUBLIC_6])):  # fmt: skip
        refused = {"said": "ForbiddenAddressError", "entered": entered}
        assert island[f"{way}6 {address}"] == refused, way


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_opened_for_sources_is_not_opened_to_who_redirects_from_outside(island, address):
    assert island[f"opened {address}"] == {"said": "ok", "entered": [address]}
    refused = {"said": "ForbiddenAddressError", "entered": [PUBLIC]}
    assert island[f"opened, redirected {address}"] == refused


def test_an_opened_network_may_redirect_within_itself_but_not_by_way_of_the_outside(island):
    inside = island["inside to inside"]
    assert inside == {"said": "ok", "entered": ["10.0.0.1", "192.168.7.7"]}
    around = island["inside, outside, inside"]
    assert around == {"said": "ForbiddenAddressError", "entered": ["10.0.0.1", PUBLIC]}


@pytest.mark.parametrize(
    "framed",
    [
        "Content-Length: 5\r\n\r\nhello",
        "\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_a_body_that_must_not_be_there_is_not_read(framed):
    async def script(talk):
        await talk.send(f'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n{framed}'.encode())

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        answer = await fetch.get(wire.url(), headers={"If-None-Match": '"a"'})
        assert (answer.status, answer.body, answer.etag) == (304, b"", b'"a"')


async def test_mail_and_shells_are_not_asked_for_pages():
    async with Client("x", LOOPBACK) as fetch:
        for port in (22, 25, 587, 6667):
            with pytest.raises(ForbiddenAddressError, match=f"port {port}"):
                await fetch.get(f"http://127.0.0.1:{port}/")
        with pytest.raises(FetchError, match="no connection"):
            await fetch.get("http://127.0.0.1:1024/")


async def test_a_bomb_costs_no_more_memory_than_the_cap():
    import tracemalloc  # noqa: PLC0415 - it slows down whatever is imported after it

    packed = brotli.compress(b" " * 300_000_000, quality=1)

    async def script(talk):
        await talk.answer(packed, "Content-Encoding: br")

    async with raw_server(script) as wire, Client("x", LOOPBACK, limits=PATIENT) as fetch:
        tracemalloc.start()
        try:
            with pytest.raises(TooLargeError):
                await fetch.get(wire.url())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 40_000_000
