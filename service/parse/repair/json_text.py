"""JSON Feeds that no strict reader takes: broken off, written by hand, with junk behind. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from service.parse.repair.repair_names import JSON_BY_HAND, JUNK_AROUND, TRUNCATED_TAIL

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_LAST = 12
"""Characters: what is cut off within `false` or an escape is an error a little before the end."""

_BY_HAND = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', re.DOTALL)
_NO_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|)')
_READER = json.JSONDecoder(strict=False)


def repair(text: str) -> tuple[Any, tuple[str, ...]] | None:
    """What the text was meant to be, and the names of its faults; None where nobody can tell.

    Of a document that breaks off in its items those that are whole are kept.
    """
    by_hand = _BY_HAND.sub(_spelled, text)
    repairs = (JSON_BY_HAND,) if by_hand != text else ()
    try:
        value, end = _READER.raw_decode(by_hand)
    except (ValueError, RecursionError):
        return _whole_items(by_hand, repairs)
    return value, (*repairs, *((JUNK_AROUND,) if by_hand[end:].strip() else ()))


def _spelled(found: re.Match[str]) -> str:
    string = found["string"]
    if string is None:
        return ""
    return (
        _NO_ESCAPE.sub(lambda one: one[0] if one[1] else r"\\", string)
        if "\\" in string
        else string
    )


def _whole_items(text: str, repairs: tuple[str, ...]) -> tuple[Any, tuple[str, ...]] | None:
    begun = _ITEMS.search(text)
    if begun is None:
        return None
    try:
        feed = json.loads(f"{text[: begun.end()]}]}}", strict=False)
    except (ValueError, RecursionError):
        return None
    at = begun.end()
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        try:
            item, at = _READER.raw_decode(text, at)
        except json.JSONDecodeError as error:
            if not _breaks_off(text, error):
                return None
            return (feed, (*repairs, TRUNCATED_TAIL)) if feed["items"] else None
        except (ValueError, RecursionError):  # a number of thousands of digits; too deep
            return None
        feed["items"].append(item)


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the text ends in an item, rather than being broken there."""
    return error.msg.startswith("Unterminated") or error.pos >= len(text) - _LAST
