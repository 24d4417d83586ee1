"""How well a model judges texts that it has not learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from service.curate.learned.examples import Example
from service.curate.learned.model import SURE, Guess, Model
from service.curate.learned.reading import BEGINNING, whole
from service.text.fold import fold

HELD_OUT = 5
"""One text in so many is kept for the figures."""

COVERAGE = 0.8
BINS = 15
"""Of probabilities, for the calibration error."""

AT_ONCE = 64
"""Texts that are weighed together."""

Text = tuple[str, str, str]
"""Title, lead, text."""


@dataclass(frozen=True, slots=True)
class Score:
    """`accuracy` over all `texts`, and over the surest four fifths (`accuracy_at_80`).

    `ece`, the expected calibration error: how far the probability of the guess lies from how often
    it is right, on average. `answered`: the share that is not "don't know", and `accuracy_answered`
    among those (0 where there are none).
    """

    texts: int
    accuracy: float
    accuracy_at_80: float
    ece: float
    answered: float
    accuracy_answered: float


@dataclass(frozen=True, slots=True)
class TopicScore:
    """Of one label: how many texts have it, which share is found, and how many finds are right."""

    topic: str
    texts: int
    recall: float
    precision: float


def split(examples: Iterable[Example]) -> tuple[list[Example], list[Example]]:
    """The examples to learn from, and those to judge: a hash of the text decides.

    A text that stands there twice is on one side only.
    """
    learned: list[Example] = []
    judged: list[Example] = []
    for one in examples:
        digest = blake2b(" ".join(_text(one)).encode(), digest_size=8).digest()
        held_out = int.from_bytes(digest) % HELD_OUT == 0
        (judged if held_out else learned).append(one)
    return learned, judged


def variants(examples: Sequence[Example]) -> dict[str, list[Text]]:
    """The texts as they are; their beginnings, all that many sources give; without marks."""
    texts = [_text(one) for one in examples]
    return {
        "whole": texts,
        "beginning": [_beginning(*text) for text in texts],
        "unaccented": [(fold(title), fold(lead), fold(text)) for title, lead, text in texts],
    }


def guesses(model: Model, texts: Sequence[Text]) -> list[Guess]:
    """The likeliest topic of each text."""
    starts = range(0, len(texts), AT_ONCE)
    return [guess for at in starts for guess in model.guesses(texts[at : at + AT_ONCE])]


def score(guessed: Sequence[Guess], examples: Sequence[Example]) -> Score:
    """How many guesses are right, and whether their probabilities mean what they say."""
    pairs = zip(guessed, examples, strict=True)
    right = np.array([guess.topic == one.label for guess, one in pairs])
    chance = np.array([guess.probability for guess in guessed])
    sure = np.array([guess.knows and guess.probability >= SURE for guess in guessed])
    surest = np.argsort(-chance, kind="stable")[: max(1, int(COVERAGE * len(chance)))]
    bins = np.minimum((chance * BINS).astype(int), BINS - 1)
    error = sum(
        abs(float(chance[bins == one].mean() - right[bins == one].mean()))
        * float(np.mean(bins == one))
        for one in np.unique(bins)
    )
    return Score(
        texts=len(guessed),
        accuracy=float(right.mean()),
        accuracy_at_80=float(right[surest].mean()),
        ece=error,
        answered=float(sure.mean()),
        accuracy_answered=float(right[sure].mean()) if sure.any() else 0.0,
    )


def topic_scores(guessed: Sequence[Guess], examples: Sequence[Example]) -> list[TopicScore]:
    """Each label by itself, in order."""
    texts = Counter(one.label for one in examples)
    finds = Counter(guess.topic for guess in guessed)
    pairs = zip(guessed, examples, strict=True)
    hits = Counter(one.label for guess, one in pairs if guess.topic == one.label)
    return [
        TopicScore(
            topic,
            texts[topic],
            _share(hits[topic], texts[topic]),
            _share(hits[topic], finds[topic]),
        )
        for topic in sorted(texts)
    ]


def _share(part: int, all_of_them: int) -> float:
    return part / all_of_them if all_of_them else 0.0


def _text(example: Example) -> Text:
    return example.title, example.lead, example.text


def _beginning(title: str, lead: str, text: str) -> Text:
    title, body = whole(title, lead, text)
    return title[:BEGINNING], "", body[: max(0, BEGINNING - len(title))]
