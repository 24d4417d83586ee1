"""Personal values stand as marks in a rendered message until the moment it is sent.

A mark is a name between two noncharacters, which cleaning takes out of every source's text, so
that no headline can forge one. Rendering once and filling per recipient is what makes a segment
cheap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from service.model import Parts

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


def fill(parts: Parts, values: Mapping[str, str]) -> Parts:
    """The parts with every mark replaced, escaped in HTML. Raises KeyError for a missing value."""

    def plain(match: re.Match[str]) -> str:
        return values[match[1]]

    def html(match: re.Match[str]) -> str:
        return escape(values[match[1]])

    return Parts(
        subject=_MARK.sub(plain, parts.subject),
        text=_MARK.sub(plain, parts.text),
        html=_MARK.sub(html, parts.html),
    )
