"""How unlike written language a text looks: for choosing among several readings of the same bytes.

Bytes that are read in the wrong charset betray themselves: capitals within words ("рХФЙО" for
"Путин"), two scripts in one word ("BiergдrtЯen"), signs where letters should be. Pure.
"""

from __future__ import annotations

import re

_LOOK_AT = 20_000
"""Characters; that many tell enough."""

_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f\W\d_][^\W\d_]*")
"""A word with letters beyond ASCII."""

_LATIN = re.compile(r"[A-Za-z]")
_NO_LATIN = re.compile(r"[^\x00-\u024f\u1e00-\u1eff\u0300-\u036f]")
_SIGN = re.compile(r"[\x80-\x9f\xa4\xa6\xa8\xac\xaf\xb1-\xb6\xb8\xb9\u2500-\u259f\ufffd]")


def oddness(text: str) -> float:
    """Which share of its words beyond ASCII nobody writes so, from 0 (reads well) to 1."""
    text = text[:_LOOK_AT]
    words = _WORD.findall(text)
    signs = len(_SIGN.findall(text))
    whole = len(words) + signs
    return (sum(map(_is_odd, words)) + signs) / whole if whole else 0.0


def _is_odd(word: str) -> bool:
    if _LATIN.search(word) and _NO_LATIN.search(word):
        return True
    rest = word[1:]
    return rest != rest.lower() and word != word.upper()
