"""Which letters the bytes of a feed mean. Pure; what is declared is a hint, not the truth."""

from __future__ import annotations

import re
from collections.abc import Mapping

from feedparser.encodings import convert_to_utf8

from service.collect.mended import BAD_BYTES, FROM, WRONG_CHARSET
from service.net import headers as http
from service.text import legacy

_WIDE_MARKS = (b"\xfe\xff", b"\xff\xfe", b"\0<", b"<\0", b"\0\0", b"\x4c\x6f\xa7\x94")
_SHIFTING = ("iso-2022", "iso2022", "hz", "utf-7")  # seven bits: they look like proper UTF-8
_WESTERN = {None, "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1",
            "iso-8859-15", "windows-1252", "cp1252", "windows-1258", "cp1258"}  # fmt: skip
"""Names under which Vietnamese of the time before Unicode is sent."""

_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")


def decode(body: bytes, headers: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Bytes to text. What is valid UTF-8 beyond ASCII is UTF-8, whatever is declared."""
    declared = _declared(body, headers)
    if body.startswith(_WIDE_MARKS) or (declared or "").startswith(_SHIFTING):
        return _by_feedparser(body, headers)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return (
            _nearly_utf8(body, declared)
            or _before_unicode(body, declared)
            or _by_feedparser(body, headers)
        )
    wrong = declared not in {None, "utf-8", "utf8", "us-ascii", "ascii"} and not text.isascii()
    text, charset_names = _in_unicode(text, body)
    return text, (*((WRONG_CHARSET,) if wrong else ()), *charset_names)


def _in_unicode(text: str, body: bytes) -> tuple[str, tuple[str, ...]]:
    """Proper UTF-8 that holds letters of older charsets, as if they were Latin-1."""
    charset = legacy.guess(body)
    if charset is not None:
        return legacy.mend(text, charset), (FROM + charset,)
    text, charsets = legacy.mend_parts(text) if b"\xc2" in body else (text, ())
    return text, tuple(FROM + charset for charset in charsets)


def _before_unicode(body: bytes, declared: str | None) -> tuple[str, tuple[str, ...]] | None:
    """Bytes of TCVN3, VNI, VISCII or windows-1258, whatever they call themselves."""
    text = body.decode("latin-1")
    charset = legacy.named(declared or "")
    if charset is None and declared in _WESTERN:
        charset = legacy.guess(text)
    if charset is None or charset == "utf-8-twice":
        return None
    return legacy.mend(text, charset), (FROM + charset,)


def _declared(body: bytes, headers: Mapping[str, str]) -> str | None:
    found = _DECLARED.match(body[:512].lstrip(b"\xef\xbb\xbf"))
    return http.charset(headers) or (found[1].decode("ascii").lower() if found else None)


def _nearly_utf8(body: bytes, declared: str | None) -> tuple[str, tuple[str, ...]] | None:
    """UTF-8 with a few broken bytes: they must not turn all other letters into another script."""
    if declared not in {None, "utf-8", "utf8", "us-ascii"}:
        return None
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
    return (text, (BAD_BYTES,)) if good > 4 * bad else None


def _by_feedparser(body: bytes, headers: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    given = {"content-type": headers.get("content-type") or "application/xml"}
    result: dict[str, object] = {}
    try:
        data = convert_to_utf8(given, body, result)
    except (ValueError, LookupError):
        data, result = body, {}
    known = bool(result.get("encoding"))
    text = data.decode("utf-8", "replace")
    override = type(result.get("bozo_exception")).__name__ == "CharacterEncodingOverride"
    silent = _declared(body, headers) is None
    if not known:
        return text, (BAD_BYTES,)
    return text, (WRONG_CHARSET,) if override and not silent else ()
