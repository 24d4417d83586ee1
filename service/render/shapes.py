"""The HTML of a mail as its shape and the texts in it: what is inlined once serves many mails.

Styles follow from elements, never from words. Of an edition's mails, whose stories are taken out as
pieces (`pieces`), there are a few dozen shapes, but thousands with different words in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_OPEN, _CLOSE = "\ufdd2", "\ufdd3"  # as in `marks`: no text of a source has them
_TEXT = re.compile(
    r"(?<=>)(?P<space>[ \t\n]*)"
    r"(?P<text>[^\s<>&\0](?:[^<>&\r\0]|&(?:amp|lt|gt|nbsp|#34|#39);)*)(?=<)"
)
"""What stands between two tags, without anything that a parser might take for more than text."""

_WRITTEN = {"&#34;": '"', "&#39;": "'", "\xa0": "&nbsp;"}
_OTHERWISE = re.compile("|".join(_WRITTEN))

TEXT_MARK = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")


def parted(html: str) -> tuple[str, list[str]] | None:
    """Its shape, with a mark for each text of its body; and these, as inlining writes them.

    None: it has no body, or such marks of its own.
    """
    at = html.find("<body")
    if at < 0 or _OPEN in html:
        return None
    texts: list[str] = []

    def taken(found: re.Match[str]) -> str:
        text = found["text"]
        if "&#" in text or "\xa0" in text:
            text = _OTHERWISE.sub(lambda one: _WRITTEN[one[0]], text)
        texts.append(text)
        return f"{found['space']}{_OPEN}{len(texts) - 1}{_CLOSE}"

    return html[:at] + _TEXT.sub(taken, html[at:]), texts


def are_texts(shape: str, token: re.Pattern[str], is_other: Callable[[str], bool]) -> bool:
    """Whether each mark stands where a parser reads text. `token`: tags and all that is no text.

    `is_other`: whether what is within an element is read by rules of its own, by its name.
    """
    body = shape[shape.find("<body") :]
    left = token.sub("", body)
    if "<" in left or len(TEXT_MARK.findall(left)) != body.count(_OPEN):
        return False
    names = (found["name"] for found in token.finditer(body))
    return not any(is_other(name.lower()) for name in names if name)
