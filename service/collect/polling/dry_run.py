"""Trying sources without keeping anything: `bantin check --live`.

Each is asked and read as a pass would, with the same manners, and nothing is written: what is known
already is asked for only if it has changed, and who wants to be left alone is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus

from service.collect.politeness import site_rules
from service.collect.politeness.access import access_of
from service.collect.politeness.rate_limit import Gap, RequestQueue, Sites
from service.collect.politeness.robots import Permissions
from service.collect.schedule import outcome
from service.collect.source_options import reading_of
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.config.schema import Settings, Source
from service.errors import BantinError
from service.model import Document, SourceKind
from service.net import agent
from service.net.access import Access
from service.net.answers import NOT_MODIFIED, Response
from service.net.client import Client
from service.store.sources import pauses
from service.store.sources.known_state import Remembered
from service.text.web import http_headers as http

AT_ONCE = 16
"""Sources that are asked at one time, each on a site of its own."""

_FOR_GOOD = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})

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
    waiting = RequestQueue[str](Sites())
    for name, source in settings.source.items():
        unasked = _unasked(name, source, known.get(name), clock())
        if unasked is not None:
            tell(unasked)
            continue
        place = site_rules.site(source, settings.collect, source.url)
        waiting.add(place, site_rules.gap(source, settings.collect, source.url), name)
    loop = asyncio.get_running_loop()
    permissions = Permissions(client, clock)
    freed = asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    async def one(place: str, name: str) -> None:
        try:
            dependencies = _Dependencies(
                client, parsers, clock, permissions, partial(waiting.slow_down, place)
            )
            tried = await _try(settings, name, dependencies, known.get(name))
            tell(tried)
            for other in waiting.drop(place) if tried.too_many else ():
                tell(Tried(other, settings.source[other].url, None, _SPARED))
        finally:
            waiting.done(place, loop.time())

    def ended(task: asyncio.Task[None]) -> None:
        running.discard(task)
        freed.set()

    while waiting or running:
        for place, name in waiting.take(loop.time(), AT_ONCE - len(running)):
            task = loop.create_task(one(place, name))
            running.add(task)
            task.add_done_callback(ended)
        freed.clear()
        until = waiting.next_at() if len(running) < AT_ONCE else None
        try:
            async with asyncio.timeout_at(until):
                await freed.wait()
        except TimeoutError:
            continue
        await asyncio.sleep(0)  # a task that has just ended leaves `running` with the next turn


def _is_same(settings: Settings, name: str, known: Remembered) -> bool:
    return name in settings.source and settings.source[name].url == known.url


def _unasked(name: str, source: Source, known: Remembered | None, now: datetime) -> Tried | None:
    """What is said of a source that must not be asked; None where it may be."""
    if source.paused:
        return Tried(name, source.url, None, _PAUSED)
    if known is None:
        return None
    if pauses.is_resting(known.rests_since, known.rests_until, now):
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


@dataclass(frozen=True, slots=True)
class _Dependencies:
    """`slow_down`: the site wants so many seconds between two requests."""

    client: Client
    parsers: Parsers
    clock: Callable[[], datetime]
    permissions: Permissions
    slow_down: Callable[[float], None]


async def _try(
    settings: Settings, name: str, dependencies: _Dependencies, known: Remembered | None
) -> Tried:
    source, collect = settings.source[name], settings.collect
    reading = reading_of(source, settings.site)
    same = known is not None and (known.address, known.read_as) == (source.url, reading.fingerprint)
    allow, access = site_rules.allowed(source, collect), access_of(source, collect)
    headers: dict[str, str] = {}
    if known is not None:  # who asks is said as the service says it
        headers = {"User-Agent": agent.for_feed(dependencies.client.user_agent, known.id)}
        headers |= http.conditional(known.etag, known.last_modified) if same else {}
    try:
        if source.kind is SourceKind.PAGE:
            await _permit(
                source, site_rules.gap(source, collect, source.url), dependencies, allow, access
            )
        response = await dependencies.client.get(
            source.url, headers=headers, allow=allow, access=access
        )
        if source.kind is SourceKind.PAGE:
            await _permit_end(source, response, dependencies, allow, access)
        if known and same and response.status == NOT_MODIFIED:
            return _unchanged(name, source, known, response)
        job = ParseTask(
            response.body, dict(response.headers), response.url, reading, dependencies.clock(),
            suspect=known is not None and known.quarantined,
        )  # fmt: skip
        document = (await dependencies.parsers.read(job)).document
    except BantinError as error:
        too_many = outcome.is_too_many(error)
        return Tried(name, source.url, ok=False, said=str(error), too_many=too_many)
    except Exception as error:  # noqa: BLE001 - a bug of ours must not hide the other sources
        return Tried(name, source.url, ok=False, said=f"an error of ours ({error!r})"[:300])
    return _tried(name, source, response, document)


async def _permit(
    source: Source,
    gap: Gap,
    dependencies: _Dependencies,
    allow: Sequence[str],
    access: Access | None,
) -> None:
    """Raises RobotsError where its robots.txt does not let us in; waits after asking for it."""
    before = await dependencies.permissions.known(source.url)
    permission = before or await dependencies.permissions.ask(source.url, allow, access)
    dependencies.slow_down(permission.delay_s)
    if permission.refusal is not None:
        raise permission.refusal
    if before is None:
        await asyncio.sleep(max(gap.delay_s, permission.delay_s))


async def _permit_end(
    source: Source,
    response: Response,
    dependencies: _Dependencies,
    allow: Sequence[str],
    access: Access | None,
) -> None:
    """Raises RobotsError where a redirect led to a host whose robots.txt does not let us in."""
    refusal = await dependencies.permissions.follow(source.url, response.url, allow, access)
    if refusal is not None:
        raise refusal


def _unchanged(name: str, source: Source, known: Remembered, response: Response) -> Tried:
    words = [f"unchanged, {_entries(known.entries)}"]
    if known.last_ok_at is not None:
        words.append(f"collected {known.last_ok_at:%Y-%m-%d %H:%M}Z")
    moved = _moved(response)
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
    moved = _moved(response)
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


def _moved(response: Response) -> str | None:
    """Where a chain leads in which every step is for good."""
    hops = response.redirects
    if not hops or any(hop.status not in _FOR_GOOD for hop in hops):
        return None
    return response.url


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
