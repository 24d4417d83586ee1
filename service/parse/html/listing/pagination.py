"""Where the list of a page goes on: the address of its next page. Pure.

What is said to machines (`rel="next"`) stands before what is said to people ("Trang sau", "Next",
the number after the current one), and that before the conventions of publishing software that loads
the rest by script. Only addresses of the page's own site count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qsl, urlsplit

from lxml.html import HtmlElement

from service.parse.html.blocks import text_of
from service.parse.html.listing.headlines import ancestors
from service.parse.html.vocabulary import called
from service.parse.urls import web_address
from service.text.fold import fold
from service.text.web.sites import site_of

_NEXT_WORDS = re.compile(
    r"(trang (sau|tiep|ke)( theo)?|(xem )?trang tiep theo|tiep( theo)?|sau|ke tiep|cu hon|"
    r"bai (viet )?cu hon|tin cu hon|next( page)?|older( posts| entries| articles)?|suivante?|"
    r"page suivante|weiter|nachste( seite)?|siguiente|proxim[ao]|avanti|successiv[ao]|volgende|"
    r"nasta|neste|dalej|nastepna|下一[页頁]|次(へ|のページ)|다음)"
)
_SIGNS = frozenset({">", "\u203a", "»", "→", ">>", "⟩", "\u276f", "▶"})
_ENDS = re.compile(r"[\s<>\u2039\u203a«»→←\[\]().…|]+")
_NEXT_CLASS = re.compile(r"(?i)(?<![a-z])next(?![a-z])|nextpage|next-page|trang-?sau")
_PAGING_CLASS = re.compile(r"(?i)pag(ing|in|er|ation|enav)|phan-?trang|nav-?links|pnl-?page")
_PAGE_KEYS = frozenset(
    re.findall(
        r"\w+",
        "page trang p pg paged pageindex pageno start cur offset currentpage",
    )
)
_IN_PATH = re.compile(r"(?i)(?:/|-|_)(?:p|page|trang|pg)[-/_]?(\d{1,5})(?:\.\w{2,5})?/?$")
_AJAX = re.compile(r"(/timelinelist/\d+/|/timeline/\d+/trang-)(\d{1,5})(\.\w{2,5})$")
_LAST_NUMBER = 99_999
_SHORT = 40
_WEEK = 7
_STEPS = ("a", "span", "strong", "b")
_MOST_STEPS = 60  # a row of pages is shorter


def next_page(tree: HtmlElement, base: str, url: str) -> str | None:
    """The next page of the list at `url`; None where the page names none.

    `base`: what relative addresses are read against.
    """
    here = url.partition("#")[0]
    for found in _candidates(tree, base, here):
        link = None if found is None else found.partition("#")[0]
        if link and link != here and site_of(link) == site_of(url):
            return link
    return None


def _candidates(tree: HtmlElement, base: str, here: str) -> Iterator[str | None]:
    for element in tree.iter("link", "a"):
        if "next" in (element.get("rel") or "").lower().split():
            yield web_address(element.get("href"), base)
    yield from (link for link, named in _named_next(tree, base) if named or _has_number(link))
    yield _numbered(tree, base, here)
    yield _by_habit(tree, base, here)


def _named_next(tree: HtmlElement, base: str) -> Iterator[tuple[str, bool]]:
    """Links that are called "next", and whether words say it in a row of pages."""
    for anchor in tree.iter("a"):
        text = text_of(anchor)
        if len(text) > _SHORT:
            continue
        said = (text, anchor.get("title") or "", anchor.get("aria-label") or "")
        words = any(_NEXT_WORDS.fullmatch(_ENDS.sub(" ", fold(one)).strip()) for one in said if one)
        sign = text in _SIGNS
        classed = _NEXT_CLASS.search(_classes(anchor)) or _NEXT_CLASS.search(
            _classes(anchor.getparent())
        )
        if not (words or sign or classed):
            continue
        link = web_address(anchor.get("href"), base)
        if link is not None:
            yield link, _in_row_of_pages(anchor)


def _numbered(tree: HtmlElement, base: str, here: str) -> str | None:
    """The number after the current one, in a row of numbers."""
    wanted = (_number(here) or 1) + 1
    for anchor in tree.iter("a"):
        text = text_of(anchor)
        if text != str(wanted):
            continue
        link = web_address(anchor.get("href"), base)
        if link is not None and _in_row_of_pages(anchor) and not _is_calendar(anchor):
            return link
    return None


def _in_row_of_pages(anchor: HtmlElement) -> bool:
    for level, around in enumerate(ancestors(anchor)):
        if level == 3:  # noqa: PLR2004 - ul, li, a
            return False
        if _PAGING_CLASS.search(_classes(around)):
            return True
        numbers = sum(text_of(one).isdigit() for one in islice(around.iter(*_STEPS), _MOST_STEPS))
        if numbers >= 2:  # noqa: PLR2004 - a row
            return True
    return False


def _is_calendar(anchor: HtmlElement) -> bool:
    """Whether the nearest table has a head for each day of a week."""
    table = next((around for around in ancestors(anchor) if around.tag == "table"), None)
    return table is not None and sum(1 for _ in table.iter("th")) >= _WEEK


def _classes(element: HtmlElement | None) -> str:
    return "" if element is None else called(element)[:300]


def _has_number(link: str) -> bool:
    return _number(link) is not None


def _number(link: str) -> int | None:
    """The number of a page in its address: ?page=2, /trang-2.html, /page/2/, -p2."""
    parts = urlsplit(link)
    for key, value in parse_qsl(parts.query):
        name = re.split(r"[_.\[\]]", key.lower())
        if value.isascii() and value.isdigit() and int(value[:6]) <= _LAST_NUMBER and (
            not _PAGE_KEYS.isdisjoint(name)
        ):  # fmt: skip
            return int(value[:6])
    found = _IN_PATH.search(parts.path)
    return int(found[1]) if found else None


def _by_habit(tree: HtmlElement, base: str, here: str) -> str | None:
    """The stream of the software of many Vietnamese papers, which scripts load by section.

    Its pages carry the section's number in a hidden field. Where they also carry the number of the
    page, counted from 0, the stream is `/timeline/SECTION/trang-N`, else `/timelinelist/SECTION/N`.
    """
    on_stream = _AJAX.search(urlsplit(here).path)
    if on_stream:
        following = f"{on_stream[1]}{int(on_stream[2]) + 1}{on_stream[3]}"
        return web_address(following, base)
    fields = {
        one.get("id") or one.get("name") or "": (one.get("value") or "").strip()
        for one in tree.iter("input")
        if one.get("type") == "hidden"
    }
    section = fields.get("hdZoneId", "")
    ending = re.search(r"\.\w{2,5}$", urlsplit(here).path)
    if not (section.isascii() and section.isdigit() and int(section[:12]) > 0):
        return None
    index = fields.get("hdPageIndex", "")
    suffix = ending[0] if ending else ".htm"
    if index.isascii() and index.isdigit():
        return web_address(f"/timeline/{section}/trang-{int(index[:6]) + 1}{suffix}", base)
    return web_address(f"/timelinelist/{section}/2{suffix}", base)
