"""The lines of a page that trafilatura takes for the text of its article. Pure.

page -> without what is hidden, and without names that belie the text -> trafilatura -> lines

Where a line stands, and what of it is none of the text after all, is found by `prose`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from functools import cache
from itertools import islice
from types import ModuleType

from lxml import etree
from lxml.html import HtmlElement

from service.parse.html import boilerplate
from service.parse.html.blocks import Block, ancestry, blocks, is_hidden

_AS_HTML = {
    "cell": "td", "del": "s", "graphic": "img", "head": "h2", "hi": "b", "item": "li", "lb": "br",
    "list": "ul", "quote": "blockquote", "ref": "a", "row": "tr",
}  # fmt: skip
"""What trafilatura calls elements, after TEI."""

_LITTLE = 250
"""Characters below which an answer is doubted. trafilatura's own `MIN_EXTRACTED_SIZE`."""

_AN_ARTICLE = 1000
"""Characters that make an article by themselves."""

_TWICE = 2
"""As many times longer, an answer has more in it than the article."""

_LONG_ROW = 300
"""Characters of a table's row from which its cells are lines of their own: they lay out a page."""

_PARAGRAPH = 80
"""Characters of a block that is prose and no caption, label or button."""

_MOST_ELEMENTS = 30_000
"""Of a page that is read for its text, which takes some 0.1 ms for each; a long one has 10,000."""

_HALF = 0.5
"""Of a page's prose: what has a name of boilerplate and holds so much is none."""

_BEFORE = 0.1
"""Of a page's prose that may stand before its text. Behind it readers' comments may be longer."""


def lines(tree: HtmlElement) -> list[str]:
    """One for each paragraph, heading, item of a list, row of a table; empty where it finds none.

    `tree`: with its scripts, since some pages tell their text in JSON-LD alone. It is not changed.
    A page of more than `_MOST_ELEMENTS` has none either.
    """
    if sum(1 for _ in islice(tree.iter(), _MOST_ELEMENTS + 1)) > _MOST_ELEMENTS:
        return []
    seen = deepcopy(tree)
    hidden = _drop_hidden(seen)
    for picture in seen.iter("img"):  # trafilatura joins the words around it
        picture.tail = f" {picture.tail or ''}"
    _rename_text(seen)
    body = _extracted(seen)
    if hidden and _size(body) < _LITTLE:
        whole = _extracted(tree)  # a text that a script uncovers
        body = whole if _size(whole) > _size(body) else body
    elif _is_gathered(body):
        strict = _extracted(seen, strict=True)
        if _AN_ARTICLE <= _size(strict) < _size(body) / _TWICE:
            body = strict
    return [] if body is None else _lines_of(body)


@cache
def _trafilatura() -> ModuleType:
    import trafilatura  # noqa: PLC0415 - slow to import; only workers that read articles pay

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # "discarding data: None"
    return trafilatura


def _extracted(tree: HtmlElement, *, strict: bool = False) -> HtmlElement | None:
    """`strict`: without a second try where it finds little of a long page."""
    try:
        answer = _trafilatura().bare_extraction(
            tree, include_comments=False, favor_precision=strict
        )
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it has no text to tell
        return None
    return getattr(answer, "body", None)


def _size(body: HtmlElement | None) -> int:
    return 0 if body is None else sum(len(text) for text in body.itertext())


def _is_gathered(body: HtmlElement | None) -> bool:
    """Whether it may be paragraphs from all over the page, which come without any markup.

    So answers justext, which trafilatura asks for pages of which it finds little. They may be the
    text, or teasers and comments with the text among them.
    """
    if body is None or _size(body) < _TWICE * _AN_ARTICLE:
        return False
    return all(one.tag == "p" and not len(one) and not one.attrib for one in body)


def _drop_hidden(tree: HtmlElement) -> bool:
    """Take out what styles hide. Whether there was any."""
    found = [one for one in tree.iter(etree.Element) if one.tag != "body" and is_hidden(one)]
    for element in found:
        if element.getparent() is not None:
            element.drop_tree()
    return bool(found)


def _rename_text(tree: HtmlElement) -> None:
    """Take the names off what holds the text and is called as boilerplate is.

    trafilatura leaves out what is called `related` or `widget`, whatever it holds.
    """
    prose: defaultdict[HtmlElement, int] = defaultdict(int)
    before: dict[HtmlElement, int] = {}
    whole = 0
    for block in blocks(tree):
        if len(block.text) < _PARAGRAPH or block.own < _HALF * len(block.text):
            continue
        for element in ancestry(block.element):
            before.setdefault(element, whole)
            prose[element] += block.own
        whole += block.own
    for element, size in prose.items():
        is_text = size >= _HALF * whole and before[element] <= _BEFORE * whole
        if (
            is_text
            and element.tag not in {"html", "body"}
            and boilerplate.is_called_boilerplate(element)
        ):
            if element.tag in {"aside", "footer", "nav"}:
                element.tag = "div"
            element.attrib.pop("role", None)
            for name in ("class", "id"):
                if called := element.get(name):
                    element.set(name, boilerplate.without_names(called))


def _lines_of(body: HtmlElement) -> list[str]:
    for element in body.iter(*_AS_HTML):
        element.tag = _AS_HTML[str(element.tag)]
    told: list[str] = []
    row: list[Block] = []
    within = None
    for block in blocks(body):
        around = next((one for one in ancestry(block.element) if one.tag == "tr"), None)
        if around is None or around is not within:
            told += _told_by_row(row)
            row, within = [], around
        row.append(block)
    return told + _told_by_row(row)


def _told_by_row(row: Sequence[Block]) -> list[str]:
    """A row of a table is one line, unless its cells hold paragraphs."""
    texts = [block.text for block in row]
    cells = len({block.element for block in row})
    if cells < len(row) or sum(map(len, texts)) > _LONG_ROW:
        return texts
    return [" | ".join(texts)] if texts else []
