"""DKIM signatures (RFC 6376), relaxed for headers and simple for the body. Pure.

`t=` is the instant that the mail bears as its date, and both kinds of key give the same signature
each time: so a retry, and a preview, has the same bytes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from service.config.sections import Dkim
from service.errors import MailError
from service.mail.signing import keys
from service.mail.signing.keys import PrivateKey

_SIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "content-language", "list-id", "list-archive", "list-unsubscribe", "list-unsubscribe-post",
    "feedback-id", "auto-submitted", "precedence",
)  # fmt: skip
"""Every header that we write. RFC 8058 4 wants both List-Unsubscribe headers covered."""

_NEVER_ADDED = frozenset({"from", "to", "cc", "subject", "reply-to"})
"""Named once more than they stand there, even if not at all: a second one breaks the signature."""

_NOT_TWICE = frozenset(
    {"date", "message-id", "mime-version", "content-type", "list-unsubscribe",
     "list-unsubscribe-post"}
)  # fmt: skip
"""The same for these, where they are there."""

_FIELD = re.compile(rb"\r\n(?![ \t])")
_BLANKS = re.compile(rb"[ \t\r\n]+")
_LINE = 72
"""Characters of `b=` and of `h=` in a line."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one domain. `domain` is in ASCII; the key's record stands at `selector` there."""

    domain: str
    selector: str
    key: PrivateKey

    def sign(self, data: bytes, dated_at: datetime) -> bytes:
        """The message with its signature before it.

        `data` is as it goes over the wire: CRLF, dots not stuffed. `dated_at` is an aware instant.
        """
        head, _, body = data.partition(b"\r\n\r\n")
        fields = _fields(head)
        unsigned = self._unsigned(fields, body, dated_at)
        signature = b64encode(keys.sign(self.key, _canonical(fields, unsigned)))
        lines = [signature[at : at + _LINE] for at in range(0, len(signature), _LINE)]
        return b"%s%s\r\n%s" % (unsigned, b"\r\n ".join(lines), data)

    def _unsigned(self, fields: dict[str, bytes], body: bytes, dated_at: datetime) -> bytes:
        """The header up to `b=`."""
        body_hash = b64encode(sha256(_body(body)).digest()).decode()
        kind = keys.type_of(self.key)
        return (
            f"DKIM-Signature: v=1; a={kind}-sha256; c=relaxed/simple; d={self.domain};\r\n"
            f" s={self.selector}; t={int(dated_at.timestamp())};\r\n"
            f" h={_names(tuple(fields))};\r\n"
            f" bh={body_hash};\r\n"
            f" b="
        ).encode()


def signer_of(written: Dkim) -> Signer:
    """The signer of `[mail] dkim`. Raises MailError for a key that cannot sign."""
    secret = written.key.secret
    if secret is None:
        raise MailError("mail.dkim.key was not read")
    return Signer(written.domain, written.selector, keys.read(secret.reveal()))


def _fields(head: bytes) -> dict[str, bytes]:
    """Name in lower case -> value in relaxed form (RFC 6376 3.4.2). We write none of them twice."""
    parted = (line.partition(b":") for line in _FIELD.split(head))
    return {name.decode("ascii").lower(): _relaxed(value) for name, _, value in parted}


def _relaxed(value: bytes) -> bytes:
    value = value.strip()
    # Most stand on one line, with single spaces.
    if b"\n" in value or b"  " in value or b"\t" in value or b"\r" in value:
        return _BLANKS.sub(b" ", value)
    return value


def _canonical(fields: dict[str, bytes], unsigned: bytes) -> bytes:
    """What is signed: the headers in the order of `h=`, then our own without its signature."""
    signed = [b"%s:%s\r\n" % (name.encode(), fields[name]) for name in _SIGNED if name in fields]
    [(name, value)] = _fields(unsigned).items()
    return b"".join([*signed, b"%s:%s" % (name.encode(), value)])


def _body(body: bytes) -> bytes:
    """In simple form: one CRLF at the end, however many empty lines there are (RFC 6376 3.4.3)."""
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    return body if body.endswith(b"\r\n") else body + b"\r\n"


@lru_cache(maxsize=64)
def _names(fields: tuple[str, ...]) -> str:
    """The value of `h=`: the mails of a digest have the same headers."""
    once_more = _NEVER_ADDED | (_NOT_TWICE & set(fields))
    names = [name for name in _SIGNED if name in fields]
    return _folded(names + [name for name in _SIGNED if name in once_more])


def _folded(names: list[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _LINE:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n ".join(lines).removesuffix(":")
