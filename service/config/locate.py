"""Finds the line of a key in a TOML file. Used only when there is a fault to tell.

tomllib keeps no positions. So the text is cut into its statements, which is easy in a file that
tomllib has accepted, and each statement is read by tomllib alone to learn which path it sets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

# What can hide a line break or a bracket (strings, comments), then the brackets, then all the rest.
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{},\n]"
    r"|[^\s\[\]{},\"'\#]+",
    re.DOTALL,
)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Statement:
    """A table's head, or a key with its value. Lines count from 1; `closed`: no bracket is open."""

    text: str
    first: int
    last: int
    closed: bool


def statements(text: str) -> Iterator[Statement]:
    """The statements of a TOML text, without comments between them."""
    start, first, line, depth = -1, 1, 1, 0
    for match in _PIECE.finditer(text):
        piece = match[0]
        if start < 0 and piece[0] not in "\n#":
            start, first = match.start(), line
        elif piece == "\n" and start >= 0 and depth == 0:
            yield Statement(text[start : match.start()], first, line, closed=True)
            start = -1
        depth = max(0, depth + _DEPTH.get(piece, 0))
        line += piece.count("\n")
    if start >= 0:
        yield Statement(text[start:], first, line, closed=depth == 0)


def places(text: str) -> dict[Path, int]:
    """Each key, table and element of a list -> its line.

    `text` must be TOML that tomllib accepts. Elements of lists and of arrays of tables are numbered
    from 0; what stands in an inline table has the line of its statement or list element.
    """
    found: dict[Path, int] = {}
    counters: dict[Path, int] = {}
    table: Path = ()
    for statement in statements(text):
        data = tomllib.loads(statement.text)
        if statement.text.startswith("["):
            table = _table(data, counters, twice=statement.text.startswith("[["))
            for length in range(1, len(table) + 1):
                found.setdefault(table[:length], statement.first)
        else:
            _note(data, table, statement.first, _element_lines(statement), found)
    return found


def _table(data: dict[str, Any], counters: dict[Path, int], *, twice: bool) -> Path:
    """The path of a table's head, with the number of the element where it leads into an array."""
    path: Path = ()
    value: Any = data
    while value:
        name = next(iter(value))
        value = value[name]
        value = value[0] if isinstance(value, list) else value
        path = (*path, name)
        if twice and not value:
            counters[path] = counters.get(path, -1) + 1
        if path in counters:
            path = (*path, counters[path])
    return path


def _element_lines(statement: Statement) -> list[int]:
    """The lines of the elements, where the value is a list over several lines; else nothing."""
    if statement.first == statement.last:
        return []
    lines: list[int] = []
    depth, line, awaited = 0, statement.first, False
    for match in _PIECE.finditer(statement.text):
        piece = match[0]
        if awaited and depth == 1 and piece[0] not in "\n#]":
            lines.append(line)
            awaited = False
        if (piece, depth) in {("[", 0), (",", 1)}:
            awaited = True
        depth += _DEPTH.get(piece, 0)
        line += piece.count("\n")
    return lines


def _note(value: Any, path: Path, line: int, elements: list[int], found: dict[Path, int]) -> None:
    """Note the line of what a statement sets at `path`, and of all that is in it."""
    if isinstance(value, dict):
        inner = {(*path, name): (part, line) for name, part in value.items()}
    elif isinstance(value, list):
        lines = elements if len(elements) == len(value) else [line] * len(value)
        inner = {
            (*path, number): each for number, each in enumerate(zip(value, lines, strict=True))
        }
        elements = []
    else:
        return
    for here, (part, its_line) in inner.items():
        found.setdefault(here, its_line)
        _note(part, here, its_line, elements, found)
