"""Splits a returned mail into its parts, whatever a hostile or careless sender wrote.

Python's parser follows a nesting as deep as it is written, and takes lines that end in CR alone
for one line. Here depth and number of parts have a limit, all line ends become LF, and a part that
cannot be decoded is kept as it stands: half of a report is better than none.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

READ_AT_MOST = 1 << 20
"""Bytes of one mail that are looked at: the report stands before the copy of what was sent."""

_DEPTH, _PARTS, _FIELDS, _LINE, _VALUE = 8, 200, 2000, 2000, 8000
_COPIES = frozenset(
    {
        "message/rfc822",
        "message/global",
        "message/global-headers",
        "text/rfc822-headers",
        "text/rfc822",
    }
)
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*(.*)")
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_DELIMITER = re.compile(rb"(?m)^--[^\s-][^\n]{8,}$|^--[^\n]{20,}$")
_UNFOLD = re.compile(r"\n[ \t]+")
_TAG = re.compile(r"<(?!mailto:)/?[a-zA-Z!][^<>@]{0,2000}>")
_BREAK = re.compile(r"<\s{0,9}/?\s{0,9}(?:br|p|div|tr|li|h\d)\b[^<>]{0,2000}>", re.IGNORECASE)
_CHARSETS = re.compile(
    r"(utf-?8|utf-?16(le|be)?|(us-)?ascii|latin-?1|iso[-_]?8859-\d+|(windows-|cp)\d+"
    r"|iso-2022-\w+|shift[-_]?jis|sjis|euc[-_]?\w+|gb\w+|big5\w*|koi8-\w|tis-?620)",
    re.IGNORECASE,
)
"""Those of mails. Python has others that take a time which grows with the square, or make halves
of characters."""


@dataclass(frozen=True, slots=True)
class MailPart:
    """One part without children: its media type in lower case, its fields, its decoded text.

    `copy`: it is what was sent, or stands inside it, and says nothing about the delivery. `fields`:
    lower-case name -> its values, unfolded and decoded, in order.
    """

    type: str
    fields: dict[str, list[str]]
    text: str
    copy: bool

    def first(self, name: str) -> str:
        """The first value of the field; "" where there is none."""
        return next(iter(self.fields.get(name, ())), "")


def lines_of(data: bytes) -> bytes:
    """The first READ_AT_MOST bytes with every CRLF and every lone CR as LF."""
    return data[:READ_AT_MOST].replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def split(data: bytes) -> list[MailPart]:
    """The parts in order; the first has the fields of the mail itself. Never empty, never raises.

    `data` as `lines_of` gives it. A multipart's own fields are those of an empty part before its
    children. An mbox line ("From …") before the fields is passed over.
    """
    return list(_walk(data, depth=0, copy=False, left=[_PARTS]))


def fields_of(text: str) -> dict[str, list[str]]:
    """The fields of a header block: lower-case name -> values, unfolded, RFC 2047 decoded."""
    found: dict[str, list[str]] = {}
    for line in _UNFOLD.sub(" ", text).split("\n")[:_FIELDS]:
        field = _FIELD.match(line)
        if field is not None:
            found.setdefault(field[1].lower(), []).append(_decoded(field[2].strip()[:_VALUE]))
    return found


def _walk(data: bytes, *, depth: int, copy: bool, left: list[int]) -> Iterator[MailPart]:
    left[0] -= 1
    head, body = _halves(data)
    fields = fields_of(head)
    written = next(iter(fields.get("content-type", ())), "text/plain")
    kind = written.partition(";")[0].strip().lower()
    boundary = _BOUNDARY.search(written)
    if kind.startswith("multipart/") and depth < _DEPTH:
        yield MailPart(kind, fields, "", copy)
        written = (boundary[1] or boundary[2] or "").rstrip() if boundary else ""
        for child in _children(body, written):
            if left[0] <= 0:
                return
            yield from _walk(child, depth=depth + 1, copy=copy, left=left)
        return
    encoding = next(iter(fields.get("content-transfer-encoding", ())), "")
    plain = _transferred(body, encoding.strip().lower())
    if kind in _COPIES and depth < _DEPTH:
        yield MailPart(kind, fields, "", copy=True)
        yield from _walk(plain, depth=depth + 1, copy=True, left=left)
        return
    charset = _CHARSET.search(written)
    text = _text(plain, charset[1] if charset else "utf-8")
    yield MailPart(kind, fields, _without_tags(text) if kind == "text/html" else text, copy)


def _halves(data: bytes) -> tuple[str, bytes]:
    if data.startswith((b"From ", b">From ")):
        data = data.partition(b"\n")[2]
    if data.startswith(b"\n"):
        return "", data[1:]
    head, _, body = data.partition(b"\n\n")
    return _text(head, "utf-8"), body


def _children(body: bytes, boundary: str) -> Iterator[bytes]:
    """What stands between the delimiters; the whole body where there is none.

    A boundary that is nowhere was written wrong: then the first line that begins like one is it.
    """
    pieces = _pieces(body, b"--" + boundary.encode("utf-8", "replace")) if boundary else [body]
    if len(pieces) == 1:
        first = _DELIMITER.search(body)
        pieces = pieces if first is None else _pieces(body, first[0].rstrip())
    if len(pieces) == 1:
        yield b"\n" + body
        return
    for at in range(2, len(pieces), 2):
        if pieces[at].strip():
            yield pieces[at]
        if pieces[at - 1]:  # that was the last delimiter: what follows is an epilogue
            return


def _pieces(body: bytes, delimiter: bytes) -> list[bytes]:
    """Preamble, then in turn: the `--` of a last delimiter or None, and what follows it."""
    return re.split(rb"(?m)^" + re.escape(delimiter) + rb"(--)?[ \t]*$\n?", body)


def _transferred(body: bytes, encoding: str) -> bytes:
    try:
        if encoding == "base64":
            return lines_of(binascii.a2b_base64(_whole_quads(body)))
        if encoding == "quoted-printable":
            return lines_of(quopri.decodestring(body))
    except (binascii.Error, ValueError):
        pass  # it stays as it is written
    return body


def _whole_quads(body: bytes) -> bytes:
    """A base64 text that was cut off, up to its last whole group."""
    text = b"".join(body.split())
    return text[: len(text) // 4 * 4]


def _text(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset if _CHARSETS.fullmatch(charset) else "utf-8")
    except Exception:  # noqa: BLE001 - a codec raises what it likes
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(value: str) -> str:
    if "=?" not in value or len(value) > _LINE:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return value


def _without_tags(text: str) -> str:
    plain = _TAG.sub("", _BREAK.sub("\n", text))
    for entity, sign in (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(entity, sign)
    return plain
