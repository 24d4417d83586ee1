"""Mails from a stream: one, or an mbox of many; however large, little of each is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from service.mail.returned.mime import READ_AT_MOST

_CHUNK = 1 << 16
_FROM = re.compile(rb"From \S+ .*\d\d:\d\d.*\d{4}")
_FIELD = re.compile(rb">?[!-9;-~]+[ \t]*:|>?From ")


def mails_in(stream: BinaryIO) -> Iterator[bytes]:
    """The first READ_AT_MOST bytes of each mail. The stream is read to its end. Raises OSError.

    A stream that begins with an mbox line ("From …") is an mbox: a new mail begins at such a line
    behind an empty one, where a field follows.
    """
    first = stream.readline(_CHUNK)
    if not first.startswith(b"From "):
        yield _whole(first, stream)
        return
    kept, after_empty, held = [first], False, b""
    size = len(first)
    for line in iter(lambda: stream.readline(_CHUNK), b""):
        if held and _FIELD.match(line):
            yield b"".join(kept)
            kept, size = [held], len(held)
        elif held:
            size = _keep(kept, held, size)
        begins = after_empty and _FROM.match(line) is not None
        held = line if begins else b""
        if not begins:
            size = _keep(kept, line, size)
        after_empty = not line.strip()
    _keep(kept, held, size)
    yield b"".join(kept)


def _keep(kept: list[bytes], line: bytes, size: int) -> int:
    if size < READ_AT_MOST:
        kept.append(line)
    return size + len(line)


def _whole(first: bytes, stream: BinaryIO) -> bytes:
    """The mail's beginning; the rest is read and let go, so that a pipe's writer can end."""
    data = first + stream.read(READ_AT_MOST)
    while stream.read(_CHUNK):
        pass
    return data
