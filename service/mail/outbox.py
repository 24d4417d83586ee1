"""The local outbox: a Maildir that takes the place of a relay where none is configured.

`new/KEY`, KEY being the local part of the Message-ID; a mail reader moves it to `cur/KEY:2,S`.
A key is looked for before it is written, so a message is written once and what became of a
delivery can always be looked up: the outbox is never uncertain.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

from service.store.core import private_files

_KEY = re.compile(r"[a-z2-7]{32}")
_HEADERS_LIMIT = 64 * 1024
"""Bytes of a file that are read for its headers."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in the outbox. `at` is its Date, else when it was written; aware UTC."""

    key: str
    to: str
    subject: str
    at: datetime
    size: int


class Outbox:
    """A Maildir at `folder`, which is made at the first message."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, data: bytes) -> bool:
        """Write a message, on the disk when it returns. False: it was there. Raises OSError."""
        if self.find(key) is not None:
            return False
        for name in ("tmp", "new", "cur"):
            private_files.make_folder(self.folder / name)
        half = self.folder / "tmp" / key
        with open(half, "wb", opener=private_files.opener) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        half.rename(self.folder / "new" / key)
        _sync_folder(self.folder / "new")
        return True

    def find(self, key: str) -> Path | None:
        """The file of a key, read or not; None if there is none."""
        if not _KEY.fullmatch(key):
            return None
        fresh = self.folder / "new" / key
        if fresh.is_file():
            return fresh
        return next(iter(sorted((self.folder / "cur").glob(f"{key}*"))), None)

    def remove(self, key: str) -> None:
        """Delete the message of a key, read or not, if it is there."""
        path = self.find(key)
        if path is not None:
            path.unlink(missing_ok=True)

    def get(self, key: str) -> bytes | None:
        """The message exactly as it was written; None if there is none."""
        path = self.find(key)
        return None if path is None else path.read_bytes()

    def listed(self, limit: int = 200) -> list[Listed]:
        """The latest messages, by the file's time, newest first. Other files are left out."""
        found = [
            path
            for name in ("new", "cur")
            if (self.folder / name).is_dir()
            for path in (self.folder / name).iterdir()
            if _KEY.match(path.name)
        ]
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
        return [_read(path) for path in found[:limit]]


def _read(path: Path) -> Listed:
    stat = path.stat()
    with path.open("rb") as file:
        headers = BytesHeaderParser(policy=policy.default).parsebytes(file.read(_HEADERS_LIMIT))
    dated = getattr(headers["Date"], "datetime", None)
    written = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Listed(
        key=path.name[:32],
        to=str(headers["To"] or ""),
        subject=str(headers["Subject"] or ""),
        at=dated.astimezone(UTC) if dated else written,
        size=stat.st_size,
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def html_of(message: EmailMessage) -> str:
    """The HTML part as a browser can show it: with the pictures that came inside. "": no such part.

    The parts must have been read with `email.policy.default`.
    """
    part = message.get_body(("html",))
    html = "" if part is None else str(part.get_content())
    for one in message.walk():
        cid = str(one["Content-ID"] or "").strip("<> ")
        if cid and one.get_content_maintype() == "image":
            data = b64encode(one.get_content()).decode()
            html = html.replace(f"cid:{cid}", f"data:{one.get_content_type()};base64,{data}")
    return html
