"""Which letters the bytes of a feed mean. Pure; what is declared is a hint, not the truth.

    two or four bytes a letter ──> UTF-16 or UTF-32, by mark or by where the zeros stand
    escapes of seven bits      ──> ISO-2022 and its kin
    proper UTF-8               ──> UTF-8, whatever is declared
    nearly so                  ──> UTF-8 with a few letters lost
    Vietnamese syllables       ──> a charset of before Unicode (`text.legacy`)
    else                       ──> what is declared, or usual in the document's language; of several
                                   that fit the one that reads as people write

A server's default (Latin-1, UTF-8) is believed last, since nobody wrote it for this document.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from service.parse.feed.feedparser_private import convert_to_utf8
from service.parse.repair.repair_names import BAD_BYTES, FROM, WRONG_CHARSET
from service.text import legacy, plausible
from service.text.web import http_headers as http

_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
_COLUMNS = {"utf-32-le": (4, 0), "utf-32-be": (4, 3), "utf-16-le": (2, 0), "utf-16-be": (2, 1)}
"""Bytes a letter, and which of them is not zero in plain letters and signs."""

_WIDE_NAMES = ("utf-16", "utf16", "utf-32", "utf32", "ucs", "iso-10646", "unicode")
_SHIFTING = ("iso-2022", "iso2022", "csiso2022", "hz", "utf-7")  # they look like proper UTF-8
_ESCAPES = {b"\x1b$B": "iso-2022-jp", b"\x1b$@": "iso-2022-jp", b"\x1b$)C": "iso-2022-kr"}
_UTF8 = {"utf-8", "utf8", "unicode-1-1-utf-8", "us-ascii", "ascii"}
_DEFAULTS = {*_UTF8, "iso-8859-1", "iso8859-1", "latin-1", "latin1", "windows-1252", "cp1252"}
_WESTERN = {*_DEFAULTS, "iso-8859-15", "windows-1258", "cp1258"}
"""Names under which Vietnamese of the time before Unicode is sent."""

_MEANT = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030",
    "gbk": "gb18030", "x-gbk": "gb18030", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "big5": "big5hkscs", "macintosh": "mac-roman", "x-mac-roman": "mac-roman",
}  # fmt: skip
"""What browsers read under these names: the later, larger charset (WHATWG, Encoding, 4.2)."""

_USUAL = {
    language: charsets.split()
    for languages, charsets in {
        "ru be bg mk sr": "cp1251 koi8-r", "uk": "cp1251 koi8-u",
        "pl cs sk hu hr sl ro sq": "cp1250", "el": "cp1253", "tr az": "cp1254",
        "he yi": "cp1255", "ar fa ur": "cp1256",
        "lt lv et": "cp1257", "th": "cp874", "zh": "gb18030 big5hkscs", "ja": "cp932 euc-jp",
        "ko": "cp949",
    }.items()
    for language in languages.split()
}  # fmt: skip
"""Charsets of documents that name none, by language, as browsers choose them."""

_PYTHONS_OWN = {"unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined"}

_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)[\"']")
_LANGUAGE = re.compile(rb"<(?:dc:)?language>\s*([A-Za-z]{2,3})|xml:lang\s*=\s*[\"']([A-Za-z]{2,3})")
_LOOK_AT = 65_536
_EBCDIC = b"\x4c\x6f\xa7\x94"
_FEW = 4
_VERY_FEW = 20
"""Of so many letters one may be broken: where UTF-8 is declared, and where it is not."""

_ODD = 0.2
"""Above this share of odd words a server's default is tried as well."""

_TOO_ODD = 0.5

_Decoded = tuple[str, tuple[str, ...]]


def decode(body: bytes, headers: Mapping[str, str]) -> _Decoded:
    """Bytes to text, and the names of what was wrong with them. Never raises."""
    wide = _wide(body)
    names = _names(body, headers) if wide is None else _names(body.replace(b"\0", b""), headers)
    if wide is not None:
        return _from_wide(body, wide, names)
    if body.startswith(_EBCDIC):
        return _by_feedparser(body, headers)
    shifting = _shifting(body, names)
    if shifting is not None:
        return shifting, _wrong(names, fits=any(name.startswith(_SHIFTING) for name in names))
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or body[: error.start].isascii():
            return (
                _with_halves(body, names)
                or _nearly_utf8(body, names)
                or _before_unicode(body, names)
                or _as_declared(body, names)
                or _by_feedparser(body, headers)
            )
        body = body[: error.start]  # it breaks off within a letter
        text = body.decode("utf-8")
    text, charset_names = _in_unicode(text, body)
    fits = text.isascii() or _UTF8.issuperset(names[:1])
    return text, (*_wrong(names, fits=fits), *charset_names)


def _names(body: bytes, headers: Mapping[str, str]) -> list[str]:
    """What header and document say, in small letters, the header first."""
    found = _DECLARED.match(body[:512].lstrip(b"\xef\xbb\xbf\xff\xfe"))
    said = http.charset(headers), found[1].decode("ascii").lower() if found else None
    return [name for name in said if name]


def _wrong(names: list[str], *, fits: bool) -> tuple[str, ...]:
    return (WRONG_CHARSET,) if names and not fits else ()


def _wide(body: bytes) -> str | None:
    """UTF-16 or UTF-32: feeds begin with plain signs, so that every other byte is zero."""
    start = body[:64]
    if not start.count(0):
        return None  # a mark alone makes nothing wide
    marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
    for name, (size, column) in _COLUMNS.items():
        rows = len(start) // size
        zeros = [start[n : rows * size : size].count(0) for n in range(size)]
        others = zeros[:column] + zeros[column + 1 :]
        least = rows / 4 if name == marked else rows * 0.6
        if rows and zeros[column] <= rows / 10 and min(others) >= least:
            return name
    return None


def _from_wide(body: bytes, name: str, names: list[str]) -> _Decoded:
    size = _COLUMNS[name][0]
    whole = body[: len(body) // size * size]
    wrong = _wrong(names, fits=all(one.startswith(_WIDE_NAMES) for one in names))
    try:
        return whole.decode(name), wrong
    except UnicodeDecodeError:
        return whole.decode(name, "replace"), (*wrong, BAD_BYTES)


def _shifting(body: bytes, names: list[str]) -> str | None:
    """Seven bits with escapes: by name, or by an escape that nothing else has."""
    told = [name for name in names if name.startswith(_SHIFTING)]
    if not told and b"\x1b" in body and body.isascii():
        told = [name for escape, name in _ESCAPES.items() if escape in body]
    return next((text for _, text in _readings(body, told)), None)


def _in_unicode(text: str, body: bytes) -> _Decoded:
    """Proper UTF-8 that holds letters of older charsets, as if they were Latin-1."""
    charset = legacy.guess(body)
    if charset is not None:
        return legacy.to_unicode(text, charset), (FROM + charset,)
    text, charsets = legacy.parts_to_unicode(text) if b"\xc2" in body else (text, ())
    return text, tuple(FROM + charset for charset in charsets)


def _with_halves(body: bytes, names: list[str]) -> _Decoded | None:
    """UTF-8 whose characters beyond U+FFFF were written as two halves, as some databases do."""
    if b"\xed" not in body:
        return None
    try:
        halves = body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    text = halves.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text, (*_wrong(names, fits=not names or not _UTF8.isdisjoint(names)), BAD_BYTES)


def _nearly_utf8(body: bytes, names: list[str]) -> _Decoded | None:
    """UTF-8 with a few broken bytes: they must not turn all other letters into another script."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(map(len, re.findall(r"[^\x00-\x7f]+", text))) - bad
    fits = not names or not _UTF8.isdisjoint(names)
    if good <= (_FEW if fits else _VERY_FEW) * bad:
        return None
    return text, (*_wrong(names, fits=fits), BAD_BYTES)


def _before_unicode(body: bytes, names: list[str]) -> _Decoded | None:
    """Bytes of TCVN3, VNI, VISCII or windows-1258, whatever they call themselves."""
    text = body.decode("latin-1")
    charset = next(filter(None, map(legacy.named, names)), None)
    if charset is None and _WESTERN.issuperset(names):
        charset = legacy.guess(text)
    if charset is None or charset == "utf-8-twice":
        return None
    return legacy.to_unicode(text, charset), (FROM + charset,)


def _as_declared(body: bytes, names: list[str]) -> _Decoded | None:
    """Decodes by names that somebody chose, else by the language, else by a server's default."""
    chosen = [name for name in names if name not in _DEFAULTS and not _is_wide(name)]
    usual = [] if chosen else _USUAL.get(_language(body), [])
    texts = dict(_readings(body, (*chosen, *usual)))
    odd = {name: plausible.oddness(text) for name, text in texts.items()}
    if min(odd.values(), default=1) > _ODD:
        rest = [name for name in names if name in _DEFAULTS - _UTF8] or ["cp1252"]
        texts |= _readings(body, rest)
        odd |= {name: plausible.oddness(texts[name]) for name in rest}
    name = min(texts, key=lambda name: odd[name])  # of equals the first
    if odd[name] > _TOO_ODD:
        return None
    wrong = _wrong(names, fits=name in names[:1])
    return texts[name], (*wrong, *((BAD_BYTES,) if "\ufffd" in texts[name] else ()))


def _is_wide(name: str) -> bool:
    return name.startswith(_WIDE_NAMES)


def _language(body: bytes) -> str:
    """Which language the document says that it is in, "" where it does not."""
    found = _LANGUAGE.search(body[:_LOOK_AT])
    return (found[1] or found[2]).decode("ascii").lower() if found else ""


def _readings(body: bytes, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Each name with what its charset makes of the bytes; letters that it lacks are U+FFFD."""
    bare = body.removeprefix(codecs.BOM_UTF8)
    for name in names:
        with suppress(LookupError, ValueError):  # nobody knows it, or it is not a charset
            codec = codecs.lookup(_MEANT.get(name, name))
            if codec.name not in _PYTHONS_OWN:
                yield name, bare.decode(codec.name, "replace")


def _by_feedparser(body: bytes, headers: Mapping[str, str]) -> _Decoded:
    if convert_to_utf8 is None:
        text = body.decode("cp037" if body.startswith(_EBCDIC) else "utf-8", "replace")
        return text, (BAD_BYTES,)
    given = {"content-type": headers.get("content-type") or "application/xml"}
    result: dict[str, object] = {}
    try:
        data = convert_to_utf8(given, body, result)
    except (ValueError, LookupError):
        data, result = body, {}
    text = data.decode("utf-8", "replace")
    if not result.get("encoding"):
        return text, (BAD_BYTES,)
    override = type(result.get("bozo_exception")).__name__ == "CharacterEncodingOverride"
    return text, _wrong(_names(body, headers), fits=not override)
