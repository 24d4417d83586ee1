"""Which letters the bytes of a feed mean. Pure; what is declared is a hint, not the truth."""

from __future__ import annotations

import re
from collections.abc import Mapping

from feedparser.encodings import convert_to_utf8

from service.collect.mended import BAD_BYTES, WRONG_CHARSET
from service.net import headers as http

_WIDE_MARKS = (b"\xfe\xff", b"\xff\xfe", b"\0<", b"<\0", b"\0\0", b"\x4c\x6f\xa7\x94")
_SHIFTING = ("iso-2022", "iso2022", "hz", "utf-7")  # seven bits: they look like proper UTF-8
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")


def decode(body: bytes, headers: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Bytes to text. What is valid UTF-8 beyond ASCII is UTF-8, whatever is declared."""
    declared = _declared(body, headers)
    if body.startswith(_WIDE_MARKS) or (declared or "").startswith(_SHIFTING):
        return _by_feedparser(body, headers)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _nearly_utf8(body, declared) or _by_feedparser(body, headers)
    wrong = declared not in {None, "utf-8", "utf8", "us-ascii", "ascii"} and not text.isascii()
    return text, (WRONG_CHARSET,) if wrong else ()


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
