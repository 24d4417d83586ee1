"""Keys set from the environment: BANTIN_SITE__BASE_URL is `base_url` in `[site]`.

Only sections without ids can be set so; a source or a relay has its own table in a file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from service.config import shape
from service.config.merging import absolute_url
from service.config.schema import Settings
from service.errors import Fault
from service.text.fold import nfc

PREFIX = "BANTIN_"
PART = "__"
_NOT_HERE = "cannot be set from the environment"


def apply(
    data: dict[str, Any], environ: Mapping[str, str], root: Path
) -> tuple[dict[tuple[str | int, ...], str], list[Fault]]:
    """Put what the environment says into `data`.

    Returns the path of each key that was set with the name of its variable, and the faults.
    Variables without a double underscore (BANTIN_CONFIG) are none of ours.
    """
    done: dict[tuple[str | int, ...], str] = {}
    faults: list[Fault] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or PART not in name:
            continue
        path = tuple(part.lower() for part in name.removeprefix(PREFIX).split(PART))
        wrong = _wrong(path)
        if wrong is not None:
            faults.append(Fault(f"environment {name}", None, "", *wrong))
        elif _put(data, path, environ[name], root):
            done[path] = name
    return done, faults


def _wrong(path: tuple[str, ...]) -> tuple[str, str] | None:
    """Why no key stands at `path`, and what would be right; None when one does."""
    section: shape.Table = Settings
    for number, part in enumerate(path):
        known = shape.keys(section)
        if part not in known:
            near = get_close_matches(part, known, 1)
            right = [*path[:number], *near]
            more = "…" if number + 1 < len(path) else ""
            remedy = f"did you mean {PREFIX}{PART.join(right).upper()}{more}?" if near else ""
            return f"there is no key {'.'.join(path)}", remedy
        if shape.table_in(known[part].annotation) is not None:
            return _NOT_HERE, f"write [{'.'.join(path[: number + 1])}.ID] in a file"
        if part == "include":
            return _NOT_HERE, "write it in a file"
        inner = shape.section_in(known[part].annotation)
        if inner is None:
            break
        section = inner
    else:
        return None
    if number + 1 < len(path):
        return f"there is no key {'.'.join(path)}", f"{'.'.join(path[: number + 1])} is not a table"
    return None


def _put(data: dict[str, Any], path: tuple[str, ...], text: str, root: Path) -> bool:
    section = data
    for part in path[:-1]:
        inner = section.get(part, {})
        if not isinstance(inner, dict):
            return False  # the file has a fault here, which is named anyway
        section[part] = section = dict(inner)
    owner = shape.section_at(path)
    annotation = shape.keys(owner)[path[-1]].annotation if owner else str
    value = _typed(nfc(text), annotation)
    section[path[-1]] = absolute_url(value, root) if path == ("store", "url") else value
    return True


def _typed(text: str, annotation: Any) -> Any:
    """The text as TOML would have given it. What cannot be read stays text, for the schema."""
    if get_origin(annotation) is tuple:
        if text.lstrip().startswith("["):
            return _as_toml(text)
        return [part.strip() for part in text.split(",") if part.strip()]
    if shape.section_in(annotation) is not None or _kinds(annotation) & {bool, int, float}:
        return _as_toml(text)
    return text


def _kinds(annotation: Any) -> set[Any]:
    inner = get_args(annotation)
    return set().union(*(_kinds(part) for part in inner)) if inner else {annotation}


def _as_toml(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
