"""Whether there is room where the service writes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from service.config.schema import Settings
from service.report.trouble import Trouble
from service.store.core.database import sqlite_file

FULL_BELOW = 2 * 1024**2
"""Bytes with which no transaction of ours can be counted on."""

KEYS = frozenset({"disk_full", "disk_low", "folder"})
"""Of the troubles that are told here."""

LITTLE_BELOW = 256 * 1024**2
"""SQLite's log alone grows to 96 MB before it is carried over, and a backup needs room too."""


def folders(settings: Settings) -> list[Path]:
    """Where it writes: `var`, and the folder of an SQLite database that stands elsewhere."""
    file = sqlite_file(settings.store.url)
    return list(dict.fromkeys([settings.var, *([] if file is None else [file.parent])]))


def free(folder: Path) -> int | None:
    """Bytes that are free there for us; None: it cannot be told."""
    try:
        room = os.statvfs(next(one for one in (folder, *folder.parents) if one.exists()))
    except OSError:
        return None
    return room.f_bavail * room.f_frsize


def troubles(where: Iterable[Path]) -> list[Trouble]:
    """What there is to say of the file systems of these folders, each once.

    A folder that is not made yet will stand where the nearest one above it does.
    """
    told: dict[int, Trouble] = {}
    for folder in where:
        try:
            there = next(one for one in (folder, *folder.parents) if one.exists())
            device, room = there.stat().st_dev, os.statvfs(there)
        except OSError as error:
            values = {"folder": str(folder), "error": error.strerror or str(error)}
            return [Trouble("folder", values, stops=True)]
        free = room.f_bavail * room.f_frsize
        no_files = room.f_files > 0 and room.f_favail == 0
        if free < FULL_BELOW or no_files:
            told[device] = Trouble("disk_full", {"folder": str(folder)}, stops=True)
        elif free < LITTLE_BELOW:
            values = {"folder": str(folder), "free": f"{free // 1024**2} MB"}
            told[device] = Trouble("disk_low", values)
    return list(told.values())
