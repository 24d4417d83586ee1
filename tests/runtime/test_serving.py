"""The jobs of the service beside one another: what one took in, no other may pass over."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.config.schema import Settings
from service.runtime import logs, pipeline, serving


@pytest.fixture
def running(monkeypatch):
    """The service's jobs by name, and what they do in turn; the pass lasts until it is let go."""
    done: list[str] = []
    ends = asyncio.Event()

    async def collect(service, **_means):
        done.append("pass begins")
        await ends.wait()
        done.append("pass ends")
        return SimpleNamespace(tried=0, changed=SimpleNamespace(topics=()))

    def noting(name):
        async def note(_service):
            done.append(name)

        return note

    monkeypatch.setattr(pipeline, "collect", collect)
    monkeypatch.setattr(pipeline, "match_again", noting("matched again"))
    monkeypatch.setattr(pipeline, "keep_house", noting("kept house"))
    jobs = serving.jobs(None, lambda _name: None, None, asyncio.Event())
    return {job.name: job for job in jobs}, done, ends


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


@pytest.mark.parametrize(("written", "told"), [({}, 0), ({"web": {"listen": "[::1]:9"}}, 1)])
async def test_what_a_reload_cannot_change_is_told(monkeypatch, capsys, written, told):
    loaded = SimpleNamespace(settings=Settings.model_validate(written))
    monkeypatch.setattr(serving, "load", lambda _config, _environ: loaded)
    service = SimpleNamespace(settings=Settings(), take=lambda _loaded, *, retire: None)
    kicked: list[str] = []
    try:
        await serving._reload(service, Path(), {}, kicked.append)
    finally:
        logs.configure(Settings().log)
    assert "publish" in kicked
    assert capsys.readouterr().err.count("with a restart alone") == told
