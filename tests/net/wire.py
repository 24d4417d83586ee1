"""Servers that behave, and servers that misbehave byte by byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Script = Callable[["Talk"], Awaitable[None]]


@dataclass
class Talk:
    """One connection: what was asked, and the means to answer anything at all."""

    target: str
    headers: dict[str, str]
    raw: bytes
    writer: asyncio.StreamWriter
    closed: bool = False

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError:
            self.closed = True

    async def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        await self.send("\r\n".join(lines).encode("latin-1") + body)


@dataclass
class Wire:
    """A raw server: its address, what it was asked, how many connections are open at most."""

    port: int = 0
    asked: list[Talk] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def raw_server(
    script: Script,
    *,
    tls: ssl.SSLContext | None = None,
    has_robots: bool = False,
    backlog: int = 100,
) -> AsyncIterator[Wire]:
    """Every connection is read up to the blank line, handed to `script`, then closed.

    `has_robots`: the script answers for robots.txt too; else there is none, and no word of it.
    """
    wire = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        wire.open += 1
        wire.most_open = max(wire.most_open, wire.open)
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
            first, *lines = raw.decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines if ": " in line)
            talk = Talk(first.split()[1], {k.lower(): v for k, v in headers.items()}, raw, writer)
            if talk.target == "/robots.txt" and not has_robots:
                await talk.answer(b"", status="404 Not Found")
                return
            wire.asked.append(talk)
            await script(talk)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            wire.open -= 1
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls, backlog=backlog)
    wire.port = server.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
