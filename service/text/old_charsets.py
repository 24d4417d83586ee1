"""The charsets in which Vietnamese was written before Unicode, as tables. Pure.

Each is read as it arrives: as the letters that Latin-1 or windows-1252 makes of its bytes.

TCVN 5712:1993 (VN3, known as ABC or .VnTime; its capitals came from another font), RFC 1456
(VISCII), VNI-Windows (a letter, then a sign for its marks), windows-1258 (letters and tones apart).
"""

# ruff: noqa: RUF001 - the signs that these charsets make of letters are meant
from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

_TCVN3 = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\xadõøö÷ùúýûüþ¡¢§£¤¥¦",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
        strict=True,
    )
)
_VISCII = dict(
    zip(
        map(chr, (*range(0x80, 0x100), 0x02, 0x05, 0x06, 0x14, 0x19, 0x1E)),
        "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚ"
        "ỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮẲẴẪỶỸỴ",
        strict=True,
    )
)
_CP1258 = dict(zip("ÃÌÐÒÕÝÞãìðòõýþ", "Ă\u0300Đ\u0309ƠƯ\u0303ă\u0301đ\u0323ơư₫", strict=True))
_VNI_TONES = dict(zip("øùûõï", "\u0300\u0301\u0309\u0303\u0323", strict=True))
_VNI_ROOFS = dict(
    zip("âàáåãä", ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"), strict=True)
)
_VNI_BOWLS = dict(
    zip("êèéúüë", ("", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"), strict=True)
)
_VNI_LETTERS = dict(zip("ìíæóòôöîñÌÍÆÓÒÔÖÎÑ", "ìíỉĩịơưỵđÌÍỈĨỊƠƯỴĐ", strict=True))


def _vni_pairs() -> Iterator[tuple[str, str]]:
    """Each vowel with each sign that it can bear; signs are large behind large letters, mostly."""
    for vowel in "aeouyôöAEOUYÔÖ":
        marks = dict(_VNI_TONES)
        if vowel in "aeoAEO":
            marks |= {sign: f"\u0302{tone}" for sign, tone in _VNI_ROOFS.items()}
        if vowel in "aA":
            marks |= {sign: f"\u0306{tone}" for sign, tone in _VNI_BOWLS.items()}
        for sign, mark in marks.items():
            letter = unicodedata.normalize("NFC", _VNI_LETTERS.get(vowel, vowel) + mark)
            yield vowel + sign, letter
            yield vowel + sign.upper(), letter


_VNI = _VNI_LETTERS | dict(_vni_pairs())
_VNI_PIECE = re.compile("|".join(sorted(_VNI, key=len, reverse=True)))

# What windows-1252 makes of the bytes 0x80 to 0x9F, back to these.
_AS_BYTES = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_LATIN_ONLY = re.compile("[\xa0-\u024f\u0300-\u0323\u1e00-\u1eff\u2000-\u20bf]*")


_TCVN3_TABLE = str.maketrans(_TCVN3)
_TCVN3_WORD = re.compile(f"[A-Za-z{re.escape(''.join(_TCVN3))}]+")
_TCVN3_CAPITALS = "¡¢§£¤¥¦"
_LEAST_CAPITALS = 2


def _from_tcvn3(text: str) -> str:
    """Words in capitals had them by another font: "HéI NGHÞ" is "HỘI NGHỊ"."""
    large = False  # whether the marked word before this one was in capitals

    def word(found: re.Match[str]) -> str:
        nonlocal large
        if found[0].isascii():
            return found[0]
        sure = [letter for letter in found[0] if letter.isascii() or letter in _TCVN3_CAPITALS]
        capitals = all(not letter.islower() for letter in sure)
        large = capitals and (large or len(sure) >= _LEAST_CAPITALS)
        changed = found[0].translate(_TCVN3_TABLE)
        return changed.upper() if large else changed

    return _TCVN3_WORD.sub(word, text)


def _from_viscii(text: str) -> str:
    return text.translate(_AS_BYTES).translate(_VISCII_TABLE)


_VISCII_TABLE = str.maketrans(_VISCII)


def _from_cp1258(text: str) -> str:
    return text.translate(_CP1258_TABLE)


_CP1258_TABLE = str.maketrans(_CP1258)


def _from_vni(text: str) -> str:
    return _VNI_PIECE.sub(lambda piece: _VNI[piece[0]], text)


def _from_utf8_twice(text: str) -> str:
    """UTF-8 that was read as windows-1252 and written as UTF-8 again: "Viá»‡t" is "Việt"."""
    return _NOT_ASCII.sub(lambda run: _read_again(run[0]), text)


def _read_again(run: str) -> str:
    codes = [_AS_BYTES.get(ord(letter), ord(letter)) for letter in run]
    try:
        again = bytes(codes).decode("utf-8")
    except ValueError:  # a letter beyond bytes, or no UTF-8
        again = run
    return again if _LATIN_ONLY.fullmatch(again) else run


CHARSETS: dict[str, Callable[[str], str]] = {
    "utf-8-twice": _from_utf8_twice,
    "tcvn3": _from_tcvn3,
    "vni": _from_vni,
    "cp1258": _from_cp1258,
    "viscii": _from_viscii,
}
"""Name -> what turns such a text into Unicode; the likelier ones first."""
