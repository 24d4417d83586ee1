"""The full text by trafilatura, where the extra is installed, with what it misses mended.

trafilatura finds the text of pages of every kind better than rules of ours; on news it drops the
lead, lets lists of related headlines through, and knows days but not minutes. So the lead is joined
where it is absent, headlines of other pages are taken out, and all else is from our own reading.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec

from service.parse.html import boilerplate
from service.text.fold import folded_tokens, nfc

MISSING = "needs trafilatura, which is not installed"
INSTALL = "install the extra: pip install 'bantin[fulltext]'; or take full_text out"

_MUCH = 0.3
"""Of the text: what is called furniture but is so much of it is none (a live ticker's comments)."""


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("trafilatura") is not None and find_spec("lxml_html_clean") is not None


def paragraphs(html: str, others: Collection[str], aside: Collection[str]) -> list[str]:
    """The text of a page, a paragraph a line; empty where trafilatura finds none.

    `others`: headlines and teasers of other pages; `aside`: what stands in boxes that are called
    furniture; both folded.
    """
    import trafilatura  # noqa: PLC0415 - an extra, and slow to import

    try:
        text = trafilatura.extract(html, include_comments=False)
    except Exception:  # noqa: BLE001 - whatever it is, our own reading stands
        return []
    rows = sum(len(line) for line in (text or "").splitlines() if line.startswith("|"))
    if rows > len(text or "") / 2:
        return []  # a page laid out in tables: its cells are joined with what stands beside them
    written = [nfc(" ".join(line.split())) for line in (text or "").splitlines()]
    lines = [(line, folded_tokens(line)) for line in written]
    lines = [
        (line, bare)
        for line, bare in lines
        if bare and bare not in others and not boilerplate.is_label(line.lstrip("- "))
    ]
    kept = [line for line, bare in lines if bare not in aside]
    if sum(map(len, kept)) < (1 - _MUCH) * sum(len(line) for line, _ in lines):
        return [line for line, _ in lines]
    return kept
