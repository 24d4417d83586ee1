"""A real SMTP server (aiosmtpd) whose answer to every step a test decides, and that records all."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from service.config.schema import Relay, Settings
from service.config.values import Secret
from service.mail.relay import Timeouts
from service.mail.relays import Line, relay_line
from tests.running import eventually

DROP = "DROP"
"""The answer of hanging up."""

SILENCE = "SILENCE"
"""The answer of saying nothing and keeping the line."""

Answer = str | asyncio.Event | None
Script = Callable[[str, str], Answer]
"""(step, recipient or sender) -> an answer, or None for the usual one. Steps: helo, mail, rcpt,
data (before 354), body (the whole message is here, nothing is recorded yet), after (recorded). An
event: the usual answer once it is set."""


@dataclass
class Received:
    """A message as it came: dots undone, line ends as they were."""

    sender: str
    recipient: str
    data: bytes
    options: list[str] = field(default_factory=list)


class Sink:
    """`async with Sink(script) as sink`: listens on a free port of loopback."""

    def __init__(
        self,
        script: Script = lambda _step, _who: None,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        password: str | None = None,
        utf8: bool = False,
        pipelining: bool = True,
    ) -> None:
        self.script = script
        self.received: list[Received] = []
        self.steps: list[tuple[str, str]] = []
        self.connections = 0
        self.port = 0
        self._tls = tls
        self._implicit = implicit_tls
        self._password = password
        self._utf8 = utf8
        self.pipelining = pipelining
        self._server: asyncio.Server | None = None
        self._peers: list[_Peer] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._peer, "127.0.0.1", port, ssl=self._tls if self._implicit else None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for peer in self._peers:
            if peer.transport is not None:
                peer.transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0.01)

    async def all_have_left(self) -> None:
        """Wait until nobody is connected: what was on its way has arrived."""
        await eventually(lambda: all(peer.transport is None for peer in self._peers))

    def _peer(self) -> _Peer:
        self.connections += 1
        with warnings.catch_warnings(action="ignore"):  # that AUTH without TLS is not wise
            peer = _Peer(
                self,
                hostname="sink.example",
                enable_SMTPUTF8=self._utf8,
                tls_context=None if self._implicit else self._tls,
                authenticator=self._check if self._password else None,
                auth_required=bool(self._password),
                auth_require_tls=False,
                loop=asyncio.get_running_loop(),
            )
        self._peers.append(peer)
        return peer

    def _check(self, _server, _session, _envelope, _mechanism, data) -> AuthResult:
        right = data.password == str(self._password).encode()
        return AuthResult(success=right, handled=right)

    def ask(self, step: str, who: str) -> Answer:
        self.steps.append((step, who))
        return self.script(step, who)

    def line(self, *, connections: int = 4, timeouts: Timeouts | None = None, **relay) -> Line:
        """The line of the sender to this server."""
        context = relay.pop("tls_context", None)
        return relay_line(self.relay(connections=connections, **relay), "tin.example.vn",
                          timeouts or QUICK, context)  # fmt: skip

    def relay(self, **relay: object) -> Relay:
        return relay_of({"host": "127.0.0.1", "port": self.port, **relay})


QUICK = Timeouts(connect=5.0, command=5.0, body=5.0, quit=1.0)


def relay_of(table: dict[str, object], secret: str | None = None) -> Relay:
    """A relay's settings, as loading makes them."""
    table = {"password": "x", **table} if secret else table
    settings = Settings.model_validate({"mail": {"relay": {"chinh": table}}})
    relay = settings.mail.relay["chinh"]
    relay._secret = Secret(secret) if secret else None
    return relay


class _Peer(SMTP):
    """One connection of the server."""

    def __init__(self, sink: Sink, **options: object) -> None:
        self._sink = sink
        super().__init__(self, **options)

    async def _answered(self, step: str, who: str) -> bool:
        """Whether the script has said all that there is to say."""
        answer = self._sink.ask(step, who)
        if answer is None:
            return False
        if answer == DROP:
            self.transport.abort()
        elif answer == SILENCE:
            await asyncio.sleep(3600)
        elif isinstance(answer, asyncio.Event):
            await answer.wait()
            return False
        else:
            await self.push(answer.encode("utf-8", "surrogateescape"))
        return True

    async def handle_EHLO(  # noqa: N802 - aiosmtpd\'s name
        self, _server: SMTP, session: Session, _envelope: Envelope, host: str, offers: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*(["250-PIPELINING"] if self._sink.pipelining else []), *offers]

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - aiosmtpd\'s name
        if not await self._answered("helo", hostname):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd\'s name
        if not await self._answered("mail", arg or ""):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd\'s name
        if not await self._answered("rcpt", arg or ""):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd\'s name
        if not await self._answered("data", self._who()):
            await super().smtp_DATA(arg)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd\'s name
        answer = self._sink.ask("body", self._who())
        if answer is None:
            assert isinstance(envelope.original_content, bytes)
            self._sink.received.append(
                Received(envelope.mail_from or "", self._who(), envelope.original_content,
                         list(envelope.mail_options))
            )  # fmt: skip
            answer = self._sink.ask("after", self._who())
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = None
        if answer == DROP:
            self.transport.abort()
            return "250 never seen"
        if answer == SILENCE:
            await asyncio.sleep(3600)
        return answer or "250 2.0.0 taken"

    def _who(self) -> str:
        return next(iter(self.envelope.rcpt_tos), "") if self.envelope else ""
