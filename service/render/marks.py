"""Personal values stand as marks in a rendered message until the moment it is sent.

A mark is a name between two noncharacters, which cleaning takes out of every source's text, so
that no headline can forge one. Rendering once and filling per recipient is what makes a segment
cheap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

OPEN, CLOSE = "\ufdd0", "\ufdd1"

NAMES = ("address", "since", "topics", "unsubscribe_url", "preferences_url", "confirm_url")
"""address: the subscriber's, in full. since: the day of sign-up, written in the mail's language.
topics: titles of the chosen topics, joined by commas. The addresses are absolute URLs."""

_MARK = re.compile(f"{OPEN}([a-z_]+){CLOSE}")


def mark(name: str) -> str:
    """The mark for one of NAMES. Raises KeyError for another name."""
    if name not in NAMES:
        raise KeyError(name)
    return f"{OPEN}{name}{CLOSE}"


def cut(text: str) -> tuple[list[str], list[str]]:
    """The text without its marks, in pieces; and the names of the marks between them."""
    parts = _MARK.split(text)
    return parts[::2], parts[1::2]


def readable(text: str) -> str:
    """The text with each mark as a name in braces: "{address}"."""
    return _MARK.sub(r"{\1}", text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every mark replaced, as it is. Raises KeyError for a missing value."""
    return _MARK.sub(lambda match: values[match[1]], text)
