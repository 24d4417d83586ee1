"""Trying sources without keeping anything: `bantin check --live`.

Each is asked and read as a pass would, with the same manners, and nothing is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from service.collect import manners
from service.collect.access import access_of
from service.collect.jobs import Job
from service.collect.reading import reading_of
from service.collect.spacing import Sites, Waiting
from service.collect.workers import Parsers
from service.config.schema import Settings, Source
from service.errors import BantinError
from service.model import Document
from service.net.answers import Response
from service.net.client import Client

AT_ONCE = 16
"""Sources that are asked at one time, each on a site of its own."""

_FOR_GOOD = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.PERMANENT_REDIRECT})

_PAUSED = "paused in the configuration: not asked"


@dataclass(frozen=True, slots=True)
class Tried:
    """What a source gave. `ok` None: it was not asked.

    `newest`: of its entries' dates. `moved`: where its address leads for good. `said`: all of it
    in plain words.
    """

    name: str
    url: str
    ok: bool | None
    said: str
    entries: int = 0
    newest: datetime | None = None
    moved: str | None = None


Told = Callable[[Tried], None]


async def try_all(
    settings: Settings, client: Client, parsers: Parsers, clock: Callable[[], datetime], tell: Told
) -> None:
    """Try every source of the TOML; `tell` is called with each as it comes. Never raises."""
    waiting = Waiting[str](Sites())
    for name, source in settings.source.items():
        if source.paused:
            tell(Tried(name, source.url, None, _PAUSED))
            continue
        place = manners.site(source, settings.collect, source.url)
        waiting.add(place, manners.gap(source, settings.collect, source.url), name)
    loop = asyncio.get_running_loop()
    freed = asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    async def one(place: str, name: str) -> None:
        try:
            tell(await _try(settings, name, client, parsers, clock))
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


async def _try(
    settings: Settings,
    name: str,
    client: Client,
    parsers: Parsers,
    clock: Callable[[], datetime],
) -> Tried:
    source, collect = settings.source[name], settings.collect
    try:
        response = await client.get(
            source.url,
            allow=manners.allowed(source, collect),
            access=access_of(source, collect),
        )
        reading = reading_of(source, settings.site)
        job = Job(response.body, dict(response.headers), response.url, reading, clock())
        document = (await parsers.read(job)).document
    except BantinError as error:
        return Tried(name, source.url, ok=False, said=str(error))
    except Exception as error:  # noqa: BLE001 - a bug of ours must not hide the other sources
        return Tried(name, source.url, ok=False, said=f"an error of ours ({error!r})"[:300])
    return _tried(name, source, response, document)


def _tried(name: str, source: Source, response: Response, document: Document) -> Tried:
    number = len(document.entries)
    newest = max((one.published for one in document.entries if one.published), default=None)
    moved = _moved(response)
    words = [f"{number} {'entry' if number == 1 else 'entries'}"]
    if newest is not None:
        words.append(f"newest {newest:%Y-%m-%d %H:%M}Z")
    elif number:
        words.append("none with a date")
    if moved is not None:
        words.append(f"moved for good: write url = {moved!r}".replace("'", '"'))
    if document.repairs:
        words.append(f"mended: {', '.join(document.repairs)}")
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
