"""What an article is called on its page. Pure.

The visible headline is the title; what machines are told is often written for search engines. It is
taken when it is close to one of theirs, since an h1 may as well be the site's name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.parse.html.blocks import Block, ancestry
from service.parse.html.vocabulary import HEADINGS, called
from service.text.clean import title_text
from service.text.fold import folded_tokens

_PARTS = re.compile(r"\s+[|\u2013\u2014»·•:]+\s+|\s+-\s+|\s*\|\s*|\s+::\s+")
_CALLED = re.compile(
    r"title|headline|heading|tieu-?de|tieude|(?:^|[\s_-])tit(?:$|[\s_-])", re.IGNORECASE
)
_CLOSE = 0.5
"""Share of words in common from which two titles are one, written for two kinds of readers."""

_SHORTEST, LONGEST = 8, 300


def choose(
    found: Sequence[Block], told: Sequence[str], document_title: str, first_prose: int
) -> tuple[str, int]:
    """The title and the place of its block in `found` (0 where it is none).

    `told`: what machines are told, in the order of trust; `document_title`: the `title` element;
    `first_prose`: where the text begins.
    """
    told = [one for one in map(title_text, told) if one]
    shown = [(at, block) for at, block in enumerate(found) if _may_be(block)]
    mains = [(at, block) for at, block in shown if _within(block, ("h1",))]
    for group in (mains, shown):
        close = [(_likeness(block.text, [*told, document_title]), -at) for at, block in group]
        best = max(close, default=(0.0, 0))
        if best[0] >= _CLOSE:
            shown_title = title_text(found[-best[1]].text)
            return _without_kicker(shown_title, told), -best[1]
    if told:
        return _without_site(told[0], document_title), _place(found, told[0])
    name = _without_site(document_title, "")
    before = [(at, block) for at, block in shown if at <= first_prose]
    if before:  # a portal that calls every page "news in detail"
        at, block = next(
            ((at, one) for at, one in reversed(before) if _within(one, ("h1",))), before[-1]
        )
        return title_text(block.text), at
    return title_text(name), 0


def _without_kicker(shown: str, told: Sequence[str]) -> str:
    """Some write a word on the subject before the headline into the same element."""
    words = folded_tokens(shown)
    for one in told:
        others = folded_tokens(one)
        if words.endswith(f" {others}") and len(others) >= _CLOSE * len(words):
            return one
    return shown


def _may_be(block: Block) -> bool:
    if not _SHORTEST <= len(block.text) <= LONGEST:
        return False
    near = list(ancestry(block.element))[:2]
    if any(one.tag in HEADINGS for one in near):
        return True
    return any(_CALLED.search(called(one)) for one in near)


def _within(block: Block, tags: Sequence[str]) -> bool:
    return any(one.tag in tags for one in list(ancestry(block.element))[:3])


def _likeness(shown: str, told: Sequence[str]) -> float:
    """Words in common with the closest of what is told, 0 to 1; whole and in order counts most."""
    words = folded_tokens(shown)
    best = 0.0
    for one in told:
        others = folded_tokens(one)
        if not words or not others:
            continue
        if words == others:
            return 2.0
        if f" {words} " in f" {others} " and len(words) >= _CLOSE * len(others):
            best = max(best, 1.0 + len(words) / len(others) / 2)
            continue
        ours, theirs = set(words.split()), set(others.split())
        best = max(best, len(ours & theirs) / len(ours | theirs))
    return best


def _without_site(title: str, document_title: str) -> str:
    """The title without the site's name after or before it; the longest part is the title."""
    parts = [part for part in _PARTS.split(title) if part and part.strip()]
    if len(parts) < 2:  # noqa: PLR2004 - nothing to take away
        return title
    longest = max(parts, key=len)
    if document_title and title == document_title and len(longest) < _CLOSE * len(title):
        return title
    last = parts[-1]
    if len(last) < len(title) / 3 and longest is not last:
        cut = title[: title.rindex(last)].rstrip(" |\u2013\u2014»·•:-")
        return cut if len(cut) >= len(longest) else longest
    return title


def _place(found: Sequence[Block], title: str) -> int:
    words = folded_tokens(title)
    return next((at for at, one in enumerate(found) if folded_tokens(one.text) == words), 0)
