"""The text of an article among all that stands on its page. Pure.

blocks -> boxes of other news and furniture put aside -> what each block is worth -> the element
whose blocks are worth most together -> its paragraphs, cut where lists of other news begin

Worth: characters of prose count for an element, links and labels against it. So the sum is largest
for the element that holds the whole text and as little else as can be.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from lxml.html import HtmlElement

from service.parse.html import boilerplate
from service.parse.html.blocks import Block, ancestry
from service.text.boilerplate import is_boilerplate
from service.text.fold import folded_tokens

_NAMED = re.compile(
    r"(?:^|[\s_-])(?:article-?(?:body|content|text)|body-?(?:text|content|copy)|story-?(?:body|text|content)|"
    r"post-?(?:body|content|text|entry)|entry-?content|main-?content-?body|news-?(?:body|content|text|detail)|"
    r"detail-?(?:content|body|text)|content-?(?:detail|news|body|article)|fck-?detail|"
    r"the-?content|journal-content-article|noi-?dung\w*|chi-?tiet\w*|field--name-body|single-?content)"
    r"(?=$|[\s_-])",
    re.IGNORECASE,
)
_ENDED = re.compile(r"[.!?…:;。\uff01\uff1f।؟]['\"\u201d\u2019»)\]]*$")
_WIDE = re.compile("[\u0e00-\u0e7f\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]")

LABEL = 40
"""Characters up to which a line that does not end as a sentence does is a label."""

_WIDE_WORTH = 3
"""A character of Chinese, Japanese, Korean or Thai says as much as three Latin ones."""

_LEAST = 0.4
"""Of the best element's worth that a part of it must have to be believed by its name."""

_MOST_OF_IT = 0.5
"""Of the page's worth: what is called furniture but holds so much is none."""

_SOME_PROSE = 150
"""Characters of prose in what is called by a word that says little, such as `article-widget`."""

_REST = 0.4
"""Of the text that may stand behind a label such as "other news" and still go with it."""


@dataclass(frozen=True, slots=True)
class Body:
    """The text of an article. `blocks` in order; `element` holds them.

    `others`: what headlines and teasers of other pages say, `aside`: what stands in boxes that are
    called furniture; both folded.
    """

    element: HtmlElement
    blocks: tuple[Block, ...]
    others: frozenset[str] = frozenset()
    aside: frozenset[str] = frozenset()

    @property
    def paragraphs(self) -> tuple[str, ...]:
        return tuple(block.text for block in self.blocks)


def find(
    tree: HtmlElement, found: Sequence[Block], url: str, *, said: AbstractSet[str] = frozenset()
) -> Body | None:
    """The body in a page's blocks; None where there is no prose.

    `said`: what the page's title may be, folded: a link with it leads to this article.
    """
    boxes = boilerplate.teasers(found, url)
    heads = boilerplate.headlines(found, url) - said
    worth = {id(block): _worth(block, heads) for block in found}
    around = _called_furniture(tree, found, worth)
    inside = [block for block in found if not _stands_in(block, boxes | around)]
    sums: defaultdict[HtmlElement, float] = defaultdict(float)
    for block in inside:
        for element in ancestry(block.element):
            sums[element] += worth[id(block)]
    if not sums:
        return None
    best = _deepest_of_best(sums)
    if sums[best] <= 0:
        return None
    element = _named(best, sums)
    kept = [block for block in inside if element in ancestry(block.element)]
    cleaned = _cleaned(kept, heads)
    there = {folded_tokens(block.text) for block in cleaned}
    told = {folded_tokens(block.text) for block in found if _stands_in(block, boxes)}
    aside = {folded_tokens(block.text) for block in found if _stands_in(block, around)}
    return Body(
        element, tuple(cleaned), frozenset((heads | told) - there), frozenset(aside - there)
    )


def _worth(block: Block, heads: Collection[str]) -> float:
    text = block.text
    size = len(text) + (_WIDE_WORTH - 1) * len(_WIDE.findall(text))
    if block.is_link or folded_tokens(text) in heads:
        return -10.0 - min(size, 100)
    if boilerplate.is_label(text):
        return -30.0
    if is_label_like(text):
        return -10.0
    if block.element.tag in {"figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "dt"}:
        return 0.0
    linked = size * block.linked / len(text)
    value = size - 2.5 * linked
    return value / 2 if block.element.tag in {"li", "td", "th"} else value


def is_label_like(text: str) -> bool:
    """A short line that does not end as a sentence does."""
    return len(text) + 2 * len(_WIDE.findall(text)) <= LABEL and not _ENDED.search(text)


def _called_furniture(
    tree: HtmlElement, found: Sequence[Block], worth: dict[int, float]
) -> set[HtmlElement]:
    prose: defaultdict[HtmlElement, float] = defaultdict(float)
    for block in found:
        if worth[id(block)] > 0:
            for element in ancestry(block.element):
                prose[element] += worth[id(block)]
    whole = prose.get(tree, 0.0)
    title = tree.find(".//h1")
    holds_title = set() if title is None else set(ancestry(title))
    return {
        element
        for element in {around for block in found for around in ancestry(block.element)}
        if boilerplate.is_furniture(element, prose=prose.get(element, 0.0) >= _SOME_PROSE)
        and prose.get(element, 0.0) < _MOST_OF_IT * whole
        and element not in holds_title
    }


def _stands_in(block: Block, elements: Collection[HtmlElement]) -> bool:
    return any(element in elements for element in ancestry(block.element))


def _deepest_of_best(sums: dict[HtmlElement, float]) -> HtmlElement:
    most = max(sums.values())
    best = [element for element, value in sums.items() if value >= most - 0.5]
    return max(best, key=lambda element: sum(1 for _ in element.iterancestors()))


def _named(best: HtmlElement, sums: dict[HtmlElement, float]) -> HtmlElement:
    """A part of it that says of itself that it is the text, if most of the text is there."""
    named = [
        element
        for element, value in sums.items()
        if value >= _LEAST * sums[best] and _says_so(element) and best in ancestry(element)
    ]
    return max(named, key=lambda element: sums[element], default=best)


def _says_so(element: HtmlElement) -> bool:
    if "articlebody" in (element.get("itemprop") or "").lower():
        return True
    called = f"{element.get('class') or ''} {element.get('id') or ''}"
    return _NAMED.search(called) is not None


def _cleaned(kept: Sequence[Block], heads: Collection[str]) -> list[Block]:
    """Without headlines of others, labels, captions, and what stands behind a label at the end."""
    kept = kept[: _end(kept)]
    prose = []
    for block in kept:
        folded = folded_tokens(block.text)
        if not folded or folded in heads:
            continue
        if block.is_link:
            continue
        if boilerplate.is_label(block.text) or boilerplate.is_pointer(block):
            continue
        if is_boilerplate(block.text):
            continue
        if any(around.tag == "figcaption" for around in ancestry(block.element)):
            continue
        prose.append(block)
    while prose and prose[-1].element.tag in {"h2", "h3", "h4", "h5", "h6"}:
        prose.pop()  # a heading with nothing under it stood above what went
    return prose


def _end(kept: Sequence[Block]) -> int:
    """Where lists of other news begin: a label with little of the text behind it."""
    whole = sum(block.own for block in kept)
    before = 0
    for at, block in enumerate(kept):
        if before and boilerplate.is_label(block.text) and whole - before < _REST * whole:
            return at
        before += block.own
    return len(kept)
