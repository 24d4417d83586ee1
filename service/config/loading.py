"""From a path to a configuration that is checked whole, or to the list of all that is wrong.

files -> one table -> environment -> schema -> secrets -> cross checks -> Settings
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.config import merging, overrides, reading
from service.config.places import Places
from service.config.schema import Settings
from service.errors import ConfigError, Fault

DEFAULT_NAME = "bantin.toml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration without faults. `files`: all that were read, absolute, the main one first."""

    settings: Settings
    places: Places
    files: tuple[Path, ...]
    warnings: tuple[Fault, ...] = ()


def load(path: Path, environ: Mapping[str, str]) -> Loaded:
    """Read and check the configuration. Raises ConfigError with every fault there is."""
    read = reading.read(path)
    faults = list(read.faults)
    if not read.pieces:
        raise ConfigError(tuple(faults))
    places = Places(str(path), read.pieces)
    data, double = merging.merge(read.pieces, places)
    root = read.pieces[0].path.parent
    places.overridden, wrong = overrides.apply(data, environ, root)
    faults += double + wrong
    _defaults(data, root)
    try:
        settings = Settings.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        faults += [
            Fault(*places.find(e["loc"]), ".".join(map(str, e["loc"])), e["msg"])
            for e in error.errors()
        ]
    if faults:
        raise ConfigError(tuple(faults))
    settings._root = root  # noqa: SLF001 - the loader gives the whole its root
    return Loaded(settings, places, tuple(piece.path for piece in read.pieces))


def _defaults(data: dict[str, Any], root: Path) -> None:
    store = data.setdefault("store", {})
    if isinstance(store, dict):
        store.setdefault("url", merging.absolute_url("sqlite:///var/bantin.db", root))
