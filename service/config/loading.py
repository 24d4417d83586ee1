"""From a path to a configuration that is checked whole, or to the list of all that is wrong.

files -> one table -> environment -> schema -> secrets -> cross checks -> Settings
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from service.config import credentials, crosschecks, merging, overrides, pruning, reading
from service.config.localzone import system_zone
from service.config.places import KeyLocations
from service.config.schema import Settings, StoreSection
from service.config.wording import written
from service.errors import ConfigError, Fault, Finding

DEFAULT_NAME = "bantin.toml"

_RHYTHM = ("cadence", "cadences")
_RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "editors": ("review",),
    "review": ("editors", *_RHYTHM),
    "review_required": ("review",),
    "day": _RHYTHM,
    "at": _RHYTHM,
    "holidays": _RHYTHM,
    "bundle": _RHYTHM,
    "quiet": (*_RHYTHM, "day", "at"),
    "username": ("password",),
    "password": ("username",),
}
"""A key -> those beside it by which rooms judge it. Of what is wrong they see nothing, and would
miss it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without faults. `files`: all that were read, absolute, the main one first.

    `warnings` are not faults: what works, but hardly as it was meant.
    """

    settings: Settings
    places: KeyLocations
    files: tuple[Path, ...]
    warnings: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration with all its faults.

    `settings` are then what is sound in it, for other rooms to judge in the same pass; None where
    nothing could be read. They are never to be worked with while there are faults.
    """

    settings: Settings | None
    places: KeyLocations
    files: tuple[Path, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    order: tuple[str, ...] = ()
    """The files as faults name them, in the order of reading."""


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read and check the configuration. Raises ConfigError with every fault there is."""
    examined = examine(path, environ)
    if examined.faults or examined.settings is None:
        raise ConfigError(examined.faults)
    return Loaded(examined.settings, examined.places, examined.files, examined.warnings)


def examine(path: Path, environ: Mapping[str, str]) -> Examined:
    """Read and check the configuration, and tell everything about it. Raises nothing."""
    read = reading.read(path)
    places = KeyLocations(str(path), read.pieces)
    files = tuple(piece.path for piece in read.pieces)
    if not read.pieces:
        return Examined(None, places, files, tuple(read.faults), (), tuple(read.order))
    root = read.pieces[0].path.parent
    data, doubles = merging.merge(read.pieces, places)
    overridden, wrong_names = overrides.apply(data, environ, root)
    places.override(overridden)
    _add_defaults(data, root, environ)
    settings, found = pruning.validated(data)
    warnings: list[Finding] = []
    if settings is not None:
        settings._root = root  # noqa: SLF001 - the loader gives the whole its root
        missing, warnings = credentials.resolve(settings, environ)
        stood_in = {path for path, _, _ in found}  # what a table cannot be without
        warnings = [one for one in warnings if one[0] not in stood_in]
        found += missing
        names = crosschecks.DefinedIds(read.names("source"), read.names("topic"))
        found += crosschecks.faults(settings, names)
        warnings += [] if found or read.faults else crosschecks.warnings(settings)
    faults = [*read.faults, *doubles, *wrong_names, *placed(found, places)]
    return Examined(
        settings,
        places,
        files,
        _sorted(faults, read.order),
        _sorted(placed(warnings, places), read.order),
        tuple(read.order),
    )


def judged(examined: Examined, findings: Iterable[Finding]) -> Examined:
    """The same with what other rooms have found wrong in its settings.

    A finding about a key that has a fault already says nothing new and is left out; so does one
    about a list as a whole when an element of it has one, and one that follows from the fault of
    another key.
    """
    known = {fault.key for fault in examined.faults}
    known |= {key.partition("[")[0] for key in known}
    more = [one for one in findings if written(one[0]) not in known and not _follows(one[0], known)]
    faults = _sorted([*examined.faults, *placed(more, examined.places)], examined.order)
    return replace(examined, faults=faults)


def _follows(path: Sequence[str | int], known: AbstractSet[str]) -> bool:
    """Whether the key rests on one beside it that has a fault."""
    return any(
        written((*path[:place], other)) in known
        for place, key in enumerate(path)
        for other in _RESTS_ON.get(str(key), ())
    )


def placed(findings: Iterable[Finding], places: KeyLocations) -> list[Fault]:
    """Findings of any room as faults, each with its file and line."""
    return [
        Fault(*places.find(path), written(path), problem, remedy)
        for path, problem, remedy in findings
    ]


def _add_defaults(data: dict[str, Any], root: Path, environ: Mapping[str, str]) -> None:
    """Defaults that hang on where we are: the folder of the file, the zone of the machine."""
    store, site = data.setdefault("store", {}), data.setdefault("site", {})
    if isinstance(store, dict):
        store.setdefault("url", merging.absolute_url(StoreSection().url, root))
    if isinstance(site, dict) and site.get("timezone", "") == "":
        site["timezone"] = system_zone(environ)


def _sorted(faults: Iterable[Fault], files: Sequence[str]) -> tuple[Fault, ...]:
    """Each once, in the order in which the files were read, then by line; the environment last."""
    rank = {file: number for number, file in reversed(list(enumerate(files)))}

    def key(fault: Fault) -> tuple[int, str, int]:
        return rank.get(fault.file, len(files)), fault.file, fault.line or 0

    return tuple(sorted(dict.fromkeys(faults), key=key))
