"""How well stories are judged: B-cubed against stories that people made. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean, 0 to 1, the mean over articles."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def b_cubed(gold: Sequence[str | None], judged: Sequence[int], *, strict: bool = False) -> Score:
    """Of each labelled article: how many of its story belong there, how many are missing.

    (Bagga and Baldwin 1998.) `gold` None: an article of no labelled story. Such strangers are not
    scored; with `strict` those which stand in a story with a labelled one count as wrong there.
    """
    pairs = [
        (label, story)
        for label, story in zip(gold, judged, strict=True)
        if strict or label is not None
    ]
    both, stories = Counter(pairs), Counter(story for _label, story in pairs)
    labels = Counter(label for label, _story in pairs)
    scored = [(label, story) for label, story in pairs if label is not None]
    if not scored:
        return Score(0.0, 0.0)
    precision = sum(both[pair] / stories[pair[1]] for pair in scored) / len(scored)
    recall = sum(both[pair] / labels[pair[0]] for pair in scored) / len(scored)
    return Score(precision, recall)
