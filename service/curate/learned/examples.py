"""Labelled articles, as a file of JSON lines holds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from service.errors import LearningError

FEWEST_TEXTS = 8
"""Of one topic. A quarter of them calibrates; below this even that would be luck."""

_TEXTS = ("title", "lead", "text", "source")


@dataclass(frozen=True, slots=True)
class Example:
    """An article of one topic, in plain text. `source` is whose article it is, "" = unknown."""

    label: str
    title: str
    lead: str
    text: str
    source: str


def read_examples(
    name: str, lines: Iterable[bytes], labels: Collection[str] | None = None
) -> Iterator[Example]:
    """The examples of a file, a JSON object a line; empty lines are left out.

    `label` and one of `title`, `lead`, `text` must be there; `source` may, all other keys are
    ignored. Without a title the first line of the text is it. `labels`: the ones that may be
    there, None = any. A line that is none of this raises LearningError with the name of the file
    and the number of the line.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _example(line, labels)
            except (ValueError, TypeError) as error:
                raise LearningError(f"{name}:{number}: {error}") from error


def topics_of(examples: Sequence[Example]) -> list[str]:
    """The labels in order.

    Raises LearningError where there are not two of them, or too few texts of one.
    """
    counted = Counter(example.label for example in examples)
    if len(counted) < 2:  # noqa: PLR2004 - one from the other
        named = (
            f"all {len(examples)} texts are of {next(iter(counted))!r}" if counted else "no text"
        )
        raise LearningError(f"{named}: to learn a topic takes texts of another one, or of none")
    poor = sorted(label for label, number in counted.items() if number < FEWEST_TEXTS)
    if poor:
        told = ", ".join(f"{label!r} has {counted[label]}" for label in poor)
        raise LearningError(f"too few texts: {told}; {FEWEST_TEXTS} of each are needed")
    return sorted(counted)


def _example(line: bytes, labels: Collection[str] | None) -> Example:
    try:
        row = json.loads(line.rstrip(b"\r\n"))
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at column {error.colno}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ValueError("no JSON in UTF-8") from error
    if not isinstance(row, dict):
        raise TypeError('no JSON object; write {"label": "…", "title": "…", "text": "…"}')
    label = row.get("label")
    if not isinstance(label, str) or not label.strip():
        raise ValueError('no "label"; it says which topic the article is of')
    label = label.strip()
    if labels is not None and label not in labels:
        raise ValueError(f"{label!r} is no topic with learn = true")
    parts = {key: _plain(row, key) for key in _TEXTS}
    if not (parts["title"] or parts["lead"] or parts["text"]):
        raise ValueError('neither "title" nor "lead" nor "text" has a word')
    if not parts["title"]:
        parts["title"], _, rest = parts["text"].partition("\n")
        parts["text"] = rest.strip()
    return Example(label=label, **parts)


def _plain(row: dict[str, object], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f'"{key}" is no text')
    return value.strip()
