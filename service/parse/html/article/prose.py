"""The text of an article, each paragraph with its place on the page. Pure.

lines of `extraction` -> their blocks -> without headlines of other pages, labels, boilerplate
-> with paragraphs whose box was called by a word that says little
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property

from lxml.html import HtmlElement

from service.parse.html import boilerplate
from service.parse.html.blocks import Block, ancestry
from service.parse.html.blocks import blocks as blocks_of
from service.parse.html.vocabulary import HEADINGS, is_label
from service.text.boilerplate import is_boilerplate
from service.text.fold import folded_tokens

PARAGRAPH = 80
"""Characters of a line that is not a caption, no label and no headline."""

_MUCH = 0.3
"""Of the text: what is called boilerplate but is so much is none (a live ticker's comments)."""

_MOST = 0.9
"""Of the text that the element around it holds: a lead may stand outside."""

_HEADINGS = HEADINGS - {"h1"}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One line. `blocks`: where it stands on the page; none where people cannot see it there."""

    text: str
    blocks: tuple[Block, ...] = ()

    def stands(self, test: Callable[[Block], bool]) -> bool:
        """Whether all of it stands in blocks of that kind."""
        return bool(self.blocks) and all(map(test, self.blocks))


@dataclass(frozen=True)
class Prose:
    """The text of an article, in its order. Never empty."""

    paragraphs: tuple[Paragraph, ...]

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The page's blocks that say it."""
        return tuple(block for one in self.paragraphs for block in one.blocks)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(one.text for one in self.paragraphs)

    @property
    def element(self) -> HtmlElement | None:
        """The innermost one that holds nearly all of it; None where no text is seen."""
        held: defaultdict[HtmlElement, int] = defaultdict(int)
        for block in self.blocks:
            for element in ancestry(block.element):
                held[element] += len(block.text)
        least = _MOST * sum(len(block.text) for block in self.blocks)
        most = [element for element, size in held.items() if size >= least]
        return max(most, key=lambda one: sum(1 for _ in one.iterancestors()), default=None)


def first_place(found: Sequence[Block], text: Prose | None) -> int:
    """The place of the text's first block, behind all others where it is not seen."""
    return _place(found, text.blocks[:1] if text else ())


def last_place(found: Sequence[Block], text: Prose | None) -> int:
    return _place(found, text.blocks[-1:] if text else ())


def _place(found: Sequence[Block], wanted: Sequence[Block]) -> int:
    return next((at for at, one in enumerate(found) if any(one is it for it in wanted)), len(found))


def find(
    lines: Sequence[str], found: Sequence[Block], url: str, *, said: AbstractSet[str] = frozenset()
) -> Prose | None:
    """The text that `lines` tell; None where nothing is left of them.

    `found`: the page's blocks. `said`: what its title may be, folded: a link with it leads here.
    """
    heads = boilerplate.headlines(found, url) - said
    kept = [
        one
        for one in _placed(lines, found)
        if (words := folded_tokens(one.text)) and words not in heads and not _says_nothing(one)
    ]
    kept = _without(kept, set(filter(_is_set_out, boilerplate.teasers(found, url))))
    kept = _without(kept, _asides(kept))
    kept = _with_gaps_filled(kept, found, said)
    kept = _without_last_headings(kept)
    return Prose(tuple(kept)) if kept else None


def _placed(lines: Sequence[str], found: Sequence[Block]) -> list[Paragraph]:
    """Each line with the blocks that say it: behind those of the line before, where it can be.

    A line may be a part of a block, or several; where each is a paragraph they are parted again.
    """
    bare = [folded_tokens(block.text) for block in found]
    starts, size = [], 1
    for words in bare:
        starts.append(size)
        size += len(words) + 1 if words else 0
    page = f" {' '.join(filter(None, bare))} "
    placed, reached = [], 0
    for line in lines:
        words = folded_tokens(line)
        at = page.find(f" {words} ", reached) if words else -1
        if at < 0 and words:
            at = page.find(f" {words} ")
        if at < 0:
            placed.append(Paragraph(line))
            continue
        first, reached = bisect_right(starts, at + 1) - 1, at + len(words) + 1
        end = bisect_left(starts, reached)
        blocks = tuple(found[first:end])
        if (
            len(blocks) > 1
            and all(len(block.text) >= PARAGRAPH for block in blocks)
            and (" ".join(bare[first:end]) == words)
        ):
            placed += [Paragraph(block.text, (block,)) for block in blocks]
        else:
            placed.append(Paragraph(line, blocks))
    return placed


def _says_nothing(one: Paragraph) -> bool:
    """Whether it is a link, a label, or a program's words."""
    return (
        one.stands(lambda block: block.is_link or boilerplate.is_pointer(block))
        or is_label(one.text)
        or is_boilerplate(one.text)
    )


def _is_set_out(teaser: HtmlElement) -> bool:
    """Whether it has a picture or a heading: what has neither may be an item of a list of links."""
    return next(teaser.iter("img", "picture", *_HEADINGS), None) is not None


def _asides(kept: Iterable[Paragraph]) -> set[HtmlElement]:
    """What is called boilerplate around a part of the text, unless it holds most of it."""
    held: defaultdict[HtmlElement, int] = defaultdict(int)
    whole = 0
    for block in (block for one in kept for block in one.blocks):
        whole += len(block.text)
        for element in ancestry(block.element):
            held[element] += len(block.text)
    return {
        element
        for element, size in held.items()
        if size < whole / 2 and boilerplate.is_called_boilerplate(element, prose=True)
    }


def _without(kept: list[Paragraph], boxes: Collection[HtmlElement]) -> list[Paragraph]:
    """The blocks without those in `boxes`, unless that is much of the text."""
    left = [one for one in kept if not one.stands(lambda block: _stands_in(block, boxes))]
    before, after = (sum(len(one.text) for one in some) for some in (kept, left))
    return left if after >= (1 - _MUCH) * before else kept


def _without_last_headings(kept: list[Paragraph]) -> list[Paragraph]:
    """A heading with nothing under it stood above what went."""
    texts = [at for at, one in enumerate(kept) if not one.stands(_is_heading)]
    return kept[: texts[-1] + 1] if texts else kept


def _is_heading(block: Block) -> bool:
    return block.element.tag in _HEADINGS


def _with_gaps_filled(
    kept: Sequence[Paragraph], found: Sequence[Block], said: AbstractSet[str]
) -> list[Paragraph]:
    """The blocks with paragraphs after the title that were left out for a name."""
    places = {id(block): at for at, block in enumerate(found)}
    there = {id(block) for one in kept for block in one.blocks}
    holds_text = cache(_holds_text)  # asked for each paragraph of a box
    filled: list[Paragraph] = []
    reached: int | None = None
    for one in kept:
        first = min((places[id(block)] for block in one.blocks), default=0)
        start = _title_before(found, first, said) if reached is None else reached
        if one.blocks:
            filled += [
                Paragraph(block.text, (block,))
                for block in found[start:first]
                if id(block) not in there and _was_left_out(block, holds_text)
            ]
            reached = max(first, reached or 0)
        filled.append(one)
    return filled


def _title_before(found: Sequence[Block], first: int, said: AbstractSet[str]) -> int:
    """The place of the last title before the text; `first` itself where none is seen."""
    return next(
        (
            at
            for at in range(first - 1, -1, -1)
            if found[at].element.tag == "h1" or folded_tokens(found[at].text) in said
        ),
        first,
    )


def _was_left_out(block: Block, holds_text: Callable[[HtmlElement], bool]) -> bool:
    """Whether it is a paragraph of several in a box whose name says little: `article-widget`."""
    if block.element.tag != "p" or not _is_prose(block):
        return False
    around = list(ancestry(block.element))
    box = next(filter(boilerplate.is_called_boilerplate, around), None)
    if box is None or any(boilerplate.is_called_boilerplate(one, prose=True) for one in around):
        return False
    return holds_text(box)


def _holds_text(box: HtmlElement) -> bool:
    """Whether it has several paragraphs and no picture.

    A single one, or one with a picture beside it, may as well be what the box's name says.
    """
    if next(box.iter("img", "picture", "video"), None) is not None:
        return False
    return sum(one.element.tag == "p" and _is_prose(one) for one in blocks_of(box)) > 1


def _is_prose(block: Block) -> bool:
    return len(block.text) >= PARAGRAPH and block.linked <= block.own


def _stands_in(block: Block, elements: Collection[HtmlElement]) -> bool:
    return any(element in elements for element in ancestry(block.element))
