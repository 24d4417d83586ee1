"""The loop that gives sites' turns: order, bounds, what ends it."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from functools import partial

import pytest

from service.collect.politeness.rate_limit import Sites
from service.collect.politeness.site_rules import SiteRules
from service.collect.polling.backpressure import IN_FLIGHT, Bodies
from service.collect.polling.dispatcher import Dispatcher
from service.config.schema import Collect, PerSite, Source
from service.errors import StoreError

GAP_S = 0.05


def rules(host: str) -> SiteRules:
    gap = PerSite(delay=timedelta(seconds=GAP_S), connections=1)
    return SiteRules(Source(url=f"http://{host}.example/", per_site=gap), Collect())


def line_up(dispatcher: Dispatcher[str], host: str, *items: str) -> None:
    for item in items:
        dispatcher.add(f"http://{host}.example/", rules(host), item)


async def test_a_site_is_free_for_others_while_the_rest_is_done():
    asked, second = [], asyncio.Event()

    async def ask(_site, item):
        asked.append(item)
        if item == "a2":
            second.set()
            return None
        return partial(asyncio.wait_for, second.wait(), 10)  # over only once the next is asked

    dispatcher = Dispatcher[str](Sites(), ask, 8)
    line_up(dispatcher, "a", "a1", "a2")
    await dispatcher.run()
    assert asked == ["a1", "a2"]
    assert len(dispatcher) == 0


async def test_so_many_run_at_once_with_their_rest_and_others_begin_as_they_end():
    running, most, ended = 0, 0, []

    async def rest(item):
        nonlocal running
        await asyncio.sleep(0)
        running -= 1
        ended.append(item)

    async def ask(_site, item):
        nonlocal running, most
        running += 1
        most = max(most, running)
        return partial(rest, item)

    dispatcher = Dispatcher[str](Sites(), ask, 3)
    for n in range(20):
        line_up(dispatcher, f"h{n}", f"{n}")
    await dispatcher.run()
    assert most == 3
    assert sorted(ended, key=int) == [str(n) for n in range(20)]


async def test_what_needs_another_turn_gets_the_next_one_of_its_site():
    asked, begun = [], []

    async def ask(site, item):
        asked.append(item)
        begun.append(asyncio.get_running_loop().time())
        if asked.count("a1") == 1:
            dispatcher.again(site, item)

    dispatcher = Dispatcher[str](Sites(), ask, 8)
    line_up(dispatcher, "a", "a1", "a2")
    await dispatcher.run()
    assert asked == ["a1", "a1", "a2"]
    gaps = [after - before for before, after in itertools.pairwise(begun)]
    assert min(gaps) >= GAP_S * 0.99


async def test_a_site_that_wants_to_be_left_alone_keeps_no_other_one_waiting():
    asked, left = [], []

    async def ask(site, item):
        asked.append(item)
        if item == "a1":
            left.extend(dispatcher.drop(site))

    dispatcher = Dispatcher[str](Sites(), ask, 8)
    line_up(dispatcher, "a", "a1", "a2", "a3")
    line_up(dispatcher, "b", "b1", "b2")
    await dispatcher.run()
    assert (sorted(asked), left) == (["a1", "b1", "b2"], ["a2", "a3"])


async def test_what_is_not_asked_in_time_still_waits_and_what_runs_ends():
    ended = []

    loop = asyncio.get_running_loop()
    until = loop.time() + 1.5

    async def ask(_site, item):
        await asyncio.sleep(until + 0.1 - loop.time())
        ended.append(item)

    dispatcher = Dispatcher[str](Sites(), ask, 8)
    line_up(dispatcher, "a", "a1", "a2")
    await dispatcher.run(until)
    assert ended == ["a1"]
    assert dispatcher.withdraw(str) == ["a2"]


async def test_an_error_of_ours_ends_all_and_is_told_as_it_is():
    cut_off = []

    async def ask(_site, item):
        if item == "bad":
            raise StoreError("the disk is full")
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.append(item)

    dispatcher = Dispatcher[str](Sites(), ask, 8)
    line_up(dispatcher, "a", "hangs")
    line_up(dispatcher, "b", "bad")
    with pytest.raises(StoreError, match="disk is full"):
        await dispatcher.run()
    assert cut_off == ["hangs"]


async def test_what_another_process_has_is_not_asked_and_holds_up_nothing():
    asked = []

    async def ask(_site, item):
        asked.append(item)

    async def claim(turn):
        return [None if item == "a1" else item.upper() for _, item in turn]

    dispatcher = Dispatcher[str](Sites(), ask, 8, claim=claim)
    line_up(dispatcher, "a", "a1", "a2")
    await dispatcher.run()
    assert asked == ["A2"]


async def test_more_is_lined_up_until_there_is_nothing():
    due, asked = [f"a{n}" for n in range(7)], []

    async def ask(_site, item):
        asked.append(item)

    async def more():
        some = [due.pop(0) for _ in range(min(2, len(due)))]
        for item in some:
            line_up(dispatcher, item, item)
        return bool(some)

    dispatcher = Dispatcher[str](Sites(), ask, 2, more=more)
    await dispatcher.run()
    assert sorted(asked) == [f"a{n}" for n in range(7)]


async def test_where_all_hang_the_limit_grows_and_the_others_are_asked():
    bodies, over, asked = Bodies(), asyncio.Event(), 0

    async def ask(_site, item):
        nonlocal asked
        asked += 1
        if item == "last":
            over.set()
        await asyncio.wait_for(over.wait(), 30)

    dispatcher = Dispatcher[str](Sites(), ask, bodies)
    for n in range(IN_FLIGHT):
        line_up(dispatcher, f"h{n}", "hangs")
    line_up(dispatcher, "z", "last")
    await dispatcher.run()
    assert asked == IN_FLIGHT + 1


async def test_a_run_that_breaks_off_leaves_no_site_busy():
    """Sites outlive a pass: one that nobody asks any more must be free for the next."""
    sites, asked = Sites(), []

    async def ask(_site, item):
        asked.append(item)

    async def fails(_turns):
        raise StoreError("the disk is full")

    broken = Dispatcher[str](sites, ask, 8, claim=fails)
    line_up(broken, "a", "a1")
    with pytest.raises(StoreError):
        await broken.run()
    after = Dispatcher[str](sites, ask, 8)
    line_up(after, "a", "a1")
    await asyncio.wait_for(after.run(), 60)
    assert asked == ["a1"]
