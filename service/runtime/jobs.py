"""The jobs of the service: what each does, and how often it looks for work by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.collect.politeness.rate_limit import Sites
from service.collect.workers.pool import Parsers
from service.model import Changed
from service.runtime import heap, pipeline
from service.runtime.composition import Service
from service.runtime.engine import PeriodicJob

PASS_S = 60.0
"""After so long no further source of a pass is begun: what is due meanwhile gets its turn."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """How often each job looks for work by itself, in seconds; the jobs have its names."""

    clock: float = 3600.0
    house: float = 3600.0
    memory: float = 2.0
    collect: float = 5.0
    delivered: float = 5.0
    websub: float = 5.0
    search: float = 5.0
    place: float = 5.0
    publish: float = 60.0
    digests: float = 15.0
    mail: float = 5.0
    returned: float = 60.0
    seek: float = 3600.0
    shown: float = 10.0


TICKS = Ticks()
"""Those of the service."""


def jobs(
    service: Service,
    wake: Callable[[str], None],
    parsers: Parsers,
    stop: asyncio.Event,
    ticks: Ticks = TICKS,
    steps: Any = pipeline,
) -> list[PeriodicJob]:
    """The ticks of the service, each an idempotent job of the pipeline, whose `steps` they take."""
    sites = Sites()  # one for all passes: the gap between two requests outlives a pass
    passing = asyncio.Lock()

    async def collect() -> bool:
        async with passing:
            done = await steps.collect(service, parsers=parsers, sites=sites, at_most_s=PASS_S)
        if done.entries_new:
            wake("websub")  # a document that was read may name a hub
        return bool(done.tried or done.pages)

    async def delivered() -> bool:
        done = await steps.take_delivered(service, parsers=parsers)
        _follow(done.changed, wake)
        return bool(done.tried)

    async def websub() -> bool:
        await steps.subscribe(service, sites=sites)
        return False

    async def publish() -> bool:
        await steps.publish_stale(service)
        return False

    async def digests() -> bool:
        await steps.plan(service, parsers=parsers)
        return False

    async def mail() -> bool:
        done = await steps.send(service, stop=stop)
        # A relay that takes nothing now is not asked again before the tick.
        return done.took_some or bool(done.counts and not done.paused)

    async def house() -> bool:
        await steps.match_again(service)
        await steps.keep_house(service)
        return False

    async def memory() -> bool:
        await asyncio.to_thread(heap.give_back)
        return False

    return [
        PeriodicJob("clock", lambda: _after_the_clock(service, wake, steps), ticks.clock),
        PeriodicJob("house", house, ticks.house),
        PeriodicJob("references", lambda: steps.read_references(service), ticks.house),
        PeriodicJob("search", lambda: _index(service, passing, steps), ticks.search),
        PeriodicJob("place", lambda: steps.place(service), ticks.place),
        PeriodicJob("memory", memory, ticks.memory),
        PeriodicJob("collect", collect, ticks.collect),
        PeriodicJob("delivered", delivered, ticks.delivered),
        PeriodicJob("websub", websub, ticks.websub),
        PeriodicJob("publish", publish, ticks.publish),
        PeriodicJob("digests", digests, ticks.digests),
        PeriodicJob("mail", mail, ticks.mail),
        PeriodicJob(
            "returned",
            lambda: steps.take_returned(service, parsers=parsers, stop=stop),
            ticks.returned,
        ),
        PeriodicJob("seek", lambda: steps.seek(service, parsers=parsers, sites=sites), ticks.seek),
    ]


def _follow(changed: Changed, wake: Callable[[str], None]) -> None:
    """What a hub brought goes on at once: its own kick would wait for the end of a pass."""
    if changed.topics:
        wake("publish")
        wake("digests")


async def _index(service: Service, collecting: asyncio.Lock, steps: Any) -> bool:
    """A pass needs the processor more: what it brings is found before it is indexed."""
    return await steps.index_articles(service) and not collecting.locked()


async def _after_the_clock(service: Service, wake: Callable[[str], None], steps: Any) -> bool:
    if await steps.repair_instants(service):
        for name in ("collect", "websub", "digests", "mail"):
            wake(name)
    return False
