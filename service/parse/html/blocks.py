"""A page as the blocks of text that people see, in its order. Pure.

A block is what stands between two ends of a line: a paragraph, a heading, an item of a list, a
cell, a piece of a text that is broken by empty lines alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

from service.text.fold import nfc

INLINE = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym b bdi bdo big cite code data del dfn em font i img ins kbd label mark nobr "
        "picture q rp rt ruby s samp small source span strike strong sub sup time tt u var wbr",
    )
)
"""Elements within a line. Any other one ends the line before it and its own last one."""

UNSEEN = frozenset(
    re.findall(
        r"\w+",
        "audio button canvas datalist dialog embed form frame frameset head iframe input map math "
        "noscript object option script select style svg template textarea title video",
    )
)
"""Elements that hold no text of an article. ASP.NET wraps whole pages in `form`: `_is_wrapper`."""

_WITHOUT_A_BOX = frozenset({"script", "style", "template", "noscript", "head", "title"})
_APART = frozenset({"a", "label", "small", "time"})

_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_FORM_FIELDS = frozenset({"button", "option", "script", "style", "textarea"})
_FORM_TEXT = 600
"""Characters of text in a `form`, without its lists of choices, from which it is a page's wrapper
and not something to fill in."""


@dataclass(slots=True)
class Block:
    """`text`: one line, NFC. `linked`: how many of its characters lead elsewhere.

    `element`: the nearest element around it that is not an inline one. `links`: its links'
    addresses with the text of each. `bold`: how many characters are set bold.
    """

    element: HtmlElement
    text: str
    linked: int = 0
    bold: int = 0
    links: tuple[tuple[str, str], ...] = ()

    @property
    def own(self) -> int:
        """Characters that are not a link."""
        return len(self.text) - self.linked

    @property
    def is_link(self) -> bool:
        """Whether there is little but a link in it."""
        return self.linked > 0 and self.linked >= 0.8 * len(self.text)


@dataclass(slots=True)
class _TextLine:
    parts: list[str] = field(default_factory=list)
    linked: int = 0
    bold: int = 0
    links: list[tuple[str, list[str]]] = field(default_factory=list)
    breaks: int = 0


class _BlockWalk:
    """Gathers the lines of one tree; recursion is a list, since pages nest deeply."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._line = _TextLine()
        self._links: list[list[str]] = []
        self._bold = 0

    def run(self, root: HtmlElement) -> Iterator[Block]:
        todo: list[tuple[str, HtmlElement, HtmlElement]] = [("open", root, root)]
        while todo:
            what, element, around = todo.pop()
            if what == "open":
                self._open(element, around, todo)
            elif what == "close":
                self._close(element)
            else:
                self._text(element.tail or "")
            if self.blocks:
                yield from self.blocks
                self.blocks.clear()
        self._end(root)
        yield from self.blocks

    def _open(
        self,
        element: HtmlElement,
        around: HtmlElement,
        todo: list[tuple[str, HtmlElement, HtmlElement]],
    ) -> None:
        if not isinstance(element.tag, str):
            return
        if is_unseen(element):
            self._line.parts.append("" if element.tag in _WITHOUT_A_BOX else " ")
            return
        tag = element.tag
        if tag == "br":
            self._line.breaks += 1
            self._line.parts.append(" ")
            if self._line.breaks > 1:
                self._end(around)
            return
        if tag == "img":
            self._line.parts.append(" ")
        inner = around
        if tag not in INLINE:
            self._end(around)
            inner = element
        if tag == "a":
            self._links.append([])
            self._line.links.append((element.get("href") or "", self._links[-1]))
        self._bold += tag in {"b", "strong"}
        self._text(element.text or "")
        todo.append(("close", element, around))
        for child in reversed(element):
            todo.append(("tail", child, inner))
            todo.append(("open", child, inner))

    def _close(self, element: HtmlElement) -> None:
        tag = element.tag
        if tag == "a" and self._links:
            self._links.pop()
        self._bold -= tag in {"b", "strong"}
        if tag not in INLINE:
            self._end(element)

    def _text(self, text: str) -> None:
        if not text:
            return
        self._line.parts.append(text)
        if self._links:
            self._links[-1].append(text)
        if text.isspace():
            return
        self._line.breaks = 0
        if self._links or self._bold:
            seen = len("".join(text.split()))
            self._line.linked += seen if self._links else 0
            self._line.bold += seen if self._bold else 0

    def _end(self, around: HtmlElement) -> None:
        line = self._line
        if not line.parts and not line.links and not self._links:
            line.breaks = 0
            return
        self._line = _TextLine()
        if self._links:  # a link around several blocks goes on in the next one
            href = line.links[-1][0] if line.links else ""
            self._links[-1] = []
            self._line.links.append((href, self._links[-1]))
        raw = "".join(line.parts)
        text = "" if raw.isspace() else one_line(raw)
        if not text:
            return
        size = len("".join(text.split())) or 1
        share = min(1.0, line.linked / size)
        links = tuple((href, one_line("".join(parts))) for href, parts in line.links)
        self.blocks.append(
            Block(
                around,
                text,
                round(share * len(text)),
                round(min(1.0, line.bold / size) * len(text)),
                tuple(link for link in links if link[1]),
            )
        )


def blocks(root: HtmlElement) -> list[Block]:
    """What people see of this part of the page."""
    return list(each_block(root))


def each_block(root: HtmlElement) -> Iterator[Block]:
    """The same one by one, for who may have seen enough before its end."""
    return _BlockWalk().run(root)


def text_of(element: HtmlElement) -> str:
    """What people read of an element, on one line.

    Words are parted where a line or a box ends, and never within by a tag such as `b`.
    """
    if len(element) == 0:
        return nfc(" ".join((element.text or "").split()))
    return nfc(" ".join("".join(raw_text(element)).split()))


def raw_text(element: HtmlElement) -> Iterator[str]:
    """The pieces of an element's text as they stand, with blanks at the ends of lines and boxes."""
    for event, one in etree.iterwalk(element, events=("start", "end")):
        if not isinstance(one.tag, str):
            continue
        parts = one.tag not in INLINE or one.tag == "img"
        if event == "start":
            yield " " if parts else ""
            yield one.text or ""
        else:
            yield " " if parts or (one is not element and stands_apart(one)) else ""
            yield "" if one is element else one.tail or ""


def stands_apart(element: HtmlElement) -> bool:
    """Whether another inline element follows at once that styles set apart: a date, a section."""
    following = None if element.tail else element.getnext()
    if following is None:
        return False
    return any(one.get("class") or one.tag in _APART for one in (element, following))


def one_line(text: str) -> str:
    """NFC, without invisible characters, blanks counted as one."""
    return nfc(" ".join(_INVISIBLE.sub("", text).split()))


def is_unseen(element: HtmlElement) -> bool:
    """Whether the element shows no text: by what it is, or hidden by its own attributes."""
    tag = element.tag
    if tag == "form":
        return not _is_wrapper(element)
    return tag in UNSEEN or is_hidden(element)


def is_hidden(element: HtmlElement) -> bool:
    """Whether its own attributes hide it."""
    style = element.get("style")
    return element.get("hidden") is not None or bool(style and _HIDDEN.search(style))


def _is_wrapper(form: HtmlElement) -> bool:
    """ASP.NET puts the whole page into one form."""
    size = 0
    for element in form.iter():
        if element.tag not in _FORM_FIELDS:
            size += len((element.text or "").strip())
        size += len((element.tail or "").strip())
        if size > _FORM_TEXT:
            return True
    return False


def ancestry(element: HtmlElement) -> Iterator[HtmlElement]:
    """The element, then what it stands in."""
    yield element
    yield from element.iterancestors()
