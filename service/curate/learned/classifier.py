"""One linear classifier over words of one form, with a probability that means what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.vocabulary import Ids, Vocabulary

Floats: TypeAlias = NDArray[np.float32]

MOST_REASONS = 6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns scores into probabilities: softmax(score * exp(a + b * ln(1 + known features))).

    The more of a text is known, the more a score is worth.
    """

    a: float
    b: float

    def probabilities(self, scores: Floats, known: Ids) -> Floats:
        """A row for each text, in which they sum up to 1; `known` has a number for each text."""
        steep = scores * np.exp(self.a + self.b * np.log1p(known))[:, None]
        raised = np.exp(steep - steep.max(axis=1, keepdims=True))
        chances: Floats = raised / raised.sum(axis=1, keepdims=True)
        return chances


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a classifier says of texts.

    `scores` and `chances` have a row for each text, in the order of the classes. `numbers` are
    those of its words, -1 for unknown ones. Text n counts the `features` from `ends[n]` to
    `ends[n + 1]`, with their `values`; `rows` is what each says for a class.
    """

    scores: Floats
    chances: Floats
    numbers: Sequence[Ids]
    features: Ids
    ends: Ids
    values: Floats
    rows: Floats


@dataclass(frozen=True, slots=True)
class Classifier:
    """`idf` (float16) has a value for each feature, 0 = it does not count.

    `weights` (int8) has a row for each feature and a column for each class; `scale` turns a column
    back into numbers, and `bias` is added to its sum.
    """

    vocabulary: Vocabulary
    idf: NDArray[np.float16]
    weights: NDArray[np.int8]
    scale: Floats
    bias: Floats
    calibration: Calibration

    def weigh(self, texts: Sequence[Sequence[str]]) -> Weighed:
        """Score the words of each text: (1 + ln tf) * idf, at length 1."""
        numbers = [self.vocabulary.numbers(text) for text in texts]
        features, counts, ends = self.vocabulary.count(numbers)
        text = np.repeat(np.arange(len(texts)), np.diff(ends))
        idf = self.idf.take(features).astype(np.float32)
        values = np.log(counts)
        values += 1
        values *= idf
        lengths = np.sqrt(np.bincount(text, values * values, len(texts)))
        lengths[lengths == 0] = 1
        values /= lengths[text]
        rows = self.weights.take(features, axis=0).astype(np.float32)
        sums = [values[a:b] @ rows[a:b] for a, b in pairwise(ends.tolist())]
        scores = np.stack(sums) * self.scale + self.bias
        known = np.bincount(text[idf > 0], minlength=len(texts))
        chances = self.calibration.probabilities(scores, known)
        return Weighed(scores, chances, numbers, features, ends, values, rows)

    def reason(self, written: Sequence[str], weighed: Weighed, best: int) -> list[str]:
        """The words of the first text that speak most for a class, as it spells them.

        The strongest comes first.
        """
        direction = -self.scale / len(self.scale)
        direction[best] += self.scale[best]
        own = slice(0, int(weighed.ends[1]))
        says = weighed.values[own] * (weighed.rows[own] @ direction)
        chosen: list[str] = []
        for place in np.argsort(-says, kind="stable")[:MOST_REASONS]:
            if says[place] <= 0:
                break
            chosen.append(self._spelt(int(weighed.features[place]), written, weighed.numbers[0]))
        return chosen

    def _spelt(self, feature: int, written: Sequence[str], numbers: Ids) -> str:
        single = len(self.vocabulary.words)
        if feature < single:
            return written[int(np.argmax(numbers == feature))]
        first, second = divmod(int(self.vocabulary.pairs[feature - single]), single)
        at = int(np.argmax((numbers[:-1] == first) & (numbers[1:] == second)))
        return f"{written[at]} {written[at + 1]}"
