"""The program on the store that `scale_fill` has filled: its configuration, and its publishers."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from service.collect.polling.poll import client_of
from service.curate.rematch import rules_hashes
from service.net.client import Client
from service.runtime.composition import Service, load, renderer_of
from service.store.content import topics
from service.store.core.database import Store
from tests.bench.scale_fill import DIGESTS, NOW, TOPICS, Size, source_url
from tests.bench.search_archive import WORDS_SEED, Language
from tests.contract.politeness.readers import Loopback

ROOT = Path(__file__).parents[2]

CONFIG = """\
[site]
title = "Scale"
base_url = "https://tin.example.vn"
language = "vi"
timezone = "Asia/Ho_Chi_Minh"
[store]
url = "{url}"
[collect]
allow_networks = ["127.0.0.0/8"]
[mail]
from = "Tin <tin@example.vn>"
relay = {{ chinh = {{ host = "127.0.0.1", port = {relay}, security = "plain" }} }}
[log]
level = "warning"
"""


class Clock:
    """Begins at NOW with the run."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=time.monotonic() - self._begun)


def write_config(folder: Path, url: str, size: Size, port: int, relay: int) -> Path:
    """The TOML of the store's sources, topics and digests."""
    words = Language(WORDS_SEED).words
    parts = [CONFIG.format(url=url, relay=relay)]
    parts += [f'[source.s{n}]\nurl = "{source_url(n, port)}"' for n in range(1, size.sources + 1)]
    parts += [
        f'[topic.t{n}]\ntitle = "Mục {n}"\nany = ["{words[20 * n]}"]' for n in range(1, TOPICS + 1)
    ]
    for name, (_, rule, number) in DIGESTS.items():
        names = ", ".join(f'"t{n}"' for n in range(1, number + 1))
        cadence = rule.split("|")[0]
        parts.append(f'[digest.{name}]\ntitle = "Tin"\ncadence = "{cadence}"\ntopics = [{names}]')
    file = folder / "bantin.toml"
    file.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return file


def opened(config: Path, url: str) -> Service:
    """The service as `bantin up` opens it. Stored articles count as matched by these rules."""
    loaded = load(config, os.environ)
    store = Store(url)
    with store.write() as connection:
        for name, rules in rules_hashes(loaded.settings).items():
            topics.keep_rules(connection, name, rules)
    service = Service(loaded, renderer_of(loaded.settings), store, Clock(), "scale")
    service.take(loaded, retire=True)
    service.work_on()
    return service


def client(service: Service) -> Client:
    """Ours, for which every name is this machine."""
    plain = client_of(service.settings, service.clock)
    networks = service.settings.collect.allow_networks
    return Client(plain.user_agent, networks, resolver=Loopback(), clock=service.clock)


@asynccontextmanager
async def publishers(port: int) -> AsyncIterator[None]:
    """All sources, behind one port, in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.scale_site", str(port), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        await process.wait()


class _Publishers(asyncio.Protocol):
    """One answer to a connection after the other. `tick`: how often there was news so far.

    At each tick every tenth source has one more article; what the others have is unchanged.
    """

    tick = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._said = b""

    def data_received(self, data: bytes) -> None:
        self._said += data
        while (end := self._said.find(b"\r\n\r\n")) >= 0:
            asked, self._said = self._said[:end], self._said[end + 4 :]
            self._transport.write(self._answer(asked.decode("latin-1")))  # type: ignore[attr-defined]

    def _answer(self, asked: str) -> bytes:
        first, *lines = asked.split("\r\n")
        headers = {name.lower(): value for name, _, value in (at.partition(": ") for at in lines)}
        path = first.split()[1]
        if path == "/_tick":
            _Publishers.tick += 1
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        if path != "/rss":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        number = int(headers["host"].split(".")[0][1:])
        news = sum(one % 10 == number // 7 % 10 for one in range(1, self.tick + 1))
        tag = f'"{news}"'
        if headers.get("if-none-match") == tag:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode()
        items = "".join(_item(number, one) for one in range(news, max(news - 20, 0), -1))
        body = f"<rss version='2.0'><channel><title>S</title>{items}</channel></rss>".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nETag: {tag}\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _item(number: int, one: int) -> str:
    key = f"{STARTED}-{number}-{one}"
    return (
        f"<item><guid isPermaLink='false'>{key}</guid><title>Tin {key}</title>"
        f"<link>https://s{number}.example/moi/{key}</link><description>{TEXT}</description></item>"
    )


STARTED = int(time.time())
TEXT = "Sáng nay, tại hội trường, các đại biểu đã nghe báo cáo về công tác khoa giáo."


async def _serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Publishers, "127.0.0.1", port, backlog=4096)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
