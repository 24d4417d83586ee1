"""A real forward proxy on loopback: CONNECT tunnels, and whole addresses over plain HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Proxy:
    """What it was asked, head by head; where it leads names that only it knows."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)
    login: bytes | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def forward_proxy(login: bytes | None = None, **hosts: str) -> AsyncIterator[Proxy]:
    """`login`: the Proxy-Authorization that it wants. `hosts`: first label of a name -> address."""
    proxy = Proxy(hosts=hosts, login=login)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await _talk(proxy, reader, writer)
        tasks.discard(task)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _talk(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    proxy.heads.append(head)
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    wanted = b"" if proxy.login is None else b"Proxy-Authorization: " + proxy.login + b"\r\n"
    if wanted not in head:
        writer.write(REFUSED)
        await writer.drain()
        return
    where = urlsplit(f"//{target}" if method == "CONNECT" else target)
    name = where.hostname or ""
    host = proxy.hosts.get(name.partition(".")[0], name)
    far_reader, far_writer = await asyncio.open_connection(host, where.port or 80)
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
    else:
        far_writer.write(head)
    try:
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        far_writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    with suppress(OSError):
        sink.write_eof()
