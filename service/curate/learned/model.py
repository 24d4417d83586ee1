"""A learned model: which topic an article is of, how likely, and by which words; or no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.curate.learned.classifier import Classifier, Weighed
from service.curate.learned.reading import has_marks, whole, words_of_parts

SURE = 0.6
"""Below this probability the answer is "don't know"."""

FEWEST_WORDS = 3
KNOWN_SHARE = 0.6
"""How many of a text's words, and which share of them, a model must know to have an opinion."""


@dataclass(frozen=True, slots=True)
class TopicVerdict:
    """`topic` (or NOT), its `probability`, and the strongest `words` for it as the text has them.

    The first word says most.
    """

    topic: str
    probability: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """The likeliest topic, however unlikely. `knows`: whether there is ground for an opinion."""

    topic: str
    probability: float
    knows: bool


@dataclass(frozen=True, slots=True)
class Model:
    """`topics` are the labels in the order of the classes, NOT among them if it was learned.

    `marked` reads text with marks; None: no text that was learned from has any. `folded` reads the
    rest.
    """

    topics: Sequence[str]
    marked: Classifier | None
    folded: Classifier

    def judge(self, title: str, lead: str, text: str, sure: float = SURE) -> TopicVerdict | None:
        """What the article is about; None: don't know. All three are plain text, or empty."""
        written = words_of_parts(*whole(title, lead, text))
        classifier = self._fitting(written)
        weighed = classifier.weigh([written])
        best = int(weighed.chances[0].argmax())
        probability = float(weighed.chances[0, best])
        if probability < sure or not _knows(weighed, 0):
            return None
        words = classifier.reason(written, weighed, best)
        return TopicVerdict(self.topics[best], probability, tuple(words))

    def guesses(self, texts: Sequence[tuple[str, str, str]]) -> list[Guess]:
        """The likeliest topic of each text, also where `judge` says nothing: for figures."""
        read = [words_of_parts(*whole(*text)) for text in texts]
        found: dict[int, Guess] = {}
        for classifier in (self.folded, self.marked):
            own = [place for place, one in enumerate(read) if self._fitting(one) is classifier]
            if classifier is None or not own:
                continue
            weighed = classifier.weigh([read[place] for place in own])
            for row, place in enumerate(own):
                best = int(weighed.chances[row].argmax())
                chance = float(weighed.chances[row, best])
                found[place] = Guess(self.topics[best], chance, _knows(weighed, row))
        return [found[place] for place in range(len(texts))]

    def _fitting(self, written: Sequence[str]) -> Classifier:
        if self.marked is not None and has_marks(written):
            return self.marked
        return self.folded


def _knows(weighed: Weighed, row: int) -> bool:
    """Whether there is ground for an opinion on a text.

    A topic that was never seen scores below 0 everywhere, while its probabilities still sum up
    to 1; and of a text in another language hardly a word is known.
    """
    numbers = weighed.numbers[row]
    known = np.count_nonzero(numbers >= 0)
    enough = known >= max(FEWEST_WORDS, KNOWN_SHARE * len(numbers))
    return bool(enough and weighed.scores[row].max() >= 0)
