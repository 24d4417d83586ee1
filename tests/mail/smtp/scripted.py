"""A relay that reads commands as they come, and answers each as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from tests.mail.relays import DROP, SILENCE

USUAL = {"MAIL": "250 a", "RCPT": "250 b", "DATA": "354 go on", "BODY": "250 taken"}
FORGETS = "FORGETS"
"""The answer of one that throws away what came behind a body, and takes it."""

ROUNDS = 20
"""Of the loop, for as long as which a body is not answered: who stands still meanwhile, as on a
busy machine, has had them all the same."""

Script = Callable[[int, str], str | None]
"""(the number of the message in its connection, MAIL, RCPT, DATA or BODY) -> its answer, with
several lines for several replies; None: the usual one."""


@dataclass
class Scripted:
    """`async with Scripted(script) as relay`: listens on a free port of loopback.

    `connections`: the words of each one's commands. `ahead`: the number in its connection of each
    message whose body had the next envelope behind it; `behind`: whose envelopes these were.
    `asked`: the recipients of all envelopes. `pause_s`: so long a body is not answered.
    """

    script: Script = lambda _number, _step: None
    offers: str = "250-PIPELINING\r\n"
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    connections: list[list[str]] = field(default_factory=list)
    ahead: list[int] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    pause_s: float = 0.02

    async def __aenter__(self) -> Self:
        self._writers: list[asyncio.StreamWriter] = []
        self._server = await asyncio.start_server(self._peer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.hang_up()

    async def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

    async def _peer(self, reader, writer) -> None:
        said: list[str] = []
        self.connections.append(said)
        self._writers.append(writer)
        writer.write(b"220 hello\r\n")
        try:
            await self._talk(reader, writer, said)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader, writer, said) -> None:
        number = 1
        while line := await reader.readline():
            word = line.split()[0].upper().decode()
            said.append(word)
            if word == "EHLO":
                writer.write(f"250-me\r\n{self.offers}250 SIZE 1000000\r\n".encode())
                continue
            if word == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            if word == "RCPT":
                self.asked.append(_recipient(line))
            answer = self.script(number, word) or USUAL.get(word, "250 fine")
            if not await self._says(writer, answer):
                return
            if answer.startswith("354"):
                self.bodies.append(await reader.readuntil(b"\r\n.\r\n"))
                said.append("BODY")
                for _ in range(ROUNDS):
                    await asyncio.sleep(self.pause_s / ROUNDS)
                if reader._buffer:
                    self.ahead.append(number)
                    self.behind.append(_recipient(bytes(reader._buffer)))
                answer = self.script(number, "BODY") or USUAL["BODY"]
                if answer == FORGETS:
                    reader._buffer.clear()
                    answer = USUAL["BODY"]
                number += 1
                if not await self._says(writer, answer):
                    return

    async def _says(self, writer, answer: str) -> bool:
        """Whether it goes on. An answer that ends with DROP hangs up after what stands before."""
        if answer == SILENCE:
            await asyncio.sleep(3600)
        before, drops, _ = answer.partition(DROP)
        for line in before.splitlines():
            writer.write(line.encode() + b"\r\n")
        await writer.drain()
        return not drops


def _recipient(said: bytes) -> str:
    return said.partition(b"TO:<")[2].partition(b">")[0].decode()
