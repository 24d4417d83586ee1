"""A question as a reader writes it -> a value. Pure.

    chính phủ            both words, anywhere
    "chính phủ"          the words in a row; so are those of 38-CT/TW, which no space parts
    topic:ID source:ID   in this topic, told by this source; of several, one is enough
    since:7d             not older: so long ago, or a date such as 2026-11-24

There are no other operators: `*`, `-`, NEAR and brackets part words, as commas do.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from service.config.instants import parse_instant
from service.errors import UsageError
from service.text.fold import fold, has_marks, lower, nfc, tokens

LONGEST_QUESTION = 200
"""Characters: a headline is half as long."""

MOST_WORDS = 16
"""Words in one question. Each is looked up by itself."""

_TOPIC, _SOURCE, _SINCE = KEYS = ("topic", "source", "since")

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»″\uff02", '"'))
_PART = re.compile(r'(?:([^\W\d_][\w-]*):(?!//)(?=[^\s:]))?(?:"([^"]*)"?|([^\s"]+))')
"""KEY: before a phrase in quotes, or before what stands up to the next space or quote."""


class QuestionError(UsageError):
    """A question that cannot be answered. `key` of the sentence that says why, and its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True, slots=True)
class AskedPhrase:
    """Words in a row, one or more: as they are written, and each folded."""

    words: tuple[str, ...]
    folded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for. `written`: the question on one line, the same for equal questions.

    All `phrases` must stand in an article, and each filter must hold that is not empty. `marked`:
    the question has marks, so that articles with the same ones come first. `since` is aware UTC,
    None = whenever.
    """

    written: str
    phrases: tuple[AskedPhrase, ...]
    topics: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def marked(self) -> bool:
        return any(has_marks(word) for phrase in self.phrases for word in phrase.words)


def parse(
    text: str, topics: Collection[str], sources: Collection[str], zone: str, now: datetime
) -> Question:
    """Read a question. `topics` and `sources`: the ids that there are; `zone`: the site's.

    Raises QuestionError for one without words or filters, too long a one, and an unknown key, id or
    time.
    """
    text = " ".join(nfc(text).translate(_QUOTES).split())
    if len(text) > LONGEST_QUESTION:
        raise QuestionError("search.fault.long", most=LONGEST_QUESTION)
    phrases: dict[tuple[str, ...], AskedPhrase] = {}
    filters: dict[str, dict[str, None]] = {key: {} for key in KEYS}
    for key, quoted, bare in _PART.findall(text):
        value = quoted or bare
        if key:
            _filter(filters, key).setdefault(value)
        elif words := tuple(tokens(value)):
            phrase = AskedPhrase(words, tuple(map(fold, words)))
            phrases.setdefault(tuple(map(lower, words)), phrase)
    if sum(len(phrase.words) for phrase in phrases.values()) > MOST_WORDS:
        raise QuestionError("search.fault.words", most=MOST_WORDS)
    question = Question(
        text,
        tuple(phrases.values()),
        _known(filters, _TOPIC, topics),
        _known(filters, _SOURCE, sources),
        _since(filters[_SINCE], zone, now),
    )
    if not (question.phrases or question.topics or question.sources):
        raise QuestionError("search.fault.empty")
    return question


def _filter(filters: dict[str, dict[str, None]], key: str) -> dict[str, None]:
    found = filters.get(key.lower())
    if found is None:
        raise QuestionError("search.fault.key", word=key, keys=", ".join(KEYS))
    return found


def _known(
    filters: dict[str, dict[str, None]], key: str, known: Collection[str]
) -> tuple[str, ...]:
    for name in filters[key]:
        if name not in known:
            raise QuestionError(f"search.fault.{key}", id=name)
    return tuple(filters[key])


def _since(written: Collection[str], zone: str, now: datetime) -> datetime | None:
    if not written:
        return None
    if len(written) > 1:
        raise QuestionError("search.fault.since_twice")
    (text,) = written
    try:
        return parse_instant(text, zone, now)
    except ValueError as error:
        raise QuestionError("search.fault.since", time=text) from error
