"""What was found on a site, as TOML to paste: a whole table for each, with what it gives. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from service.collect.discovery.candidates import Discovery, SourceCandidate
from service.config.additions import NewSource, id_for, id_within, inline, tables
from service.model import SourceKind
from service.parse.options import Selectors

LONGEST_TITLE = 100
_LONGEST_SAMPLE = 72


@dataclass(frozen=True, slots=True)
class Proposal:
    """A source to paste. `about`: what it gives, a line each, without the TOML's comment sign."""

    offer: SourceCandidate
    source: NewSource
    about: tuple[str, ...]

    @property
    def toml(self) -> str:
        """A whole table."""
        return tables([self.source]).strip() + "\n"

    @property
    def text(self) -> str:
        """The table below its comments: valid TOML on its own."""
        return "".join(f"# {line}\n" for line in self.about) + self.toml


def proposals(
    discovery: Discovery,
    taken: Collection[str],
    zone: str,
    opened: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> list[Proposal]:
    """A table for each that brings news, the best first. `taken`: ids that are in use.

    `zone`: IANA name, for instants in comments. `opened`: host -> private networks that a source
    there must be allowed itself.
    """
    good = [one for one in discovery.offers if one.is_good]
    used = set(taken)
    made = []
    for one in good:
        name = id_for(one.url, used)
        if len(good) > 1:
            name = id_within(id_for(one.url, ()), one.url, used)
        used.add(name)
        source = NewSource(
            id=name,
            url=one.url,
            title=(one.title or discovery.site)[:LONGEST_TITLE].strip(),
            kind="" if one.kind is SourceKind.FEED else str(one.kind),
            page=_exact(one),
            allow_networks=opened.get(urlsplit(one.url).hostname or "", ()),
        )
        made.append(Proposal(one, source, tuple(_about(one, zone))))
    return made


def as_json(discovery: Discovery, proposed: list[Proposal]) -> dict[str, object]:
    """{"url", "site", "found": […], "refused": [{"url", "reason"}], "asked", "ended"}.

    found: {"kind", "url", "title", "entries", "newest", "why", "comments", "also", "titles",
    "sitemaps", "selectors", "id", "toml"}, the best first; id and toml are null for what is not
    proposed: feeds of comments, and empty ones. `selectors` null: there are none, or the list is
    found by itself.
    """
    tables_of = {(one.offer.kind, one.offer.url): one for one in proposed}
    found = []
    for one in discovery.offers:
        proposal = tables_of.get((one.kind, one.url))
        found.append(
            {
                "kind": str(one.kind),
                "url": one.url,
                "title": one.title,
                "entries": one.entries,
                "newest": one.newest,
                "why": one.why,
                "comments": one.comments,
                "also": list(one.also),
                "titles": list(one.titles),
                "sitemaps": one.sitemaps,
                "selectors": _written(one.selected.selectors) if one.selected else None,
                "id": proposal.source.id if proposal else None,
                "toml": proposal.toml if proposal else None,
            }
        )
    refused = [{"url": url, "reason": reason} for url, reason in discovery.refused]
    return {
        "url": discovery.url,
        "site": discovery.site,
        "found": found,
        "refused": refused,
        "asked": discovery.asked,
        "ended": discovery.ended or None,
    }


def summary(one: SourceCandidate, zone: str) -> str:
    """`20 entries, newest 2026-11-24 08:10`, in the hours of `zone`."""
    number = f"{one.entries} {'entry' if one.entries == 1 else 'entries'}"
    if one.sitemaps:
        number = f"an index of {one.sitemaps} sitemaps, one of them with {number}"
    return f"{number}, {_newest(one.newest, zone)}" if one.entries else "no entries"


def _newest(at: datetime | None, zone: str) -> str:
    return f"newest {at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else "without dates"


def _about(one: SourceCandidate, zone: str) -> Iterator[str]:
    yield f"{summary(one, zone)}; {one.why}"
    for title in one.titles:
        short = (
            title if len(title) <= _LONGEST_SAMPLE else f"{title[: _LONGEST_SAMPLE - 1].rstrip()}…"
        )
        yield f"  * {short}"
    if one.also:
        yield f"the same entries: {', '.join(one.also)}"
    if one.kind is SourceKind.SITEMAP and all(said.startswith("http") for said in one.titles):
        yield "addresses alone: their headlines come from the pages themselves"
    if one.goes_on:
        yield "it goes on: pages = 3 reads up to three pages of it while all on them is new"
    if one.kind is SourceKind.PAGE and one.selected is None:
        yield "its list is found by itself; selectors that give just that were not found"
    elif one.selected is not None and not one.selected.whole:
        written = inline(_written(one.selected.selectors))
        yield f"by selectors, without first sentences: page = {written}"
    elif one.selected is not None:
        yield "without the line `page` its list is found by itself, also after a new design"


def _exact(one: SourceCandidate) -> Mapping[str, str]:
    whole = one.selected is not None and one.selected.whole
    return _written(one.selected.selectors) if one.selected and whole else {}


def _written(selectors: Selectors) -> dict[str, str]:
    return {key: value for key, value in asdict(selectors).items() if value is not None}
