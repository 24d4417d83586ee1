"""How well stories are judged: B-cubed against stories that people made. Pure."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from statistics import fmean
from typing import Any

from service.curate.stories.engine import Stories, StorySettings
from service.curate.stories.terms import read
from service.errors import UsageError

SEED = 20190725
"""Of the shuffled order; any number, but always the same."""

_ONE_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LabelledArticle:
    """An article and the story that people put it into; None: no story of theirs, a stranger."""

    id: str | int
    story: str | None
    title: str
    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class BCubed:
    """B-cubed precision and recall, 0 to 1, the mean over the labelled articles.

    `strict_precision`: strangers in a story with labelled articles count as wrong there.
    """

    precision: float
    recall: float
    strict_precision: float

    @property
    def f(self) -> float:
        """The harmonic mean of precision and recall."""
        return _harmonic(self.precision, self.recall)

    @property
    def strict_f(self) -> float:
        """The same with strangers."""
        return _harmonic(self.strict_precision, self.recall)


def labelled(lines: Iterable[str], name: str) -> list[LabelledArticle]:
    """The articles of a JSONL file, whose name stands in errors; empty lines do not count.

    A line is an object with `id` (text or number), `story` (text, number or null), `title`, and
    what there is of `lead`, `text` and `language`. Other keys, such as `published`, are left alone.
    UsageError: a line is not of this kind.
    """
    return [_labelled(line, f"{name}:{n}") for n, line in enumerate(lines, 1) if line.strip()]


def judge(articles: Sequence[LabelledArticle], settings: StorySettings | None = None) -> list[int]:
    """The story of each article, judged in this order, all within one window."""
    stories, fresh = Stories(settings or StorySettings()), count(1)
    for number, one in enumerate(articles):
        stories.add(number, read(one.title, one.text, one.language), _ONE_INSTANT, fresh)
    return [stories.story_of(number) for number in range(len(articles))]


def orders(articles: Sequence[LabelledArticle]) -> dict[str, list[LabelledArticle]]:
    """Three orders of arrival: as given, shuffled always in the same way, and backwards."""
    shuffled = list(articles)
    random.Random(SEED).shuffle(shuffled)  # noqa: S311 - no secret
    return {"given": list(articles), "shuffled": shuffled, "reversed": list(reversed(articles))}


def b_cubed(gold: Sequence[str | None], judged: Sequence[int]) -> BCubed:
    """Of each labelled article: how much of its story belongs there, how much of that is missing.

    Bagga and Baldwin 1998. `gold`: the story of people's making, None a stranger.
    """
    pairs = list(zip(gold, judged, strict=True))
    both = Counter(pairs)
    labels = Counter(label for label, _story in pairs)
    every = Counter(story for _label, story in pairs)
    known = Counter(story for label, story in pairs if label is not None)
    scored = [(label, story) for label, story in pairs if label is not None]
    if not scored:
        return BCubed(0.0, 0.0, 0.0)
    return BCubed(
        precision=fmean(both[pair] / known[pair[1]] for pair in scored),
        recall=fmean(both[pair] / labels[pair[0]] for pair in scored),
        strict_precision=fmean(both[pair] / every[pair[1]] for pair in scored),
    )


def mean(scores: Sequence[BCubed]) -> BCubed:
    """The mean of several, part by part."""
    return BCubed(
        fmean(one.precision for one in scores),
        fmean(one.recall for one in scores),
        fmean(one.strict_precision for one in scores),
    )


def _labelled(line: str, where: str) -> LabelledArticle:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageError(f"{where}: this is no JSON ({error})") from error
    if not isinstance(row, dict):
        raise UsageError(f"{where}: not a JSON object")
    for key in ("id", "story"):
        if key not in row:
            raise UsageError(f'{where}: "{key}" is missing')
    story = row["story"]
    if not isinstance(row["id"], str | int) or not isinstance(story, str | int | None):
        raise UsageError(f'{where}: "id" and "story" are texts or numbers; "story" may be null')
    texts = [_text(row, key, where) for key in ("title", "lead", "text", "language")]
    title, lead, text, language = texts
    whole = text if lead in text else f"{lead}\n{text}"
    label = None if story is None else str(story)
    return LabelledArticle(row["id"], label, title, whole, language or None)


def _text(row: dict[str, Any], key: str, where: str) -> str:
    value = row.get(key) or ""
    if not isinstance(value, str):
        raise UsageError(f'{where}: "{key}" is no text')
    return value


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0
