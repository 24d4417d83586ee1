"""Mail addresses taken out of text that is kept: what relays answer, and lines of the log. Pure."""

from __future__ import annotations

import re

HIDDEN = "[address]"

_ADDRESS = re.compile(r"(?![a-z2-7]{32}@)[^\s<>\"'(),;:\[\]{}]+@[^\s<>\"'(),;:\[\]{}]+")
"""What looks like one; a Message-ID of ours (32 letters of base32) is none."""


def without_addresses(text: str) -> str:
    """The text with every mail address replaced, in whatever case or brackets it stands."""
    return _ADDRESS.sub(HIDDEN, text) if "@" in text else text
