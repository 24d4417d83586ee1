"""aiosmtplib's client for one message at a time: its envelope, 354, and its body.

aiosmtplib sends DATA and the body in one call. The ledger must be written between the two: only
when the relay has said 354 and the commit of `sending` stands does the first byte of the body
leave (docs/decisions/019). So DATA is driven here in two steps. Behind a body the envelope of the
next message may follow in the same write (docs/decisions/083).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import aiosmtplib
import aiosmtplib.typing

from service.mail.smtp.replies import Replies

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CONTINUE_AUTH = 334

Heard = Callable[[str, str], None]
"""Called with each line of the dialogue: ("C" for ours or "S" for the relay's, the line)."""

Commands = Sequence[Sequence[bytes]]
"""Each is its words."""

_HIDDEN = "***"


class SmtpClient(aiosmtplib.SMTP):
    """aiosmtplib's client with the body of DATA as a step of its own, and a dialogue to overhear.

    What follows AUTH and its mechanism is never told to `heard`.
    """

    def __init__(self, *, heard: Heard | None, **options: Any) -> None:
        super().__init__(**options)
        self._heard = heard or (lambda _who, _line: None)
        self._hides_next = False
        self._replies: Replies | None = None  # to a group that is not answered wholly

    async def execute_command(
        self,
        *args: bytes,
        timeout: Any = aiosmtplib.typing.Default.token,  # noqa: ASYNC109
    ) -> aiosmtplib.SMTPResponse:
        self._heard("C", self._shown(args))
        response = await super().execute_command(*args, timeout=timeout)
        self.overheard(response)
        self._hides_next = response.code == _CONTINUE_AUTH
        return response

    def write_group(self, commands: Commands, body: bytes = b"") -> None:
        """Send them in one write (RFC 2920), behind the end of a body if there is one.

        For a relay that offers PIPELINING, with DATA last. `reply` takes their replies one after
        the other. Whoever has taken all calls `settle`, whoever does not must hang up. Raises
        ValueError for a control character, SMTPServerDisconnected if not a byte could leave.
        """
        if not are_sound(commands):
            raise ValueError("Command arg contains a prohibited control character")
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        if self._replies is None:
            self._replies = Replies(self.protocol)
        for command in commands:
            self._heard("C", b" ".join(command).decode("utf-8", "replace"))
        self.protocol.write(body + b"".join(b" ".join(command) + b"\r\n" for command in commands))

    async def reply(self, timeout: float) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109
        """The next reply to a group. Raises what aiosmtplib raises for one command."""
        assert self._replies is not None
        response = await self._replies.next(timeout)
        self.overheard(response)
        return response

    def settle(self) -> None:
        """All replies to a group were taken."""
        if self._replies is not None:
            self._replies.give_back()
            self._replies = None

    async def starttls(self, *args: Any, **options: Any) -> aiosmtplib.SMTPResponse:
        """Not a command of its own in the library."""
        await self._ehlo_or_helo_if_needed()
        self._heard("C", "STARTTLS")
        response = await super().starttls(*args, **options)
        self.overheard(response)
        return response

    def overheard(self, response: aiosmtplib.SMTPResponse) -> None:
        for line in response.message.splitlines() or [""]:
            self._heard("S", f"{response.code} {line}".rstrip())

    def _shown(self, args: tuple[bytes, ...]) -> str:
        if self._hides_next:
            return _HIDDEN
        is_login = args[0].upper() == b"AUTH"
        shown = [*args[:2], _HIDDEN.encode()] if is_login and len(args) > 2 else args  # noqa: PLR2004
        return b" ".join(shown).decode("utf-8", "replace")

    async def greet(self) -> None:
        """EHLO once more where TLS has made the relay forget us."""
        await self._ehlo_or_helo_if_needed()

    def begin_body(self, data: bytes, behind: Commands = ()) -> None:
        """Hand the body to the socket, and with it the envelope of the next message.

        Raises SMTPServerDisconnected if not a byte could leave.
        """
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the relay hung up before the body")
        self._heard("C", f"(the message, {len(data)} bytes)")
        self._heard("C", ".")
        stuffed = data.replace(b"\n.", b"\n..") if b"\n." in data else data
        first = b"." if stuffed.startswith(b".") else b""
        body = b"%s%s.\r\n" % (first, stuffed)
        if behind:
            self.write_group(behind, body)
        else:
            self.protocol.write(body)

    async def end_body(self, timeout: float) -> aiosmtplib.SMTPResponse:  # noqa: ASYNC109
        """The relay's last word on the message. Must follow `begin_body` at once."""
        if self._replies is not None:
            return await self.reply(timeout)
        if self.protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the relay hung up after the body")
        response = await self.protocol.read_response(timeout=timeout)
        self.overheard(response)
        return response


def are_sound(commands: Commands) -> bool:
    """Whether none holds a control character, which could be a command of its own."""
    return not any(_CONTROL.search(part) for command in commands for part in command)
