"""A page's list by the selectors that its source names, in the order of the page. Pure.

Portals surround their list with blocks of the same shape (most read, you may also like), so only
what the selectors name is taken, and a selector that finds nothing is an error, never silence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from service.errors import ParseError
from service.model import Entry, Image
from service.parse import date_evidence
from service.parse.feed.entries import sensible
from service.parse.feed.entry_keys import Draft
from service.parse.html.blocks import text_of
from service.parse.html.listing.card import whole_title
from service.parse.html.tree import picture_in
from service.parse.options import ParseOptions, Selectors
from service.parse.urls import web_address
from service.text.boilerplate import without_boilerplate
from service.text.fold import nfc
from service.text.instants import dates

_BACKGROUND = re.compile(r"url\(\s*[\"']?([^\"')]+)")
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
_Find = Callable[[HtmlElement], list[HtmlElement]]


def drafts(
    tree: HtmlElement, selectors: Selectors, base: str, reading: ParseOptions, now: datetime
) -> list[Draft]:
    """The entries. Raises ParseError when the selectors find none, or none with a headline."""
    blocks = _finder(selectors.entry)(tree)
    if not blocks:
        raise ParseError(f"the selector {selectors.entry!r} (page.entry) finds nothing on the page")
    pairs = (_dates_of(block, selectors) for block in blocks)
    reading = date_evidence.settled(reading, pairs, now, language=reading.language, url=base)
    found = [_draft(block, selectors, base, reading, now) for block in blocks]
    if not any(draft.entry.title for draft in found):
        raise ParseError(
            f"{len(blocks)} blocks, but none has a headline: the selector {selectors.title!r} "
            "(page.title) finds nothing in them"
        )
    return found


@lru_cache(maxsize=256)
def _finder(selector: str) -> _Find:
    try:
        compiled = CSSSelector(selector, translator="html")
    except (SelectorError, etree.XPathError, ValueError) as error:
        raise ParseError(f"the selector {selector!r} is not valid: {error}") from error

    def find(element: HtmlElement) -> list[HtmlElement]:
        return list(compiled(element))

    return find


def _draft(
    block: HtmlElement, selectors: Selectors, base: str, reading: ParseOptions, now: datetime
) -> Draft:
    headline = next((one for one in _finder(selectors.title)(block) if text_of(one)), None)
    published, written = _date(block, selectors, reading, now)
    lead = without_boilerplate(_first_text(block, selectors.lead))
    link = _link(block, headline, selectors, base)
    entry = Entry(
        key="",
        guid=None,
        link=link,
        link_is_key=False,
        title="" if headline is None else whole_title(headline),
        published=published,
        summary=html.escape(lead, quote=False),
        base=base,
        image=_image(block, selectors, base),
        language=reading.language,
    )
    return Draft(entry, written)


def _link(
    block: HtmlElement, headline: HtmlElement | None, selectors: Selectors, base: str
) -> str | None:
    if selectors.link is not None:
        found: Iterator[HtmlElement] = iter(_finder(selectors.link)(block))
    else:
        found = _near(block, headline)
    for element in found:
        address = web_address(element.get("href"), base)
        if address is not None:
            return address
    return None


def _near(block: HtmlElement, headline: HtmlElement | None) -> Iterator[HtmlElement]:
    """Links in the order of trust: the headline's own, around it, within it, in the block."""
    if headline is not None:
        yield headline
        for element in headline.iterancestors():
            if element.tag == "a":
                yield element
            if element is block:
                break
        yield from headline.iterdescendants("a")
    yield from block.iter("a")


def _date(
    block: HtmlElement, selectors: Selectors, reading: ParseOptions, now: datetime
) -> tuple[datetime | None, str]:
    """What a machine is told (`datetime`) before what people see."""
    if selectors.date is None:
        return None, ""
    first = ""
    for element in _finder(selectors.date)(block):
        told, shown = _written(element)
        for written in (*told, shown):
            first = first or written
            order = (reading.told_order or reading.order) if written in told else reading.order
            at = dates.parse(written, reading.zone, order, now, reading.language)
            if at is not None:
                return sensible(at, now), written
    return None, first


def _written(element: HtmlElement) -> tuple[list[str], str]:
    """What an element tells machines of a date, and what people see."""
    told = [element.get(name) or "" for name in ("datetime", "content", "title")]
    return [one for one in told if any(letter.isdigit() for letter in one)], text_of(element)


def _dates_of(block: HtmlElement, selectors: Selectors) -> tuple[str, str]:
    for element in _finder(selectors.date)(block) if selectors.date else ():
        told, shown = _written(element)
        return next(iter(told), ""), shown
    return "", ""


def _first_text(block: HtmlElement, selector: str | None) -> str:
    if selector is None:
        return ""
    return next((text for text in map(text_of, _finder(selector)(block)) if text), "")


def _image(block: HtmlElement, selectors: Selectors, base: str) -> Image | None:
    if selectors.image is None:
        return picture_in(block, base)
    for element in _finder(selectors.image)(block):
        for one in (element, *element.iterdescendants("img")):
            background = _BACKGROUND.search(one.get("style") or "")
            written = [one.get(name) for name in _LAZY] + [one.get("src")]
            written.append(background[1] if background else None)
            for address in written:
                url = None if (address or "").startswith("data:") else web_address(address, base)
                if url is not None:
                    return Image(url, nfc(one.get("alt") or "").strip())
    return None
