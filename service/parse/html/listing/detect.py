"""The list of a page that nobody has described: which of its repeated blocks are the news. Pure.

Headlines of one place are a group. The best group is the main list: many, long, with pictures,
dates and first sentences, in no menu and no block beside. Lists that stand before it and look
alike (the large stories on top), or that are written by the same template, belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from lxml.html import HtmlElement

from service.parse.html.listing import card
from service.parse.html.listing.headlines import (
    Headline,
    HeadlineGroup,
    ancestors,
    groups,
    length_of,
    nearest,
    sites_elsewhere,
)
from service.parse.html.listing.region import DOUBTFUL, FAR, WITHIN, Regions
from service.parse.html.vocabulary import HEADINGS

FEWEST = 3
"""Entries of a list. With fewer nothing tells it from a menu."""

ENOUGH = 1.5
"""Score of a list; what is less is not a list of news."""

_NEARLY_ALL = 0.8
_SAMPLE = 12
"""Blocks of a group that are looked at for its score."""

_MOST_COUNTED = 40
_LONGEST_SECTION = 40
_MOST_RELATED = 4
_CLIMB = 3
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An entry: its block, its headline, and the place of its group."""

    block: HtmlElement
    headline: Headline
    place: str


@dataclass(slots=True, eq=False)
class _List:
    group: HeadlineGroup
    blocks: dict[Headline, HtmlElement]
    weight: float
    evidence: float
    score: float
    goes_on: bool

    @property
    def span(self) -> tuple[int, int]:
        orders = [one.order for one in self.group.headlines]
        return min(orders), max(orders)


def find(tree: HtmlElement, base: str, place: str | None = None) -> tuple[list[Found], str | None]:
    """The entries in the order of the page, and the place of the main list.

    `place`: where the main list was last time; it stays there while it can. ([], None): no list.
    A page without a list of its own, whose headlines nearly all lead to one other site, lists that
    one's news: an office's page tells of its newspaper's.
    """
    found = _find(tree, base, place)
    if not found[0]:
        elsewhere = sites_elsewhere(tree, base)
        whole = sum(count for _, count in elsewhere)
        if elsewhere and elsewhere[0][1] >= max(FEWEST, _NEARLY_ALL * whole):
            return _find(tree, base, place, elsewhere[0][0])
    return found


def _find(
    tree: HtmlElement, base: str, place: str | None, site: str | None = None
) -> tuple[list[Found], str | None]:
    some = groups(tree, base, site)
    regions = Regions(one.said_by for group in some for one in group.headlines if one.long)
    some = [group for group in _without_sections(some, regions) if group.long]
    some = [group for group in some if not _tells_when(group)]
    if not some:
        return [], None
    everything = [one for group in some for one in group.headlines]
    crowd = _count(everything)
    lists = [_list(group, crowd, regions) for group in some]
    main = _main(lists, place)
    if main is None:
        return [], None
    chosen = [main, *(one for one in lists if one is not main and _belongs(one, main))]
    found = _without_related(chosen)
    return (found, main.group.place) if len(found) >= FEWEST else ([], None)


def _tells_when(group: HeadlineGroup) -> bool:
    """Whether its links are date lines, as where headlines lead to other sites."""
    sample = group.headlines[:_SAMPLE]
    return sum(card.says_only_when(one.text) for one in sample) * 2 > len(sample)


def _without_sections(some: Sequence[HeadlineGroup], regions: Regions) -> Iterator[HeadlineGroup]:
    """What the menus link is a section of the site, wherever else it is linked."""
    sections: set[str] = set()
    rest: list[HeadlineGroup] = []
    for group in some:
        far = [one for one in group.headlines if regions.weight(one.said_by) == FAR]
        sections |= {one.link for one in far if len(one.text) < _LONGEST_SECTION}
        if len(far) < len(group.headlines):
            rest.append(group)
    for group in rest:
        yield HeadlineGroup(
            group.place, [one for one in group.headlines if one.link not in sections]
        )


def _main(lists: Sequence[_List], place: str | None) -> _List | None:
    for one in lists:
        if one.group.place == place and one.group.long >= FEWEST and one.score >= ENOUGH / 2:
            return one
    best = max(lists, key=lambda one: one.score)
    return best if best.score >= ENOUGH else None


def _list(group: HeadlineGroup, crowd: dict[HtmlElement, int], regions: Regions) -> _List:
    mine = _count(group.headlines)
    blocks = {one: _block(one, mine, crowd, alone=len(group.headlines) == 1)
              for one in group.headlines}  # fmt: skip
    sample = [one for one in group.headlines if one.long][:_SAMPLE]
    weight = min((regions.weight(blocks[one]) for one in sample[:3]), default=WITHIN)
    evidence = _evidence(sample, blocks)
    links = sum(_article_like(one.link) for one in sample) / len(sample)
    length = sum(min(length_of(one.text), 70) for one in sample) / len(sample) / 70
    share = group.long / len(group.headlines)
    count = min(group.long, _MOST_COUNTED) ** 0.7
    score = count * weight * evidence * (0.3 + 0.7 * links) * (0.5 + length) * share
    goes_on = bool(sample) and regions.goes_on(blocks[sample[0]])
    return _List(group, blocks, weight, evidence, score, goes_on)


def _evidence(sample: Sequence[Headline], blocks: dict[Headline, HtmlElement]) -> float:
    """1.0 for bare links, up to 4 with headings, pictures, first sentences and dates."""

    def share(of: Iterable[bool]) -> float:
        return sum(of) / len(sample)

    headings = share(
        one.said_by.tag in HEADINGS or any(up.tag in HEADINGS for up in nearest(one.said_by))
        for one in sample
    )
    pictures = share(card.has_picture(blocks[one]) for one in sample)
    leads = share(card.lead_element(blocks[one], one.said_by) is not None for one in sample)
    times = share(card.has_date(blocks[one], one.said_by) for one in sample)
    return 1.0 + 0.7 * headings + 0.5 * pictures + 0.8 * leads + 1.0 * times


def _block(
    headline: Headline, mine: dict[HtmlElement, int], crowd: dict[HtmlElement, int], *, alone: bool
) -> HtmlElement:
    """All that belongs to this headline: up to where another one of its group begins.

    What adds headlines of other groups is entered only while neither picture nor text has been
    found: a card may hold links to older stories, a column holds other lists.
    """
    block = headline.said_by
    blind = 0
    for around in ancestors(headline.said_by):
        if mine.get(around, 0) != 1 or around.tag in {"main", "section", "form"}:
            break
        adds = crowd.get(around, 0) > crowd.get(block, 1)
        full = blind == _CLIMB or (alone and crowd[around] > _MOST_RELATED)
        if adds and (full or _is_told(block, headline)):
            break
        blind += adds
        block = around
    return block


def _is_told(block: HtmlElement, headline: Headline) -> bool:
    return (
        card.has_picture(block)
        or card.lead_element(block, headline.said_by) is not None
        or card.has_date(block, headline.said_by)
    )


def _count(headlines: Iterable[Headline]) -> dict[HtmlElement, int]:
    """Element -> how many different addresses of headlines stand in it."""
    within: dict[HtmlElement, set[str]] = {}
    for one in headlines:
        if one.long:
            for around in (one.said_by, *ancestors(one.said_by)):
                within.setdefault(around, set()).add(one.link)
    return {element: len(links) for element, links in within.items()}


def _belongs(one: _List, main: _List) -> bool:
    """Whether a list is a part of the main one."""
    if not _alike(one.group, main.group):
        return False
    first, last = one.span
    if one.goes_on and one.weight >= main.weight:
        return True
    same = _template(one) == _template(main)
    if one.weight < main.weight:
        return same and one.weight >= DOUBTFUL and first < main.span[0]
    if same:
        return True
    if first > main.span[1]:
        return False
    interleaved = last > main.span[0]
    told = one.evidence > 1.0 + 0.4
    return told or interleaved


def _template(one: _List) -> str:
    """The last steps of the path: what the outlet's template for one entry writes."""
    steps = one.group.place.split(">")[-4:]
    return ">".join(".".join(step.split(".")[:2]) for step in steps)


def _alike(one: HeadlineGroup, main: HeadlineGroup) -> bool:
    """Whether most of its addresses look like those of the main list."""
    shapes = {_shape(headline.link) for headline in main.headlines}
    alike = sum(_shape(headline.link) in shapes for headline in one.headlines)
    return alike * 2 >= len(one.headlines)


def _shape(link: str) -> tuple[str, str, bool, tuple[str, ...]]:
    """Host, ending, whether a number ends the name, names of parameters: what a software writes."""
    parts = urlsplit(link)
    name = parts.path.rstrip("/").rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 5:  # noqa: PLR2004 - html, aspx
        stem, ending = name, ""
    numbered = bool(stem) and stem[-1].isdigit()
    keys = tuple(sorted(key for key, _ in parse_qsl(parts.query)))
    return parts.netloc, ending, numbered, keys


def _article_like(link: str) -> float:
    """How much an address is that of one text: a long name, a number, a date; no short section."""
    parts = urlsplit(link)
    name = parts.path.rstrip("/").rpartition("/")[2]
    digits = max((len(run) for run in _DIGITS.findall(name + parts.query)), default=0)
    if digits >= 4 or name.count("-") >= 4 or (parts.query and digits) or len(name) >= 30:  # noqa: PLR2004
        return 1.0
    return 0.7 if digits else 0.0


def _without_related(lists: Sequence[_List]) -> list[Found]:
    """Headlines in the page's order; each address once; none inside the block of another."""
    rank = {id(one): number for number, one in enumerate(sorted(lists, key=lambda one: -one.score))}
    owner: dict[HtmlElement, tuple[int, Headline]] = {}
    for one in lists:
        for headline, block in one.blocks.items():
            known = owner.get(block)
            if known is None or rank[id(one)] < known[0]:
                owner[block] = (rank[id(one)], headline)
    seen: dict[str, Found] = {}
    for one in sorted(lists, key=lambda one: rank[id(one)]):
        for headline in one.group.headlines:
            if headline.link in seen or _is_within_another(headline, rank[id(one)], owner):
                continue
            seen[headline.link] = Found(one.blocks[headline], headline, one.group.place)
    return sorted(seen.values(), key=lambda found: found.headline.order)


def _is_within_another(
    headline: Headline, rank: int, owner: dict[HtmlElement, tuple[int, Headline]]
) -> bool:
    for around in (headline.said_by, *ancestors(headline.said_by)):
        known = owner.get(around)
        if known is not None and known[0] < rank and known[1].link != headline.link:
            return True
    return False
