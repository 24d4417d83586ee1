"""A sentence as a value: its key in `templates/words/LANG.toml` and what fills it. Pure.

What the admin page and the terminal both say is made once and told in each one's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from service.render import dates
from service.render.engine import shipped_templates
from service.render.words import FALLBACK, Words, load_words


class SourceId(str):
    """The id of a source, in whose place a page says the outlet's name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """`key` of a sentence, `values` by name.

    A value is text, a number, an aware instant, a span of time, a SourceId, another sentence, or a
    sequence of these, which is told with `trouble.and` between them.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


def sentence(key: str, **values: object) -> Sentence:
    return Sentence(key, values)


def counted(key: str, n: int, **values: object) -> Sentence:
    """KEY.one or KEY.many, with {n}."""
    return Sentence(f"{key}.one" if n == 1 else f"{key}.many", {"n": n, **values})


@dataclass(frozen=True, slots=True)
class SentenceWriter:
    """Tells sentences in one language. `at` writes instants, `names` are the outlets' by id."""

    words: Words
    at: Callable[[datetime], str]
    names: Mapping[str, str] = field(default_factory=dict)

    def tell(self, said: Sentence | str | None) -> str:
        """An empty text for None; text stays as it is. Raises TemplateError for an unknown key."""
        return "" if said is None else self.text(said)

    def text(self, value: object) -> str:  # noqa: PLR0911 - a table
        """A value of a sentence as text; "?" for None."""
        match value:
            case Sentence():
                filled = {name: self.text(one) for name, one in value.values.items()}
                return self.words.say(value.key, **filled)
            case SourceId():
                return self.names.get(value, value)
            case datetime():
                return self.at(value)
            case timedelta():
                return dates.span(value.total_seconds(), self.words)
            case str():
                return value
            case Sequence():
                return self.words.say("trouble.and").join(self.text(one) for one in value)
            case None:
                return "?"
            case _:
                return str(value)


def in_english(zone: tzinfo = UTC) -> SentenceWriter:
    """A writer for the terminal, JSON and probes; `zone` of its instants."""
    return SentenceWriter(english(), lambda at: _stamp(at, zone))


@lru_cache(maxsize=1)
def english() -> Words:
    """The English sentences as they are shipped, whatever a site has made of its own."""
    return load_words((shipped_templates(),), FALLBACK)


def english_span(seconds: int | None) -> str:
    """A span of time as the terminal tells it, which is as pages do; nothing for None."""
    return "" if seconds is None else dates.span(seconds, english())


def _stamp(at: datetime, zone: tzinfo) -> str:
    """2026-11-24 08:00Z; without the Z in another zone than UTC."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}{'Z' if zone is UTC else ''}"
