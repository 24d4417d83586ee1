"""A site without a feed: the list of its page, by selectors or found by itself. Pure.

bytes -> tree -> entries (`described` by the source's selectors, else the repeated block that
`detect` finds) -> keys -> Document, with the address of the next page.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lxml.html import HtmlElement

from service.errors import ParseError
from service.model import Document, Entry, Further
from service.parse import date_evidence, hub_links
from service.parse.feed import entry_keys
from service.parse.feed.entries import language_tag
from service.parse.feed.entry_keys import Draft
from service.parse.html.listing import card, css_selectors, detect, pagination
from service.parse.html.listing.detect import Found
from service.parse.html.listing.headlines import sites_elsewhere
from service.parse.html.tree import base_of, picture_in, tree_of
from service.parse.options import ParseOptions
from service.text.clean import title_text
from service.text.language import guess

__all__ = ["read_page", "tree_of"]

NO_LIST = "no list of news can be made out on this page"


def read_page(
    body: bytes, headers: Mapping[str, str], url: str, reading: ParseOptions, now: datetime
) -> Document:
    """The page's list as a Document. Raises ParseError when there is none."""
    return read_tree(tree_of(body, headers), url, reading, now)[0]


def read_tree(
    tree: HtmlElement, url: str, reading: ParseOptions, now: datetime
) -> tuple[Document, Sequence[Found]]:
    """The same of a tree, with the blocks that were found by themselves. Raises ParseError."""
    base = base_of(tree, url)
    reading = spoken(tree, reading)
    place: str | None = None
    found: Sequence[Found] = ()
    if reading.selectors is not None:
        drafts = css_selectors.drafts(tree, reading.selectors, base, reading, now)
    else:
        found, place = detect.find(tree, base, reading.place)
        if not found:
            raise ParseError(_why_none(tree, base))
        drafts = _drafts(found, base, reading, now)
    # Of the head alone: what stands in the body may have been written by anybody (section 8.1).
    its_hubs, self_url = hub_links.named(
        ((link.get("rel"), link.get("href")) for link in tree.findall("./head/link")), base
    )
    document = Document(
        title=title_text(tree.findtext(".//title") or ""),
        link=url,
        language=language_tag(tree.get("lang")),
        entries=entry_keys.settle(_each_link_once(drafts), (url,)),
        further=_further(tree, base, url),
        place=place,
        hubs=its_hubs,
        self_url=self_url,
    )
    return document, found


def _why_none(tree: HtmlElement, base: str) -> str:
    elsewhere = [site for site, _ in sites_elsewhere(tree, base)]
    if len(elsewhere) < detect.FEWEST:
        return NO_LIST
    more = ", …" if len(elsewhere) > detect.FEWEST else ""
    return f"{NO_LIST}: its headlines lead to other sites ({', '.join(elsewhere[:3])}{more})"


def spoken(tree: HtmlElement, reading: ParseOptions) -> ParseOptions:
    """Read in the language that the page says it is in."""
    return replace(reading, language=language_tag(tree.get("lang")) or reading.language)


def _drafts(found: Sequence[Found], base: str, reading: ParseOptions, now: datetime) -> list[Draft]:
    pairs = (card.dates_of(one.block, one.headline.said_by) for one in found)
    seen = guess(" ".join(one.headline.text for one in found))
    language = seen or reading.language  # many programs claim English
    dated = date_evidence.settled(reading, pairs, now, language=language, url=base)
    dated = replace(dated, language=reading.language)
    return [_draft(one, base, dated, now) for one in found]


def _draft(found: Found, base: str, reading: ParseOptions, now: datetime) -> Draft:
    headline = found.headline.said_by
    published, written = card.date_of(found.block, headline, reading, now)
    entry = Entry(
        key="",
        guid=None,
        link=found.headline.link,
        link_is_key=False,
        title=card.whole_title(headline),
        published=published,
        summary=html.escape(card.lead_of(found.block, headline), quote=False),
        base=base,
        image=picture_in(found.block, base),
        language=reading.language,
    )
    return Draft(entry, written)


def _further(tree: HtmlElement, base: str, url: str) -> tuple[Further, ...]:
    following = pagination.next_page(tree, base, url)
    return () if following is None else (Further(following),)


def _each_link_once(drafts: Sequence[Draft]) -> list[Draft]:
    """A page shows an article large and again in the list: the first stands."""
    seen: set[str] = set()
    kept = []
    for draft in drafts:
        link = draft.entry.link
        if link is None or link not in seen:
            kept.append(draft)
        seen.add(link or "")
    return kept
