"""Parts and an envelope -> the bytes of one message. Pure: the same values give the same bytes.

So a preview is the mail: Message-ID is an HMAC of edition key and subscription, the MIME boundary
comes from the segment's hash, Date from `dated_at`. The bytes are those of the preview, of the
outbox and of the wire (there with its dots stuffed): CRLF, no line over 998.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode, b64encode
from binascii import b2a_qp
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from itertools import pairwise
from struct import unpack_from
from types import MappingProxyType

from service.mail import policy
from service.model import DeliveryKind, Parts
from service.render import marks

_BULK = frozenset({DeliveryKind.EDITION, DeliveryKind.WELCOME})
_BASE64_LINE = 76
_TEXT_LINE = 72
"""Columns of the text part, as its templates wrap it."""

_BETWEEN_PARAGRAPHS = re.compile(r"(\n[ \t]*\n)")
_NEWLINES = re.compile(r"\r\n|\r|\n")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Envelope:
    """All that stands in the headers beside the subject.

    `message_id` is without its brackets, `dated_at` an aware instant, `sender` and `reply_to` are
    (title, address) with title "" for none, `recipient` an address, `list_id` without brackets.
    The addresses of the web are absolute; `unsubscribe_url` None: it is no reader's mail. `segment`
    is the hash that the boundary is made from.
    """

    kind: DeliveryKind
    message_id: str
    dated_at: datetime
    sender: tuple[str, str]
    recipient: str
    reply_to: tuple[str, str] | None
    list_id: str
    unsubscribe_url: str | None
    archive_url: str
    feedback_id: str
    language: str
    segment: bytes


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture inside a mail, encoded once for all of them: `part` is headers and body.

    The HTML part names it by `cid`.
    """

    cid: str
    part: bytes


def inline(cid: str, kind: str, data: bytes) -> Inline:
    """The picture as a part. `kind`: png, jpeg or gif."""
    head = (
        f'Content-Type: image/{kind}; name="logo.{kind}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{cid}>\r\n"
        f'Content-Disposition: inline; filename="logo.{kind}"\r\n\r\n'
    )
    return Inline(cid, head.encode() + _base64(data) + b"\r\n")


def build(
    parts: Parts,
    envelope: Envelope,
    picture: Inline | None = None,
    values: Mapping[str, str] = _NONE,
) -> bytes:
    """The whole message. `values` stand in place of the marks, escaped in HTML.

    The picture goes into mails whose HTML part names it, and belongs to that part alone. Raises
    MailError; KeyError for a mark without a value.
    """
    boundary = f"=_{envelope.segment.hex()[:48]}"
    html = _part(boundary, "html", parts.html, _Escaped(values))
    if picture is not None and f"cid:{picture.cid}" in parts.html:
        html = _related(boundary, html, picture)
    return b"".join(
        [
            *_headers(marks.fill(parts.subject, values), envelope, boundary),
            b"\r\n",
            _part(boundary, "plain", parts.text, values),
            html,
            f"--{boundary}--\r\n".encode(),
        ]
    )


def edition_message_id(
    secret: bytes,
    host: str,
    *,
    digest_id: int,
    cadence: str,
    cut_at: datetime,
    subscription_id: int | None,
) -> str:
    """`KEY@HOST` of an edition's mail; `subscription_id` is None for a preview to nobody.

    The digest's row id and not its name: a renamed digest must not send again.
    """
    who = "" if subscription_id is None else str(subscription_id)
    return _identify(secret, host, "edition", str(digest_id), cadence, _instant(cut_at), who)


def transactional_message_id(
    secret: bytes, host: str, *, kind: DeliveryKind, subscription_id: int, dated_at: datetime
) -> str:
    """`KEY@HOST` of a mail without an edition: confirm, welcome, change, report."""
    return _identify(secret, host, kind.value, str(subscription_id), _instant(dated_at))


def review_message_id(secret: bytes, host: str, *, token: str, number: int) -> str:
    """`KEY@HOST` of a mail to an editor. `token`: that of the link; `number` 0: what brings it.

    Copies are numbered from 1.
    """
    return _identify(secret, host, "review", token, str(number))


def key_of(message_id: str) -> str:
    """The delivery's key: the local part of its Message-ID, and its file name in the outbox."""
    return message_id.partition("@")[0]


def _identify(secret: bytes, host: str, *values: str) -> str:
    # Not `hmac.digest`, which lets other threads go first each time: planning makes thousands, and
    # those that read and send would have their turn before each.
    mac = hmac.new(secret, "\x1f".join(("message-id", *values)).encode(), "sha256").digest()
    # 160 bits in base32: 32 characters, lower case, a good file name everywhere.
    return f"{b32encode(mac[:20]).decode().lower()}@{host}"


@lru_cache(maxsize=64)
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _headers(subject: str, envelope: Envelope, boundary: str) -> list[bytes]:
    headers = [
        policy.mailbox("From", *envelope.sender),
        policy.raw("To", envelope.recipient),
        policy.text("Subject", subject),
        policy.raw("Date", format_datetime(envelope.dated_at.astimezone(UTC))),
        policy.raw("Message-ID", f"<{envelope.message_id}>"),
    ]
    if envelope.reply_to is not None:
        headers.append(policy.mailbox("Reply-To", *envelope.reply_to))
    headers += [
        # An ASCII id without a phrase: a phrase in Vietnamese loses its quotes on the way.
        policy.raw("List-Id", f"<{envelope.list_id}>"),
        policy.raw("List-Archive", f"<{envelope.archive_url}>"),
    ]
    if envelope.unsubscribe_url is not None:
        headers += [
            policy.raw("List-Unsubscribe", f"<{envelope.unsubscribe_url}>"),
            policy.raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    headers += [
        policy.raw("Feedback-ID", envelope.feedback_id),
        policy.raw("Auto-Submitted", "auto-generated"),
    ]
    if envelope.kind in _BULK:
        headers.append(policy.raw("Precedence", "bulk"))
    headers += [
        policy.raw("Content-Language", envelope.language),
        policy.raw("MIME-Version", "1.0"),
        policy.raw("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
    ]
    return headers


def _related(boundary: str, html: bytes, picture: Inline) -> bytes:
    """The HTML part, which begins with its boundary, together with its picture."""
    inside = f"{boundary}.p"
    mark = f"--{inside}\r\n".encode()
    return b"".join(
        [
            f"--{boundary}\r\n".encode(),
            f'Content-Type: multipart/related; type="text/html"; boundary="{inside}"\r\n'.encode(),
            b"\r\n",
            mark,
            html.removeprefix(f"--{boundary}\r\n".encode()),
            mark,
            picture.part,
            f"--{inside}--\r\n".encode(),
        ]
    )


class _Escaped(dict[str, str]):
    """Values as they stand in HTML, each escaped where it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, name: str) -> str:
        return escape(self._values[name])


def _part(boundary: str, subtype: str, text: str, values: Mapping[str, str]) -> bytes:
    encoding, body = _encode(text, values, wrapping=subtype == "plain")
    head = (
        f"--{boundary}\r\n"
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + body + b"\r\n"


def _encode(text: str, values: Mapping[str, str], *, wrapping: bool) -> tuple[str, bytes]:
    """ASCII stays readable; Vietnamese would triple in quoted-printable, so it goes as base64."""
    pieces, names = _pieces(text, wrapping=wrapping)
    told = (_told(name, values) + piece for name, piece in zip(names, pieces[1:], strict=True))
    data = b"".join([pieces[0], *told])
    if data.isascii():
        quoted = b2a_qp(data, istext=True)
        return "quoted-printable", quoted.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return "base64", _base64(data)


def _base64(data: bytes) -> bytes:
    flat = b64encode(data)
    full = len(flat) // _BASE64_LINE
    lines = unpack_from(f"{_BASE64_LINE}s" * full, flat)  # three times as quick as cutting
    return b"\r\n".join([*lines, flat[full * _BASE64_LINE :]]).removesuffix(b"\r\n")


@lru_cache(maxsize=32)
def _pieces(text: str, *, wrapping: bool) -> tuple[list[bytes], list[str]]:
    """What is the same in all mails of a segment, as it goes over the wire, and what is between.

    That is the name of a mark, or, of a text that is `wrapping`, a whole paragraph with marks.
    """
    if not wrapping:
        pieces, names = marks.cut(text)
        return [_wire(piece) for piece in pieces], names
    pieces, names = [""], []
    for part in _BETWEEN_PARAGRAPHS.split(text):
        if _is_sentence(part):
            names.append(part)
            pieces.append("")
            continue
        first, *rest = marks.cut(part)[0]
        names += marks.cut(part)[1]
        pieces[-1] += first
        pieces += rest
    return [_wire(piece) for piece in pieces], names


def _is_sentence(paragraph: str) -> bool:
    """Whether values stand in running text; an address of the web stays alone on its line."""
    named = marks.cut(paragraph)[1]
    return bool(named) and not any(one.endswith("_url") for one in named)


def _told(name: str, values: Mapping[str, str]) -> bytes:
    """A value, or a paragraph with its values, whose length the template could not know."""
    if marks.OPEN not in name:
        return _wire(values[name])
    filled = marks.fill(name, values)
    if max(map(len, _NEWLINES.split(filled))) > _TEXT_LINE:
        filled = "\n".join(_wrap(marks.fill(line, values)) for line in _unwrapped(name))
    return _wire(filled)


def _unwrapped(paragraph: str) -> list[str]:
    """Its lines before a template wrapped them; where the next word had room, a break is written.

    Such a break stays: lines of an own template need not be a sentence.
    """
    lines = _NEWLINES.split(paragraph)
    whole = lines[:1]
    for before, line in pairwise(lines):
        if len(before) + 1 + len(line.partition(" ")[0]) > _TEXT_LINE:
            whole[-1] += f" {line}"
        else:
            whole.append(line)
    return whole


def _wrap(text: str) -> str:
    """Lines of words; a longer word stands alone. A mail has this once, and textwrap is slow."""
    if len(text) <= _TEXT_LINE:
        return text
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _TEXT_LINE:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def _wire(text: str) -> bytes:
    return _NEWLINES.sub("\r\n", text).encode("utf-8", "replace")
