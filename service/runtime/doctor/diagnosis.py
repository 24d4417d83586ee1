"""What `bantin doctor` says of one thing: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a thing is."""

    OK = "ok"
    WARNING = "warning"  # mail goes out, but providers may doubt it
    FAULT = "fault"  # mail is refused or filtered, or will be
    UNKNOWN = "unknown"  # it could not be found out
    NONE = "none"  # there is nothing to look at


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One finding. `check`: what was looked at, such as "spf". `remedy` is "" where all is well.

    `said` may quote what strangers publish, so whoever prints it takes control characters out.
    """

    check: str
    level: Level
    said: str
    remedy: str = ""
