"""Trying sources: a site's pace is kept, what moved is said, nothing hangs."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from service.collect.polling.dry_run import AT_ONCE, Tried, try_all
from service.config.schema import Collect, PerSite, Settings, Source
from service.net.client import Client
from service.net.limits import FetchLimits
from service.store.sources.known_state import Remembered
from tests.collect.polling.test_continuation import listing
from tests.collect.processes import SHARED
from tests.contract.way import rss
from tests.net.wire import raw_server

LOOPBACK = Collect(allow_networks=("127.0.0.0/8",))


async def tried(settings, now, limits=None, known=None) -> dict[str, Tried]:
    told: dict[str, Tried] = {}
    async with Client("x", LOOPBACK.allow_networks, limits=limits) as client:
        async with asyncio.timeout(60):
            await try_all(
                settings,
                client,
                SHARED,
                lambda: now,
                lambda one: told.update({one.name: one}),
                known,
            )
    return told


async def test_what_moved_for_good_is_said_with_the_new_address(now):
    async def script(talk):
        match talk.target:
            case "/old":
                await talk.answer(b"", "Location: /mid", status="301 Moved")
            case "/mid":
                await talk.answer(b"", "Location: /new", status="308 Moved")
            case "/away":
                await talk.answer(b"", "Location: /old", status="302 Found")
            case _:
                await talk.answer(rss("M\u1ed9t"))

    async with raw_server(script) as wire:
        sources = {name: Source(url=wire.url(f"/{name}")) for name in ("old", "away", "new")}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now)
        place = wire.url("/new")
    assert told["old"].moved == place
    assert f'moved for good: write url = "{place}"' in told["old"].said
    assert (told["away"].moved, told["new"].moved) == (None, None)


async def test_many_are_tried_at_once_but_one_site_at_its_pace(now):
    starts = {"a": [], "b": []}

    async def script(talk):
        loop = asyncio.get_running_loop()
        group = talk.target[1]
        if group in starts:
            starts[group].append(loop.time())
        await asyncio.sleep(0.05)
        await talk.answer(rss("M\u1ed9t"))

    gentle = PerSite(delay=timedelta(seconds=0.2), connections=1)
    async with raw_server(script) as wire:
        sources = {f"n{n}": Source(url=wire.url(f"/n{n}")) for n in range(60)}
        sources |= {f"a{n}": Source(url=wire.url(f"/a{n}"), per_site=gentle) for n in range(4)}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now)
        assert wire.most_open <= AT_ONCE
    assert {one.ok for one in told.values()} == {True}
    assert len(told) == 64
    gaps = [after - before for before, after in zip(starts["a"], starts["a"][1:], strict=False)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.2


async def test_a_429_spares_the_rest_of_its_site(now):
    async def script(talk):
        refused = talk.target == "/a0"
        await talk.answer(rss("M\u1ed9t"), status="429 Too Many Requests" if refused else "200 OK")

    gentle = PerSite(delay=timedelta(seconds=0.05), connections=1)
    async with raw_server(script) as wire:
        sources = {f"a{n}": Source(url=wire.url(f"/a{n}"), per_site=gentle) for n in range(4)}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now)
        assert [talk.target for talk in wire.asked] == ["/a0"]
    assert [told[f"a{n}"].ok for n in range(4)] == [False, None, None, None]
    assert told["a3"].said == "not asked: its site has just said that it is asked too much"


async def test_what_is_known_of_another_address_or_of_nobody_is_not_used(now):
    held, hour = now + timedelta(hours=3), timedelta(hours=1)
    tags = {"etag": b'"1"', "last_modified": None, "read_as": b"x", "last_ok_at": now, "entries": 9}

    async def script(talk):
        await talk.answer(rss("M\u1ed9t"))

    async with raw_server(script) as wire:
        urls = {name: wire.url(f"/{name}") for name in ("held", "was-held", "gone", "other", "new")}
        known = {
            "held": Remembered(1, urls["held"], urls["held"], **tags, held_until=held),
            "was-held": Remembered(2, urls["was-held"], urls["was-held"], **tags, held_until=now),
            "gone": Remembered(3, urls["gone"], urls["gone"], **tags, held_until=None, gone_at=now),
            "other": Remembered(4, wire.url("/x"), wire.url("/x"), **tags, held_until=held),
            "left-the-toml": Remembered(5, "x", "x", **tags, held_until=held + hour),
        }
        sources = {name: Source(url=url) for name, url in urls.items()}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now, known=known)
        asked = {talk.target: talk.headers.get("if-none-match") for talk in wire.asked}
    assert asked == {"/was-held": None, "/other": None, "/new": None}  # another reading of old
    assert {name: one.ok for name, one in told.items()} == {
        "held": None, "was-held": True, "gone": False, "other": True, "new": True,
    }  # fmt: skip
    assert told["gone"].said == (
        "gone for good since 2026-11-24 08:00Z: not asked; "
        "`bantin sources retry gone` has it asked again"
    )


async def test_a_server_that_never_answers_keeps_nobody_else_waiting_for_ever(now):
    async def script(talk):
        if talk.target == "/never":
            await asyncio.sleep(60)
        await talk.answer(rss("M\u1ed9t"))

    async with raw_server(script) as wire:
        sources = {name: Source(url=wire.url(f"/{name}")) for name in ("never", "good")}
        settings = Settings(collect=LOOPBACK, source=sources)
        told = await tried(settings, now, FetchLimits(read_s=0.5, total_s=60))
    assert told["good"].ok
    assert (told["never"].ok, told["never"].said) == (False, "the server fell silent for 0.5 s")


async def test_what_a_person_lets_rest_is_not_asked_and_the_others_as_the_service_asks(now):
    tags = {"etag": None, "last_modified": None, "read_as": None, "last_ok_at": now, "entries": 9}

    async def script(talk):
        await talk.answer(rss("M\u1ed9t"))

    async with raw_server(script) as wire:
        urls = {name: wire.url(f"/{name}") for name in ("rests", "rested", "awake")}
        times = {"rests": (now, None), "rested": (now, now), "awake": (None, None)}
        known = {
            name: Remembered(
                number, url, url, **tags, held_until=None,
                paused_since=times[name][0], paused_until=times[name][1],
            )
            for number, (name, url) in enumerate(urls.items(), 7)
        }  # fmt: skip
        sources = {name: Source(url=url) for name, url in urls.items()}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now, known=known)
        agents = {talk.target: talk.headers["user-agent"] for talk in wire.asked}
    assert (told["rests"].ok, told["rests"].said) == (None, "paused by hand: not asked")
    assert agents == {"/rested": "x (feed-id=8)", "/awake": "x (feed-id=9)"}


async def test_a_crawl_delay_holds_between_the_pages_of_a_site(now):
    asked = []

    async def script(talk):
        asked.append((talk.target, asyncio.get_running_loop().time()))
        robots = talk.target == "/robots.txt"
        await talk.answer(b"User-agent: *\nCrawl-delay: 0.4" if robots else listing(1, 2, 3))

    quick = PerSite(delay=timedelta(seconds=0.05), connections=1)
    async with raw_server(script, has_robots=True) as wire:
        sources = {
            name: Source(url=wire.url(f"/{name}"), kind="page", per_site=quick) for name in "ab"
        }
        told = await tried(Settings(collect=LOOPBACK, source=sources), now)
    assert [one.ok for one in told.values()] == [True, True]
    assert [target for target, _ in asked] == ["/robots.txt", "/a", "/b"]
    assert min(after - before for (_, before), (_, after) in itertools.pairwise(asked)) >= 0.4


async def test_a_page_that_leads_to_a_host_that_does_not_let_us_in_is_not_read(now):
    async def script(talk):
        host, _, port = talk.headers["host"].partition(":")
        if talk.target == "/robots.txt":
            await talk.answer(b"User-agent: *\nDisallow: /" if host == "localhost" else b"")
        elif host == "localhost":
            await talk.answer(listing(1, 2, 3))
        else:
            place = f"Location: http://localhost:{port}/there"
            await talk.answer(b"", place, status="302 Found")

    async with raw_server(script, has_robots=True) as wire:
        sources = {"tin": Source(url=wire.url("/tin"), kind="page")}
        told = await tried(Settings(collect=LOOPBACK, source=sources), now)
    assert told["tin"].ok is False
    assert "does not let" in told["tin"].said
