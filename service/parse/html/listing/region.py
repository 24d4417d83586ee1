"""Which parts of a page stand beside its list: menus, footers, "most read", "you may like". Pure.

Judged by tags, by words in classes and ids, and by the heading of the block. What encloses nearly
all links of the page is a wrapper, whatever it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

from lxml.html import HtmlElement

from service.parse.html.listing.headlines import ancestors
from service.parse.html.vocabulary import (
    BESIDE_A_LIST,
    HEADINGS,
    NAVIGATION,
    RELATED,
    called,
    heads_beside,
    heads_more,
)
from service.text.fold import nfc

FAR, BESIDE, DOUBTFUL, WITHIN = 0.05, 0.3, 0.6, 1.0
"""What a group's score is multiplied with: navigation, a block beside the list, one that may be
either ("related" is also said of what stands below the large story on top), none of these."""

WRAPS = 0.75
"""Share of the page's links that a wrapper encloses at least."""

_NAVIGATION = frozenset({"nav", "footer", "menu", "dialog"})
_HEADING_TAGS = HEADINGS | {"header", "legend", "caption"}
_HEADING_CLASS = re.compile(r"(?i)title|head|heading|caption|ten-|tieu-?de|label")
_LONGEST_HEADING = 60
_MENU = 5
"""Links of a `header` that is the page's and no entry's."""

_OWN = 2
"""So far above a block nothing is a wrapper of the page."""

_LEVELS = 4
"""How far above a block the heading of its list stands."""


class Regions:
    """Judges places in one page; remembers what it has judged."""

    def __init__(self, links: Iterable[HtmlElement]) -> None:
        self._within: dict[HtmlElement, int] = {}
        self._links = 0
        for link in links:
            self._links += 1
            for one in ancestors(link):
                self._within[one] = self._within.get(one, 0) + 1
        self._named: dict[HtmlElement, float] = {}

    def weight(self, block: HtmlElement) -> float:
        """FAR, BESIDE or WITHIN, for an entry's block: by all that encloses it."""
        weight = WITHIN
        below = block
        for level, one in enumerate(ancestors(block)):
            if one.tag in _NAVIGATION:
                return FAR
            if level >= _OWN and self._wraps(one):
                continue
            if one not in self._named:
                self._named[one] = _by_name(one)
            weight = min(weight, self._named[one])
            if level < _LEVELS and weight > BESIDE:
                heading = _heading_before(one, below)
                if heading is not None and heads_beside(heading):
                    weight = BESIDE
            below = one
        return weight

    def goes_on(self, block: HtmlElement) -> bool:
        """Whether the heading before the block's list says that the news go on in it."""
        below = block
        for one in islice(ancestors(block), _LEVELS):
            heading = _heading_before(one, below)
            if heading is not None:
                return heads_more(heading)
            below = one
        return False

    def _wraps(self, element: HtmlElement) -> bool:
        return self._within.get(element, 0) > WRAPS * self._links


def _by_name(element: HtmlElement) -> float:
    if element.tag in _NAVIGATION or element.get("role") in {"navigation", "dialog"}:
        return FAR
    if element.tag == "header" and len(list(islice(element.iter("a"), _MENU))) == _MENU:
        return FAR
    if element.tag == "aside" or element.get("role") == "complementary":
        return BESIDE
    names = called(element)[:400]
    if NAVIGATION.search(names):
        return FAR
    if BESIDE_A_LIST.search(names):
        return BESIDE
    return DOUBTFUL if RELATED.search(names) else WITHIN


def _heading_before(around: HtmlElement, block: HtmlElement) -> str | None:
    """The nearest heading before the block, in what is around it; None where there is none."""
    for before in islice(block.itersiblings(preceding=True), 3):
        if before.tag == block.tag and next(before.iter("a"), None) is not None:
            break  # a mate in the list
        heading = _heading(before)
        if heading is not None:
            return heading
    text = " ".join((around.text or "").split())
    return text if 0 < len(text) <= _LONGEST_HEADING else None


def _heading(element: HtmlElement) -> str | None:
    """The short text of an element that looks like a block's heading."""
    if not isinstance(element.tag, str):
        return None
    named = element.tag in _HEADING_TAGS or _HEADING_CLASS.search(element.get("class") or "")
    within = next(iter(element.iterdescendants(*_HEADING_TAGS)), None)
    if within is not None and not named:
        return _short(within)
    return _short(element)


def _short(element: HtmlElement) -> str | None:
    """Its text if it is short and there is one; a long one is not read to its end."""
    parts, length = [], 0
    for part in element.itertext():
        parts.append(part)
        length += len(part.strip())
        if length > _LONGEST_HEADING:
            return None
    return " ".join(nfc(" ".join(parts)).split()) or None
