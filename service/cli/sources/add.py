"""`bantin sources add` adds a feed, or the one feed that a site clearly offers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

import click
from yarl import URL

from service.cli.opening import environ, ids_of, log_quietly
from service.cli.output import config_option, dump, fail, json_option, printable, say, spinner, warn
from service.cli.sources.discover import searched
from service.collect.discovery import candidates, toml_proposal
from service.collect.discovery.candidates import Discovery, SourceCandidate
from service.collect.discovery.feed_links import LinkOrigin
from service.config.schema import Settings
from service.errors import FetchError, ForbiddenAddressError, UsageError
from service.model import SourceKind
from service.net import guard
from service.runtime import pidfile
from service.runtime.adding import Additions, SourceRequest, add_one, judged
from service.runtime.composition import load
from service.text.web.ip_literal import literal

MOST_REQUESTS = 15
"""To a site whose feed is looked for: who adds a source waits for it."""

_MOST_SHOWN = 20

topic_option = click.option(
    "--topic",
    "topics",
    metavar="ID",
    multiple=True,
    shell_complete=ids_of("topic"),
    help="A topic for all its articles; may be given several times.",
)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What is to be added, None: nothing is clear. `untried`: why the address could not be had."""

    offer: SourceCandidate | None = None
    found: Discovery | None = None
    untried: str = ""


@click.command()
@click.argument("url")
@click.option("--id", "name", metavar="ID", default="", help="Default: made from the host.")
@click.option("--title", default="", help="The outlet's name; default: what the feed says.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in SourceKind]),
    help="Add the address as it is, without fetching it first, as this kind.",
)
@topic_option
@config_option
@json_option
def add(
    url: str,
    name: str,
    title: str,
    kind: str | None,
    topics: tuple[str, ...],
    config: Path,
    as_json: bool,
) -> None:
    """Add a source. Writes feeds/added.toml, unless the configuration would have a fault.

    URL may be that of a site: its feed is looked up, and added if only one fits; else the choices
    are shown, nothing is added, and the exit code is 1. A URL that cannot be fetched just now is
    added as it is.
    """
    log_quietly()
    request = SourceRequest(
        url, title, name, topics, kind="" if kind in {None, SourceKind.FEED} else str(kind)
    )
    choice = _Choice()
    if kind is None:
        settings = load(config, environ()).settings
        choice = _chosen(settings, judged(settings, request), shown=not as_json)
        if choice.offer is not None:
            request = replace(request, url=choice.offer.url)
        elif choice.found is not None:
            _tell_choice(choice.found, request.url, settings.zone, as_json=as_json)
            fail()
    done = add_one(config, environ(), request)
    if as_json:
        dump(_as_json(done, choice.offer))
    else:
        _tell(config, url, done, choice)


def _chosen(settings: Settings, url: str, *, shown: bool) -> _Choice:
    with spinner(f"asking {url}", shown=shown) as tell:
        try:
            found = asyncio.run(searched(settings, url, tell, most=MOST_REQUESTS, sitemaps=False))
        except ForbiddenAddressError as error:
            if not literal(URL(url).host or ""):  # else the configuration's check says it
                raise UsageError(f"{url}: {error}; {guard.opening('')}") from error
            return _Choice(untried=str(error))
        except FetchError as error:
            return _Choice(untried=str(error))
    asked = [one for one in found.offers if one.origin is LinkOrigin.ASKED]
    itself = next((one for one in asked if one.kind is SourceKind.FEED), None)
    if itself is not None:
        return _Choice(itself, found)
    missing = any(address == url for address, _ in found.refused)
    return _Choice(None if missing else candidates.clear(found.offers, url), found)


def _as_json(done: Additions, offer: SourceCandidate | None) -> dict[str, object]:
    """{"id", "url", "topics", "file", "kind", "why", "entries", "newest"}; null: not tried."""
    source = done.added[0]
    return {
        "id": source.id,
        "url": source.url,
        "topics": source.topics,
        "file": done.file,
        "kind": source.kind or str(SourceKind.FEED),
        "why": offer.why if offer else None,
        "entries": offer.entries if offer else None,
        "newest": offer.newest if offer else None,
    }


def _tell(config: Path, url: str, done: Additions, choice: _Choice) -> None:
    source, offer = done.added[0], choice.offer
    zone = load(config, environ()).settings.zone
    if choice.untried:
        warn(f"not tried: {printable(choice.untried)}; added as it is")
    if offer is not None and offer.url != url.strip():
        how = "moved for good" if offer.origin is LinkOrigin.ASKED else offer.why
        say(f"{url} leads to {source.url} ({printable(how)})")
    gives = f": {toml_proposal.summary(offer, zone)}" if offer else ""
    say(f"added [source.{source.id}] to {done.file}{gives}")
    what_follows(config)


def _tell_choice(found: Discovery, asked: str, zone: str, *, as_json: bool) -> None:
    """What there is to choose from, each as the command that adds it."""
    if as_json:
        dump({"id": None, **toml_proposal.as_json(found, [])})
        return
    good = [one for one in found.offers if one.is_good]
    feeds = [one for one in good if one.kind is SourceKind.FEED]
    for address, reason in found.refused[:1]:
        if address == asked:
            warn(f"{printable(address)}: {printable(reason)}")
    if not good:
        warn(f"{found.url}: no feed was found among {found.asked} addresses; nothing was added")
        warn(f"`bantin sources discover {found.url}` looks for sitemaps too")
        return
    if asked != found.url:
        what = f"its site has others, at {found.url}"
    elif feeds:
        what = f"{found.url} does not say which feed is meant"
    else:
        what = f"{found.url} has no feed"
    warn(f"{what}; nothing was added. Choices:")
    for one in good[:_MOST_SHOWN]:
        kind = "" if one.kind is SourceKind.FEED else f" --kind {one.kind}"
        warn(f"  bantin sources add {one.url}{kind}")
        warn(f"      {printable(one.title) or '(no title)'}: {toml_proposal.summary(one, zone)}")
    if len(good) > _MOST_SHOWN:
        warn(f"and {len(good) - _MOST_SHOWN} more: `bantin sources discover {found.url}`")


def what_follows(config: Path) -> None:
    """Say when the running service, or the next pass, reads what was written."""
    if pidfile.running(load(config, environ()).settings.var) is None:
        say("the next `bantin up` or `bantin collect` reads it")
    else:
        say("the running service reads it after `bantin reload`")
