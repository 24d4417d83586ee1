"""Forms of a text: the one we keep (NFC), and two that exist for matching only.

`lower` keeps the accents, `fold` drops them. Both databases store and compare what is made here, so
that they answer alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

MOST_WORDS = 50_000
"""Words that are remembered with their forms; a language's news need fewer."""

_SPACES = dict.fromkeys((0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x1F, 0x85), " ")
# All that may stay, in ranges: a class of what must go takes ten times as long to search for.
_ASTRAL = "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 17))
_ILLEGAL = re.compile(f"[^\t\n\r -~\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd{_ASTRAL}]")
_WORD = re.compile(r"\w+")

_TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook above, dot below


def nfc(text: str) -> str:
    """The form in which every text enters: NFC, without what XML forbids.

    Noncharacters go as well, U+FDD0..U+FDEF above all: in a mail they mark personal values.
    Control characters that part words become spaces. Idempotent.
    """
    if text.isprintable():  # nothing that must go is printable
        if text.isascii():
            return text
        return unicodedata.normalize("NFC", text)
    return unicodedata.normalize(
        "NFC", _ILLEGAL.sub(lambda found: _SPACES.get(ord(found[0]), ""), text)
    )


def _composed(*parts: str) -> str:
    return unicodedata.normalize("NFC", "".join(parts))


def _pairs(first: str, seconds: str, *, to_first: bool) -> dict[str, str]:
    """The tone on the wrong of two vowels -> on the right one, for each tone."""
    on_first = {(s, t): _composed(first, t) + s for s in seconds for t in _TONES}
    on_second = {(s, t): first + _composed(s, t) for s in seconds for t in _TONES}
    wrong, right = (on_second, on_first) if to_first else (on_first, on_second)
    return {wrong[key]: right[key] for key in wrong}


# hoà, khoẻ, uỷ: open syllables that are written in two ways; one of them is chosen.
_OPEN = _pairs("o", "ae", to_first=True) | _pairs("u", "y", to_first=True)
# qủa, gía: here u and i belong to the consonant and never carry the tone.
_AFTER_Q = _pairs("u", "aăâeêiyoôơ", to_first=False)
_AFTER_G = _pairs("i", "aăâeêoôơuư", to_first=False)

_OPEN_PLACE = re.compile(rf"(?<!q)(?:{'|'.join(_OPEN)})(?![^\W\d_])")
_Q_PLACE = re.compile(rf"(?<=q)(?:{'|'.join(_AFTER_Q)})")
_G_PLACE = re.compile(rf"(?<=g)(?:{'|'.join(_AFTER_G)})")


def lower(text: str) -> str:
    """NFC lower case with one placement of the tone: "Hoà" -> "hòa", "UỶ" -> "ủy". Idempotent.

    The accents stay. For matching and search only: "quý" and "hoàn" are left, a typing slip such as
    "qúy" or "gía" is put right. The Icelandic eth, a stand-in for đ in old files, becomes đ.
    """
    text = nfc(text).lower()
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text).replace("ð", "đ")
    text = _Q_PLACE.sub(lambda match: _AFTER_Q[match[0]], text)
    text = _G_PLACE.sub(lambda match: _AFTER_G[match[0]], text)
    # A tone that moved may leave a second one behind, which composes with the next vowel.
    return unicodedata.normalize("NFC", _OPEN_PLACE.sub(lambda match: _OPEN[match[0]], text))


class _Folded(dict[int, str]):
    """Folds one character at its first sight and remembers it: a text is then one translate."""

    def __missing__(self, code: int) -> str:
        folded, before = chr(code), ""
        while folded != before:
            before = folded
            bare = "".join(
                part
                for part in unicodedata.normalize("NFD", folded)
                if unicodedata.category(part) != "Mn"
            )
            folded = bare.casefold().replace("đ", "d").replace("ð", "d")
        folded = self[code] = unicodedata.normalize("NFC", folded)
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Folds case and marks, đ -> d: "Tỉnh uỷ" and "tinh ủy" are both "tinh uy". Idempotent."""
    text = nfc(text)
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.translate(_FOLDED))


def tokens(text: str) -> list[str]:
    """The words of a text: its runs of letters, digits and underscores, as they stand.

    Give it NFC (or `lower`): a detached mark would part a word.
    """
    return _WORD.findall(text)


def folded_tokens(text: str) -> str:
    """The folded words, joined by single spaces; word for word those of `tokens(nfc(text))`."""
    return fold(" ".join(tokens(nfc(text))))


class _Words(dict[str, str]):
    """Makes one form of a word at its first sight and remembers it, up to a number of words."""

    def __init__(self, make: Callable[[str], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, word: str) -> str:
        if len(self) >= MOST_WORDS:
            self.clear()
        made = self[word] = self._make(word)
        return made


_FOLDED_WORDS = _Words(fold)
_LOWERED_WORDS = _Words(lower)


@lru_cache(maxsize=64)
def written_words(text: str) -> tuple[str, ...]:
    """The words of a text as they stand. The last texts are remembered, see `words_of`."""
    return tuple(tokens(nfc(text)))


@lru_cache(maxsize=64)
def words_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a text as they stand, and each folded.

    The last texts are remembered: an article is matched and indexed from one reading.
    """
    words = written_words(text)
    return words, tuple(folded_words(words))


def lowered(words: Iterable[str]) -> Iterator[str]:
    """Each word as `lower` gives it."""
    return map(_LOWERED_WORDS.__getitem__, words)


def folded_words(words: Iterable[str]) -> Iterator[str]:
    """Each word as `fold` gives it."""
    return map(_FOLDED_WORDS.__getitem__, words)


def has_marks(text: str) -> bool:
    """Whether the text carries marks or đ, so that matching it without them loses something."""
    return fold(text) != nfc(text).casefold()
