"""On which line a key of a TOML file stands. Used only when there is a fault to tell.

tomllib keeps no positions. So the text is cut into its statements, which is easy in a file that
tomllib has accepted, and each statement is read by tomllib alone to learn the path that it sets.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from service.errors import Fault

Path = tuple[str | int, ...]

# The tokens that can hide a line break or a bracket: strings, comments; then all that matters.
_TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{},\n]"
    r"|[^\s\[\]{},\"'\#]+",
    re.DOTALL,
)


def places(text: str) -> dict[Path, int]:
    """Each key, table and element of a list -> its line, counted from 1.

    `text` must be TOML that tomllib accepts. Elements of lists and of arrays of tables are numbered
    from 0; what stands in an inline table has the line of its statement or list element.
    """
    found: dict[Path, int] = {}
    counters: dict[Path, int] = {}
    table: Path = ()
    for statement, line, elements in _statements(text):
        data = tomllib.loads(statement)
        if statement.startswith("["):
            table = _table(data, counters, twice=statement.startswith("[["))
            found.setdefault(table, line)
        else:
            _note(data, table, line, elements, found)
    return found


def _statements(text: str) -> Iterator[tuple[str, int, list[int]]]:
    """Each statement, its line, and the lines of the elements where its value is a list."""
    start, line, depth, fresh = -1, 1, 0, False
    first_line, is_list, equals = 1, False, False
    elements: list[int] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n":
            if start >= 0 and depth == 0:
                yield text[start : match.start()], first_line, elements
                start = -1
            line += 1
            continue
        if token.startswith("#"):
            continue
        if start < 0:
            start, first_line, elements = match.start(), line, []
            is_list = fresh = equals = False
        if depth == 0 and "=" in token and token[0] not in "\"'":
            equals = True
        if depth == 1 and is_list and token == ",":
            fresh = True
        elif depth == 1 and fresh and token not in "]":
            elements.append(line)
            fresh = False
        if token in "[{":
            if depth == 0 and equals and token == "[":
                is_list = fresh = True
            depth += 1
        elif token in "]}":
            depth -= 1
        line += token.count("\n")
    if start >= 0:
        yield text[start:], first_line, elements


def _table(data: dict[str, Any], counters: dict[Path, int], *, twice: bool) -> Path:
    """The path of a table's head, with the number of the element where it leads into an array."""
    path: Path = ()
    value: Any = data
    while isinstance(value, (dict, list)) and value:
        value = value[0] if isinstance(value, list) else value
        if not value:
            break
        name = next(iter(value))
        path, value = (*path, name), value[name]
        is_last = not (value[0] if isinstance(value, list) else value)
        if twice and is_last:
            counters[path] = counters.get(path, -1) + 1
        if path in counters:
            path = (*path, counters[path])
    return path


def _note(value: Any, path: Path, line: int, elements: list[int], found: dict[Path, int]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            found.setdefault((*path, name), line)
            _note(inner, (*path, name), line, elements, found)
    elif isinstance(value, list):
        lines = elements if len(elements) == len(value) else [line] * len(value)
        for number, inner in enumerate(value):
            found.setdefault((*path, number), lines[number])
            _note(inner, (*path, number), lines[number], [], found)


_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END = " (at end of document)"


def syntax_fault(shown: str, text: str, error: Exception) -> Fault:
    """What tomllib says about a text that is no TOML, with its line."""
    message = str(error)
    match = _AT_LINE.search(message)
    line = int(match[1]) if match else text.rstrip().count("\n") + 1
    problem = _AT_LINE.sub("", message).removesuffix(_AT_END)
    return Fault(shown, line, "", f"is no TOML: {problem}", "")
