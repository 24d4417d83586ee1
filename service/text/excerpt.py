"""The beginning of a plain text: a number of characters, or of sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

ELLIPSIS = "…"

_ENDED = re.compile('[.!?…]+["\u201d\u2019\u00bb)\\]]*\\s+(?=["\u201c\u2018\u00ab(\\[]*[^\\W_a-z])')
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:TP|Tp|ThS|TS|GS|PGS|BS|KS|CN|LS|Q|P|Tr|NXB|St|Mr|Mrs|Ms|Dr|Prof|No|vs|[A-ZĐ])$"
)
_LONGEST_ABBREVIATION = 6
_CUT_OFF = " ,;:.\u2013\u2014-"
"""What would look lost before the ellipsis; en and em dash among it."""


def shorten(text: str, chars: int) -> str:
    """Cuts to at most `chars` characters on one line, at the end of a word, marked where cut."""
    text = " ".join(text.split())
    if len(text) <= chars:
        return text
    cut = text[:chars]
    words, space, _ = cut.rpartition(" ")
    return (words if space else cut[:-1]).rstrip(_CUT_OFF) + ELLIPSIS


def sentences(text: str, chars: int) -> Iterator[str]:
    """The sentences of a plain text on one line that end within its first `chars` characters.

    Needs blanks between sentences: scripts without them give none.
    """
    begin = 0
    for end in _ENDED.finditer(text, 0, chars + 1):
        before = text[max(0, end.start() - _LONGEST_ABBREVIATION) : end.start()]
        if text[end.start()] == "." and _ABBREVIATED.search(before):
            continue
        yield text[begin : end.end()].rstrip()
        begin = end.end()
    rest = text[begin:]
    if rest and len(text) <= chars:
        yield rest


def lead(text: str, count: int = 2, chars: int = 300) -> str:
    """The first `count` sentences of a plain text on one line, at most `chars` characters."""
    text = " ".join(text.split())
    found = list(islice(sentences(text, chars), count))
    return " ".join(found) if len(found) == count else shorten(text, chars)
