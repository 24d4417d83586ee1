"""Sources added by command: written into a file that the configuration includes, and judged.

What makes the configuration faulty is not kept: the file is as it was before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from service.config.additions import NewSource, id_for, replaced, tables
from service.config.loading import Loaded
from service.config.schema import ID_PATTERN, Settings
from service.config.values import web_address
from service.errors import ConfigError, Fault, UsageError
from service.runtime.composition import load
from service.text.fold import fold, nfc
from service.text.unknown_name import no_such

ADDED, IMPORTED = "added.toml", "imported.toml"
"""In feeds/, beside the main file."""

_HEAD = "# Written by `bantin sources`; yours to edit.\n"


@dataclass(frozen=True, slots=True)
class SourceRequest:
    """A source as somebody asks for it.

    `id` "": from the host. `topics` are ids. `kind` "": a feed.
    """

    url: str
    title: str = ""
    id: str = ""
    topics: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Where an OPML has it: a folder that is called as a topic puts the source into it."""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Additions:
    """`already`: addresses that the configuration has; `refused`: address -> why."""

    file: Path
    added: tuple[NewSource, ...]
    already: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


def add_one(config: Path, environ: Mapping[str, str], request: SourceRequest) -> Additions:
    """Add a source. Raises UsageError for what is there already or unknown, ConfigError."""
    loaded = load(config, environ)
    settings = loaded.settings
    url = judged(settings, request)
    name = request.id or id_for(url, settings.source)
    source = NewSource(name, url, nfc(request.title), request.topics, kind=request.kind)
    file = loaded.settings.root / "feeds" / ADDED
    try:
        _write(config, environ, loaded, file, [source])
    except ConfigError as error:
        # The lines of a file that is not kept would lead nowhere.
        if reason := "; ".join(_said(fault) for fault in error.faults if _is_of(source, fault)):
            raise UsageError(f"{url}: {reason}; nothing was written") from error
        raise
    return Additions(file, (source,))


def judged(settings: Settings, request: SourceRequest) -> str:
    """The address that is asked for. Raises UsageError for what can be refused unasked."""
    try:
        url = web_address(nfc(request.url.strip()))
    except ValueError as error:
        raise UsageError(str(error)) from error
    _refuse_doubles(settings, request.id, url)
    _refuse_unknown(settings, request.topics)
    return url


def add_many(
    config: Path, environ: Mapping[str, str], requests: Iterable[SourceRequest]
) -> Additions:
    """Add those that are new; what cannot be collected is refused and stops no other.

    Raises UsageError for an unknown topic, ConfigError when the configuration has faults anyway.
    """
    loaded = load(config, environ)
    settings = loaded.settings
    known = {source.url: name for name, source in settings.source.items()}
    taken = set(settings.source)
    fresh: dict[str, NewSource] = {}
    already: list[str] = []
    for request in requests:
        _refuse_unknown(settings, request.topics)
        url = nfc(request.url)
        if url in known or url in fresh:
            already.append(url)
            continue
        found = id_for(url, taken)
        taken.add(found)
        topics = tuple(dict.fromkeys((*request.topics, *_named_as(settings, request.folders))))
        fresh[url] = NewSource(found, url, nfc(request.title), topics)
    file = settings.root / "feeds" / IMPORTED
    refused = _write_what_can_be(config, environ, loaded, file, fresh)
    added = tuple(source for url, source in fresh.items() if url not in refused)
    return Additions(file, added, tuple(already), refused)


def _write_what_can_be(
    config: Path,
    environ: Mapping[str, str],
    loaded: Loaded,
    file: Path,
    fresh: Mapping[str, NewSource],
) -> dict[str, str]:
    """Address -> why it was refused."""
    try:
        _write(config, environ, loaded, file, fresh.values())
    except ConfigError as error:
        refused = {
            source.url: _said(fault)
            for source in fresh.values()
            if (fault := next((one for one in error.faults if _is_of(source, one)), None))
        }
        if not refused:
            raise
    else:
        return {}
    rest = [source for url, source in fresh.items() if url not in refused]
    _write(config, environ, loaded, file, rest)
    return refused


def _is_of(source: NewSource, fault: Fault) -> bool:
    key = f"source.{source.id}"
    return fault.key == key or fault.key.startswith(f"{key}.")


def _said(fault: Fault) -> str:
    return f"{fault.problem}; {fault.remedy}" if fault.remedy else fault.problem


def _write(
    config: Path,
    environ: Mapping[str, str],
    loaded: Loaded,
    file: Path,
    sources: Iterable[NewSource],
) -> None:
    text = tables(sources)
    if not text:
        return
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else _HEAD
        before = before if before.endswith("\n") else f"{before}\n"
        with replaced(file, before + text):
            if file.resolve() not in load(config, environ).files:
                shown = file.relative_to(loaded.settings.root)
                raise UsageError(
                    f'{config} includes no {shown}; write include = ["feeds/*.toml"] first'
                )
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8; save it as UTF-8") from error


def _refuse_doubles(settings: Settings, wanted: str, url: str) -> None:
    if wanted and not re.fullmatch(ID_PATTERN, wanted):
        raise UsageError(f"{wanted!r} is not an id; write lower-case letters, digits and hyphens")
    if wanted in settings.source:
        raise UsageError(f"there is a source {wanted!r} already; give another --id")
    for name, source in settings.source.items():
        if source.url == url:
            raise UsageError(f"{url} is collected by [source.{name}] already")


def _refuse_unknown(settings: Settings, topics: Iterable[str]) -> None:
    for topic in topics:
        if topic not in settings.topic:
            raise UsageError(no_such("topic", topic, settings.topic))


def _named_as(settings: Settings, folders: Iterable[str]) -> list[str]:
    """The topics that are called as these folders, whatever their accents and case."""
    called = {fold(topic.title): name for name, topic in settings.topic.items()}
    called |= {name: name for name in settings.topic}
    return [called[fold(one)] for one in folders if fold(one) in called]
