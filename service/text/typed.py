"""What a person typed for others to read: plain text that can stand in a mail. Pure."""

from __future__ import annotations

import re
import unicodedata

from service.text.fold import nfc

_NEWLINES = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_HIDDEN = frozenset({"Cc", "Cs"})
"""Control characters and halves of pairs; `nfc` takes out what is no character at all."""

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Turn the direction of what stands behind them, beyond these words."""


def normal(text: str) -> str:
    """The text in its normal form, "" for nothing: paragraphs stand apart by one empty line."""
    flat = _NEWLINES.sub("\n", nfc(text))
    shown = "".join(
        one
        for one in flat
        if one in "\n\t" or (unicodedata.category(one) not in _HIDDEN and one not in _TURNS)
    )
    lines = "\n".join(line.rstrip() for line in shown.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()
