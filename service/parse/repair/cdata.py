"""CDATA sections and comments that somebody forgot to end. Pure.

Such a section runs on to the next one's end and swallows entries, and the document may even be
well-formed: nothing but what stands in the section tells.
"""

from __future__ import annotations

import re

from service.parse.repair.repair_names import UNCLOSED_SECTIONS

_BEGIN, _END = "<![CDATA[", "]]>"
_ENTRY_END = re.compile(r"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_OPENING = re.compile(r"<([\w.:-]+)(?:\s[^<>]*)?>")
_BEFORE = 2000
"""Characters before a section in which its element begins."""

_LAST = 300
_ROOT_END = re.compile(r"</(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>\s*$", re.IGNORECASE)


def may_swallow(text: str) -> bool:
    """A quick check at C speed: sections that begin and end in equal numbers swallow nothing."""
    return text.count(_BEGIN) != text.count(_END)


def closed(text: str) -> tuple[str, list[str]]:
    """Each section that holds another's beginning and an entry's end ends with its element."""
    pieces: list[str] = []
    done = at = stop = 0
    while (start := text.find(_BEGIN, at)) >= 0:
        stop = stop if start < stop else text.find(_END, start)
        stop = stop if stop >= 0 else len(text)
        missing = _missing_end(text, start, stop)
        if missing is not None:
            pieces += (text[done:missing], _END)
            done = at = missing
        else:
            at = stop
    if not pieces:
        return text, []
    return "".join((*pieces, text[done:])), [UNCLOSED_SECTIONS]


def without_open_mark(text: str, start: int) -> str | None:
    """The text with a comment or an instruction that begins at `start` and never ends as text.

    None: there is none, or the document itself breaks off in it.
    """
    if not _ROOT_END.search(text, max(0, len(text) - _LAST)):
        return None
    if text.startswith("<!--", start):
        return text[:start] + text[start + 4 :]
    if text.startswith("<?", start):
        return f"{text[:start]}&lt;{text[start + 1 :]}"
    return None


def _missing_end(text: str, start: int, stop: int) -> int | None:
    """Where the section text[start:stop] should have ended; None where it swallows nothing."""
    if stop < len(text) and text.find(_BEGIN, start + 1, stop) < 0:
        return None
    entry_end = _ENTRY_END.search(text, start, stop)
    if entry_end is None:
        return None
    before = text[max(0, start - _BEFORE) : start]
    for opening in reversed(list(_OPENING.finditer(before))):
        end_tag = f"</{opening[1]}"
        end = text.find(end_tag, start, entry_end.start())
        if end >= 0 and end_tag not in before[opening.end() :]:
            return end
    return None
