"""A crowd of publishers behind one socket: most behave, some misbehave in every way there is.

    python -m tests.bench.crowd SECONDS_BETWEEN_NEWS [bad [ENTRIES_OF_MANY]]

`bad`: what takes long to make is made beforehand. Prints its port. The host name says who is
asked: `n7.good.…` or `n7.KIND.…`. `GET /_log` answers with what was asked, as [[host, seconds of
the monotonic clock], …]. No two bodies of a misbehaving publisher are the same, so that nothing
spares us reading them.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from functools import cache, reduce

import brotli
from backports import zstd

from tests.net.wire import Talk, raw_server

MEGA = 1024 * 1024
KILLER = b"GI\xe1\xba\xbeT"
"""A document with this in it ends the process that reads it (`hour.Fragile`)."""

HANGING = b"TREO"
"""A document with this in it keeps the process that reads it busy for ever."""

ITEMS = 20
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

_number = itertools.count()


def rss(*items: bytes, head: bytes = b"") -> bytes:
    return b"".join((head, b"<rss version='2.0'><channel><title>T</title>", *items,
                     b"</channel></rss>"))  # fmt: skip


def item(n: int, text: bytes = b"", name: str = "x") -> bytes:
    guid = f"{name}-{n}"
    return b"<item><guid isPermaLink='false'>%b</guid><title>Tin %b</title>%b</item>" % (
        guid.encode(), guid.encode(), text and b"<description>%b</description>" % text,
    )  # fmt: skip


def cdata(text: bytes) -> bytes:
    return b"<![CDATA[" + text + b"]]>"


def entities(*pairs: tuple[str, str]) -> bytes:
    told = "".join(f'<!ENTITY {name} "{value}">' for name, value in pairs)
    return f"<!DOCTYPE rss [{told}]>".encode()


LAUGHS = entities(
    ("a", "ha " * 10), *((b, f"&{a};" * 10) for a, b in itertools.pairwise("abcdefgh"))
)
OUTSIDE = b'<!DOCTYPE rss SYSTEM "http://HOST/dtd" [<!ENTITY a SYSTEM "http://HOST/entity">]>'
WIDE = "http://10\uff0e0\uff0e0\uff0e1/"
JSON = b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [%b]}'
ATTRIBUTES = b" ".join(b'a%d="1"' % n for n in range(60_000))


@cache
def entries(number: int) -> bytes:
    return b"".join(item(n) for n in range(number))


def _json(item: bytes) -> bytes:
    return JSON % item


MANY = 100_000
"""Entries of one document, where the command says nothing else."""

DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    # kind -> what it has to read, another one for each number
    "laughs": lambda n: rss(item(n, b"&h;"), head=LAUGHS),
    "quadratic": lambda n: rss(item(n, b"&a;" * 20_000), head=entities(("a", "A" * 20_000))),
    "outside": lambda n: rss(item(n, b"&a;"), head=OUTSIDE),
    "deep-xml": lambda n: rss(item(n), b"<a>" * 30_000),
    "deep-html": lambda n: rss(item(n, cdata(b"<b>" * 900_000))),
    "deep-xhtml": lambda n: rss(item(n, b"<a>" * 20_000 + b"</a>" * 20_000)),
    "attributes": lambda n: rss(item(n), b"<a %b/>" % ATTRIBUTES),
    "many": lambda n: rss(item(n, name="new"), entries(MANY)),
    "json-deep": lambda n: _json(b'{"id": "%d", "x": ' % n + b"[" * 500_000),
    "json-number": lambda n: _json(b'{"id": %d%b}' % (n, b"9" * 500_000)),
    "comments": lambda n: b"<!-- -->" * 60 + b"<x%d/>" % n,
    "page": lambda n: b"<!doctype html><html><title>%d</title></html>" % n,
    "noise": lambda n: (b"\xff\xfe\x00\x80%d" % n) * 50_000,
    "killer": lambda n: rss(item(n, KILLER)),
    "hanging": lambda n: rss(item(n, HANGING)),
}


@cache
def bombs() -> dict[str, bytes]:
    """100 MB in a few hundred KB."""
    blank = b"<rss version='2.0'><channel>" + b" " * (100 * MEGA)
    return {
        "gzip": gzip.compress(blank, 1),
        "br": brotli.compress(blank, quality=1),
        "zstd": zstd.compress(blank, 3),
    }


async def _answer(talk: Talk, body: bytes, *headers: str) -> None:
    await talk.answer(body, "Content-Type: application/rss+xml", *headers)


async def _bomb(talk: Talk, name: str) -> None:
    await _answer(talk, bombs()[name], f"Content-Encoding: {name}")


async def _packed(talk: Talk, body: bytes, name: str = "gzip") -> None:
    await _answer(talk, body, f"Content-Encoding: {name}")


def _zipped(body: bytes, _time: int) -> bytes:
    return gzip.compress(body)


async def _redirect(talk: Talk, place: str) -> None:
    await talk.answer(b"", f"Location: {place}", status="302 Found")


async def _silent(talk: Talk) -> None:
    await asyncio.sleep(300)


async def _repeat(talk: Talk, begin: bytes, piece: bytes, pause_s: float = 0.002) -> None:
    await talk.send(begin)
    while not talk.closed and not talk.writer.is_closing():
        await talk.send(piece)
        await asyncio.sleep(pause_s)


async def _hold(talk: Talk) -> None:
    """Almost as much as is taken, at once, and then a byte now and then."""
    await _repeat(talk, OK + b"\r\n<rss>" + b" " * (9 * MEGA), b" ", 0.2)


WIRE: dict[str, Callable[[Talk], Awaitable[None]]] = {
    "silent": _silent,
    "drip-headers": lambda talk: _repeat(talk, OK, b"X: y\r\n", 0.1),
    "drip-body": lambda talk: _repeat(talk, OK + b"\r\n<rss>", b" ", 0.1),
    "hold": _hold,
    "endless": lambda talk: _repeat(talk, OK + b"\r\n", b" " * 60_000),
    "headers": lambda talk: _repeat(talk, OK, b"X-T: a\r\n" * 5000),
    "one-header": lambda talk: _repeat(talk, OK + b"X-T: ", b"a" * 60_000),
    "extensions": lambda talk: _repeat(talk, CHUNKED, b"1;" + b"a" * 30_000 + b"\r\nx\r\n"),
    "continue": lambda talk: _repeat(talk, b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "no-http": lambda talk: talk.send(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "torn": lambda talk: talk.send(OK + b"Content-Length: 9000\r\n\r\n<rss>"),
    "bomb-gzip": lambda talk: _bomb(talk, "gzip"),
    "bomb-br": lambda talk: _bomb(talk, "br"),
    "bomb-zstd": lambda talk: _bomb(talk, "zstd"),
    "lie-gzip": lambda talk: _packed(talk, rss(item(1))),
    "lie-br": lambda talk: _packed(talk, gzip.compress(rss(item(1))), "br"),
    "cut-gzip": lambda talk: _packed(talk, gzip.compress(rss(entries(500)))[:-12]),
    "thrice-gzip": lambda talk: _packed(talk, reduce(_zipped, range(3), rss(item(1)))),
    "round": lambda talk: _redirect(talk, f"/{next(_number)}"),
    "inside": lambda talk: _redirect(talk, "http://169.254.169.254/latest/meta-data/"),
    "inside-mapped": lambda talk: _redirect(talk, "http://[::ffff:10.0.0.1]/"),
    "inside-number": lambda talk: _redirect(talk, "http://167772161/"),
    "inside-wide": lambda talk: _redirect(talk, WIDE.encode().decode("latin-1")),
}  # fmt: skip

KINDS = (*WIRE, *DOCUMENTS)


class Crowd:
    """Answers by host, and notes who was asked when."""

    def __init__(self, news_s: float) -> None:
        self.asked: list[tuple[str, float]] = []
        self._news_s = news_s

    async def script(self, talk: Talk) -> None:
        if talk.target == "/_log":
            await talk.answer(json.dumps(self.asked).encode())
            return
        now = time.monotonic()
        address = talk.headers["host"]
        host = address.partition(":")[0]
        outside = talk.target in {"/dtd", "/entity"}
        self.asked.append((f"OUTSIDE {host}" if outside else host, now))
        kind = host.split(".")[1]
        if kind in WIRE:
            await WIRE[kind](talk)
        elif kind in DOCUMENTS:
            body = DOCUMENTS[kind](next(_number))
            await _answer(talk, body.replace(b"HOST", address.encode()))
        else:
            await self._behave(talk, host, now)

    async def _behave(self, talk: Talk, host: str, now: float) -> None:
        last = int((now + hash(host) % 1000) / self._news_s)
        tag = f'"{last}"'
        if talk.headers.get("if-none-match") == tag:
            await talk.send(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
            return
        text = cdata("<p>Thứ Ba ngày 24 tháng 11, hội nghị trực tuyến.</p>".encode() * 20)
        body = rss(*(item(last - n, text, host) for n in range(ITEMS)))
        await _answer(talk, gzip.compress(body), "Content-Encoding: gzip", f"ETag: {tag}")


async def main(news_s: float, *, bad: bool) -> None:
    """Serve until standard input ends."""
    if bad:
        bombs()
        entries(MANY)
    async with raw_server(Crowd(news_s).script, backlog=1000) as wire:
        print(wire.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    MANY = next((int(one) for one in sys.argv[2:] if one.isdigit()), MANY)
    asyncio.run(main(float(sys.argv[1]), bad="bad" in sys.argv[2:]))
