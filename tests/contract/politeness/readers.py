"""Two readers for the same publishers: ours, and one that does all that they complain about."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import socket
from datetime import datetime, timedelta

from aiohttp.abc import AbstractResolver
from sqlalchemy import select

from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import collect, open_client
from service.collect.workers.pool import Parsers
from service.config.schema import Settings, Source
from service.net.client import Client
from service.report.sentence import in_english
from service.report.standing import advice, reason, state
from service.store import status_counts
from service.store import tables as t
from service.store.core.database import Store
from service.store.sources import pauses, registry
from tests import levels
from tests.builders import add_digest, add_subscription
from tests.contract.politeness.characters import DAY, PAUSE, PAUSED, all_publishers
from tests.contract.politeness.judging import CEILING, DELAY_S, FLOOR, Week
from tests.contract.politeness.publisher import PATH, START, Publisher, Street
from tests.net.wire import raw_server

DAYS = 9
STEP = timedelta(minutes=levels.some(10, 20))


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Loopback(AbstractResolver):
    """Every name is this machine."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET}
        return [found | {"proto": 0, "flags": socket.AI_NUMERICHOST}]

    async def close(self) -> None:
        pass


async def a_week_of_ours(store: Store) -> Week:
    """Nine days, a restart each midnight: what is known then is what stands in the store."""
    clock, publishers = Clock(), all_publishers()
    street = Street(publishers, clock)
    async with raw_server(street.script) as wire, Parsers(1) as parsers:
        settings = _settings(publishers, wire.port)
        with store.write() as connection:
            registry.register(connection, settings, clock.now, retire=False)
            add_subscription(connection, digest=add_digest(connection, START), starts_at=START)
        rng = random.Random(20261123).random
        for day in range(DAYS):
            agent = open_client(store, settings, clock).user_agent
            networks = settings.collect.allow_networks
            async with Client(agent, networks, resolver=Loopback(), clock=clock) as client:
                sites = Sites()
                if PAUSE[0] == START + day * DAY:
                    with store.write() as connection:
                        pauses.pause(connection, [PAUSED], *PAUSE)
                while clock.now < START + (day + 1) * DAY:
                    await collect(
                        store, settings, clock, owner=f"day-{day}", client=client,
                        parsers=parsers, sites=sites, random=rng,
                    )  # fmt: skip
                    clock.now = _next(store, clock.now)
    return Week(street.asked, publishers, _found(store), clock.now, _told(store, clock.now))


async def a_week_of_a_rude_one() -> Week:
    """Everything at once: too often, without memory, with all that nobody asked for."""
    clock, publishers = Clock(), all_publishers()
    street = Street(publishers, clock)
    listed = [one for one in publishers if one.listed]
    async with raw_server(street.script) as wire:
        for at in _rude_times():
            clock.now = at
            for n, publisher in enumerate(listed):
                ways = _rude_ways(publisher, at, n + int(at.timestamp()) // 600)
                await asyncio.gather(*(_follow(wire.port, publisher.host, way) for way in ways))
    return Week(street.asked, publishers, {}, START + DAYS * DAY)


def _rude_times() -> list[datetime]:
    bursts = (0, 1.5, 2, 2.05, 2.1, 2.21, 3, 3.5, 6.3, 8.5)
    each = range(levels.some(3, 1))
    return [START + day * DAY + n * timedelta(minutes=10) for day in bursts for n in each]


def _rude_ways(publisher: Publisher, at: datetime, n: int) -> list[tuple[str, ...]]:
    tag = publisher.validators(publisher.version(at), at, {}).get("ETag", '"guess"')
    made_up = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT"
    first = ("GET", PATH, made_up, 'If-None-Match: "guess"', "Cookie: toi=day")
    second = [
        ("HEAD", PATH, "Referer: http://nobody.test/"),
        ("GET", "/favicon.ico"),
        ("GET", PATH, f"If-None-Match: {tag}"),
        ("GET", PATH),
    ][n % 4]
    return [first, second]


async def _follow(port: int, host: str, way: tuple[str, ...]) -> None:
    """Follow redirects, and go on from where they led for ever after."""
    method, target, *headers = way
    for _ in range(4):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}:{port}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            answer = (await reader.read()).decode("latin-1")
            place = answer.partition("Location: http://")[2].partition(":")[0]
            writer.close()
            if not place:
                return
            host = place


def _settings(publishers: list[Publisher], port: int) -> Settings:
    return Settings(
        site={"base_url": "https://tin.example.vn", "contact": "bientap@example.vn"},
        collect={
            "interval": {"min": FLOOR, "max": CEILING},
            "per_site": {"delay": timedelta(seconds=DELAY_S), "connections": 1},
            "allow_networks": ("127.0.0.0/8",),
        },
        source={
            one.name.replace(".", "-"): Source(url=f"http://{one.host}:{port}{PATH}")
            for one in publishers
            if one.listed
        },
    )


def _next(store: Store, now: datetime) -> datetime:
    """When something is due again, in steps: a pass takes all that a few minutes bring."""
    with store.read() as connection:
        rows = connection.execute(
            select(t.source_poll.c.next_poll_at).where(t.source_poll.c.gone_at.is_(None))
        )
        first = heapq.nsmallest(1, rows.scalars())[0]
    steps = max((first - START) // STEP + 1, (now - START) // STEP + 1)
    return START + steps * STEP


def _told(store: Store, now: datetime) -> dict[str, tuple[str, str]]:
    with store.read() as connection:
        rows = status_counts.sources(connection)
    return {
        row.name: (state(row, now), in_english().tell(reason(row, now) or advice(row)))
        for row in rows
    }


def _found(store: Store) -> dict[str, dict[int, datetime]]:
    found: dict[str, dict[int, datetime]] = {}
    with store.read() as connection:
        for key, at in connection.execute(select(t.entry.c.entry_key, t.entry.c.first_seen_at)):
            name, _, n = key.rpartition("-")
            found.setdefault(name, {})[int(n)] = at
    return found
