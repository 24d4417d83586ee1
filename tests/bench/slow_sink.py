"""A mail server that takes everything, whose replies each come late, as on a long line.

python -m tests.bench.slow_sink PORT SECONDS
"""

from __future__ import annotations

import asyncio
import sys


class Peer(asyncio.Protocol):
    """One connection. Replies wait beside one another, as they do under way."""

    def __init__(self, late_s: float) -> None:
        self._late_s = late_s
        self._said = b""
        self._in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._answer(b"220 slow\r\n")

    def data_received(self, data: bytes) -> None:
        self._said += data
        while True:
            end = b"\r\n.\r\n" if self._in_body else b"\r\n"
            line, found, rest = self._said.partition(end)
            if not found:
                return
            self._said = rest
            self._answer(b"250 taken\r\n" if self._in_body else self._reply(line.upper()))
            self._in_body = not self._in_body and line.upper() == b"DATA"

    def _reply(self, line: bytes) -> bytes:
        if line.startswith(b"EHLO"):
            return b"250-slow\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"
        return b"354 go on\r\n" if line == b"DATA" else b"250 fine\r\n"

    def _answer(self, reply: bytes) -> None:
        asyncio.get_running_loop().call_later(self._late_s, self._say, reply)

    def _say(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


async def serve(port: int, late_s: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Peer(late_s), "127.0.0.1", port, backlog=1000
    )
    async with server:
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
