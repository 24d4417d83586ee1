"""Promise 4: one bad source stops nothing else, and what is wrong with it is said in plain words.

Sixteen sources misbehave in one pass with five that do not. The five are collected, published and
mailed as if they stood alone; each of the sixteen is a failure with its reason in `bantin status`.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import feedparser

from service.collect.polling.poll import collect
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask, PreparedResult
from service.errors import QuarantinedError
from service.net.client import Client
from service.net.limits import FetchLimits
from service.store.sources import retries
from tests.builders import sources
from tests.collect.workers.test_pool import Deadly
from tests.contract.way import AFTER_THE_CUT, LOOPBACK, SITE, TODAY, Way, one_line, rss, text_of
from tests.curate.stories.test_engine import strangers
from tests.levels import some
from tests.net.wire import Talk, Wire, raw_server

MEGA = 1024 * 1024
QUICK = FetchLimits(read_s=some(8, 5), total_s=some(20, 10))
"""Deadlines of a test: the server that answers after two minutes need not be waited for."""

READING_S = 2.0
"""Of one document, by the processor's clock."""

KILLER = b"GI\xe1\xba\xbeT"

Answer = Callable[[Talk], Awaitable[None]] | bytes

DEEP = b"".join(
    (
        b"<rss version='2.0'><channel><title>x</title><item><title>x</title><description>",
        b"<b>" * 900_000,
        b"</b>" * 900_000,
        b"</description></item></channel></rss>",
    )
)
"""Nine hundred thousand tags inside one another: a real document that nobody can wait for."""

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha ha ha ha ha ha ha ha ha ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">]>
<rss version="2.0"><channel><title>&g;</title></channel></rss>"""


async def never(_: Talk) -> None:
    await asyncio.sleep(120)


async def drip(talk: Talk) -> None:
    """A byte now and then: never silent for long, never done."""
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss>")
    while not talk.closed:
        await asyncio.sleep(0.2)
        await talk.send(b" ")


async def fifty_megabytes(talk: Talk) -> None:
    """It does not say beforehand how long it is."""
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n\r\n<rss>")
    for _ in range(50):
        if talk.closed:
            return
        await talk.send(b" " * MEGA)


async def bomb(talk: Talk) -> None:
    """100 MB in 100 KB."""
    packed = gzip.compress(b"<rss version='2.0'><channel>" + b" " * (100 * MEGA), 1)
    await talk.answer(packed, "Content-Encoding: gzip", "Content-Type: application/rss+xml")


async def elsewhere(talk: Talk) -> None:
    await talk.answer(b"", f"Location: {talk.target}", status="302 Found")


async def broken_off(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + rss("A")[:100])


async def no_http(talk: Talk) -> None:
    await talk.send(b"SSH-2.0-OpenSSH_9.9\r\n")


async def gone(talk: Talk) -> None:
    await talk.answer(b"<h1>Not here</h1>", status="404 Not Found")


BAD: dict[str, tuple[Answer, str]] = {
    # path -> what it answers, and the reason that a person reads
    "html": (b"<!doctype html><html><title>404</title></html>", r"an HTML page, not a feed"),
    "empty": (b"", r"the document is empty"),
    "blank": (b" \r\n\t ", r"the document is empty"),
    "half": (rss("A", "B")[:150], r"breaks off before the end of its first entry"),
    "json": (b'{"version": "https://jsonfeed.org/version/1", "items": [', r"JSON"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(5000), r"this is not a feed"),
    "large": (fifty_megabytes, r"more than 10 MB"),
    "bomb": (bomb, r"more than 10 MB"),
    "laughs": (LAUGHS, r"the XML is broken, and no entry could be made out"),
    "late": (never, rf"the server fell silent for {QUICK.read_s:.0f} s"),
    "drip": (drip, rf"no complete answer within {QUICK.total_s:.0f} s"),
    "round": (elsewhere, r"more than 5 redirects"),
    "torn": (broken_off, r"the answer broke off"),
    "ssh": (no_http, r"does not speak proper HTTP"),
    "gone": (gone, r"the server answered 404 \(Not Found\)"),
    "killer": (rss("X").replace(b"<title>X", b"<title>" + KILLER), r"kills the process that reads"),
    "deep": (DEEP, rf"longer than {READING_S:.0f} s"),
}

GOOD = tuple(f"tot-{number}" for number in range(5))


class Fragile(Parsers):
    """Parsers in which one document ends the process that reads it, as a crash in C would."""

    async def read(self, job: ParseTask) -> PreparedResult:
        if KILLER in job.body:
            job = replace(job, reading=Deadly())
        return await super().read(job)


class Counted(Fragile):
    """The same, and it counts the deaths."""

    deaths = 0

    async def read(self, job: ParseTask) -> PreparedResult:
        try:
            return await super().read(job)
        except QuarantinedError:
            self.deaths += 1
            raise


def configuration(wire: Wire) -> str:
    good, bad = list(GOOD), list(BAD)
    names = [good.pop() if good and number % 3 == 0 else bad.pop() for number in range(len(BAD))]
    names += [*good, *bad]  # good ones between the bad ones
    sources = "".join(
        f'[source.{name}]\nurl = "{wire.url(f"/{name}")}"\ntopics = ["tin"]\n' for name in names
    )
    return f"""{SITE}{LOOPBACK}{sources}
[topic.tin]
title = "Tin"
[digest.ngay]
title = "Điểm tin"
cadence = "daily"
"""


def titles(number: int, *days: str) -> list[str]:
    """Headlines of a good outlet, no two of which tell one story."""
    first = {"cũ": 6 * number, "mới": 6 * number + 3}
    every = strangers(6 * len(GOOD))
    return [title for day in days for title, _ in every[first[day] : first[day] + 3]]


class Server:
    """Answers by path. The good ones have a yesterday and a today."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {name: answer for name, (answer, _) in BAD.items()}
        self.turn_to("cũ")

    def turn_to(self, *days: str) -> None:
        for number, name in enumerate(GOOD):
            link = f"https://{name}.example"
            self.answers[name] = rss(*titles(number, *days), channel=name, link=link)

    async def script(self, talk: Talk) -> None:
        answer = self.answers[talk.target.strip("/")]
        if callable(answer):
            await answer(talk)
        else:
            await talk.answer(answer)


async def test_bad_sources_are_told_and_cost_the_good_ones_nothing(tmp_path):
    server = Server()
    async with (
        raw_server(server.script) as wire,
        Client("test", ["127.0.0.0/8"], limits=QUICK) as client,
        Fragile(2, timeout_s=READING_S) as parsers,
    ):
        way = Way(tmp_path, configuration(wire))
        begun = time.monotonic()
        first = await way.collect(client=client, parsers=parsers)
        assert time.monotonic() - begun < 120
        assert set(first.failed) == set(BAD), first.failed
        assert (first.ok, first.entries_new) == (len(GOOD), len(GOOD) * 3)
        _assert_told(way, failures=1)

        way.subscribe("minh@example.vn", "ngay")
        way.now = TODAY
        server.turn_to("cũ", "mới")
        second = await way.collect(client=client, parsers=parsers)
        assert set(second.failed) == set(BAD)
        assert second.entries_new == len(GOOD) * 3
        _assert_told(way, failures=2)

        way.now = AFTER_THE_CUT
        assert dict((await way.publish()).failed) == {}
        await way.mail()
        _assert_published_and_told(way)

        await _heal(way, server, client, parsers)
        way.close()


def _assert_told(way: Way, failures: int) -> None:
    said = way.status()["sources"]
    for name, (_, reason) in BAD.items():
        one = said[name]
        assert one["state"] == ("quarantined" if name in {"killer", "deep"} else "failing"), name
        assert re.search(reason, one["error"]), (name, one["error"])
        assert "Traceback" not in one["error"]
        assert len(one["error"]) < 300
        assert (one["entries"], one["last_ok"]) == (0, None), name
        then = datetime.fromisoformat(one["next_poll"])
        assert timedelta(minutes=15) <= then - way.now <= timedelta(hours=12), (name, then)
    for name in GOOD:
        assert (said[name]["state"], said[name]["error"]) == ("ok", None)
    rows = way.rows(sources())
    assert {row.failures for row in rows if row.name in BAD} == {failures}
    assert {row.lease_owner for row in rows} == {None}


def _assert_published_and_told(way: Way) -> None:
    every = [title for number in range(len(GOOD)) for title in titles(number, "cũ", "mới")]
    read = feedparser.parse(io.BytesIO(way.feed("tin")))
    assert sorted(one.title for one in read.entries) == sorted(every)
    (mail,) = way.mails()
    text = one_line(text_of(mail))
    news = [title for number in range(len(GOOD)) for title in titles(number, "mới")]
    assert [title for title in every if title in text] == [one for one in every if one in news]


async def _heal(way: Way, server: Server, client: Client, parsers: Parsers) -> None:
    """No failure is for ever: a source that answers again is a source like the others."""
    for name in BAD:
        server.answers[name] = rss(f"Lại có tin {name}", link=f"https://{name}.example")
    way.now += timedelta(hours=13)  # all are due by then, nobody has to name them
    third = await way.collect(client=client, parsers=parsers)
    assert third.failed == {}
    said = way.status()["sources"]
    assert {name: (said[name]["state"], said[name]["error"]) for name in BAD} == dict.fromkeys(
        BAD, ("ok", None)
    )
    assert {said[name]["entries"] for name in BAD} == {1}


async def test_a_feed_that_is_cut_in_half_keeps_what_is_whole(tmp_path):
    """Cut behind an entry it is repaired, which `status` says; no entry is made of half of one."""
    whole = rss("Một", "Hai", "Ba", "Bốn")
    async with raw_server(lambda talk: talk.answer(served)) as wire:
        toml = f'{SITE}{LOOPBACK}[source.a]\nurl = "{wire.url()}"\ntopics = ["tin"]\n[topic.tin]\n'
        way = Way(tmp_path, toml)
        served = whole[: whole.index(b"<title>Ba") + 12]
        assert (await way.collect()).entries_new == 2
        said = way.status()["sources"]["a"]
        assert (said["state"], said["repairs"]) == ("ok", ["truncated-tail"])
        served = whole
        assert (await way.collect()).entries_new == 2
        assert way.status()["sources"]["a"]["repairs"] == []
        way.close()


async def test_what_kills_its_reader_is_read_again_once_it_changes_and_not_for_days_on_end(
    tmp_path,
):
    """A document that is quarantined costs no worker a second time, whatever else is asked."""
    deadly = rss("X").replace(b"<title>X", b"<title>" + KILLER)
    served = {"/giet": deadly, "/tot": rss("Một")}
    toml = f"{SITE}{LOOPBACK}"
    async with (
        raw_server(lambda talk: talk.answer(served[talk.target])) as wire,
        Client("test", ["127.0.0.0/8"], limits=QUICK) as client,
        Counted(2, timeout_s=READING_S) as parsers,
    ):
        for path in served:
            toml += f'[source.{path[1:]}]\nurl = "{wire.url(path)}"\n'
        way = Way(tmp_path, toml)

        async def pass_(name: str = "") -> dict[str, str | None]:
            service = way.service
            await collect(
                service.store, service.settings, service.clock, owner=service.owner,
                names=[name] if name else None, client=client, parsers=parsers,
            )  # fmt: skip
            return way.status()["sources"]["giet"]

        first = await pass_()
        assert (first["state"], parsers.deaths) == ("quarantined", 1)
        assert first["reason"].startswith("quarantined: this document kills the process")
        for _ in range(8):  # days: each pass finds it due, and leaves it unread
            way.now += timedelta(hours=16)
            said = await pass_()
            assert (said["state"], parsers.deaths) == ("quarantined", 1)
            assert f"since {first['last_tried'][:10]}" in said["reason"]
        assert said["failures"] == 9
        assert way.status()["sources"]["tot"]["state"] == "ok"

        served["/giet"] = deadly.replace(b"</item>", b"<category>a</category></item>")
        way.now += timedelta(hours=16)
        assert ((await pass_())["state"], parsers.deaths) == ("quarantined", 2)

        with way.service.store.write() as connection:
            retries.retry(connection, ["giet"], way.now)
        assert way.status()["sources"]["giet"]["state"] in {"new", "ok"}
        assert ((await pass_())["state"], parsers.deaths) == ("quarantined", 3)

        served["/giet"] = rss("Lại có tin")
        way.now += timedelta(hours=16)
        healed = await pass_()
        assert (healed["state"], healed["reason"], healed["entries"]) == ("ok", None, 1)
        way.close()
