"""Something that an admin must know, as a sentence's key and its values. Pure.

The sentence stands in `templates/words/LANG.toml`: probes and commands say it in English, the admin
page in the site's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.render.words import Words
from service.report.sentence import Sentence, SentenceWriter


@dataclass(frozen=True, slots=True)
class Trouble:
    """`key`: `trouble.KEY` is its sentence. `values`: what a sentence may have (`Sentence`).

    `stops`: a part of the service does not work because of it.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    stops: bool = False

    @property
    def sentence(self) -> Sentence:
        return Sentence(f"trouble.{self.key}", self.values)


def said(trouble: Trouble, words: Words, at: Callable[[datetime], str]) -> str:
    """Its sentence; `at` writes instants. Raises TemplateError for a key without a sentence."""
    return SentenceWriter(words, at).tell(trouble.sentence)


def utc(at: datetime) -> str:
    """2026-11-24 08:00Z, as probes are told it."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def as_json(trouble: Trouble, words: Words) -> dict[str, object]:
    """What `status --json` and the service's own notes say; `text` in the language of `words`."""
    writer = SentenceWriter(words, utc)
    return {
        "kind": trouble.key,
        "stops": trouble.stops,
        "text": writer.tell(trouble.sentence),
        **{name: _plain(value, writer) for name, value in trouble.values.items()},
    }


def _plain(value: object, writer: SentenceWriter) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return writer.text(value) if isinstance(value, tuple) else value
