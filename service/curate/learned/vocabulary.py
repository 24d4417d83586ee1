"""Words and pairs of neighbouring words that a model knows, each with a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.reading import forms
from service.text.fold import MOST_WORDS

Ids: TypeAlias = NDArray[np.int64]
Counts: TypeAlias = NDArray[np.float32]


class Vocabulary:
    """`words` in order: their places are their numbers, and those of pairs follow.

    The words have marks or are folded, as `marks` says. `pairs` is sorted: first * len(words) +
    second, by the numbers of the two words.
    """

    def __init__(self, words: Sequence[str], pairs: Ids, *, marks: bool) -> None:
        self.words = words
        self.pairs = pairs
        self.marks = marks
        self._numbers = _Numbers({word: n for n, word in enumerate(words)}, marks=marks)

    def __len__(self) -> int:
        return len(self.words) + len(self.pairs)

    def numbers(self, written: Sequence[str]) -> Ids:
        """The number of each word of a text in order, -1 for those that are not known."""
        found = map(self._numbers.__getitem__, written)
        return np.fromiter(found, dtype=np.int64, count=len(written))

    def count(self, texts: Sequence[Ids]) -> tuple[Ids, Counts, Ids]:
        """Which words and pairs stand in each text (see `numbers`), and how often.

        All of one text after those of the text before, sorted: text n has what stands from
        `ends[n]` to `ends[n + 1]`. Many texts at once cost half of what each by itself does.
        """
        number, single, size = len(texts), len(self.words), len(self)
        numbers = np.concatenate(texts)
        text = np.repeat(np.arange(number), np.fromiter(map(len, texts), np.int64, number))
        known = numbers >= 0
        beside = known[1:] & known[:-1] & (text[1:] == text[:-1])
        pairs = numbers[:-1][beside] * single + numbers[1:][beside]
        # Sorted by pair, they are looked up in neighbouring places of memory.
        pairs = np.sort(pairs * number + text[:-1][beside])
        pairs, of = np.divmod(pairs, number)
        places = self.pairs.searchsorted(pairs)
        there = self.pairs.take(places, mode="clip") == pairs if len(self.pairs) else slice(0)
        found = np.concatenate(
            (
                text[known] * size + numbers[known],
                of[there] * size + places[there] + single,
            )
        )
        found.sort()
        values, often = counted(found)
        text, features = np.divmod(values, size)
        return features, often, text.searchsorted(np.arange(number + 1))


class _Numbers(dict[str, int]):
    """The number of a word as it is written: made at its first sight and remembered."""

    def __init__(self, numbers: dict[str, int], *, marks: bool) -> None:
        super().__init__()
        self._known = numbers
        self._marks = marks

    def __missing__(self, written: str) -> int:
        if len(self) >= MOST_WORDS:
            self.clear()
        (form,) = forms((written,), marks=self._marks)
        number = self[written] = self._known.get(form, -1)
        return number


def paired(numbers: Ids, words: int) -> Ids:
    """The keys of all pairs of neighbours that are both known."""
    first, second = numbers[:-1], numbers[1:]
    keys = first * words + second
    return keys[(first >= 0) & (second >= 0)]


def counted(values: Ids) -> tuple[Ids, Counts]:
    """The different values, and how often each stands there. Give them sorted."""
    if not len(values):
        return values, np.zeros(0, np.float32)
    # np.unique does the same, and takes seconds for millions.
    first = np.empty(len(values), np.bool_)
    first[0] = True
    np.not_equal(values[1:], values[:-1], out=first[1:])
    starts = first.nonzero()[0]
    often = np.empty(len(starts), np.float32)
    often[:-1] = starts[1:] - starts[:-1]
    often[-1] = len(values) - starts[-1]
    return values[starts], often
