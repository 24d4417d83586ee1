"""Links that may be headlines, grouped by where they stand in the page. Pure.

An outlet's software writes each entry of a list by the same template, so the headlines of one list
have one path of tags and classes from the body down. That path is a group's `place`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from service.parse.html.blocks import text_of
from service.parse.html.vocabulary import HEADINGS
from service.parse.urls import web_address
from service.text.boilerplate import is_read_on
from service.text.web.sites import site_of

MOST_LINKS = 8000
"""Of one page that are looked at: the largest lists of the Web have some hundred entries."""

SHORTEST = 15
"""Letters of a headline; menus have shorter names. Two of a script without blanks count five."""

FEWEST_WORDS = 3

_CARD = 3
"""How deep a headline stands in its card."""

_STATES = frozenset(
    re.findall(
        r"\w+",
        "first last odd even active current alt alternate selected visited open show hidden "
        "hide clearfix clear wow fadein fadeinup lazy loaded new sticky featured",
    )
)
_CLASS = re.compile(r"[A-Za-z][\w-]*")
_WIDE = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
_TITLE_CLASS = re.compile(r"(?i)title|headline|heading|tieu-?de|ten-?tin|name|caption")


@dataclass(frozen=True, slots=True, eq=False)
class Headline:
    """A link with the element that says what it is. `order`: where it stands in the page."""

    anchor: HtmlElement
    said_by: HtmlElement
    text: str
    link: str
    order: int

    @property
    def long(self) -> bool:
        """Whether it is as long as headlines are."""
        return is_long(self.text)


@dataclass(slots=True)
class HeadlineGroup:
    """Headlines of one place, each address once, in the order of the page."""

    place: str
    headlines: list[Headline] = field(default_factory=list)

    @property
    def long(self) -> int:
        return sum(one.long for one in self.headlines)


def groups(tree: HtmlElement, base: str, site: str | None = None) -> list[HeadlineGroup]:
    """All links to one site that say something, by place. `site`: None = the page's own.

    Where a card links the same text by its headline and again by its first sentences, the headline
    stands.
    """
    found: defaultdict[str, list[Headline]] = defaultdict(list)
    own = _OwnLinks(base, site or site_of(base))
    told: dict[str, list[Headline]] = {}
    for order, anchor in enumerate(islice(tree.iter("a"), MOST_LINKS)):
        link = own.of(anchor)
        said_by, text = (anchor, "") if link is None else _says(anchor)
        if link and text:
            told.setdefault(link, []).append(Headline(anchor, said_by, text, link, order))
    paths: dict[HtmlElement, str] = {}
    for some in told.values():
        for one in _one_a_card(some):
            found[_path(one.said_by, paths)].append(one)
    return [
        HeadlineGroup(place, sorted(_each_once(some), key=lambda one: one.order))
        for place, some in found.items()
    ]


def sites_elsewhere(tree: HtmlElement, base: str) -> list[tuple[str, int]]:
    """Other sites to which headlines lead, with how many, the most first.

    Empty where most of them lead to pages of the own site.
    """
    own = site_of(base)
    told: dict[str, str] = {}
    for anchor in islice(tree.iter("a"), MOST_LINKS):
        link = web_address(anchor.get("href"), base)
        if link is not None and link not in told and is_long(text_of(anchor)):
            told[link] = site_of(link)
    sites = Counter(told.values())
    at_home = sites.pop(own, 0)
    return sites.most_common() if sites.total() > at_home else []


def _one_a_card(headlines: list[Headline]) -> list[Headline]:
    """The heading among those that stand close together, else the first long one."""
    kept: list[Headline] = []
    for one in headlines:
        last = kept[-1] if kept else None
        if last is None or not _are_close(last.said_by, one.said_by):
            kept.append(one)
        elif _rank(one) > _rank(last):
            kept[-1] = one
    return kept


def _are_close(one: HtmlElement, other: HtmlElement) -> bool:
    near = set(nearest(one))
    return any(element in near for element in nearest(other))


def _rank(one: Headline) -> tuple[bool, bool]:
    heading = any(element.tag in HEADINGS for element in (one.said_by, *nearest(one.said_by)))
    return heading, one.long


def is_long(text: str) -> bool:
    enough = length_of(text) >= SHORTEST
    return enough and (text.count(" ") >= FEWEST_WORDS - 1 or length_of(text) > len(text))


def length_of(text: str) -> float:
    """The length in Latin letters: two of a script without blanks say what five of them do."""
    wide = len(_WIDE.findall(text))
    return wide * 2.5 if wide * 2 > len(text) else len(text)


def ancestors(element: HtmlElement) -> Iterator[HtmlElement]:
    """Up to the body, without it."""
    for one in element.iterancestors():
        if one.tag == "body":
            return
        yield one


def classes(element: HtmlElement) -> list[str]:
    """Its classes without states and numbers, which differ from one entry to the next."""
    written = (element.get("class") or "")[:300].split()
    names = (re.sub(r"\d+", "", name) for name in written if _CLASS.fullmatch(name))
    return [name for name in names if name and name.lower() not in _STATES]


class _OwnLinks:
    """Links to other pages of a site. Hosts are judged once: there are few of them."""

    def __init__(self, base: str, site: str) -> None:
        self._base = base
        self._here = base.partition("#")[0]
        self._site = site
        self._hosts: dict[str, bool] = {}

    def of(self, anchor: HtmlElement) -> str | None:
        link = web_address(anchor.get("href"), self._base)
        if link is None or link.partition("#")[0] == self._here:
            return None
        host = urlsplit(link).netloc
        if host not in self._hosts:
            self._hosts[host] = site_of(link) == self._site
        return link if self._hosts[host] else None


def _says(anchor: HtmlElement) -> tuple[HtmlElement, str]:
    """The headline that leads where the link leads, "" where there is none.

    In the link itself; in a part of it, where a whole card is a link; or in a heading beside it,
    where only "read more" is linked.
    """
    text = text_of(anchor)
    if text and not is_read_on(text):
        return next(((one, text_of(one)) for one in _titles_in(anchor)), (anchor, text))
    for around in nearest(anchor):
        if sum(1 for _ in around.iter("a")) > 3:  # noqa: PLR2004 - picture, headline, "read more"
            break
        for heading in around.iter(*HEADINGS):
            if not any(True for _ in heading.iter("a")) and text_of(heading):
                return heading, text_of(heading)
    return anchor, ""


def nearest(element: HtmlElement) -> Iterator[HtmlElement]:
    return islice(ancestors(element), _CARD)


def _titles_in(anchor: HtmlElement) -> Iterator[HtmlElement]:
    if len(anchor) == 0:
        return
    for one in anchor.iterdescendants(*HEADINGS):
        if text_of(one):
            yield one
    for one in anchor.iterdescendants("p", "div", "span", "strong", "b"):
        if _TITLE_CLASS.search(one.get("class") or "") and text_of(one):
            yield one


def _path(element: HtmlElement, known: dict[HtmlElement, str]) -> str:
    """Tags with up to two classes, from the body down."""
    chain = [element]
    while chain[-1] not in known and chain[-1].tag != "body":
        above = chain[-1].getparent()
        if above is None:
            break
        chain.append(above)
    path = known.get(chain[-1], "")
    for one in reversed(chain):
        if one not in known:
            known[one] = path if one.tag == "body" else f"{path}>{step(one)}"
        path = known[one]
    return path


def step(element: HtmlElement) -> str:
    return ".".join([str(element.tag), *classes(element)[:2]])


def _each_once(headlines: list[Headline]) -> list[Headline]:
    """The longest text of each address, where its first stands."""
    best: dict[str, Headline] = {}
    for one in headlines:
        known = best.get(one.link)
        if known is None or (not known.long and len(one.text) > len(known.text)):
            best[one.link] = one
    return list(best.values())
