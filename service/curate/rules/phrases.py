"""Words and phrases in a text: whole words in a row, found in one walk. Pure.

In Vietnamese a word is a syllable, so "y tế" is not found inside other words. A phrase with marks
finds only text with these marks (whatever the placement of the tone); one without finds both. A
word of two letters or more written all in capitals finds only capitals: "AI" is not "ai".
docs/configuration.md ("How words match") says the same to admins, with examples.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.curate.rules.terms import is_acronym
from service.text.fold import fold, has_marks, lower, lowered, nfc, tokens, words_of

Span = tuple[int, int]
"""The first word of a phrase and the one behind its last, counted in a text's words."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase, ready to be compared. `term`: what it stands for in a rule.

    `rank` 0: the term itself, else its place among the synonyms. `marked` is its lower-case words
    where their marks count, else empty. `capitals` are the places of its words that find only
    capitals.
    """

    term: str
    rank: int
    written: str
    folded: tuple[str, ...]
    marked: tuple[str, ...]
    capitals: tuple[int, ...]

    @classmethod
    def of(cls, term: str, rank: int, written: str) -> Phrase:
        words = tokens(nfc(written))
        return cls(
            term,
            rank,
            written,
            tuple(fold(word) for word in words),
            tuple(lower(word) for word in words) if has_marks(written) else (),
            tuple(place for place, word in enumerate(words) if is_acronym(word)),
        )

    def fits(self, words: Sequence[str]) -> bool:
        """Whether words whose folded form is the phrase's also have its marks and capitals."""
        if not all(words[place].isupper() for place in self.capitals):
            return False
        return not self.marked or tuple(lowered(words)) == self.marked


class Phrases:
    """Phrases by the first word of their folded form."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self._by_first: defaultdict[str, list[Phrase]] = defaultdict(list)
        for phrase in phrases:
            if phrase.folded:
                self._by_first[phrase.folded[0]].append(phrase)
        self._first = frozenset(self._by_first)

    def find(self, text: str) -> dict[str, Phrase]:
        """The terms of which something stands in the text -> what; at best the term itself."""
        words, folded = words_of(text)
        found: dict[str, Phrase] = {}
        for word in self._first.intersection(folded):
            waiting, at = self._by_first[word], -1
            for _ in range(folded.count(word)):
                at = folded.index(word, at + 1)
                standing = _standing(waiting, words, folded, at)
                if not standing:
                    continue
                for phrase in standing:
                    known = found.get(phrase.term)
                    if known is None or phrase.rank < known.rank:
                        found[phrase.term] = phrase
                waiting = [phrase for phrase in waiting if phrase not in standing]
                if not waiting:
                    break
        return found

    def spans(self, text: str) -> list[Span]:
        """Where each of the phrases stands, in order."""
        words, folded = words_of(text)
        return sorted(
            (at, at + len(phrase.folded))
            for at, word in enumerate(folded)
            if word in self._first
            for phrase in _standing(self._by_first[word], words, folded, at)
        )


def _standing(
    phrases: Iterable[Phrase], words: Sequence[str], folded: Sequence[str], at: int
) -> list[Phrase]:
    """Those of these phrases that begin with the word at this place, where their first word is."""
    return [
        phrase
        for phrase in phrases
        # Marks and capitals are looked at only where the bare words fit: that is seldom.
        if folded[at : (end := at + len(phrase.folded))] == phrase.folded
        and phrase.fits(words[at:end])
    ]


def between(first: Sequence[Span], second: Sequence[Span], within: int) -> Span | None:
    """From the one phrase to the other where at most `within` words part them, in either order.

    Both in order of their beginnings. Phrases that share a word are not beside each other. The
    first such place of the text; None where there is none.
    """
    places = [*_followed(first, second, within), *_followed(second, first, within)]
    return min(places, default=None)


def _followed(ones: Sequence[Span], others: Sequence[Span], within: int) -> Iterable[Span]:
    """The first of `ones` behind which another stands near enough, to the other's end."""
    starts = [start for start, _ in others]
    for start, end in ones:
        at = bisect_left(starts, end)
        if at < len(starts) and starts[at] <= end + within:
            return [(start, others[at][1])]
    return []
