"""What editors write: plain text that can stand in a mail. Pure."""

from __future__ import annotations

import re
import unicodedata

from service.text.fold import nfc

OPENING_CHARS = 3000
NOTE_CHARS = 1000

_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_HIDDEN = frozenset({"Cc", "Cs"})
"""Control characters and halves of pairs; `nfc` takes out what is no character at all."""

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the direction of what stands behind them, beyond these words."""


class TooLongError(ValueError):
    """It has more characters than a mail has room for. `most`: how many it has room for."""

    def __init__(self, most: int) -> None:
        super().__init__(f"longer than {most} characters")
        self.most = most


def written(text: str, most: int) -> str:
    """The text in its normal form, "" for nothing: paragraphs stand apart by one empty line.

    Raises TooLongError.
    """
    clean = normal(text)
    if len(clean) > most:
        raise TooLongError(most)
    return clean


def normal(text: str) -> str:
    """The same, however long it is."""
    flat = _NEWLINES.sub("\n", nfc(text))
    shown = "".join(
        one
        for one in flat
        if one in "\n\t" or (unicodedata.category(one) not in _HIDDEN and one not in _TURNS)
    )
    lines = "\n".join(line.rstrip() for line in shown.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()
