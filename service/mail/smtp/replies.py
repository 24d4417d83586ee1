"""The relay's replies to several commands that were sent in one write (RFC 2920, PIPELINING).

aiosmtplib waits for one reply at a time, and throws away what comes beside it. So while the replies
of a group come, this stands in its place behind the transport.
"""

from __future__ import annotations

import asyncio
import re

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol

_LONGEST = 64 * 1024
"""Bytes of one reply. Who says more says nothing that we understand."""

_LINE = re.compile(rb"(\d{3})([ -]?)(.*?)\r?\n", re.DOTALL)

Reply = aiosmtplib.SMTPResponse | aiosmtplib.SMTPException


class Replies(asyncio.Protocol):
    """Takes apart what the relay says, reply by reply, from when it is made until `give_back`."""

    def __init__(self, owner: SMTPProtocol) -> None:
        """`owner`: aiosmtplib's protocol, which is told of the connection's end as well.

        Raises SMTPServerDisconnected where there is no connection any more.
        """
        transport = owner.transport
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        self._owner = owner
        self._transport = transport
        self._said = b""
        self._lines: list[str] = []
        self._size = 0  # bytes of the reply that comes
        self._came: asyncio.Queue[Reply] = asyncio.Queue()
        transport.set_protocol(self)

    def give_back(self) -> None:
        """From now on aiosmtplib hears the relay again. What nobody asked for is forgotten."""
        if not self._transport.is_closing():
            self._transport.set_protocol(self._owner)

    async def next(self, timeout: float) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109
        """The next reply. Raises what aiosmtplib raises for one command."""
        try:
            if self._came.empty():
                async with asyncio.timeout(timeout):
                    came = await self._came.get()
            else:  # most come together
                came = self._came.get_nowait()
        except TimeoutError as error:
            raise aiosmtplib.SMTPReadTimeoutError(
                "Timed out waiting for server response"
            ) from error
        if isinstance(came, aiosmtplib.SMTPException):
            self._came.put_nowait(came)  # and so for each that was still to come
            raise came
        return came

    def data_received(self, data: bytes) -> None:
        self._said += data
        self._size += len(data)
        while line := _LINE.match(self._said):
            self._said = self._said[line.end() :]
            self._lines.append(line[3].strip().decode("utf-8", "surrogateescape"))
            if line[2] != b"-":
                message, self._lines = "\n".join(self._lines), []
                self._size = len(self._said)
                self._came.put_nowait(aiosmtplib.SMTPResponse(int(line[1]), message))
        if b"\n" in self._said or self._size > _LONGEST:
            code = aiosmtplib.SMTPStatus.invalid_response.value
            said = self._said[:200].decode("utf-8", "replace")
            wrong = aiosmtplib.SMTPResponseException(code, f"Malformed SMTP response: {said!r}")
            self._came.put_nowait(wrong)
            self._said = b""

    def eof_received(self) -> bool:
        self._came.put_nowait(aiosmtplib.SMTPServerDisconnected("Unexpected EOF received"))
        return self._owner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        lost = aiosmtplib.SMTPServerDisconnected("Connection lost")
        lost.__cause__ = exc
        self._came.put_nowait(lost)
        self._owner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._owner.pause_writing()

    def resume_writing(self) -> None:
        self._owner.resume_writing()
