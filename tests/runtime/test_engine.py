"""The engine: jobs run at once, never beside themselves, a wake-up is not lost, a failure is
told.
"""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from service.config.schema import Log
from service.runtime import logs
from service.runtime.engine import Engine, PeriodicJob

PATIENCE_S = 60


async def test_every_job_runs_once_at_the_start_and_again_while_there_is_more():
    runs: list[int] = []
    third = asyncio.Event()

    async def run() -> bool:
        runs.append(1)
        if len(runs) == 3:
            third.set()
        return len(runs) < 3

    engine = Engine([PeriodicJob("mail", run, 3600)])
    engine.start()
    await asyncio.wait_for(third.wait(), PATIENCE_S)
    await asyncio.sleep(0.05)
    assert await engine.stop(PATIENCE_S)
    assert len(runs) == 3


async def test_a_wake_during_a_run_leads_to_another_run_and_never_to_two_at_once():
    running = most = runs = 0
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def run() -> bool:
        nonlocal running, most, runs
        running += 1
        runs += 1
        most = max(most, running)
        begun.set()
        await go_on.wait()
        running -= 1
        return False

    engine = Engine([PeriodicJob("collect", run, 3600)])
    engine.start()
    await begun.wait()
    for _ in range(5):
        await asyncio.to_thread(engine.wake, "collect")
    begun.clear()
    go_on.set()
    await begun.wait()
    await asyncio.sleep(0.05)
    assert await engine.stop(PATIENCE_S)
    assert (most, runs) == (1, 2)


async def test_a_tick_runs_the_job_and_a_failing_one_is_told_and_tried_again(capsys):
    logs.configure(Log(format="json"))
    tries = 0
    third = asyncio.Event()

    async def run() -> bool:
        nonlocal tries
        tries += 1
        if tries == 3:
            third.set()
        raise RuntimeError("the disk is full")

    engine = Engine([PeriodicJob("publish", run, 0.1)])
    engine.start()
    await asyncio.wait_for(third.wait(), PATIENCE_S)
    assert await engine.stop(PATIENCE_S)
    said = capsys.readouterr().err
    assert '"job": "publish"' in said
    assert "the disk is full" in said


async def test_stop_waits_for_a_running_job_and_cuts_off_one_that_does_not_end():
    ended: list[str] = []
    begun = asyncio.Barrier(3)
    stopping = asyncio.Event()

    async def short() -> bool:
        await begun.wait()
        await stopping.wait()
        ended.append("short")
        return True

    async def endless() -> bool:
        await begun.wait()
        await asyncio.sleep(3600)
        ended.append("endless")
        return True

    engine = Engine([PeriodicJob("short", short, 3600), PeriodicJob("endless", endless, 3600)])
    engine.start()
    await begun.wait()
    asyncio.get_running_loop().call_later(0.05, stopping.set)
    assert not await engine.stop(1)
    assert ended == ["short"]


async def test_an_unknown_name_is_an_error():
    with pytest.raises(KeyError):
        Engine([]).wake("nonsense")


async def test_ticks_need_no_thread_of_the_shared_pool():
    """Threads that all wait for a database must not hold up the ticks of what needs none."""
    runs = 0
    again = asyncio.Event()

    async def run() -> bool:
        nonlocal runs
        runs += 1
        if runs > 2:
            again.set()
        return False

    let_go = threading.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, let_go.wait)
    engine = Engine([PeriodicJob("mail", run, 0.05)])
    engine.start()
    try:
        await asyncio.wait_for(again.wait(), PATIENCE_S)
    finally:
        let_go.set()
        await busy
    assert await engine.stop(PATIENCE_S)


async def test_a_job_that_ran_when_the_clock_was_set_is_followed_by_one_more_repair():
    """It may write instants of the old clock after the repair, which would stand for an hour."""
    ahead = timedelta()
    told: asyncio.Queue[None] = asyncio.Queue()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def run() -> bool:
        begun.set()
        await go_on.wait()
        return False

    ticked = Ticked()
    engine = Engine(
        [PeriodicJob("collect", run, 3600), ticked.job],
        lambda: told.put_nowait(None),
        clock=lambda: datetime.now(UTC) + ahead,
    )
    engine.start()
    await begun.wait()
    await ticked.goes_on()
    assert told.empty()
    ahead = timedelta(hours=-2)
    await asyncio.wait_for(told.get(), PATIENCE_S)
    await ticked.goes_on()
    while not told.empty():  # another one for `memory` where it ran just then
        told.get_nowait()
    go_on.set()
    await asyncio.wait_for(told.get(), PATIENCE_S)
    assert await engine.stop(PATIENCE_S)
    assert told.empty()


class Ticked:
    """A job that counts its runs, and waits for some more."""

    def __init__(self) -> None:
        self.runs = 0
        self.job = PeriodicJob("memory", self._run, 0.05)

    async def _run(self) -> bool:
        self.runs += 1
        return False

    async def goes_on(self) -> None:
        wanted = self.runs + 3
        async with asyncio.timeout(PATIENCE_S):
            while self.runs < wanted:  # noqa: ASYNC110 - its ticks are what is looked at
                await asyncio.sleep(0.01)


async def test_ticks_go_on_whatever_is_raised_when_the_clock_is_set(capsys):
    """The system's clock is set ahead, then back, and who is told of it fails."""
    logs.configure(Log(format="json"))
    told: list[int] = []

    def stepped() -> None:
        told.append(1)
        raise RuntimeError("told in vain")

    loop = asyncio.get_running_loop()
    raised: list[object] = []
    loop.set_exception_handler(lambda _loop, context: raised.append(context.get("exception")))
    ticked = Ticked()
    engine = Engine([ticked.job], stepped)
    engine.start()
    await ticked.goes_on()
    for hours in (1, -2):
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
            await ticked.goes_on()
        await ticked.goes_on()
    assert await engine.stop(PATIENCE_S)
    assert len(told) == 4
    assert [type(one) for one in raised] == [RuntimeError] * 4
    assert capsys.readouterr().err.count("the system's clock was set") == 4


async def test_a_clock_that_is_set_just_as_a_tick_is_due_holds_up_no_tick():
    """Between the look at the clock and the look at what is due by it."""
    ticked = Ticked()
    engine = Engine([ticked.job])
    engine.start()
    await ticked.goes_on()
    time.sleep(2 * ticked.job.every_s)  # noqa: ASYNC251 - one is due, and nobody has looked
    engine._scheduler.wakeup()
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True):
        await ticked.goes_on()
    assert await engine.stop(PATIENCE_S)


async def test_where_the_database_s_clock_decides_this_machine_s_moves_ticks_alone(capsys):
    logs.configure(Log(format="json"))
    told: list[int] = []
    rows = datetime(2026, 11, 29, tzinfo=UTC)
    loop = asyncio.get_running_loop()
    begun, ahead = loop.time(), timedelta()
    ticked = Ticked()
    engine = Engine(
        [ticked.job],
        lambda: told.append(1),
        clock=lambda: rows + ahead + timedelta(seconds=loop.time() - begun),
    )
    engine.start()
    await ticked.goes_on()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=2), tick=True):
        await ticked.goes_on()
    await ticked.goes_on()
    assert told == []
    ahead = timedelta(seconds=45)
    await ticked.goes_on()
    for _ in range(20):  # a steady clock that runs slower or faster is no step
        ahead += timedelta(seconds=0.3)
        await ticked.goes_on()
    assert await engine.stop(PATIENCE_S)
    assert len(told) in {1, 2}  # once more where the job itself ran just then
    said = capsys.readouterr().err
    assert said.count("the system's clock was set") == 2
    assert said.count("the database's clock was set") == 1
