"""What an article is found by: the tokens that the search index of both databases takes. Pure.

Each word is there without case and marks (`uy`), as is each pair of words in a row (`uy+ban`), so
that a phrase needs no positions; a word with marks also with them (`=ủy`). Tokens are made and
asked for here alone, and no database parts words: so both answer alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from service.text.clean import plain_of_clean
from service.text.fold import lowered, words_of

SEARCH_CHARS = 20_000
"""How much of an article is kept for search; news are a tenth of it."""

LONGEST_TOKEN = 64
"""Characters of a word that count: what is longer is none, and PostgreSQL refuses 2 KB."""


def searched(title: str, text: str) -> tuple[str, str]:
    """The title, and as much of the plain text as is kept for search."""
    return title, text[: max(SEARCH_CHARS - len(title) - 1, 0)]


def article_tokens(title: str, lead: str, content: str) -> set[str]:
    """All tokens of an article, from what is stored of it (`content` is clean HTML)."""
    found: set[str] = set()
    for text in searched(title, f"{lead} {plain_of_clean(content)}".strip()):
        words, folded = words_of(text)
        found.update(phrase_tokens(folded))
        found.update(word[:LONGEST_TOKEN] for word in folded)
        found.update(marked_tokens(words, folded))
    found.discard("")
    return found


def phrase_tokens(folded: Sequence[str]) -> list[str]:
    """The tokens of folded words in a row: of one word itself, else its pairs."""
    if len(folded) == 1:
        return [folded[0][:LONGEST_TOKEN]]
    return [f"{one[:LONGEST_TOKEN]}+{two[:LONGEST_TOKEN]}" for one, two in pairwise(folded)]


def marked_tokens(words: Sequence[str], folded: Sequence[str]) -> list[str]:
    """The tokens of those words whose marks say more than the folded word."""
    return [
        f"={marked[:LONGEST_TOKEN]}"
        for marked, plain in zip(lowered(words), folded, strict=True)
        if marked != plain
    ]
