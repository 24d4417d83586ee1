"""The zone of the machine, for a site that names none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from service.text.instants import zones

UNKNOWN = "UTC"
_MARK = "zoneinfo/"


def system_zone(environ: Mapping[str, str], etc: Path = Path("/etc")) -> str:
    """The IANA name of the system's zone: from TZ, else /etc; "UTC" where nothing says it."""
    for name in (environ.get("TZ", "").lstrip(":"), _timezone_file(etc), _localtime_link(etc)):
        name = name.rpartition(_MARK)[2] if _MARK in name else name  # noqa: PLW2901 - TZ may be a path
        if name and zones.exists(name):
            return name
    return UNKNOWN


def _timezone_file(etc: Path) -> str:
    try:
        return (etc / "timezone").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _localtime_link(etc: Path) -> str:
    try:
        return str((etc / "localtime").readlink())
    except OSError:
        return ""
