"""The lead of an article whose source gives no summary: two of its own sentences.

Of the first sentences those are taken whose words the whole text repeats most, the nearer to its
beginning the better, in the order in which they stand. Nothing is made up, and none is cut: names
and numbers stay whole. How it compares to the first two sentences stands in docs/performance.md.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain
from math import log, sqrt

from service.text.excerpt import lead as beginning
from service.text.excerpt import sentences

LONGEST = 450
"""Characters of both sentences together: where two take more, one is enough."""

_READ = 1200
"""Characters in which sentences are looked for, and their words counted. More of them cost a cold
collection a tenth of its time and choose no better."""

_FEWEST_WORDS = 6
_FURTHER = 0.8
"""What a sentence is worth less than the same one before it."""

_WORD = re.compile(r"\w{2,}")
_PICTURE = r"(?:ảnh|hình|video|clip|đồ họa|nguồn|photo|image|picture|foto|bild|source|credit)"
_CREDITED = 250
_CREDIT = re.compile(
    rf".{{0,{_CREDITED}}}?[(\[]{_PICTURE}\s?:[^)\]]{{1,60}}[)\]]\.?\s", re.IGNORECASE
)
"""A picture's caption at the beginning, up to who took it."""

_CAPTION = re.compile(rf"{_PICTURE}(?: (?:minh họa|tư liệu|by))?\s?[:.]", re.IGNORECASE)


def lead_of(text: str) -> str:
    """Two sentences of a plain text that stand for it, on one line; "" if it is empty.

    One sentence where two are longer than LONGEST; the beginning of the text where there is no
    whole sentence that is long enough to say something.
    """
    text = " ".join(text[:_READ].split())
    credit = _CREDIT.match(text) if "(" in text[:_CREDITED] or "[" in text[:_CREDITED] else None
    text = text[credit.end() :] if credit else text
    found = list(sentences(text, _READ))
    said = [_WORD.findall(one.lower()) for one in found]
    counted = Counter(chain.from_iterable(said))
    worth = {
        number: _weight(counted, words) * _FURTHER**number
        for number, words in enumerate(said)
        if len(words) >= _FEWEST_WORDS and not _CAPTION.match(found[number])
    }
    best = sorted(worth, key=lambda number: (-worth[number], number))
    for taken in (sorted(best[:2]), best[:1]):
        lead = " ".join(found[number] for number in taken)
        if taken and len(lead) <= LONGEST:
            return lead
    return beginning(text)


def _weight(counted: Counter[str], words: list[str]) -> float:
    """How much the whole text repeats them; long sentences have more of them by themselves."""
    different = set(words)
    repeated = sum(log(1 + counted[word]) for word in different if counted[word] > 1)
    return repeated / (1 + sqrt(len(different)))
