"""What stands around an article and is none of it: lists of other news, labels, buttons. Pure.

Told by three signs, in any language: what elements are called, that a link to another page stands
alone as a headline, and the set phrases above such lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from service.parse.html.blocks import Block, ancestry, each_block
from service.parse.html.vocabulary import BOILERPLATE, SAYS_LITTLE, parted, points_on
from service.text.fold import folded_tokens

_ROLES = frozenset({"navigation", "complementary", "contentinfo", "dialog", "search", "banner"})
_ASIDE = frozenset({"aside", "footer", "nav"})

_POINTER = re.compile(r">>>|(?:>{1,3}|»+|\*+|[-\u2013+•▶►☛→]+)?([^:\uff1a>»]+)[:\uff1a>»]")

HEADLINE = 25
"""Characters from which a link that stands alone is taken for a headline, not for a section."""

_TEASER = 300
"""Characters beside a headline in what is still a teaser."""


def is_called_boilerplate(element: HtmlElement, *, prose: bool = False) -> bool:
    """Tells boilerplate by its kind, role or names. Callers must make sure that some text stays.

    `prose`: it holds sentences; then a word that is also said of a text's own parts does not tell.
    """
    if element.get("role", "").lower() in _ROLES or element.tag in _ASIDE:
        return True
    if element.get("aria-hidden", "").lower() == "true":
        return True
    if element.tag in {"html", "body", "article", "main"}:
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}".split()
    named = [parted(name) for name in names if not _is_slug(name)]
    if prose:
        named = [SAYS_LITTLE.sub(" ", name) for name in named]
    return any(map(BOILERPLATE.search, named))


def without_names(names: str) -> str:
    """A class or an id without the words by which boilerplate is called."""
    both = ((name, parted(name)) for name in names.split())
    return " ".join(BOILERPLATE.sub(" ", apart).strip() if BOILERPLATE.search(apart) else name
                    for name, apart in both)  # fmt: skip


def _is_slug(name: str) -> bool:
    """An id made of a heading's words says nothing of what stands there."""
    return len(re.split(r"[-_]+", name)) > 5  # noqa: PLR2004 - longer than any class


def is_pointer(block: Block) -> bool:
    """Whether it says "xem thêm: …" with a link in it."""
    found = _POINTER.match(block.text) if block.linked else None
    return found is not None and (found[1] is None or points_on(found[1]))


def headlines(found: Sequence[Block], url: str) -> frozenset[str]:
    """What links that stand alone say of other pages, folded."""
    names = set()
    for block in found:
        if not block.is_link:
            continue
        for href, text in block.links:
            if len(text) >= HEADLINE and leads_elsewhere(href, url):
                names.add(folded_tokens(text))
    return frozenset(names)


def leads_elsewhere(href: str, url: str) -> bool:
    """Whether a link goes to another page: no anchor, no script, not this page itself."""
    href = href.strip()
    if (
        not href
        or href.startswith("#")
        or href.lower().startswith(("javascript:", "mailto:", "tel:"))
    ):
        return False
    try:
        there, here = urlsplit(urljoin(url, href)), urlsplit(url)
    except ValueError:
        return False
    return (there.netloc, there.path, there.query) != (here.netloc, here.path, here.query)


def teasers(found: Iterable[Block], url: str) -> set[HtmlElement]:
    """Boxes that tell of another article: its headline as a link, perhaps its first sentences."""
    boxes: set[HtmlElement] = set()
    known: dict[HtmlElement, bool] = {}
    for block in found:
        if not block.is_link or not any(
            len(text) >= HEADLINE and leads_elsewhere(href, url) for href, text in block.links
        ):
            continue
        box = None
        for around in ancestry(block.element):
            if around.tag in {"body", "html", "main", "article", "table", "tbody"}:
                break
            if around not in known:
                known[around] = _is_teaser(around)
            if not known[around]:
                break
            box = around
        if box is not None:
            boxes.add(box)
    return boxes


def _is_teaser(element: HtmlElement) -> bool:
    told = 0
    for one in each_block(element):
        if one.element.tag == "h1":
            return False
        if not one.is_link and one.own > HEADLINE:
            if told or one.own > _TEASER:
                return False
            told = one.own
    return True
