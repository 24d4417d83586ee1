"""Parser processes that die or hang, and neighbours that lose nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from service.collect.workers.pool import Parsers
from service.collect.workers.slow_queue import SlowLane
from service.collect.workers.task import ParseTask
from service.errors import BantinError, ParseError, QuarantinedError
from service.model import SourceKind
from service.parse.options import ParseOptions, Selectors

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def feed(title: str) -> bytes:
    return (
        f"<rss version='2.0'><channel><title>{title}</title><item><guid>{title}</guid>"
        f"<title>Tin {title}</title></item></channel></rss>"
    ).encode()


def job(body: bytes, reading: ParseOptions | None = None) -> ParseTask:
    return ParseTask(body, {}, "https://a.example/rss", reading or ParseOptions(), NOW)


@dataclass(frozen=True)
class Deadly(ParseOptions):
    """A document that ends the process which looks at how to read it, as a crash in C would."""

    def __getattribute__(self, name):
        if name == "kind" and multiprocessing.parent_process() is not None:
            os._exit(11)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Endless(ParseOptions):
    """A document that never comes to an end."""

    def __getattribute__(self, name):
        while name == "kind" and multiprocessing.parent_process() is not None:
            pass
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Asleep(ParseOptions):
    """A document whose reader waits for something that never comes."""

    def __getattribute__(self, name):
        if name == "kind" and multiprocessing.parent_process() is not None:
            time.sleep(600)
        return super().__getattribute__(name)


@dataclass(frozen=True)
class Starved(ParseOptions):
    """A document whose reader gets no processor for a while."""

    def __getattribute__(self, name):
        if name == "kind" and multiprocessing.parent_process() is not None:
            time.sleep(0.2)
        return super().__getattribute__(name)


@pytest.fixture
def own_processes():
    """Those that the test has started: other tests here share some, which go on."""
    others = set(multiprocessing.active_children())
    return lambda: [one for one in multiprocessing.active_children() if one not in others]


@pytest.fixture
async def parsers():
    async with Parsers(2, timeout_s=10) as parsers:
        yield parsers


async def test_documents_come_back_each_to_its_own(parsers):
    titles = [f"số {n}" for n in range(60)]
    parsed = await asyncio.gather(*(parsers.read(job(feed(title))) for title in titles))
    assert [one.document.title for one in parsed] == titles
    assert [one.document.entries[0].title for one in parsed] == [f"Tin {t}" for t in titles]


async def test_a_document_that_cannot_be_read_costs_no_other_anything(parsers):
    bodies = [feed("một"), b"<html></html>", feed("hai"), b"", feed("ba")]
    results = await asyncio.gather(
        *(parsers.read(job(body)) for body in bodies), return_exceptions=True
    )
    documents = [getattr(result, "document", None) for result in results]
    assert [document and document.title for document in documents] == [
        "một", None, "hai", None, "ba",
    ]  # fmt: skip
    assert isinstance(results[1], ParseError)
    assert "HTML page" in str(results[1])


async def test_what_kills_its_worker_is_quarantined(parsers):
    jobs = [job(feed(f"{n}")) for n in range(40)]
    jobs[3] = job(feed("x"), Deadly())
    jobs[17] = job(feed("y"), Deadly())
    results = await asyncio.gather(*map(parsers.read, jobs), return_exceptions=True)
    for n, result in enumerate(results):
        if n in {3, 17}:
            assert isinstance(result, ParseError)
            assert "quarantined: this document kills the process" in str(result)
        else:
            assert result.document.title == str(n)


async def test_what_hangs_its_worker_is_quarantined():
    async with Parsers(2, timeout_s=0.5) as parsers:
        await parsers.read(job(feed("warm")))
        jobs = [job(feed(f"{n}")) for n in range(20)]
        jobs[5] = job(feed("x"), Endless())
        results = await asyncio.gather(*map(parsers.read, jobs), return_exceptions=True)
    assert "longer than 0.5 s" in str(results[5])
    assert [result.document.title for n, result in enumerate(results) if n != 5] == [
        str(n) for n in range(20) if n != 5
    ]


async def test_a_real_document_that_is_too_slow_is_quarantined():
    """So many nested tags take feedparser seconds."""
    deep = b"<rss version='2.0'><channel><item><title>x</title><description>"
    deep += b"<b>" * 300_000 + b"</b>" * 300_000 + b"</description></item></channel></rss>"
    async with Parsers(1, timeout_s=0.3) as parsers:
        await parsers.read(job(feed("warm")))
        slow, fine = await asyncio.gather(
            parsers.read(job(deep)), parsers.read(job(feed("một"))), return_exceptions=True
        )
    assert isinstance(slow, ParseError)
    assert fine.document.title == "một"


async def test_time_is_the_processors_and_only_in_the_end_the_clocks():
    async with Parsers(1, timeout_s=0.5) as parsers:
        await parsers.read(job(feed("warm")))
        began = time.monotonic()
        slow = await parsers.read(job(feed("starved"), Starved()))
        assert slow.document.title == "starved"
        assert time.monotonic() - began > 0.5
        with pytest.raises(QuarantinedError, match=r"longer than 0\.5 s"):
            await parsers.read(job(feed("asleep"), Asleep()))


async def test_documents_that_hang_hold_up_nobody_but_each_other():
    async with Parsers(2, timeout_s=0.6, quick_s=0.2) as parsers:
        await parsers.read(job(feed("warm")))
        hanging = [asyncio.create_task(parsers.read(job(feed("x"), Endless()))) for _ in range(3)]
        good = [asyncio.create_task(parsers.read(job(feed(f"{n}")))) for n in range(60)]
        parsed = await asyncio.gather(*good)
        assert [one.document.title for one in parsed] == [str(n) for n in range(60)]
        assert not all(one.done() for one in hanging), "one by one they take 2 seconds"
        with pytest.raises(QuarantinedError, match=r"longer than 0\.6 s"):
            await hanging[0]


async def test_what_was_quarantined_before_is_read_apart_from_the_others(parsers):
    await parsers.read(job(feed("warm")))
    before = {child.pid for child in multiprocessing.active_children()}
    with pytest.raises(QuarantinedError, match="kills the process"):
        await parsers.read(replace(job(feed("x"), Deadly()), suspect=True))
    healed = await parsers.read(replace(job(feed("healed")), suspect=True))
    assert healed.document.title == "healed"
    assert {child.pid for child in multiprocessing.active_children()} == before


async def test_who_finds_the_slow_lane_full_is_not_blamed_for_it(own_processes):
    lane = SlowLane(60, wait_s=0.2, most_bytes=1000)
    inside = asyncio.create_task(lane.read(job(feed("x"), Endless()), tries=1))
    await asyncio.sleep(0)
    for late in (job(feed("waits too long")), job(feed("is too large") + b" " * 1000)):
        with pytest.raises(BantinError, match="not read this time") as caught:
            await lane.read(late, tries=1)
        assert not isinstance(caught.value, ParseError)
    inside.cancel()
    await asyncio.gather(inside, return_exceptions=True)
    assert own_processes() == []
    assert (await lane.read(job(feed("free again")), tries=1)).document.title == "free again"


async def test_workers_that_are_killed_while_idle_are_replaced(own_processes, parsers):
    await parsers.read(job(feed("một")))
    for child in own_processes():
        os.kill(child.pid, signal.SIGKILL)
    await asyncio.sleep(0.5)
    assert (await parsers.read(job(feed("hai")))).document.title == "hai"


async def test_workers_are_replaced_after_so_many_tasks():
    async with Parsers(1, max_tasks=3) as parsers:
        for n in range(12):
            assert (await parsers.read(job(feed(f"{n}")))).document.title == str(n)


async def test_pages_and_json_are_read_in_workers_too(parsers):
    reading = ParseOptions(SourceKind.PAGE, Selectors(entry="li"))
    page = await parsers.read(job(b'<title>P</title><li><a href="/1">Tin</a></li>', reading))
    assert page.document.entries[0].link == "https://a.example/1"
    json_feed = b'{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": []}'
    assert (await parsers.read(job(json_feed))).document.title == "J"


async def test_closing_leaves_no_process_and_no_reader_waiting(own_processes):
    parsers = Parsers(1, timeout_s=60)
    await parsers.read(job(feed("warm")))
    hanging = asyncio.create_task(parsers.read(job(feed("x"), Endless())))
    waiting = [asyncio.create_task(parsers.read(job(feed(f"{n}")))) for n in range(20)]
    await asyncio.sleep(0.3)
    await parsers.close()
    results = await asyncio.gather(hanging, *waiting, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(isinstance(one, asyncio.CancelledError) or one.document.title for one in results[1:])
    assert own_processes() == []


async def test_once_it_is_closed_a_call_starts_no_process():
    """Whoever plans in a thread may go on asking for a while."""
    before = len(multiprocessing.active_children())
    parsers = Parsers(1)
    await parsers.close()
    with pytest.raises(BantinError, match="were stopped"):
        await parsers.call(os.getpid)
    assert len(multiprocessing.active_children()) == before


async def test_a_pool_that_is_never_used_starts_no_process():
    before = len(multiprocessing.active_children())
    async with Parsers(2):
        pass
    assert len(multiprocessing.active_children()) == before


class NotToBePackedError(Exception):
    """Its kind cannot be made from its words alone, as many a library's cannot."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")


def fails_with(kind: type[Exception], *args: object) -> None:
    raise kind(*args)


async def test_what_a_function_raises_costs_nobody_else_a_process():
    async with Parsers(1, timeout_s=20) as parsers:
        before = await parsers.call(os.getpid)
        reading = [asyncio.create_task(parsers.read(job(feed(f"{n}")))) for n in range(20)]
        for kind in (RuntimeError, BrokenPipeError, EOFError, OSError, TimeoutError, KeyError):
            with pytest.raises(kind, match="it does not work"):
                await parsers.call(fails_with, kind, "it does not work")
        parsed = await asyncio.gather(*reading)
        assert [one.document.title for one in parsed] == [str(n) for n in range(20)]
        assert await parsers.call(os.getpid) == before


async def test_an_error_that_cannot_travel_is_told_in_words():
    async with Parsers(1, timeout_s=20) as parsers:
        before = await parsers.call(os.getpid)
        with pytest.raises(BantinError, match="NotToBePackedError: 7 so so"):
            await parsers.call(fails_with, NotToBePackedError, 7, "so so")
        parsed = await asyncio.gather(*(parsers.read(job(feed(f"{n}"))) for n in range(9)))
        assert len(parsed) == 9
        assert await parsers.call(os.getpid) == before


@dataclass(frozen=True)
class Faulty(ParseOptions):
    """A document at which our own code fails, as a bug would."""

    def __getattribute__(self, name):
        if name == "kind" and multiprocessing.parent_process() is not None:
            raise RuntimeError("a bug")
        return super().__getattribute__(name)


async def test_a_document_that_finds_a_bug_costs_no_other_anything(parsers):
    jobs = [job(feed(f"{n}")) for n in range(20)]
    jobs[4] = job(feed("x"), Faulty())
    results = await asyncio.gather(*map(parsers.read, jobs), return_exceptions=True)
    assert isinstance(results[4], ParseError)
    assert [one.document.title for one in results if one is not results[4]] == [
        str(n) for n in range(20) if n != 4
    ]


def test_a_stop_while_a_worker_begins_leaves_no_process_and_says_nothing(tmp_path):
    command = [sys.executable, "-m", "tests.collect.workers.stopped_early", str(tmp_path / "first")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "BantinError('the processes that read documents were stopped')\n"
