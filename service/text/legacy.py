"""Vietnamese in the charsets that came before Unicode, and how to tell that a text is in one.

They seldom arrive under their own name: the bytes are declared as Latin-1, windows-1252 or UTF-8,
or were once read so and written as UTF-8 ("®¹i häc" for "đại học"). So a text is looked at as the
bytes that it was, each table is tried, and one is believed only where the words become Vietnamese
syllables and were none before. Pure.
"""

# ruff: noqa: RUF001 - the signs that these charsets make of letters are meant
from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html.entities import name2codepoint
from itertools import islice

from service.text.old_charsets import CHARSETS
from service.text.syllables import is_syllable

_OF_VIETNAMESE = (b"\xe1\xba", b"\xe1\xbb", *(letter.encode() for letter in "đăơư"))
"""Of letters that no other charset's bytes turn into: a text with them is in Unicode already."""

_LEADS = (b"\xc2", b"\xc3")
"""First bytes of all that Latin-1 has beyond ASCII, in UTF-8."""

_SPELLED_SIGNS = tuple(
    (f"&{name};".encode(), f"&#{code};".encode())
    for name, code in (("micro", 181), ("cedil", 184), ("reg", 174))
)
_SIGN_IN_WORD = re.compile("[A-Za-z][¡-©«-±´-¸»-¾×÷]|[¡-©«-¾×÷][A-Za-z]")
"""A sign that is not a letter, within a word: nobody writes so, but for "m²" and "1ª"."""

_SIGN_BYTES = re.compile(
    rb"\xc2(?:(?<=[A-Za-z]\xc2)[\xa1-\xa9\xab-\xb1\xb4-\xb8\xbb-\xbe]|[\xa1-\xa9\xab-\xbe](?=[A-Za-z]))"
)
"""The same in UTF-8: what begins with a literal byte is searched for at C speed."""

_BETWEEN_TAGS = re.compile("[^<>]{4,}")
_LATIN_REFERENCE = re.compile(r"&(?:#(\d{3})|#[xX]([0-9a-fA-F]{2})|([A-Za-z]{3,6}));")

_TAG = re.compile(r"<!\[CDATA\[|\]\]>|<[^<>]*>|&lt;[^<>]{0,200}?&gt;|&\w{1,8};|https?://\S+")
_WORD = re.compile(r"[^\W\d_]+")

_AROUND = 60
"""Characters on both sides of a sign that are looked at."""

_BEGINNING = 65_536
"""Bytes of a document that tell in what it is written."""

_FIRST_ENTRIES = 16_384
_LOOK_AT = 3000
"""Characters that are looked at in all."""

_GLANCE = 500
_LEAST_WORDS = 3
_LEAST_WORDS_OF_LETTERS = 6
_SHARE_OF_MARKED = 0.85
_SHARE_OF_ALL = 0.6
_WITH_SIGNS_LEFT = 0.95
_GAIN = 0.2
"""So much larger must the share of syllables be than in the text as it stands."""


def guess(text: str | bytes) -> str | None:
    """The charset that the text really is in: a key of `CHARSETS`; None = leave it as it is.

    `text`: as it was decoded (or as UTF-8), with markup or without. French, Czech or English, and
    Vietnamese in Unicode, are None. What is plainly so costs a few searches at C speed.
    """
    data = text[:_BEGINNING].encode("utf-8", "ignore") if isinstance(text, str) else text
    data = data[:_BEGINNING]
    if sum(map(data.count, _LEADS)) < _LEAST_WORDS - 1 and not _spells_signs(data):
        return None
    if any(letter[:1] in data and letter in data for letter in _OF_VIETNAMESE):
        return None
    sample = _sample(data)
    before = _marked(sample)
    if len(before) >= _LEAST_WORDS and _share(before) > 1 - _GAIN:
        return None
    scores = {
        name: _score(sample, before, convert) if _may_be(sample[:_GLANCE], convert) else 0
        for name, convert in CHARSETS.items()
    }
    best = max(scores, key=lambda name: scores[name])  # of equals the first: the most common
    return best if scores[best] >= _share(before) + _GAIN else None


def to_unicode(text: str, charset: str) -> str:
    """The text in Unicode, NFC. `charset`: a key of `CHARSETS`."""
    return unicodedata.normalize("NFC", CHARSETS[charset](_with_letters(text)))


def parts_to_unicode(text: str) -> tuple[str, tuple[str, ...]]:
    """A document in Unicode that quotes older texts: these in Unicode too, and their charsets.

    A part is what stands between two tags. Only parts with signs inside of words are looked at.
    """
    data = text.encode("utf-8", "ignore")
    if len(list(islice(_SIGN_BYTES.finditer(data), 2))) < 2:  # noqa: PLR2004
        return text, ()
    found: dict[str, None] = {}

    def part(piece: re.Match[str]) -> str:
        name = guess(piece[0]) if _SIGN_IN_WORD.search(piece[0]) else None
        if name is None:
            return piece[0]
        found[name] = None
        return to_unicode(piece[0], name)

    repaired = _BETWEEN_TAGS.sub(part, text)
    return repaired, tuple(found)


def named(charset: str) -> str | None:
    """The key of `CHARSETS` for a name that a document declares, None for any other."""
    name = re.sub(r"[^a-z0-9]", "", charset.lower())
    if name.startswith(("tcvn", "xviettcvn", "abc")):
        return "tcvn3"
    if name in {"viscii", "csviscii", "viscii111", "xvietviscii"}:
        return "viscii"
    return "vni" if name in {"vni", "xvietvni", "vniwin", "vniwindows"} else None


def _spells_signs(data: bytes) -> bool:
    """Whether signs that TCVN3 has for letters are written as references: `&micro;`, `&#181;`."""
    if b"&" not in data:
        return False
    data = data[:_FIRST_ENTRIES]
    return sum(any(one in data for one in both) for both in _SPELLED_SIGNS) > 1


def _sample(data: bytes) -> str:
    """Words around letters of Latin-1, without markup, from the beginning of the text."""
    leads = (*_LEADS, b"&") if _spells_signs(data) else _LEADS
    places = {lead: data.find(lead) for lead in leads}
    pieces: list[bytes] = []
    at = size = 0
    while size < _LOOK_AT and (ahead := [place for place in places.values() if place >= 0]):
        place = min(ahead)
        start = max(at, place - _AROUND)
        if start > at:
            start = data.find(b" ", start, place) + 1 or start
        end = data.find(b" ", place + _AROUND, place + 2 * _AROUND)
        end = end if end >= 0 else place + 2 * _AROUND
        pieces.append(data[start:end])
        size += end - start
        at = end
        for lead, last in places.items():
            if 0 <= last < at:
                places[lead] = data.find(lead, at)
    return _TAG.sub(" ", _with_letters(b" ".join(pieces).decode("utf-8", "ignore")))


def _may_be(piece: str, convert: Callable[[str], str]) -> bool:
    """A quick check, since other languages are dismissed by their first words."""
    return _share(_marked(unicodedata.normalize("NFC", convert(piece)))) > _SHARE_OF_ALL


def _score(sample: str, before: set[str], convert: Callable[[str], str]) -> float:
    """Which share of its marked words is Vietnamese; 0 where that is not plainly so."""
    converted = unicodedata.normalize("NFC", convert(sample))
    words = [word for word in _WORD.findall(converted) if len(word) > 1]
    marked = _marked(converted)
    share, of_all = _share(marked), _share(words)
    if _SIGN_IN_WORD.search(converted):
        share *= _WITH_SIGNS_LEFT
    telling = convert is CHARSETS["utf-8-twice"] or bool(_SIGN_IN_WORD.search(sample))
    gained = sum(map(is_syllable, marked - before))
    if telling and gained > 1 and len(words) > 2 and share == of_all == 1:  # noqa: PLR2004
        return share
    enough = gained >= (_LEAST_WORDS if telling else _LEAST_WORDS_OF_LETTERS)
    return share if enough and share >= _SHARE_OF_MARKED and of_all >= _SHARE_OF_ALL else 0


def _marked(text: str) -> set[str]:
    """Its words with marks, each once. One letter alone is not evidence: "©" would be "â"."""
    words = _WORD.findall(text)
    return {word.lower() for word in words if len(word) > 1 and not word.isascii()}


def _share(words: set[str] | list[str]) -> float:
    return sum(map(is_syllable, words)) / len(words) if words else 0


def _with_letters(text: str) -> str:
    """`&micro;`, `&#181;` as what they stand for, where that is a byte of a charset."""
    if "&" not in text:
        return text

    def spell(found: re.Match[str]) -> str:
        number, hexadecimal, name = found.groups()
        code = int(number or 0) or int(hexadecimal or "0", 16) or name2codepoint.get(name or "", 0)
        return chr(code) if 0xA0 <= code <= 0xFF else found[0]  # noqa: PLR2004 - Latin-1

    return _LATIN_REFERENCE.sub(spell, text)
