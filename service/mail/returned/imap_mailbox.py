r"""Fetches returned mail from an IMAP mailbox (RFC 9051), for offices whose mail is hosted.

Nothing is deleted: what has been read gets a keyword of ours, or `\\Seen` where the server keeps no
keywords. It gets it after the store has what it says; a mail that is fetched twice counts once. So
a connection that breaks, and a service that is killed, lose nothing.

imaplib waits in a thread. A server that says nothing ends it by the socket's timeout, one that says
a byte now and then by the time for all, and a service that stops by closing the socket.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from service.config.schema import Imap
from service.errors import BantinError, MailError, StoreError
from service.mail.returned.model import ReturnedKind
from service.mail.returned.opened import OpenedMail, open_mail, without_words
from service.mail.security import Security, imap_port, imap_security

KEYWORD = "BantinRead"
"""What a mail bears that has been read."""

_FETCHED = 1 << 18
"""Bytes of each mail: its report stands before the copy of what was sent."""

_LONGEST = 4 * _FETCHED
_AT_ONCE = 20
_SEARCHED = 5000
"""Mails of the folder in one SEARCH: an answer must not outgrow imaplib's longest line."""

_ENDS_S = 10.0
"""For a connection that was closed to notice it."""

_UID = re.compile(rb"\bUID (\d+)\b")

Take = Callable[[Sequence[OpenedMail]], None]
"""Told some mails; when it returns the store has what they say."""

Open = Callable[[Sequence[bytes]], Awaitable[list[OpenedMail]]]
"""Reads some mails (mail.returned.opened). Raises BantinError where it cannot: they stay unread."""


@dataclass(frozen=True, slots=True)
class ImapLimits:
    """Seconds: to connect, for each piece of an answer, and for all."""

    connect: float = 10.0
    answer: float = 30.0
    all: float = 600.0


async def fetch(
    imap: Imap,
    take: Take,
    stop: asyncio.Event,
    *,
    opened: Open | None = None,
    limits: ImapLimits | None = None,
    tls_context: ssl.SSLContext | None = None,
) -> int:
    """Read all that is unread. Returns how many mails; what `take` raises is raised.

    `stop`: when set, the connection is closed. `opened` reads mails; None: this process does.
    `tls_context` None: the system's certificates.
    Raises MailError where the mailbox cannot be read; what was taken before that stays so.
    """
    limits = limits or ImapLimits()
    loop = asyncio.get_running_loop()

    def read(mails: Sequence[bytes]) -> list[OpenedMail]:
        if opened is None:
            return [open_mail(data) for data in mails]
        return asyncio.run_coroutine_threadsafe(_coroutine(opened, mails), loop).result(limits.all)

    visit = _Visit(imap, read, take, limits, tls_context or ssl.create_default_context())
    work = asyncio.create_task(asyncio.to_thread(visit.run))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, timeout=limits.all, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and not stop.is_set():
            visit.why = f"it took longer than {limits.all:.0f} s"
    finally:
        stopped.cancel()
        visit.cut_off()
    await asyncio.wait({work}, timeout=_ENDS_S)
    if not work.done():  # it connects, and there is nothing yet that could be closed
        raise MailError(f"{imap.host}: {visit.why or 'it did not answer'}")
    return await work


async def _coroutine(opened: Open, mails: Sequence[bytes]) -> list[OpenedMail]:
    return await opened(mails)


class _Visit:
    """One connection to a mailbox. `why`: for what reason it was cut off."""

    def __init__(
        self,
        imap: Imap,
        read: Callable[[Sequence[bytes]], list[OpenedMail]],
        take: Take,
        limits: ImapLimits,
        tls_context: ssl.SSLContext,
    ) -> None:
        self._imap = imap
        self._read = read
        self._take = take
        self._limits = limits
        self._tls = tls_context
        self._server: imaplib.IMAP4 | None = None
        self._is_cut_off = False
        self.why = ""

    def run(self) -> int:
        try:
            return self._read_all()
        except StoreError:
            raise
        except BantinError:
            if self._is_cut_off and not self.why:
                return 0  # the service stops, and with it the processes that read
            raise
        except (imaplib.IMAP4.error, OSError, ValueError, AttributeError) as error:
            if self._is_cut_off and not self.why:
                return 0  # the service stops
            said = self.why or str(error) or type(error).__name__
            raise MailError(f"{self._imap.host}: {said}") from error
        finally:
            if self._server is not None:
                with suppress(imaplib.IMAP4.error, OSError, ValueError, AttributeError):
                    self._server.shutdown()

    def cut_off(self) -> None:
        """Close the connection, whatever it waits for."""
        self._is_cut_off = True
        if self._server is not None:
            with suppress(OSError):
                # The plain socket's: TLS would say goodbye first, and wait.
                socket.socket.shutdown(self._server.sock, socket.SHUT_RDWR)

    def _read_all(self) -> int:
        server = self._open()
        exists = int(_good(server.select(_quoted(self._imap.folder)))[0] or 0)
        kept = b" ".join(one or b"" for one in server.response("PERMANENTFLAGS")[1])
        mark, unread = (KEYWORD, f"UNKEYWORD {KEYWORD}") if rb"\*" in kept else (r"\Seen", "UNSEEN")
        number = 0
        for uids in self._unread(server, exists, unread):
            mails = self._mails(server, uids)
            self._hand_on(self._read(list(mails.values())))
            if mails:
                _good(server.uid("STORE", ",".join(mails), "+FLAGS.SILENT", f"({mark})"))
            number += len(mails)
        with suppress(imaplib.IMAP4.error, OSError):
            server.logout()
        return number

    def _hand_on(self, mails: Sequence[OpenedMail]) -> None:
        """Of one whose words nobody can take a row says so: those behind it must not wait."""
        try:
            self._take(mails)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a hostile mail has found
            if len(mails) > 1:
                for one in mails:
                    self._hand_on([one])
                return
            why = f"it cannot be stored: {type(error).__name__}"
            log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")
            log.warning("a returned mail cannot be taken", error=type(error).__name__)
            if mails[0].mail.kind is not ReturnedKind.UNREAD:
                self._hand_on([without_words(mails[0].keys, why)])

    def _open(self) -> imaplib.IMAP4:
        kind, host, port = imap_security(self._imap), self._imap.host, imap_port(self._imap)
        connect = self._limits.connect
        server: imaplib.IMAP4
        if kind is Security.TLS:
            server = _TlsServer(self._keep, host, port, ssl_context=self._tls, timeout=connect)
        else:
            server = _PlainServer(self._keep, host, port, timeout=connect)
        server.sock.settimeout(self._limits.answer)
        if kind is Security.STARTTLS:
            server.starttls(self._tls)
        secret = self._imap.password.secret
        self._log_in(server, self._imap.username, secret.reveal() if secret else "")
        return server

    def _keep(self, server: imaplib.IMAP4) -> None:
        """From now on it can be cut off."""
        self._server = server
        if self._is_cut_off:
            raise OSError("cut off")

    def _log_in(self, server: imaplib.IMAP4, name: str, password: str) -> None:
        if name.isascii() and password.isascii():
            server.login(_quoted(name), password)  # imaplib quotes the password alone
            return
        # LOGIN takes ASCII alone; in PLAIN (RFC 4616) both are UTF-8.
        server.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())

    def _unread(self, server: imaplib.IMAP4, exists: int, unread: str) -> Iterator[list[str]]:
        """UIDs of what is unread, the oldest first, some at a time."""
        for first in range(1, exists + 1, _SEARCHED):
            some = f"{first}:{min(first + _SEARCHED - 1, exists)}"
            found = _good(server.uid("SEARCH", some, unread))[0] or b""
            uids = [uid.decode() for uid in found.split() if uid.isdigit()]
            for at in range(0, len(uids), _AT_ONCE):
                yield uids[at : at + _AT_ONCE]

    def _mails(self, server: imaplib.IMAP4, uids: list[str]) -> dict[str, bytes]:
        """UID -> the beginning of the mail. One that the server does not give is left out."""
        what = f"(UID BODY.PEEK[]<0.{_FETCHED}>)"
        answer, parts = server.uid("FETCH", ",".join(uids), what)
        if answer != "OK" and len(uids) > 1:  # one of them is broken: the others must not wait
            return {uid: data for one in uids for uid, data in self._mails(server, [one]).items()}
        mails = {}
        for place, part in enumerate(parts if answer == "OK" else ()):
            if not isinstance(part, tuple):
                continue
            after = parts[place + 1] if place + 1 < len(parts) else b""
            uid = _UID.search(part[0]) or _UID.search(after if isinstance(after, bytes) else b"")
            if uid is not None and uid[1].decode() in uids:
                mails[uid[1].decode()] = part[1]
        return mails


class _Bounded:
    """Reads no longer literal than was asked for, and shows itself before the server has spoken."""

    def __init__(self, opened: Callable[[Any], None], *address: Any, **options: Any) -> None:
        self._opened = opened
        super().__init__(*address, **options)

    def open(self, *address: Any, **options: Any) -> None:
        super().open(*address, **options)  # type: ignore[misc]
        self._opened(self)

    def read(self, size: int) -> bytes:
        if size > _LONGEST:
            raise imaplib.IMAP4.abort(f"an answer of {size} bytes, more than was asked for")
        return super().read(size)  # type: ignore[misc, no-any-return]


class _PlainServer(_Bounded, imaplib.IMAP4):
    """A connection without TLS, or before it."""


class _TlsServer(_Bounded, imaplib.IMAP4_SSL):
    """A connection in TLS from its first byte."""


def _good(answer: tuple[str, list[bytes | None]]) -> list[bytes | None]:
    """What was answered to a command that was done. Raises IMAP4.error for one that was not."""
    if answer[0] != "OK":
        said = b" ".join(one for one in answer[1] if isinstance(one, bytes))
        raise imaplib.IMAP4.error(said.decode("utf-8", "replace")[:300])
    return answer[1]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
