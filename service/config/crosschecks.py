"""What several tables together tell wrong: names that nothing has, keys that contradict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import get_close_matches

import cssselect
from cssselect import HTMLTranslator

from service.config.schema import Named, Settings, Source
from service.errors import Finding
from service.model import SourceKind

RESERVED = {"all": "everything", "hot": "hot stories"}
"""The feed of everything has this name, so no topic may have it."""


@dataclass(frozen=True, slots=True)
class DefinedIds:
    """The ids that the files have, those of faulty tables too."""

    sources: AbstractSet[str]
    topics: AbstractSet[str]


def faults(settings: Settings, names: DefinedIds) -> list[Finding]:
    """Every fault between tables."""
    found = [
        *_unknown_names(settings, names),
        *_pages(settings.source.values()),
        *_contradictions(settings),
        *_unvisited(settings.source.values()),
        *_renames("source", settings.source),
        *_renames("topic", settings.topic),
        *_renames("digest", settings.digest),
    ]
    for name in RESERVED.keys() & names.topics:
        problem = f"is the name of the feed of {RESERVED[name]}"
        found.append((("topic", name), problem, "give it another id"))
    return found


def _unknown_names(settings: Settings, names: DefinedIds) -> Iterator[Finding]:
    for source in settings.source.values():
        yield from _unknown(("source", source.id, "topics"), source.topics, "topic", names.topics)
    for topic in settings.topic.values():
        for key, listed in (("sources", topic.sources), ("not_sources", topic.not_sources)):
            yield from _unknown(("topic", topic.id, key), listed, "source", names.sources)
    for digest in settings.digest.values():
        path = ("digest", digest.id, "topics")
        yield from _unknown(path, digest.topics or (), "topic", names.topics)


def _unknown(
    path: tuple[str, ...], listed: Iterable[str], kind: str, known: AbstractSet[str]
) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, name in enumerate(listed):
        if name in seen:
            yield (*path, number), f'"{name}" stands twice in this list', "keep one of them"
        elif name not in known:
            near = get_close_matches(name, known, 1)
            remedy = (
                f'did you mean "{near[0]}"?' if near else f"write [{kind}.{name}] or take it out"
            )
            yield (*path, number), f'there is no {kind} "{name}"', remedy
        seen.add(name)


def _contradictions(settings: Settings) -> Iterator[Finding]:
    for topic in settings.topic.values():
        for name in sorted(set(topic.sources) & set(topic.not_sources)):
            path = ("topic", topic.id, "not_sources")
            yield path, f'"{name}" stands in sources as well', "take it out of one of them"
        for word in sorted(set(topic.none) & {*topic.any, *topic.all}):
            path = ("topic", topic.id, "none")
            yield path, f'"{word}" is asked for in any or all', "take it out of one of them"


def _unvisited(sources: Iterable[Source]) -> Iterator[Finding]:
    for source in sources:
        if source.full_text and source.article_pages is False:
            path = ("source", source.id, "article_pages")
            yield (
                path,
                "is false, but full_text is read from these pages",
                "take out one of the two",
            )


def _pages(sources: Iterable[Source]) -> Iterator[Finding]:
    for source in sources:
        path = ("source", source.id)
        if source.page is None:
            continue
        if source.kind is not SourceKind.PAGE:
            right = 'write kind = "page", or take the selectors out'
            yield (*path, "page"), f'has selectors, but kind = "{source.kind}"', right
        for key, selector in source.page.model_dump(exclude_none=True).items():
            if wrong := _wrong_selector(selector):
                yield (*path, "page", key), f'"{selector}" is no CSS selector ({wrong})', _SELECTOR


_SELECTOR = 'write one such as "article", "h3 a" or ".date"'


def _wrong_selector(selector: str) -> str | None:
    try:
        HTMLTranslator().css_to_xpath(selector)
    except (cssselect.SelectorError, RecursionError) as error:
        return str(error).rstrip(".") or "too deep"
    return None


def _renames(kind: str, tables: Mapping[str, Named | Source]) -> Iterator[Finding]:
    heirs: dict[str, str] = {}
    for name, table in tables.items():
        old = getattr(table, "was", None)
        if old is None:
            continue
        path = (kind, name, "was")
        if old in tables:
            yield path, f"[{kind}.{old}] still stands", "take that table out, or this key"
        elif old in heirs:
            yield path, f"[{kind}.{heirs[old]}] was {old} as well", "one table can go on from it"
        heirs.setdefault(old, name)


def warnings(settings: Settings) -> list[Finding]:
    """What works, but hardly as it was meant."""
    return [*_same_address(settings)]


def _same_address(settings: Settings) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for source in settings.source.values():
        other = first.setdefault(source.url, source.id)
        if other != source.id:
            path = ("source", source.id, "url")
            yield path, f"is collected by [source.{other}] already", "one of them is enough"
