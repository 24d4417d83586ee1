"""Mail addresses taken out of text that is kept: what relays answer, and lines of the log. Pure."""

from __future__ import annotations

import re

HIDDEN = "[address]"

_ADDRESS = re.compile(r"([^\s<>\"'(),;:\[\]{}]+)@[^\s<>\"'(),;:\[\]{}]+")
_OURS = re.compile(r"[a-z2-7]{32}")
"""What stands before the @ of a Message-ID of ours."""


def without_addresses(text: str) -> str:
    """The text with every mail address replaced, in whatever case or brackets it stands."""
    return _ADDRESS.sub(_hidden, text) if "@" in text else text


def _hidden(found: re.Match[str]) -> str:
    return found[0] if _OURS.fullmatch(found[1]) else HIDDEN
