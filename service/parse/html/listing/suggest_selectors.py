"""CSS selectors that give just the entries that were found in a page by themselves. Pure.

So that what the service sees can be written down in the TOML, read by a person, and changed. They
are tried on the page: where none gives the same headlines, links, dates and first sentences, there
are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

from service.errors import ParseError
from service.model import Entry
from service.parse.html.listing import card
from service.parse.html.listing.css_selectors import drafts
from service.parse.html.listing.detect import Found
from service.parse.html.listing.headlines import classes, step
from service.parse.options import ParseOptions, Selectors
from service.parse.urls import web_address

MOST_SHAPES = 4
"""Kinds of blocks in one list (the large story on top, the rest): more read like nothing."""

_LEVELS = 5
"""How far above a block its selector looks for what tells the list from others."""

_SAMPLE = 60
_MOST_HITS = 2000
_NAMED = re.compile(r"[.#]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Selected:
    """Selectors of a list. `whole`: they give its first sentences too, where it has any."""

    selectors: Selectors
    whole: bool


def selectors_of(
    tree: HtmlElement, found: Sequence[Found], base: str, reading: ParseOptions, now: datetime,
    entries: Sequence[Entry],
) -> Selected | None:  # fmt: skip
    """Selectors for `found`; None where there are none that give `entries` again."""
    title = _within([(one.block, one.headline.said_by) for one in found])
    link = _within([(one.block, one.headline.anchor) for one in found])
    if title is None:
        return None
    date = _part(found, card.date_element)
    lead = _part(found, card.lead_element)
    for entry in _entries(tree, found, base):
        for where in (None, link):
            wanted = Selectors(entry, title, link=where, date=date, lead=lead)
            given = _given(tree, wanted, base, reading, now)
            if given is not None and _facts(given) == _facts(entries):
                return Selected(wanted, whole=_tell_as_much(given, entries))
    return None


def _given(
    tree: HtmlElement, wanted: Selectors, base: str, reading: ParseOptions, now: datetime
) -> list[Entry] | None:
    try:
        return [draft.entry for draft in drafts(tree, wanted, base, reading, now)]
    except ParseError:
        return None


def _facts(entries: Iterable[Entry]) -> dict[str | None, tuple[object, ...]]:
    """What the first entry of each address says, as the page is read."""
    told: dict[str | None, tuple[object, ...]] = {}
    for one in entries:
        told.setdefault(one.link, (one.title, one.published))
    return told


def _tell_as_much(given: Iterable[Entry], entries: Iterable[Entry]) -> bool:
    """A selector takes the whole element, "read more" included."""
    leads: dict[str | None, str] = {}
    for one in given:
        leads.setdefault(one.link, one.summary)
    return all(one.summary in leads[one.link] for one in entries)


def _entries(tree: HtmlElement, found: Sequence[Found], base: str) -> Iterator[str]:
    """Selectors of the blocks: one for all of them, else one for each of their shapes.

    Tags without a class or an id come last: tomorrow they may stand elsewhere in the page too.
    """
    links = {one.headline.link for one in found}
    allowed = {one.block for one in found}
    for bare in (False, True):
        for key in (lambda _: (), _tags, step):
            shapes: dict[object, list[HtmlElement]] = {}
            for one in found:
                shapes.setdefault(key(one.block), []).append(one.block)
            if len(shapes) > MOST_SHAPES or any(map(_is_mixed, shapes.values())):
                continue
            written = [
                _of_shape(tree, some, allowed, links, base, bare=bare) for some in shapes.values()
            ]
            if all(written):
                yield ", ".join(dict.fromkeys(one for one in written if one))


def _is_mixed(blocks: Sequence[HtmlElement]) -> bool:
    return len({one.tag for one in blocks}) > 1


def _of_shape(
    tree: HtmlElement, blocks: Sequence[HtmlElement], allowed: set[HtmlElement],
    links: set[str], base: str, *, bare: bool,
) -> str | None:  # fmt: skip
    """What it finds besides must be empty, or show again what is in the list."""
    wanted = set(blocks)
    for selector in _paths(blocks):
        if not bare and not _NAMED.search(selector):
            continue
        hits = _hits(tree, selector)
        if not wanted <= hits:
            continue
        extra = [_links(one, base) for one in islice(hits - allowed, _SAMPLE + 1)]
        if len(extra) > _SAMPLE or any(not some <= links for some in extra):
            continue
        return selector if all(extra) else f"{selector}:has(a)"
    return None


def _links(block: HtmlElement, base: str) -> set[str]:
    found = (web_address(one.get("href"), base) for one in block.iter("a"))
    return {one for one in found if one is not None}


def _tags(block: HtmlElement) -> tuple[str, ...]:
    return tuple(str(one.tag) for one in (block, *block.iterancestors()))


def _paths(elements: Sequence[HtmlElement]) -> Iterator[str]:
    """From the shortest to the longest: the element's own step, then with what it stands in."""
    rows = [elements]
    for _ in range(_LEVELS):
        above = [one.getparent() for one in rows[-1]]
        if any(one is None or one.tag in {"body", "html"} for one in above):
            break
        rows.append(list(dict.fromkeys(one for one in above if one is not None)))
    own = _common(elements)
    yield own
    steps: list[str] = []
    for row in rows[1:]:
        steps.insert(0, _common(row))
        yield f"{steps[0]} {own}"
        yield " > ".join([*steps, own])


def _common(elements: Sequence[HtmlElement]) -> str:
    """`tag#id` or `tag.class.class`: what all of them share."""
    first = elements[0]
    names = {one.get("id") for one in elements}
    name = next(iter(names)) if len(names) == 1 else None
    if name and _NAME.fullmatch(name):
        return f"{first.tag!s}#{name}"
    shared = [name for name in _plain(first) if all(name in _plain(one) for one in elements)]
    return ".".join([str(first.tag), *shared[:2]])


def _plain(element: HtmlElement) -> list[str]:
    """Its classes, but states such as "first" and names that CSS would have to escape."""
    telling = set(classes(element))
    written = (element.get("class") or "")[:300].split()
    kept = [name for name in written if _NAME.fullmatch(name)]
    return [name for name in kept if name in telling] or kept


def _within(pairs: Sequence[tuple[HtmlElement, HtmlElement]]) -> str | None:
    """A selector whose first hit in each block is the element given with it.

    Blocks of several shapes need several; where one of them then hits too early in a block of
    another shape, each begins at the block itself.
    """
    pairs = pairs[:_SAMPLE]
    for write in (_shortest, _from_block):
        written: dict[str, None] = {}
        for block, element in pairs:
            right = (one for one in write(block, element) if _first(block, one) is element)
            written.setdefault(next(right, ""))
        joined = ", ".join(written)
        if "" in written or len(written) > MOST_SHAPES:
            continue
        if all(_first(block, joined) is element for block, element in pairs):
            return joined
    return None


def _shortest(block: HtmlElement, element: HtmlElement) -> Iterator[str]:
    """`h3 a`, `a.title`, `div.card > h3 > a`: selectors for one element, seen from its block."""
    names = _plain(element)
    own = _step(element)
    yield own
    yield ".".join([own, *names[1:2]])
    around = [_step(one) for one in element.iterancestors() if block in one.iterancestors()]
    for above in around:
        yield f"{above} {own}"
    for number in range(1, len(around) + 1):
        yield " > ".join([*reversed(around[:number]), own])


def _from_block(block: HtmlElement, element: HtmlElement) -> Iterator[str]:
    """`li > a`, `article.news > h3 > a`: the whole way, the block included."""
    if element is block:
        return
    around = [
        one for one in element.iterancestors() if one is block or block in one.iterancestors()
    ]
    yield " > ".join([*map(_step, reversed(around)), _step(element)])


def _step(element: HtmlElement) -> str:
    return ".".join([str(element.tag), *_plain(element)[:1]])


def _part(
    found: Sequence[Found], find: Callable[[HtmlElement, HtmlElement], HtmlElement | None]
) -> str | None:
    """A selector of what most blocks have one of; None where they have none."""
    pairs = []
    for one in found:
        element = find(one.block, one.headline.said_by)
        if element is not None and element is not one.block:
            pairs.append((one.block, element))
    return _within(pairs) if pairs else None


def _first(block: HtmlElement, selector: str) -> HtmlElement | None:
    return next(iter(_compiled(selector)(block)), None)


def _hits(tree: HtmlElement, selector: str) -> set[HtmlElement]:
    return set(islice(_compiled(selector)(tree), _MOST_HITS))


@lru_cache(maxsize=512)
def _compiled(selector: str) -> CSSSelector:
    """Only of names that need no escaping: it always compiles."""
    return CSSSelector(selector, translator="html")
