"""A few days as they came, in which wars and markets go on: long affairs are no single story.

The labels are ours (`stream_labels.py`), the articles stay in the corpus; without it this skips.
The settings were chosen with these labels in sight: the figures are no promise for other days.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations, count
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import pytest

from service.curate.stories.engine import Stories
from service.curate.stories.terms import read
from tests.curate.stories.stream_labels import EITHER, SAME

Pair = tuple[str, str]


class _Article(NamedTuple):
    key: str
    at: datetime
    title: str
    text: str


@pytest.mark.parametrize(
    ("characters", "right", "found"),
    [pytest.param(400, 0.65, 45, id="leads"), pytest.param(8000, 0.6, 68, id="whole texts")],
)
def test_the_statements_of_a_long_affair_are_not_one_story(
    corpus: Path, characters: int, right: float, found: int
) -> None:
    same, either = _pairs(map(str.split, SAME)), _pairs(map(str.split, EITHER))
    joined = _pairs(_judged(_articles(corpus), characters)) - (either - same)
    assert len(joined & same) >= found
    assert len(joined & same) >= right * len(joined)


def _articles(corpus: Path) -> list[_Article]:
    with gzip.open(corpus / "stream" / "vi-2026-01.articles.jsonl.gz", "rt", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    articles = [
        _Article(
            f"{crc32(row['url'].encode()):08x}",
            datetime.fromisoformat(row["published_at"]),
            row["title"],
            row["text"],
        )
        for row in rows
    ]
    return sorted(articles, key=lambda one: one.at)


def _judged(articles: Sequence[_Article], characters: int) -> list[list[str]]:
    """The keys of each story, those that left the window too."""
    stories, fresh = Stories(), count(1)
    story_of: dict[int, int] = {}
    for number, one in enumerate(articles):
        terms = read(one.title, one.text[:characters])
        placed = stories.add(number, terms, one.at, fresh)
        story_of |= {number: placed.story, **placed.moved}
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for number, story in story_of.items():
        groups[story].append(articles[number].key)
    return list(groups.values())


def _pairs(groups: Iterable[Sequence[str]]) -> set[Pair]:
    return {(one, other) for group in groups for one, other in combinations(sorted(group), 2)}
