"""Which words and pairs are worth knowing: those that stand in several texts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from service.curate.learned.reading import forms
from service.curate.learned.vocabulary import Ids, Vocabulary, counted, paired

MOST_FEATURES = 400_000
"""Words and pairs together; the rarest go first. To choose by weight costs accuracy."""

FEW_TEXTS = 2000
"""Below so many texts each word counts, else only what stands in two of them."""


def grow(texts: Sequence[Sequence[str]], *, marks: bool) -> Vocabulary:
    """The vocabulary of texts, which are given as written words."""
    least = 2 if len(texts) >= FEW_TEXTS else 1
    known = sorted(set(forms(set(chain.from_iterable(texts)), marks=marks)))
    everything = Vocabulary(known, np.zeros(0, np.int64), marks=marks)
    numbers = [everything.numbers(text) for text in texts]
    frequency = np.zeros(len(known), np.int64)
    for text in numbers:
        frequency[counted(np.sort(text))[0]] += 1
    kept = _most_frequent(frequency, least, MOST_FEATURES)
    renumbered = np.full(len(known), -1, np.int64)
    renumbered[kept] = np.arange(len(kept))
    words = [known[number] for number in kept.tolist()]
    pairs = _pairs([renumbered[text] for text in numbers], len(words), least)
    return Vocabulary(words, pairs, marks=marks)


def _pairs(texts: Sequence[Ids], words: int, least: int) -> Ids:
    standing = np.concatenate([counted(np.sort(paired(text, words)))[0] for text in texts])
    standing.sort()
    keys, frequency = counted(standing)
    return keys[_most_frequent(frequency.astype(np.int64), least, MOST_FEATURES - words)]


def _most_frequent(frequency: Ids, least: int, most: int) -> Ids:
    """The places of what stands in enough texts, in order."""
    enough = np.flatnonzero(frequency >= least)
    if len(enough) <= most:
        return enough
    order = np.argsort(-frequency[enough], kind="stable")
    return np.sort(enough[order[: max(0, most)]])
