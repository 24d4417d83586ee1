"""The words of an article, as a model counts them.

Two forms of each word: lower case with its marks, and folded (without marks, đ -> d). Text with
marks is read in the first form, all other text in the second: Vietnamese that somebody wrote
without marks, and languages that have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from service.text.fold import folded_words, lowered, written_words

BEGINNING = 300
"""Characters of title and lead: what is known of an article whose source gives no more."""

MARKED_SHARE = 0.03
"""Of a text's letters. Vietnamese has some 25 % with marks, English hardly ever one."""

TELLING_WORDS = 300

LONGEST = 20_000
"""Characters that are read; news are a tenth of it, and what follows changes no topic."""


def words_of_parts(*parts: str) -> Sequence[str]:
    """The words of the parts (title, text) as they stand there, one part after the other."""
    # They are remembered: the rules of topics have read the same title and text a moment before.
    read = [written_words(part) for part in parts if part]
    return read[0] if len(read) == 1 else [*chain.from_iterable(read)]


def has_marks(words: Sequence[str]) -> bool:
    """Whether a text is written with marks; its first words tell."""
    letters = "".join(words[:TELLING_WORDS])
    plain = len(letters.encode("ascii", "ignore"))
    return len(letters) - plain > MARKED_SHARE * len(letters)


def forms(words: Iterable[str], *, marks: bool) -> Iterator[str]:
    """The words in the form that is counted."""
    return lowered(words) if marks else folded_words(words)


def whole(title: str, lead: str, text: str) -> tuple[str, str]:
    """Title and body, no longer than is read. A lead is left out where the text begins with it."""
    if lead and not text.startswith(lead):
        text = f"{lead} {text}".rstrip()
    return title[:LONGEST], text[:LONGEST]
