"""The client against real sockets: limits, redirects, lies, and networks it must not enter."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from datetime import UTC, datetime
from functools import partial

import brotli
import pytest
from aiohttp.abc import AbstractResolver
from backports import zstd

from service.errors import FetchError, ForbiddenAddressError, HttpError, TooLargeError
from service.net.client import Client
from service.net.limits import FetchLimits
from tests.net.wire import raw_server

LOOPBACK = ["127.0.0.0/8"]
IMPATIENT = FetchLimits(connect_s=5.0, read_s=0.5, total_s=60.0)
"""For a server that says nothing; whoever is to be heard gets the time that a machine may take."""


def client(*, allow=LOOPBACK, limits=None, resolver=None):
    return Client(
        "Bantin/1 (+https://tin.example.vn)",
        allow,
        resolver=resolver,
        limits=limits or FetchLimits(),
        clock=lambda: datetime(2026, 11, 24, 8, 0, tzinfo=UTC),
    )


class Answers(AbstractResolver):
    """A resolver that answers what it is told, another thing each time it is asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        address = self.addresses[min(self.asked, len(self.addresses) - 1)]
        self.asked += 1
        found = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            {
                "hostname": host, "host": address, "port": port, "family": found, "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
        ]  # fmt: skip

    async def close(self) -> None:
        pass


async def test_an_answer_with_its_headers_and_validators_byte_for_byte():
    async def script(talk):
        lines = (
            b'HTTP/1.1 200 OK\r\nETag: W/"a \xe9"\r\nLast-Modified: Tue, 24 Nov 2026 08:00:00 GMT'
            b"\r\nETag: second\r\nCache-Control: max-age=5\r\nCache-Control: public\r\n"
            b"Content-Length: 2\r\n\r\nhi"
        )
        await talk.send(lines)

    async with raw_server(script) as wire, client() as fetch:
        response = await fetch.get(wire.url("/a?x=%2F&y=1"), headers={"If-None-Match": '"é"'})
    assert (response.status, response.body) == (200, b"hi")
    assert response.etag == b'W/"a \xe9"'
    assert response.last_modified == b"Tue, 24 Nov 2026 08:00:00 GMT"
    assert response.headers["cache-control"] == "max-age=5, public"
    (talk,) = wire.asked
    assert talk.target == "/a?x=%2F&y=1"
    assert talk.headers["user-agent"] == "Bantin/1 (+https://tin.example.vn)"
    assert b'If-None-Match: "\xc3\xa9"\r\n' in talk.raw


async def test_not_modified_is_an_answer_and_other_statuses_are_errors():
    statuses = iter(["304 Not Modified", "410 Gone", "429 Slow", "503 X", "299 Odd", "600 Wild"])

    async def script(talk):
        await talk.answer(b"", "Retry-After: Tue, 24 Nov 2026 08:01:30 GMT", status=next(statuses))

    async with raw_server(script) as wire, client() as fetch:
        assert (await fetch.get(wire.url())).status == 304
        with pytest.raises(HttpError, match=r"410 \(Gone\).*for good"):
            await fetch.get(wire.url())
        for status in (429, 503):
            with pytest.raises(HttpError) as caught:
                await fetch.get(wire.url())
            assert (caught.value.status, caught.value.retry_after_s) == (status, 90)
        assert (await fetch.get(wire.url())).status == 299
        with pytest.raises(HttpError, match="600"):
            await fetch.get(wire.url())


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
        ("gzip", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
    ],
)
async def test_every_packing_that_we_ask_for_is_unpacked(name, pack):
    text = "Thứ Ba ngày 24 tháng 11. ".encode() * 40

    async def script(talk):
        assert name in talk.headers["accept-encoding"]
        await talk.answer(pack(text), f"Content-Encoding: {name}")

    async with raw_server(script) as wire, client() as fetch:
        assert (await fetch.get(wire.url())).body == text


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "compress", "gzip, br", "x"])
async def test_a_lie_about_the_packing_is_a_failure(name):
    async def script(talk):
        await talk.answer(b"<rss>plain text \x00\xff</rss>" * 20, f"Content-Encoding: {name}")

    async with raw_server(script) as wire, client() as fetch:
        with pytest.raises(FetchError, match=r"unpack|packed"):
            await fetch.get(wire.url())


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("br", partial(brotli.compress, quality=1)),  # its best takes seconds
        ("zstd", zstd.compress),
    ],
)
async def test_a_bomb_stops_at_the_cap(name, pack):
    bomb = pack(b"\0" * 20_000_000)
    assert len(bomb) < 100_000

    async def script(talk):
        await talk.answer(bomb, f"Content-Encoding: {name}")

    async with raw_server(script) as wire, client(limits=FetchLimits(total_s=10)) as fetch:
        with pytest.raises(TooLargeError, match="10 MB"):
            await fetch.get(wire.url())
        with pytest.raises(TooLargeError, match="1 MB"):
            await fetch.get(wire.url(), limit=1024 * 1024)


async def test_fifty_megabytes_are_refused_unread_or_while_reading():
    sent = 0

    async def script(talk):
        nonlocal sent
        if talk.target == "/said":
            await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        else:
            await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"x" * 65536
        while sent < 50_000_000 and not talk.closed and not talk.writer.is_closing():
            await talk.send(b"10000\r\n" + piece + b"\r\n")
            sent += len(piece)

    async with raw_server(script) as wire, client(limits=FetchLimits(total_s=20)) as fetch:
        for path in ("/said", "/unsaid"):
            sent = 0
            with pytest.raises(TooLargeError):
                await fetch.get(wire.url(path))
            assert sent < 20_000_000


async def test_small_members_packed_without_end_stop_at_the_cap_on_the_wire():
    member = gzip.compress(b"")

    async def script(talk):
        await talk.send(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        piece = member * 500
        for _ in range(4000):
            if talk.closed or talk.writer.is_closing():
                return
            await talk.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")

    limits = FetchLimits(total_s=20, wire_bytes=1_000_000)
    async with raw_server(script) as wire, client(limits=limits) as fetch:
        with pytest.raises(FetchError):
            await fetch.get(wire.url())


async def test_a_server_that_sends_a_byte_now_and_then_meets_the_deadline():
    async def script(talk):
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not talk.closed:
            await talk.send(b"x")
            await asyncio.sleep(0.05)

    async with raw_server(script) as wire, client(limits=FetchLimits(total_s=1)) as fetch:
        with pytest.raises(FetchError, match="no complete answer within 1 s"):
            await fetch.get(wire.url())
        with pytest.raises(FetchError, match=r"within 0\.3 s"):
            await fetch.get(wire.url(), timeout=0.3)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "broke off|HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "proper HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 300 + b"\r\n", "proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "proper HTTP"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "leads nowhere"),
        (b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n", "http or https"),
        (b"HTTP/1.1 302 Found\r\nLocation: javascript:alert(1)\r\n\r\n", "http or https"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::bad\r\n\r\n", "not an address"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\n\r\n", "address|lookup|known|read"),
        (b"HTTP/1.1 302 Found\r\nLocation: /again\r\n\r\n", "more than 5 redirects"),
    ],
)
async def test_what_is_no_proper_answer_has_a_plain_reason(sent, reason):
    async def script(talk):
        await talk.send(sent)

    async with raw_server(script) as wire, client() as fetch:
        with pytest.raises(FetchError, match=reason):
            await fetch.get(wire.url())


async def test_who_hangs_up_without_an_answer_is_not_asked_again_at_once():
    async def hang_up(talk):
        pass

    async with raw_server(hang_up) as wire, client() as net:
        with pytest.raises(FetchError, match="closed the connection without an answer"):
            await net.get(wire.url("/"))
        assert len(wire.asked) == 1


async def test_silence_and_a_closed_port():
    async def script(talk):
        await asyncio.sleep(5)

    async with raw_server(script) as wire, client(limits=IMPATIENT) as fetch:
        with pytest.raises(FetchError, match=r"silent for 0\.5 s"):
            await fetch.get(wire.url())
        dead = wire.url()
    async with client() as fetch:
        with pytest.raises(FetchError, match="no connection"):
            await fetch.get(dead)


@pytest.mark.parametrize(
    "url", ["", "ftp://x.example/", "file:///etc/passwd", "http://", "//x", "http://[bad", "a b"]
)
async def test_what_is_no_address_of_the_web(url):
    async with client() as fetch:
        with pytest.raises(FetchError, match="address"):
            await fetch.get(url)


async def test_redirects_are_followed_by_hand_and_remembered():
    async def script(talk):
        if talk.target == "/old":
            await talk.answer(b"", "Location: mid?x=1#frag", status="301 Moved")
        elif talk.target == "/mid?x=1":
            place = f"Location: http://ai:mat@localhost:{wire.port}/new"
            await talk.answer(b"", place, status="302 Found")
        else:
            await talk.answer(b"here")

    allow = [*LOOPBACK, "::1/128"]
    async with raw_server(script) as wire, client(allow=allow) as fetch:
        response = await fetch.get(
            wire.url("/old"), headers={"Authorization": "secret", "If-None-Match": '"1"'}
        )
    assert response.body == b"here"
    assert response.url == f"http://localhost:{wire.port}/new"
    assert [hop.status for hop in response.redirects] == [301, 302]
    assert response.redirects[0].url == wire.url("/mid?x=1")
    first, second, third = wire.asked
    assert first.headers["authorization"] == second.headers["authorization"] == "secret"
    assert "authorization" not in third.headers  # neither ours nor the one in the address
    assert third.headers["if-none-match"] == '"1"'


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "2130706433", "127.1", "0x7f.0.0.1", "[::ffff:127.0.0.1]",
        "[::1]", "\uff11\uff12\uff17.0.0.1", "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]", "0.0.0.0", "169.254.169.254", "100.64.0.1", "10.0.0.1",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_private_address_is_entered(host):
    async def script(talk):
        await talk.answer(b"secret")

    async with raw_server(script) as wire, client(allow=[]) as fetch:
        with pytest.raises(ForbiddenAddressError):
            await fetch.get(f"http://{host}:{wire.port}/")
        assert wire.asked == []


@pytest.mark.parametrize("host", ["127.0.0.2", "[::ffff:127.0.0.2]", "2130706434"])
async def test_a_redirect_into_a_private_network_is_not_followed(host):
    async def script(talk):
        await talk.answer(b"", f"Location: http://{host}:{wire.port}/x", status="302 Found")

    async with raw_server(script) as wire, client(allow=["127.0.0.1/32"]) as fetch:
        with pytest.raises(ForbiddenAddressError, match=r"127\.0\.0\.2"):
            await fetch.get(wire.url())
        assert len(wire.asked) == 1


async def test_a_resolver_that_changes_its_mind_is_judged_at_the_socket():
    async def script(talk):
        await talk.answer(b"inside")

    resolver = Answers("127.0.0.1", "127.0.0.9")
    async with (
        raw_server(script) as wire,
        client(allow=["127.0.0.1/32"], resolver=resolver) as fetch,
    ):
        url = f"http://rebind.example:{wire.port}/"
        assert (await fetch.get(url)).body == b"inside"
        (session,) = fetch._sessions._open.values()
        session.connector.clear_dns_cache()
        with pytest.raises(ForbiddenAddressError):
            await fetch.get(url)
    assert resolver.asked == 2


@pytest.mark.parametrize("address", ["10.0.0.5", "::ffff:10.0.0.5", "169.254.169.254", "fd00::1"])
async def test_a_name_that_leads_inside_is_refused(address):
    async with client(allow=[], resolver=Answers(address)) as fetch:
        with pytest.raises(ForbiddenAddressError):
            await fetch.get("http://innocent.example/feed")


async def test_a_source_may_open_a_network_of_its_own():
    async def script(talk):
        await talk.answer(b"ok")

    async with raw_server(script) as wire, client(allow=[]) as fetch:
        assert (await fetch.get(wire.url(), allow=["127.0.0.0/8"])).body == b"ok"
        with pytest.raises(ForbiddenAddressError):
            await fetch.get(wire.url())
        with pytest.raises(FetchError, match="not a network"):
            await fetch.get(wire.url(), allow=["127.0.0.0/99"])


async def test_an_unknown_name_is_said_to_be_unknown():
    async with client() as fetch:
        with pytest.raises(FetchError, match=r"nosuch\.invalid is not known"):
            await fetch.get("http://nosuch.invalid/")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
async def test_a_body_that_grows_large_waits_for_room_before_it_does(pack):
    """However little of it is on the wire: what is unpacked is what takes memory."""
    asked, free = [], asyncio.Event()

    async def room(size):
        asked.append(size)
        await free.wait()

    async def script(talk):
        body = pack(b"x" * int(talk.target.strip("/")))
        packed = "Content-Encoding: gzip" if pack is gzip.compress else "X-Plain: 1"
        await talk.answer(body, packed)

    limits = FetchLimits(total_s=20.0, small_bytes=100_000)
    async with raw_server(script) as wire, client(limits=limits) as web:
        small = await web.get(wire.url("/100000"), room=room)
        assert (len(small.body), asked) == (100_000, [])
        large = asyncio.create_task(web.get(wire.url("/900000"), limit=2_000_000, room=room))
        async with asyncio.timeout(60):
            while not asked:  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert not large.done()
        free.set()
        assert len((await large).body) == 900_000
        assert asked == [2_000_000]  # once, for as much as it may become
