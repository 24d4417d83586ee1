"""How each header becomes bytes: one rule per kind of header, the same bytes every time.

Python's own policy folds `List-Id` and `Message-ID` into encoded words, breaks the quotes of a
phrase that is not ASCII, and takes milliseconds a message. Here a header is either *raw* (tokens
and addresses of the web, one line, as given), *text* (RFC 2047 words, split between characters)
or a *mailbox*. A control character cannot get into any of them.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache

from service.errors import MailError

LINE_LIMIT = 998
"""Bytes in a line without its CRLF (RFC 5322 2.1.1)."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LINE_CHARS = 76
_WORD_BYTES = 45
"""Of text in one encoded word: 60 characters of base64 and 12 of frame, under the limit of 75."""


def raw(name: str, value: str) -> bytes:
    """A header on one line, exactly as given. Raises MailError for a line that cannot be one."""
    line = f"{name}: {value}"
    if _CONTROL.search(line):
        raise MailError(f"{name} would break its line: {value!r}")
    data = line.encode()
    if len(data) > LINE_LIMIT:
        raise MailError(f"{name} is longer than {LINE_LIMIT} bytes")
    return data + b"\r\n"


@lru_cache(maxsize=64)
def text(name: str, value: str) -> bytes:
    """A header that people read, such as Subject. What could break the line becomes a space."""
    clean = one_line(value)
    plain = clean.isascii() and "=?" not in clean
    return b"%s: %s\r\n" % (name.encode(), _fold(clean) if plain else _words(clean))


@lru_cache(maxsize=64)
def mailbox(name: str, title: str, address: str) -> bytes:
    """A header with one address; `title` "" leaves only the address. Raises MailError."""
    title = one_line(title)
    if not title:
        return raw(name, address)
    if title.isascii() and "=?" not in title:
        quoted = title.replace("\\", "\\\\").replace('"', '\\"')
        phrase = title if _ATOMS.fullmatch(title) else f'"{quoted}"'
    else:
        phrase = _words(title).decode()
    lines = f"{phrase}\r\n <{address}>" if "\r\n" in phrase else f"{phrase} <{address}>"
    for line in lines.split("\r\n"):
        raw(name, line)  # judged line by line: no control character, not too long
    return f"{name}: {lines}\r\n".encode()


def one_line(value: str) -> str:
    """The text with every control character and run of spaces as one space."""
    return " ".join(_CONTROL.sub(" ", value).split())


def _words(value: str) -> bytes:
    """RFC 2047 encoded words, one a line, none cut inside a character."""
    chunks, chunk = [], b""
    for character in value:
        encoded = character.encode("utf-8", "replace")
        if len(chunk) + len(encoded) > _WORD_BYTES:
            chunks.append(chunk)
            chunk = b""
        chunk += encoded
    chunks.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?%s?=" % b64encode(chunk) for chunk in chunks)


def _fold(value: str) -> bytes:
    """ASCII folded at spaces; a single word that is too long is cut, never sent over the limit."""
    lines = [""]
    for word in value.split(" "):
        for piece in (word[at : at + 900] for at in range(0, max(len(word), 1), 900)):
            if lines[-1] and len(lines[-1]) + 1 + len(piece) > _LINE_CHARS:
                lines.append(piece)
            else:
                lines[-1] = f"{lines[-1]} {piece}".strip()
    return "\r\n ".join(lines).encode()
