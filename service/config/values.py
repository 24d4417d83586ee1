"""Kinds of values that the TOML has and Python has not: durations, secrets, listen addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdwy])")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*([smh])")


def parse_duration(value: Any) -> timedelta:
    """Read "15m", "7d", "1h 30m"; a year has 365 days. Raises ValueError for anything else."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError('a duration is a text such as "15m", "12h" or "7d"')
    rest = _DURATION.sub("", value).strip()
    found = _DURATION.findall(value)
    if rest or not found:
        raise ValueError(f'{value!r} is no duration; write one such as "15m", "12h" or "7d"')
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in found))


def parse_rate(value: Any) -> float:
    """Read "10/s", "100/m", "5000/h" as messages per second. Raises ValueError otherwise."""
    if isinstance(value, float):
        return value
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError('a rate is a text such as "10/s", "100/m" or "5000/h"')
    return float(match[1]) / _UNITS[match[2]]


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "examples": ["15m", "12h", "7d"]}),
]
Rate = Annotated[
    float,
    BeforeValidator(parse_rate),
    WithJsonSchema({"type": "string", "examples": ["10/s", "100/m", "5000/h"]}),
]


class SecretRef(BaseModel):
    """Where a secret stands: an environment variable or a file. Never the secret itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = Field(None, description="Name of the environment variable that holds it.")
    file: str | None = Field(None, description="Path of the file that holds it.")


class Secret:
    """A secret that was read. It prints as stars; `reveal()` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
