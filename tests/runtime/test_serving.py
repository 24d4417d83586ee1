"""The jobs of the service beside one another: what one took in, no other may pass over."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from service.config.schema import Settings
from service.runtime import jobs, logs, serving
from service.runtime.composition import open_service


@pytest.fixture
def running():
    """The service's jobs by name, and what they do in turn; the pass lasts until it is let go."""
    done: list[str] = []
    ends = asyncio.Event()

    async def collect(service, **_dependencies):
        done.append("pass begins")
        await ends.wait()
        done.append("pass ends")
        return SimpleNamespace(tried=0, pages=0, entries_new=0, changed=SimpleNamespace(topics=()))

    def noting(name):
        async def note(_service):
            done.append(name)

        return note

    steps = SimpleNamespace(
        collect=collect, match_again=noting("matched again"), keep_house=noting("kept house")
    )
    every = jobs.jobs(None, lambda _name: None, None, asyncio.Event(), steps=steps)
    return {job.name: job for job in every}, done, ends


async def test_new_rules_wait_for_the_pass_that_matches_by_the_old_ones(running):
    jobs, done, ends = running
    collecting = asyncio.create_task(jobs["collect"].run())
    await asyncio.sleep(0)
    matching = asyncio.create_task(jobs["house"].run())
    await asyncio.sleep(0.01)
    assert done == ["pass begins"]
    ends.set()
    await asyncio.gather(collecting, matching)
    assert done == ["pass begins", "pass ends", "matched again", "kept house"]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", 0),
        ('[web]\nlisten = "[::1]:9"\n', 1),
        ('[metrics]\nlisten = "[::1]:9"\n', 1),
    ],
)
async def test_what_a_reload_cannot_change_is_told(tmp_path, capsys, written, told):
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n', encoding="utf-8")
    service = open_service(config, {})
    config.write_text(f'[site]\ntitle = "Tin"\n{written}', encoding="utf-8")
    woken: list[str] = []
    try:
        await serving._reload(service, config, {}, woken.append)
    finally:
        logs.configure(Settings().log)
        service.close()
    assert "publish" in woken
    assert capsys.readouterr().err.count("with a restart alone") == told
