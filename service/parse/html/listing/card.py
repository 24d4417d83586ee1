"""What stands around a headline in its block: date line, first sentences, picture. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from lxml.html import HtmlElement

from service.parse.feed.entries import sensible
from service.parse.html.blocks import INLINE, raw_text, stands_apart, text_of
from service.parse.html.date_line import LONGEST, is_date_line, words_beside
from service.parse.html.listing.headlines import length_of
from service.parse.html.vocabulary import DATE_NAME, LEAD_NAME, called
from service.parse.options import ParseOptions
from service.text.boilerplate import without_boilerplate
from service.text.clean import title_text
from service.text.fold import nfc
from service.text.instants import dates

SHORTEST_LEAD = 40
"""Letters; what is shorter is a label."""

_CUT_SHORT = re.compile(r"\s*(?:\.\.\.|…)$")
_LONGEST_WORD = 10  # in Latin letters: a script without blanks writes a headline as one word
_TEXTS = ("p", "div", "span", "td", "dd", "h2", "h3", "h4", "h5", "blockquote", "em", "i", "font")
_SMALL = 6
_MOST_PARTS = 200
"""Elements of one block that are looked at: a card has some twenty."""


def date_of(
    block: HtmlElement, headline: HtmlElement, reading: ParseOptions, now: datetime
) -> tuple[datetime | None, str]:
    """The instant of the block's date line (None: it has none) and the line as it is written.

    What a machine is told stands before what people see, and elements that are called a date
    before others.
    """
    for _, written, told in _dated(block, headline):
        order = (reading.told_order or reading.order) if told else reading.order
        at = dates.parse(written, reading.zone, order, now, reading.language)
        if at is not None:
            return sensible(at, now), written
    return None, ""


def has_date(block: HtmlElement, headline: HtmlElement) -> bool:
    return next(_dated(block, headline), None) is not None


def dates_of(block: HtmlElement, headline: HtmlElement) -> tuple[str, str]:
    """The date line that machines are told, and the one that people see; "" = there is none."""
    lines = list(_dated(block, headline))
    told = next((written for _, written, told in lines if told), "")
    return told, next((written for _, written, told in lines if not told), "")


def whole_title(headline: HtmlElement) -> str:
    """The headline without a date line that stands in the same link.

    Whole from the `title` attribute where the visible one is cut short.
    """
    shown = _without_date(headline)
    cut = _CUT_SHORT.sub("", shown)
    if cut != shown:
        for element in (headline, *headline.iterdescendants("a"), *headline.iterancestors("a")):
            whole = " ".join(nfc(element.get("title") or "").split())
            if whole.startswith(cut) and len(whole) > len(cut):
                shown = whole
                break
    return title_text(html.escape(shown, quote=False))


def _without_date(headline: HtmlElement) -> str:
    whole = text_of(headline)
    if not any(letter.isdigit() for letter in whole):
        return whole
    for part in headline.iterdescendants("span", "time", "small", "i", "em", "div", "p", "font"):
        said = text_of(part)
        if said and said != whole and is_date_line(said):
            whole = " ".join(whole.replace(said, " ", 1).split())
    return whole


def lead_of(block: HtmlElement, headline: HtmlElement) -> str:
    """Its first sentences as plain text, "" where there are none."""
    element = lead_element(block, headline)
    return "" if element is None else without_boilerplate(_own_text(element, headline))


def lead_element(block: HtmlElement, headline: HtmlElement) -> HtmlElement | None:
    """The element that holds the first sentences."""
    best: HtmlElement | None = None
    longest = 0
    for element in _parts(block):
        if element.tag not in _TEXTS or _belongs(element, headline):
            continue
        own = _own_text(element, headline)
        if len(own) < SHORTEST_LEAD or is_date_line(own):
            continue
        if LEAD_NAME.search(called(element)):
            return element
        if len(own) > longest:
            best, longest = element, len(own)
    return best


def has_picture(block: HtmlElement) -> bool:
    return next(block.iter("img", "picture"), None) is not None


def says_only_when(text: str) -> bool:
    """Whether a text is a date line, or a day and an hour without a year."""
    if is_date_line(text):
        return True
    if not any(letter.isdigit() for letter in text):
        return False
    words = words_beside(text)
    return not words or (len(words) == 1 and length_of(words[0]) <= _LONGEST_WORD)


def date_element(block: HtmlElement, headline: HtmlElement) -> HtmlElement | None:
    """The element that holds the date line."""
    return next((element for element, _, _ in _dated(block, headline)), None)


def _dated(block: HtmlElement, headline: HtmlElement) -> Iterator[tuple[HtmlElement, str, bool]]:
    """Elements with their date lines, and whether it stands in an attribute."""
    machines: list[tuple[HtmlElement, str, bool]] = []
    named: list[tuple[HtmlElement, str, bool]] = []
    others: list[tuple[HtmlElement, str, bool]] = []
    for element in _parts(block):
        texts = list(_texts(element))
        if element is headline or (_belongs(element, headline) and not _is_only_date(texts)):
            continue
        told = element.get("datetime") or ""
        if any(letter.isdigit() for letter in told):
            yield element, told, True
        named_so = element.tag == "time" or DATE_NAME.search(called(element))
        attributes = [element.get(name) or "" for name in ("title", "content")] if named_so else []
        found = named if named_so else others
        machines.extend((element, text, True) for text in attributes if is_date_line(text))
        found.extend((element, text, False) for text in texts if is_date_line(text))
    yield from machines
    yield from named
    yield from others
    before = block.getprevious()
    if block.tag == "dd" and before is not None and before.tag == "dt":
        yield from ((before, text, False) for text in _texts(before) if is_date_line(text))


def _is_only_date(texts: list[str]) -> bool:
    return bool(texts) and is_date_line(texts[0])


def _texts(element: HtmlElement) -> Iterator[str]:
    """The whole of a small element, and the runs of text that it holds directly."""
    if sum(1 for _ in islice(element.iter(), _SMALL)) < _SMALL:
        whole = text_of(element)
        if whole and len(whole) <= LONGEST:
            yield whole
    runs = [element.text, *(child.tail for child in element)]
    yield from (" ".join(run.split()) for run in runs if run and run.strip())


def _parts(block: HtmlElement) -> Iterator[HtmlElement]:
    some = islice(block.iter(), _MOST_PARTS)
    return (element for element in some if isinstance(element.tag, str))


def _belongs(element: HtmlElement, headline: HtmlElement) -> bool:
    """Whether the element is the headline, or in it."""
    return element is headline or headline in element.iterancestors()


def _own_text(element: HtmlElement, headline: HtmlElement) -> str:
    """Its text without the headline, and without blocks in it, which are looked at themselves."""
    parts = [element.text or ""]
    for child in element:
        inline = child.tag in INLINE and child is not headline
        if inline and not any(one is headline for one in child.iterdescendants()):
            parts += raw_text(child)
            parts.append(" " if stands_apart(child) else "")
        else:
            parts.append(" ")
        parts.append(child.tail or "")
    return nfc(" ".join("".join(parts).split()))
