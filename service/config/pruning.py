"""What is left of a faulty configuration, so that its sound part can be judged as well."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.config.schema import Settings
from service.config.wording import finding
from service.errors import Finding

_ROUNDS = 8
"""A key goes, then the table that needed it, then what held the table: never more in practice."""

_HARMLESS_URL = "https://unknown.invalid/"
_HARMLESS_TEXT = "x"


def validated(data: dict[str, Any]) -> tuple[Settings | None, list[Finding]]:
    """The settings without their faulty keys, and every fault; None where nothing is left."""
    found: list[Finding] = []
    for attempt in range(_ROUNDS):
        try:
            return Settings.model_validate(data, by_alias=True, by_name=False), found
        except ValidationError as error:
            errors = error.errors(include_url=False)
        if not attempt:
            found = [finding(one) for one in errors]
            data = copy.deepcopy(data)
        for one in errors:
            _take_out(data, one)
    return None, found


def _take_out(data: dict[str, Any], error: ErrorDetails) -> None:
    """Take the faulty key out; put something harmless where a table cannot be without it."""
    path = error["loc"][:-1] if error["loc"][-1:] == ("[key]",) else error["loc"]
    if not path:
        return
    holder: Any = data
    for part in path[:-1]:
        if not isinstance(holder.get(part), dict):
            break  # a list: it goes as a whole
        holder = holder[part]
    else:
        part = path[-1]
    if error["type"] == "missing":
        holder[part] = _HARMLESS_URL if part == "url" else _HARMLESS_TEXT
    else:
        holder.pop(part, None)
