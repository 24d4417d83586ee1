"""Title and text -> counted terms: hashed, in four blocks, and what the guard looks at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import unescape
from zlib import crc32

import numpy as np
import numpy.typing as npt

from service.text.fold import lower, nfc, tokens
from service.text.language import guess

Ids = npt.NDArray[np.uint32]
Weights = npt.NDArray[np.float32]

LONGEST_TEXT = 8000
"""Characters of a text that are read. News are a quarter of it."""

LONGEST_TITLE = 500
LEAD_CHARS = 400
WORD_LETTERS = 6
"""Words are compared by their first letters: "officials" is "official"."""

BITS = 22
SPACE = 1 << BITS
"""Terms are numbers below this one."""

WORDS, PAIRS, LEAD, SPECIFIC = range(4)
"""The blocks: words; pairs of words; words of title and lead; names, numbers and dates."""

SHORT = 100
"""Words of title and text. In so few, what a title says beside its names may be all there is."""

MOST_FIGURES, MOST_IN_TITLE, MOST_DOCUMENTS = 32, 8, 4
MOST_CACHED = 200_000

_SALTS = tuple(np.uint32(salt) for salt in (0x2545F491, 0x9E3779B9, 0x7F4A7C15, 0xD1B54A33))
_FIRST, _SECOND, _LAST = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35), np.uint32(0x9E3779B1)
_SHIFT = np.uint32(32 - BITS)
_TIMES, _LOWEST = np.uint32(2), np.uint32(3)

_CAPITALS = "".join(
    chr(code) for code in (*range(0x530), *range(0x1E00, 0x2000)) if chr(code).isupper()
)
# Both begin with what is quickly searched for, and only then ask what stands before it.
_NAME = re.compile(rf"[{_CAPITALS}](?<=[\w,;)%] .)\w*(?:[ .-][{_CAPITALS}0-9]\w*)*")
_DATE = re.compile(r"(\d(?<![\w/.,-].)\d?)[/.-](\d{1,2})(?:[/.-]\d{4})?(?![\w/]|[.,-]\d)")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*(?:[/-]\w+(?:[/-]\w+)*)?")
_DOCUMENT = re.compile(r"[^\W\d_]{2}")
_SEPARATORS = str.maketrans("", "", ".,")
_UNSPACED = re.compile("([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff])")
"""Scripts that put no spaces between words: their characters are the words."""

_ENGLISH = frozenset(
    ("the", "of", "and", "to", "in", "is", "was", "for", "that", "on", "with", "as", "at", "by",
     "from", "has", "have", "are", "were", "be", "it", "its", "this", "which", "will", "after",
     "not", "been", "an", "or", "who", "but", "their", "had", "said", "they")
)  # fmt: skip
_ENGLISH_SHARE, _FEWEST_WORDS = 0.2, 8


@dataclass(frozen=True, slots=True)
class Terms:
    """What an article is compared by.

    `blocks`: for each of the four its terms, ascending, below SPACE, and how often each stands
    there. The others are hashes other than 0, each once, in order of appearance: numbers and dates
    of the title, numbers of official documents, and all numbers and dates. `formula`: the title
    without its names, and the whole of it; two zeros where it has none, or the text is long enough
    to tell events apart.
    """

    blocks: tuple[tuple[Ids, Weights], ...]
    title_figures: Ids
    documents: Ids
    figures: Ids
    formula: Ids

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compare: no word at all."""
        return not len(self.blocks[WORDS][0])


def read(title: str, text: str, language: str | None = None) -> Terms:
    """The terms of an article. `text` may be markup's text with entities left; "" is fine.

    `language`: what is claimed for it, a BCP 47 tag. Articles in two languages share no term.
    """
    title = _plain(title, LONGEST_TITLE)
    text = _plain(text, LONGEST_TEXT)
    salt = _language(title, text, language)
    head, body = _hashed(tokens(title), salt), _hashed(tokens(text), salt)
    lead = _hashed(tokens(text[:LEAD_CHARS]), salt)
    title_figures, figures = _figures(title), _figures(text)
    specific = [*title_figures, *figures, *_names(title), *_names(text)]
    documents = [figure for figure in (*title_figures, *figures) if _DOCUMENT.search(figure)]
    return Terms(
        blocks=(
            _counted(WORDS, (head, 3), (body, 1)),
            _counted(PAIRS, (_pairs(head), 3), (_pairs(body), 1)),
            _counted(LEAD, (head, 2), (lead, 1)),
            _counted(SPECIFIC, (_hashed(specific, salt), 1)),
        ),
        title_figures=_distinct(_hashed(title_figures, salt), MOST_IN_TITLE),
        documents=_distinct(_hashed(documents, salt), MOST_DOCUMENTS),
        figures=_distinct(_hashed([*title_figures, *figures], salt), MOST_FIGURES),
        formula=_formula(title) if len(head) + len(body) < SHORT else np.zeros(2, np.uint32),
    )


def _plain(text: str, longest: int) -> str:
    # Cut first: what is done to the rest would be thrown away. Entities are longer than characters.
    cut = text[: longest * 2]
    cut = nfc(unescape(cut) if "&" in cut else cut)[:longest]
    return _UNSPACED.sub(r" \1 ", cut) if _UNSPACED.search(cut) else cut


def _language(title: str, text: str, claimed: str | None) -> int:
    """A number for the language. What is plainly seen wins: many programs claim en-US."""
    sample = f"{title}\n{text[:600]}"
    seen = guess(sample)
    if seen is None and sample.isascii():
        words = sample.lower().split()
        if len(words) >= _FEWEST_WORDS:
            share = sum(word in _ENGLISH for word in words) / len(words)
            seen = "en" if share >= _ENGLISH_SHARE else None
    said = (claimed or "").lower().replace("_", "-").partition("-")[0]
    return crc32((seen or said).encode())


class _Hashes(dict[str, int]):
    """A number for each form of a word, remembered."""

    def __missing__(self, word: str) -> int:
        if len(self) >= MOST_CACHED:
            self.clear()
        made = self[word] = crc32(lower(word)[:WORD_LETTERS].encode("utf-8", "replace")) or 1
        return made


_HASHES = _Hashes()


def _hashed(words: Iterable[str], salt: int) -> Ids:
    plain = np.fromiter(map(_HASHES.__getitem__, words), np.uint32)
    return (plain ^ np.uint32(salt)) * _LAST | np.uint32(1)


def _names(text: str) -> list[str]:
    """Runs of capitalised words that do not begin a sentence. A text all in capitals has none."""
    if text.isupper():
        return []
    return [name.replace(" ", "")[:40] for name in _NAME.findall(text)]


def _formula(title: str) -> Ids:
    """Hashes of "Trường ... khai giảng" and of "Trường Kim Đồng khai giảng"."""
    words, frame = tokens(lower(title)), tokens(lower(_NAME.sub(" ", title)))
    if not 1 < len(frame) < len(words):
        return np.zeros(2, np.uint32)
    hashes = [crc32(" ".join(some).encode("utf-8", "replace")) for some in (frame, words)]
    return np.array(hashes, np.uint32)


def _figures(text: str) -> list[str]:
    """Numbers without separators, dates as day/month, numbers of documents as they stand."""
    dates = [f"{int(day)}/{int(month)}" for day, month in _DATE.findall(text)]
    rest = _DATE.sub(" ", text) if dates else text
    return dates + [figure.translate(_SEPARATORS) for figure in _FIGURE.findall(rest)]


def _pairs(words: Ids) -> Ids:
    return words[:-1] * _FIRST + words[1:] * _SECOND


def _counted(block: int, *parts: tuple[Ids, int]) -> tuple[Ids, Weights]:
    # A term and how often it counts are sorted as one number, which is the quickest way to add up.
    every = np.concatenate(
        [((((ids ^ _SALTS[block]) * _LAST) >> _SHIFT) << _TIMES) | times for ids, times in parts]
    )
    every.sort()
    slots = every >> _TIMES
    begins = np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))[: len(slots)]
    if not len(slots):
        return slots, np.zeros(0, np.float32)
    times = (every & _LOWEST).astype(np.float32)
    return slots[begins], np.add.reduceat(times, begins)


def _distinct(hashes: Ids, most: int) -> Ids:
    _values, first = np.unique(hashes, return_index=True)
    return hashes[np.sort(first)[:most]]
