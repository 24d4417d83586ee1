"""One linear classifier over words of one form, with a probability that means what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.curate.learned.vocabulary import Counts, Ids, Vocabulary

Floats: TypeAlias = NDArray[np.float32]

MOST_REASONS = 6


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns scores into probabilities: softmax(score * exp(a + b * ln(1 + known features))).

    The more of a text is known, the more a score is worth.
    """

    a: float
    b: float

    def probabilities(self, scores: Floats, known: int) -> Floats:
        """One for each class; they sum up to 1."""
        steep = scores * np.float32(math.exp(self.a + self.b * math.log1p(known)))
        raised = np.exp(steep - steep.max())
        chances: Floats = raised / raised.sum()
        return chances


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a classifier says of a text.

    `scores` and `chances` stand in the order of the classes. `numbers` are those of its words, -1
    for unknown ones. `features`, `values`: what was counted, and `rows` what each says for a class.
    """

    scores: Floats
    chances: Floats
    numbers: Ids
    features: Ids
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

    def weigh(self, written: Sequence[str]) -> Weighed:
        """Score the words of a text."""
        numbers = self.vocabulary.numbers(written)
        features, counts = self.vocabulary.count(numbers)
        idf = self.idf.take(features).astype(np.float32)
        values = weighted(counts, idf)
        rows = self.weights.take(features, axis=0).astype(np.float32)
        scores = values @ rows * self.scale + self.bias
        chances = self.calibration.probabilities(scores, int(np.count_nonzero(idf)))
        return Weighed(scores, chances, numbers, features, values, rows)

    def reason(self, written: Sequence[str], weighed: Weighed, best: int) -> list[str]:
        """The words that speak most for a class, as the text spells them, the strongest first."""
        direction = -self.scale / len(self.scale)
        direction[best] += self.scale[best]
        says = weighed.values * (weighed.rows @ direction)
        chosen: list[str] = []
        for place in np.argsort(-says, kind="stable")[:MOST_REASONS]:
            if says[place] <= 0:
                break
            chosen.append(self._spelt(int(weighed.features[place]), written, weighed.numbers))
        return chosen

    def _spelt(self, feature: int, written: Sequence[str], numbers: Ids) -> str:
        single = len(self.vocabulary.words)
        if feature < single:
            return written[int(np.argmax(numbers == feature))]
        first, second = divmod(int(self.vocabulary.pairs[feature - single]), single)
        at = int(np.argmax((numbers[:-1] == first) & (numbers[1:] == second)))
        return f"{written[at]} {written[at + 1]}"


def weighted(counts: Counts, idf: Floats) -> Floats:
    """(1 + ln tf) * idf, at length 1; all zeros where nothing counts."""
    values: Floats = np.log(counts)
    values += 1
    values *= idf
    values /= np.float32(math.sqrt(values @ values) or 1)
    return values
