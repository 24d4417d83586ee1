"""What is wrong with a text that is no TOML, in words for the admin. The first fault of a file."""

from __future__ import annotations

import re
import tomllib

from service.config import locate
from service.errors import Fault

_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")
_AT_END = " (at end of document)"
_TABLE_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_NAME = re.compile(r"'([^']*)'|\"([^\"]*)\"")

_OVER_LINES = "Inline table over lines"  # what tomllib does not say

# What tomllib says -> what is wrong, what would be right.
_PLAIN = {
    "Expected '=' after a key": (
        'a key without "="',
        'write key = value; a comment begins with "#"',
    ),
    "Invalid value": ("this is not a value", 'put a text in quotes, such as title = "Tin"'),
    "Expected newline or end of document": (
        "something stands behind the value",
        'put a text in quotes, and one key on a line; a comment begins with "#"',
    ),
    "Expected ']": (
        "the head of this table does not end",
        'write it such as [source.vnexpress]; an id has a-z, 0-9 and "-"',
    ),
    "Invalid initial character for a key part": (
        "no key begins so",
        'write key = value; keys and ids have a-z, 0-9, "_" and "-"',
    ),
    _OVER_LINES: (
        "a table in braces has more than one line",
        "write it on one line, or its keys below a [head] of their own",
    ),
    "Invalid statement": ("this is neither a key nor a table", "write key = value or [table]"),
    "Illegal character '\\n'": ("a text is not closed on its line", 'end it with "'),
    "Unescaped '\\'": (
        "a backslash stands alone in a text",
        "write it twice, or put the text in single quotes",
    ),
    "Illegal character": ("a control character stands here", "take it out"),
    "Found invalid character": ("a control character stands here", "take it out"),
    "Cannot overwrite a value": ("this key is set twice", "keep one of them"),
    "Duplicate inline table key": ("a key is set twice in these braces", "keep one of them"),
    "Cannot mutate immutable namespace": (
        "this table was closed by its braces already",
        "write all of its keys inside the braces, or none",
    ),
    "Cannot redefine namespace": ("this table was written in another way already", "keep one"),
    "Invalid date": ("this is not a date", 'put a text in quotes, such as at = "07:00"'),
    "Unclosed array": (
        "a comma or the closing ] is missing before this",
        'write ["one", "two"]',
    ),
    "Unclosed inline table": (
        "a comma or the closing } is missing before this",
        'write { min = "15m", max = "12h" } on one line',
    ),
}
_IDS = 'write it such as [source.vnexpress]; an id has a-z, 0-9 and "-"'
_BRACES = re.compile(r"=[^\n\"'#]*\{[^}]*\n")
_OPEN = "this begins here and is never closed"


def fault(shown: str, text: str, error: Exception) -> Fault:
    """The fault that made tomllib refuse `text`, with its line."""
    if isinstance(error, RecursionError):
        return Fault(shown, None, "", "is nested too deep", "a configuration needs no such depth")
    message = str(error)
    at = _AT_LINE.search(message)
    lines = text.rstrip().count("\n") + 1
    line = min(int(at[1]), lines) if at else lines
    message = _AT_LINE.sub("", message).removesuffix(_AT_END)
    if twice := _TABLE_TWICE.match(message):
        return _table_twice(shown, text, twice[1], line)
    statement = _statement_at(text, line)
    if message.startswith("Unterminated"):
        return Fault(shown, _last_quotes(text, line), "", _OPEN, "end it with the same quotes")
    open_to_the_end = at is None or line > (statement.first if statement else 0)
    if statement and not statement.closed and (open_to_the_end or "Unclosed" in message):
        return Fault(shown, statement.first, "", _OPEN, "end it with ] or }")
    if statement and message.startswith("Cannot overwrite"):
        line = statement.first
    if message.startswith("Invalid initial") and statement and _BRACES.search(statement.text):
        line, message = statement.first, _OVER_LINES
    if message.startswith("Expected ']") and statement and "]" in statement.text:
        return Fault(shown, line, "", "this head has a character that no id has", _IDS)
    problem, remedy = next(
        (words for start, words in _PLAIN.items() if message.startswith(start)),
        (f"is no TOML: {message}", ""),
    )
    return Fault(shown, line, "", problem, remedy)


def _statement_at(text: str, line: int) -> locate.Statement | None:
    """The statement that `line` belongs to; all before it is TOML, so the cut holds that far."""
    for statement in locate.statements(text):
        if statement.first <= line <= statement.last:
            return statement
    return None


def _last_quotes(text: str, line: int) -> int:
    opened = max(text.rfind('"""'), text.rfind("'''"))
    return text.count("\n", 0, opened) + 1 if opened >= 0 else line


def _table_twice(shown: str, text: str, names: str, line: int) -> Fault:
    path = tuple(match[1] or match[2] for match in _NAME.finditer(names))
    before = "\n".join(text.split("\n")[: line - 1])
    try:
        first = locate.places(before).get(path)
    except tomllib.TOMLDecodeError:
        first = None
    already = f" (first on line {first})" if first else ""
    remedy = "give one of them another id" if len(path) > 1 else "bring their keys together"
    return Fault(shown, line, ".".join(path), f"stands twice in this file{already}", remedy)
