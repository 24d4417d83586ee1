"""Trying sources without keeping anything: `bantin check --live`.

Each is asked and read as a pass would, with the same politeness, and nothing is written: what is
known already is asked for only if it has changed, and sites that asked for time are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from service.collect.politeness.fetch import Fetch
from service.collect.politeness.site_rules import rules_of
from service.collect.polling.dispatcher import Dispatcher
from service.collect.schedule import outcome
from service.collect.source_options import reading_of
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.config.schema import Settings, Source
from service.errors import BantinError
from service.model import Document
from service.net import agent
from service.net.answers import NOT_MODIFIED, Response, moved_to
from service.net.client import Client
from service.parse.kinds import KINDS
from service.store.sources import pauses
from service.store.sources.known_state import Remembered
from service.text.web import http_headers as http

AT_ONCE = 16
"""Sources that are asked at one time, each on a site of its own."""

_PAUSED = "paused in the configuration: not asked"
_RESTING = "paused by hand: not asked"
_SPARED = "not asked: its site has just said that it is asked too much"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a source gave. `ok` None: it was not asked.

    `newest`: of its entries' dates. `moved`: where its address leads for good. `said`: all of it
    in plain words. `too_many`: its server said 429.
    """

    name: str
    url: str
    ok: bool | None
    said: str
    entries: int = 0
    newest: datetime | None = None
    moved: str | None = None
    too_many: bool = False


Told = Callable[[Tried], None]


async def try_all(
    settings: Settings,
    client: Client,
    parsers: Parsers,
    clock: Callable[[], datetime],
    tell: Told,
    known: Mapping[str, Remembered] | None = None,
) -> None:
    """Try every source of the TOML; `tell` is called with each as it comes. Never raises.

    `known`: what the store remembers of them, by id; a source that is not there is new.
    """
    known = {name: one for name, one in (known or {}).items() if _is_same(settings, name, one)}
    fetch = Fetch(client, clock)

    async def ask(site: str, name: str) -> None:
        tried = await _try(settings, name, fetch, parsers, clock, known.get(name))
        if tried is None:
            dispatcher.again(site, name)
            return
        tell(tried)
        for other in dispatcher.drop(site) if tried.too_many else ():
            tell(Tried(other, settings.source[other].url, None, _SPARED))

    dispatcher = Dispatcher[str](fetch.sites, ask, AT_ONCE)
    for name, source in settings.source.items():
        unasked = _unasked(name, source, known.get(name), clock())
        if unasked is not None:
            tell(unasked)
        else:
            dispatcher.add(source.url, rules_of(settings, name), name)
    await dispatcher.run()


def _is_same(settings: Settings, name: str, known: Remembered) -> bool:
    return name in settings.source and settings.source[name].url == known.url


def _unasked(name: str, source: Source, known: Remembered | None, now: datetime) -> Tried | None:
    """What is said of a source that must not be asked; None where it may be."""
    if source.paused:
        return Tried(name, source.url, None, _PAUSED)
    if known is None:
        return None
    if pauses.is_resting(known.paused_since, known.paused_until, now):
        return Tried(name, source.url, None, _RESTING)
    if known.gone_at is not None:
        how = f"not asked; `bantin sources retry {name}` has it asked again"
        said = f"gone for good since {known.gone_at:%Y-%m-%d %H:%M}Z: {how}"
        return Tried(name, source.url, ok=False, said=said)
    held = known.held_until
    if held is not None and held > now:
        said = f"not asked: its publisher wants to be left alone until {held:%Y-%m-%d %H:%M}Z"
        return Tried(name, source.url, None, said)
    return None


async def _try(
    settings: Settings,
    name: str,
    fetch: Fetch,
    parsers: Parsers,
    clock: Callable[[], datetime],
    known: Remembered | None,
) -> Tried | None:
    """None: another turn is needed (`Fetch.get`)."""
    source, rules = settings.source[name], rules_of(settings, name)
    reading = reading_of(source, settings.site)
    same = known is not None and (known.address, known.read_as) == (source.url, reading.fingerprint)
    headers: dict[str, str] = {}
    if known is not None:  # the same User-Agent as the service's
        headers = {"User-Agent": agent.for_feed(fetch.client.user_agent, known.id)}
        headers |= http.conditional(known.etag, known.last_modified) if same else {}
    try:
        for_people = KINDS[source.kind].for_people
        response = await fetch.get(source.url, rules, page=for_people, headers=headers)
        if response is None:
            return None
        if known and same and response.status == NOT_MODIFIED:
            return _unchanged(name, source, known, response)
        job = ParseTask(
            response.body, dict(response.headers), response.url, reading, clock(),
            suspect=known is not None and known.quarantined,
        )  # fmt: skip
        document = (await parsers.read(job)).document
    except BantinError as error:
        too_many = outcome.is_too_many(error)
        return Tried(name, source.url, ok=False, said=str(error), too_many=too_many)
    except Exception as error:  # noqa: BLE001 - a bug of ours must not hide the other sources
        return Tried(name, source.url, ok=False, said=f"an error of ours ({error!r})"[:300])
    return _tried(name, source, response, document)


def _unchanged(name: str, source: Source, known: Remembered, response: Response) -> Tried:
    words = [f"unchanged, {_entries(known.entries)}"]
    if known.last_ok_at is not None:
        words.append(f"collected {known.last_ok_at:%Y-%m-%d %H:%M}Z")
    moved = moved_to(response.redirects)
    if moved is not None:
        words.append(_write(moved))
    return Tried(name, source.url, True, "; ".join(words), known.entries, None, moved)


def _entries(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _write(moved: str) -> str:
    return f'moved for good: write url = "{moved}"'


def _tried(name: str, source: Source, response: Response, document: Document) -> Tried:
    number = len(document.entries)
    newest = max((one.published for one in document.entries if one.published), default=None)
    moved = moved_to(response.redirects)
    words = [_entries(number)]
    if newest is not None:
        words.append(f"newest {newest:%Y-%m-%d %H:%M}Z")
    elif number:
        words.append("none with a date")
    if moved is not None:
        words.append(_write(moved))
    if document.repairs:
        words.append(f"repaired: {', '.join(document.repairs)}")
    return Tried(name, source.url, True, "; ".join(words), number, newest, moved)


def as_json(tried: Tried) -> Mapping[str, object]:
    """{"id", "url", "ok" (null: not asked), "said", "entries", "newest", "moved"}."""
    return {
        "id": tried.name,
        "url": tried.url,
        "ok": tried.ok,
        "said": tried.said,
        "entries": tried.entries,
        "newest": tried.newest,
        "moved": tried.moved,
    }
