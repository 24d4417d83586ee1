"""A site without a feed: entries by CSS selectors, in the order of the page. Pure.

Portals surround their list with blocks of the same shape (most read, you may also like), so only
what the selectors name is taken, and a selector that finds nothing is an error, never silence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from cssselect import SelectorError
from lxml import etree
from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from service.collect import keys, media
from service.collect.addresses import web_address
from service.collect.items import language_tag, sensible
from service.collect.keys import Draft
from service.collect.reading import Reading, Selectors
from service.errors import ParseError
from service.model import Document, Entry, Image
from service.net import headers as http
from service.text import dates
from service.text.clean import title_text
from service.text.fold import nfc

_META_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)")
_CUT_SHORT = re.compile(r"\s*(?:\.\.\.|…)$")
_BACKGROUND = re.compile(r"url\(\s*[\"']?([^\"')]+)")
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy")
_Find = Callable[[HtmlElement], list[HtmlElement]]


def read_page(
    body: bytes, headers: Mapping[str, str], url: str, reading: Reading, now: datetime
) -> Document:
    """The page's list as a Document. Raises ParseError when the selectors find no entry."""
    selectors = reading.selectors
    assert selectors is not None
    tree = tree_of(body, headers)
    base = _base(tree, url)
    blocks = _finder(selectors.entry)(tree)
    if not blocks:
        raise ParseError(f"the selector {selectors.entry!r} (page.entry) finds nothing on the page")
    language = language_tag(tree.get("lang")) or reading.language
    drafts = [_draft(block, selectors, base, replace(reading, language=language), now)
              for block in blocks]  # fmt: skip
    if not any(draft.entry.title for draft in drafts):
        raise ParseError(
            f"{len(blocks)} blocks, but none has a headline: the selector {selectors.title!r} "
            "(page.title) finds nothing in them"
        )
    return Document(
        title=title_text(tree.findtext(".//title") or ""),
        link=url,
        language=language_tag(tree.get("lang")),
        entries=keys.settle(_each_link_once(drafts), (url,)),
    )


def tree_of(body: bytes, headers: Mapping[str, str]) -> HtmlElement:
    """The page as a tree, without scripts and styles. Raises ParseError for what is no page."""
    text = _decoded(body, headers)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        tree = document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise ParseError("this is no HTML page") from error
    for element in list(tree.iter("script", "style", "template")):
        element.drop_tree()
    return tree


def _decoded(body: bytes, headers: Mapping[str, str]) -> str:
    """What is valid UTF-8 is UTF-8, whatever the server and the page say."""
    wide = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(body[:2])
    declared = _META_CHARSET.search(body[:4096])
    named = declared[1].decode("ascii") if declared else None
    for charset in (wide, "utf-8-sig", http.charset(headers), named, "windows-1252"):
        if charset is None:
            continue
        try:
            return body.decode(charset)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("utf-8", "replace")


def _base(tree: HtmlElement, url: str) -> str:
    for element in tree.iter("base"):
        return web_address(element.get("href"), url) or url
    return url


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
    block: HtmlElement, selectors: Selectors, base: str, reading: Reading, now: datetime
) -> Draft:
    headline = next((one for one in _finder(selectors.title)(block) if _text(one)), None)
    published, written = _date(block, selectors, reading, now)
    lead = _first_text(block, selectors.lead)
    link = _link(block, headline, selectors, base)
    entry = Entry(
        key="",
        guid=None,
        link=link,
        link_is_key=False,
        title=_title(headline),
        published=published,
        summary=html.escape(lead, quote=False),
        base=base,
        image=_image(block, selectors, base),
        language=reading.language,
    )
    return Draft(entry, written)


def _text(element: HtmlElement) -> str:
    return " ".join(nfc(" ".join(element.itertext())).split())


def _title(headline: HtmlElement | None) -> str:
    """The headline; whole from the `title` attribute where the visible one is cut short."""
    if headline is None:
        return ""
    shown = _text(headline)
    cut = _CUT_SHORT.sub("", shown)
    if cut == shown:
        return title_text(html.escape(shown, quote=False))
    for element in (headline, *headline.iterdescendants("a"), *headline.iterancestors("a")):
        whole = " ".join(nfc(element.get("title") or "").split())
        if whole.startswith(cut) and len(whole) > len(cut):
            return title_text(html.escape(whole, quote=False))
    return title_text(html.escape(shown, quote=False))


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
    block: HtmlElement, selectors: Selectors, reading: Reading, now: datetime
) -> tuple[datetime | None, str]:
    """What a machine is told (`datetime`) before what people see."""
    if selectors.date is None:
        return None, ""
    first = ""
    for element in _finder(selectors.date)(block):
        for written in (element.get("datetime"), element.get("content"), _text(element)):
            if not written:
                continue
            first = first or written
            at = dates.parse(written, reading.zone, reading.order, now, reading.language)
            if at is not None:
                return sensible(at, now), written
    return None, first


def _first_text(block: HtmlElement, selector: str | None) -> str:
    if selector is None:
        return ""
    return next((text for text in map(_text, _finder(selector)(block)) if text), "")


def _image(block: HtmlElement, selectors: Selectors, base: str) -> Image | None:
    if selectors.image is None:
        return media.first_image(etree.tostring(block, encoding="unicode", with_tail=False), base)
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


def _each_link_once(drafts: list[Draft]) -> list[Draft]:
    """A page shows an article large and again in the list: the first stands."""
    seen: set[str] = set()
    kept = []
    for draft in drafts:
        link = draft.entry.link
        if link is None or link not in seen:
            kept.append(draft)
        seen.add(link or "")
    return kept
