"""The lead of an article whose source gives no summary: two of its own sentences.

Of the first sentences those are taken whose words the whole text repeats most, the nearer to its
beginning the better, in the order in which they stand. Nothing is made up, and none is cut: names
and numbers stay whole. How it compares to the first two sentences stands in docs/performance.md.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log, sqrt

from service.text.excerpt import lead as beginning
from service.text.excerpt import sentences

LONGEST = 450
"""Characters of both sentences together: where two take more, one is enough."""

_LOOKED_AT = 2000
_READ = 4000
"""Characters in which sentences are looked for, and in which their words are counted."""

_FEWEST_WORDS = 6
_FURTHER = 0.8
"""What a sentence is worth less than the same one before it."""

_WORD = re.compile(r"\w+")
_PICTURE = r"(?:ảnh|hình|video|clip|đồ họa|nguồn|photo|image|picture|foto|bild|source|credit)"
_CREDIT = re.compile(rf".{{0,250}}?[(\[]{_PICTURE}\s?:[^)\]]{{1,60}}[)\]]\.?\s", re.IGNORECASE)
"""A picture's caption at the beginning, up to who took it."""

_CAPTION = re.compile(rf"{_PICTURE}(?: (?:minh họa|tư liệu|by))?\s?[:.]", re.IGNORECASE)


def lead_of(text: str) -> str:
    """Two sentences of a plain text that stand for it, on one line; "" if it is empty.

    One sentence where two are longer than LONGEST; the beginning of the text where there is no
    whole sentence that is long enough to say something.
    """
    text = " ".join(text[:_READ].split())
    credit = _CREDIT.match(text)
    text = text[credit.end() :] if credit else text
    counted = Counter(_words(text))
    found = list(sentences(text, _LOOKED_AT))
    worth = {
        number: _weight(counted, one) * _FURTHER**number
        for number, one in enumerate(found)
        if _says_something(one)
    }
    best = sorted(worth, key=lambda number: (-worth[number], number))
    for taken in (sorted(best[:2]), best[:1]):
        lead = " ".join(found[number] for number in taken)
        if taken and len(lead) <= LONGEST:
            return lead
    return beginning(text)


def _says_something(sentence: str) -> bool:
    if _CAPTION.match(sentence):
        return False
    return sum(1 for _ in _WORD.finditer(sentence)) >= _FEWEST_WORDS


def _weight(counted: Counter[str], sentence: str) -> float:
    """How much the whole text repeats its words; long sentences have more of them by themselves."""
    words = set(_words(sentence))
    repeated = sum(log(1 + counted[word]) for word in words if counted[word] > 1)
    return repeated / (1 + sqrt(len(words)))


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if len(word) > 1]
