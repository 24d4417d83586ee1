"""What the running process says of itself: failing jobs, a late loop; and that it can be read."""

from __future__ import annotations

import asyncio
import time

import pytest

from service.report.trouble import said, utc
from service.runtime import vitals as vitals_module
from service.runtime.composition import open_service
from service.runtime.engine import Engine, PeriodicJob
from service.runtime.vitals import FILE, SIZE, Vitals, noted


@pytest.fixture
def service(tmp_path):
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n', encoding="utf-8")
    opened = open_service(config, {})
    yield opened
    opened.close()


async def until(ready, within_s=30.0):
    end = time.monotonic() + within_s
    while not ready():
        assert time.monotonic() < end, "it never came"
        await asyncio.sleep(0.01)


def of_jobs(vitals):
    return [one for one in vitals.troubles() if not one.key.startswith("disk")]


async def test_jobs_that_fail_one_after_another_are_told_until_they_do_not(service):
    vitals = Vitals(service)
    broken, runs = True, 0

    async def run() -> bool:
        nonlocal runs
        runs += 1
        if broken:
            async with asyncio.TaskGroup():
                raise OSError("no space left")
        return False

    async def well() -> bool:
        return False

    engine = Engine(
        [PeriodicJob("mail", run, 0.05), PeriodicJob("publish", well, 0.05)], ended=vitals.job_ended
    )
    engine.start()
    await until(lambda: runs >= 4)
    [told] = of_jobs(vitals)
    assert (told.key, told.values["job"], told.stops) == ("job", "mail", True)
    assert told.values["times"] >= 3
    words = said(told, service.renderer.words("en"), utc)
    assert words.startswith("The job “mail” has failed since ")
    assert words.endswith("OSError: no space left")
    broken, before = False, runs
    await until(lambda: runs >= before + 2)
    assert await engine.stop(60)
    assert of_jobs(vitals) == []


async def test_one_failure_is_told_and_stops_nothing(service):
    vitals = Vitals(service)
    vitals.job_ended("seek", ValueError("x"))
    [told] = of_jobs(vitals)
    assert not told.stops


async def test_a_loop_that_was_held_up_is_told_with_how_long(service):
    vitals = Vitals(service)
    beat = asyncio.create_task(vitals.beat())
    await asyncio.sleep(0)
    assert of_jobs(vitals) == []
    time.sleep(vitals_module.BEAT_S + vitals_module.LATE_S + 0.1)  # noqa: ASYNC251 - it holds it up
    [told] = of_jobs(vitals)  # while it still does, as another thread would see it
    await asyncio.sleep(0.01)
    [after] = of_jobs(vitals)
    beat.cancel()
    assert told.key == after.key == "loop"
    assert after.values["seconds"] >= vitals_module.LATE_S


async def test_a_command_beside_reads_what_the_service_says_of_itself(service):
    vitals = Vitals(service)
    vitals.job_ended("mail", OSError("chậm"))
    file = service.settings.var / FILE
    with vitals.kept():
        await until(lambda: file.exists() and noted(service.settings.var) != [])
        assert noted(service.settings.var) == vitals.troubles()
        assert file.stat().st_size == SIZE, "written over in place, whatever it says"
        assert file.stat().st_mode & 0o777 == 0o600
    assert not file.exists()
    assert noted(service.settings.var) == []
