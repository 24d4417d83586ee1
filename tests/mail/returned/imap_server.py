"""An IMAP server on loopback for tests: a folder of mails, and a fault to have.

It speaks what a client that fetches needs: CAPABILITY, LOGIN, SELECT, UID SEARCH, UID FETCH, UID
STORE, LOGOUT.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import Self

GREETING = "greeting"
"""The step before all commands."""

SILENCE, DRIP, DROP = "silence", "drip", "drop"
"""Faults: says nothing, says a byte every tenth of a second, hangs up."""


@dataclass
class Stored:
    """A mail of the folder. `broken`: the server cannot give it."""

    data: bytes
    flags: set[str] = field(default_factory=set)
    broken: bool = False


class ImapServer:
    """`with ImapServer(mails) as server`: listens on a free port of loopback."""

    def __init__(
        self,
        mails: list[bytes] | None = None,
        *,
        keywords: bool | None = True,
        fault: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        huge: bool = False,
    ) -> None:
        """`fault`: (command before which, what). `huge`: it gives more than was asked for.

        `keywords`: whether it keeps any; None: it does not say.
        """
        self.mails = [Stored(data) for data in mails or []]
        self.commands: list[str] = []
        self.fault = fault
        self._keywords = keywords
        self._tls = tls
        self._huge = huge
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._ends = threading.Event()
        self.hanging = threading.Event()  # it has its fault now

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._listening.close()

    def imap(self, **more: object) -> dict[str, object]:
        """The table of the configuration."""
        return {"host": "127.0.0.1", "port": self.port, "username": "tra-ve", "password": "bi-mat",
                **more}  # fmt: skip

    def unread(self) -> int:
        return sum(not one.flags for one in self.mails)

    def _accept(self) -> None:
        while not self._ends.is_set():
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[peer], daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            if self._tls is not None:
                peer = self._tls.wrap_socket(peer, server_side=True)
            with peer, peer.makefile("rwb") as stream:
                if self.fault is not None and self.fault[0] == GREETING:
                    self._has_fault(stream)
                    return
                self._say(stream, "* OK ready")
                while line := stream.readline():
                    if not self._answer(stream, line.decode("utf-8", "replace").strip()):
                        return
        except OSError:
            return

    def _say(self, stream, text: str) -> None:
        stream.write(text.encode() + b"\r\n")
        stream.flush()

    def _answer(self, stream, line: str) -> bool:
        tag, _, command = line.partition(" ")
        name = command.upper().removeprefix("UID ").partition(" ")[0]
        self.commands.append(command)
        if self.fault is not None and self.fault[0] == name and not self._has_fault(stream):
            return False
        if name == "CAPABILITY":
            self._say(stream, "* CAPABILITY IMAP4rev1")
        elif name == "LOGIN" and "bi-mat" not in command:
            self._say(stream, f"{tag} NO [AUTHENTICATIONFAILED] wrong password")
            return True
        elif name == "SELECT":
            kept = r"(\Seen \*)" if self._keywords else r"(\Seen \Deleted)"
            self._say(stream, f"* {len(self.mails)} EXISTS")
            if self._keywords is not None:
                self._say(stream, f"* OK [PERMANENTFLAGS {kept}] kept")
        elif name == "SEARCH":
            self._search(stream, command)
        elif name == "FETCH" and not self._fetch(stream, command):
            self._say(stream, f"{tag} NO one cannot be read")
            return True
        elif name == "STORE":
            for one in self._named(command.split()[2]):
                one.flags.add(command.partition("(")[2].rstrip(")"))
        elif name == "LOGOUT":
            self._say(stream, "* BYE")
        self._say(stream, f"{tag} OK done")
        return name != "LOGOUT"

    def _has_fault(self, stream) -> bool:
        """Whether it goes on after it."""
        what = self.fault[1]
        self.hanging.set()
        if what == DRIP:
            while not self._ends.wait(0.1):
                stream.write(b"x")
                stream.flush()
        if what == SILENCE:
            self._ends.wait(60)
        return False

    def _search(self, stream, command: str) -> None:
        first, last = map(int, re.search(r"(\d+):(\d+)", command).groups())
        wanted = "BantinRead" if "UNKEYWORD" in command else r"\Seen"
        found = [
            str(100 + n)
            for n, one in enumerate(self.mails[:last], start=1)
            if n >= first and wanted not in one.flags
        ]
        self._say(stream, f"* SEARCH {' '.join(found)}".rstrip())

    def _fetch(self, stream, command: str) -> bool:
        uids = command.split()[2]
        size = int(re.search(r"<0\.(\d+)>", command)[1])
        if any(one.broken for one in self._named(uids)):
            return False
        for uid, one in zip(uids.split(","), self._named(uids), strict=True):
            data = one.data if self._huge else one.data[:size]
            head = f"* {int(uid) - 100} FETCH (UID {uid} BODY[]<0> {{{len(data)}}}\r\n"
            stream.write(head.encode() + data + b")\r\n")
        return True

    def _named(self, uids: str) -> list[Stored]:
        return [self.mails[int(uid) - 101] for uid in uids.split(",")]
