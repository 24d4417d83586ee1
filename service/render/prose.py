"""Plain text that people wrote, as HTML: paragraphs, line ends, and addresses that can be pressed.

Nothing in it is markup: a tag is shown as it was typed, and only addresses of the Web become links.
"""

from __future__ import annotations

import re
from html import escape

from markupsafe import Markup

_ADDRESS = re.compile(r"https?://[^\s<>\"'\u2018-\u201f]+", re.IGNORECASE)
_CLOSERS = ".,;:!?…"
_PAIRS = {")": "(", "]": "["}


def linked(text: str) -> Markup:
    """The text in `<p>` elements; "" for none. What ends a sentence is no part of an address."""
    paragraphs = [one for one in re.split(r"\n{2,}", text.strip()) if one]
    return Markup("\n").join(Markup(f"<p>{_inside(one)}</p>") for one in paragraphs)  # noqa: S704


def _inside(paragraph: str) -> str:
    made, at = [], 0
    for found in _ADDRESS.finditer(paragraph):
        address = _without_closers(found[0])
        end = found.start() + len(address)
        made.append(escape(paragraph[at : found.start()]))
        made.append(_link(address))
        at = end
    made.append(escape(paragraph[at:]))
    return "".join(made).replace("\n", "<br>\n")


def _link(address: str) -> str:
    shown = escape(address)
    return f'<a href="{shown}" rel="noopener noreferrer">{shown}</a>'


def _without_closers(address: str) -> str:
    while address and (
        address[-1] in _CLOSERS
        or (
            address[-1] in _PAIRS
            and address.count(address[-1]) > address.count(_PAIRS[address[-1]])
        )
    ):
        address = address[:-1]
    return address
