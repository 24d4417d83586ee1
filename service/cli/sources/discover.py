"""`bantin sources discover` finds what can be collected from a site, as TOML to paste."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from yarl import URL

from service.cli.opening import environ, log_quietly
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    number,
    printable,
    say,
    spinner,
    warn,
)
from service.collect.discovery import toml_proposal
from service.collect.discovery.candidates import Discovery
from service.collect.discovery.search import discover as search
from service.collect.discovery.toml_proposal import Proposal, proposals
from service.collect.discovery.visitor import MOST_REQUESTS, SearchDependencies, SearchTerms
from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import SiteRules
from service.collect.polling.poll import client_of
from service.collect.source_options import reading_of
from service.collect.workers.pool import Parsers
from service.config.loading import DEFAULT_NAME
from service.config.schema import Settings, Source
from service.config.values import web_address
from service.errors import FetchError, ForbiddenAddressError, HttpError, UsageError
from service.model import SourceKind
from service.net import guard
from service.runtime.composition import load, readers, system_clock

_MOST_REFUSED = 8
"""Addresses asked in vain that are told one by one where nothing was found."""


@click.command()
@click.argument("url")
@click.option(
    "--most",
    "most",
    metavar="N",
    type=click.IntRange(1, 200),
    default=MOST_REQUESTS,
    show_default=True,
    help="At most so many requests, at the pace of per_site.",
)
@config_option
@json_option
def discover(url: str, most: int, config: Path, as_json: bool) -> None:
    """Find what can be collected from a site, and print it as TOML. Writes nothing.

    It looks for feeds that the pages name, and where common software keeps them; if there is none,
    for news sitemaps, and for a list of news on the page itself. Each is fetched and read before it
    is shown. Needs no configuration, but follows one if it exists. Exit 1 if nothing is found.
    """
    log_quietly()
    settings = settings_at(config)
    with spinner(f"looking around {url}", shown=not as_json) as tell:
        found = _found(settings, url, tell, most)
    proposed = proposals(found, set(settings.source), settings.zone, opened_for(settings, url))
    if as_json:
        dump(toml_proposal.as_json(found, proposed))
    else:
        tell_discovery(found, proposed, settings.zone)
    if not proposed:
        fail()


def _found(settings: Settings, url: str, tell: Any, most: int) -> Discovery:
    """One search. A host without a scheme that does not answer over https is asked over http."""
    whole = at_web(url)
    try:
        return asyncio.run(searched(settings, whole, tell, most=most))
    except ForbiddenAddressError as error:
        remedy = guard.opening(URL(whole).host or "")
        return Discovery(whole, "", (), 1, ((whole, f"{error}; {remedy}"),))
    except FetchError as error:
        refused = (whole, str(error))
        if "://" not in url and not isinstance(error, HttpError):
            plain = f"http:{whole.removeprefix('https:')}"
            with contextlib.suppress(FetchError):
                return asyncio.run(searched(settings, plain, tell, most=most))
        return Discovery(whole, "", (), 1, (refused,))


def settings_at(config: Path) -> Settings:
    """The configuration; that of a new site where none was named and there is none."""
    if config == Path(DEFAULT_NAME) and not config.exists():
        return Settings()
    return load(config, environ()).settings


def at_web(url: str) -> str:
    """A whole address: who types a host alone means its home page. Raises UsageError."""
    whole = url.strip()
    if "://" not in whole:
        whole = f"https://{whole}"
    try:
        return web_address(whole)
    except ValueError as error:
        raise UsageError(str(error)) from error


async def searched(
    settings: Settings, url: str, tell: Any, *, most: int = MOST_REQUESTS, sitemaps: bool = True
) -> Discovery:
    """One search with a client of its own. Raises FetchError where `url` cannot be had."""
    source = reached_as(settings, url)
    rules = SiteRules(source, settings.collect)
    terms = SearchTerms(rules, reading_of(source, settings.site), most)
    people = await asyncio.to_thread(readers, settings)
    async with client_of(settings, system_clock, people) as client, Parsers(1) as parsers:
        fetch = Fetch(client, system_clock)
        dependencies = SearchDependencies(fetch, parsers, system_clock, tell)
        return await search(dependencies, terms, url, sitemaps=sitemaps)


def reached_as(settings: Settings, url: str) -> Source:
    """Access as that of a source of the same origin, if there is one: login, proxy, TLS, pace."""
    origin = URL(url).origin()
    for known in settings.source.values():
        if URL(known.url).origin() == origin:
            return replace(known, url=url, kind=SourceKind.FEED, page=None)
    return Source(url=url)


def opened_for(settings: Settings, url: str) -> dict[str, tuple[str, ...]]:
    """Host -> networks that only a source of its own opens, so that a further one needs them too.

    What [collect] opens is open to every source.
    """
    source = reached_as(settings, at_web(url))
    return {URL(source.url).host or "": source.allow_networks} if source.allow_networks else {}


def tell_discovery(found: Discovery, proposed: list[Proposal], zone: str) -> None:
    """TOML on standard output, all else on standard error: `>> feeds/added.toml` gives a file."""
    for one in proposed:
        for line in one.about:
            say(click.style(f"# {printable(line)}", dim=True))
        say(one.toml)
    asked = number(found.asked, "address")
    if found.ended:
        warn(f"the search ended {printable(found.ended)}")
    if proposed:
        _tell_left_out(found, zone)
        warn(f"{_counted(proposed)} found, {asked} asked")
    elif found.asked == len(found.refused) == 1:
        warn(": ".join(map(printable, found.refused[0])))
    else:
        _tell_left_out(found, zone)
        warn(f"{found.url}: found nothing to collect: no feed, no sitemap, no list of news")
        _tell_refused(found)
        warn(f"{asked} asked")


def _tell_left_out(found: Discovery, zone: str) -> None:
    """What is there, but brings no news; what the site names, but does not have."""
    for offer in found.offers:
        if not offer.is_good:
            what = "of comments" if offer.comments else "empty"
            warn(f"left out, {what}: {offer.url} ({toml_proposal.summary(offer, zone)})")
    if any(offer.is_good for offer in found.offers):
        for url, reason in found.refused:
            if url not in found.guessed:
                warn(f"left out: {printable(url)}: {printable(reason)}")


def _tell_refused(found: Discovery) -> None:
    for url, reason in found.refused[:_MOST_REFUSED]:
        warn(f"  {printable(url)}: {printable(reason)}")
    more = len(found.refused) - _MOST_REFUSED
    if more > 0:
        warn(f"  and {more} more")


def _counted(proposed: list[Proposal]) -> str:
    """2 feeds, 1 page with a list of news."""
    kinds = Counter(one.offer.kind for one in proposed)
    told = [number(n, str(kind)) for kind, n in kinds.items()]
    return ", ".join(told)
