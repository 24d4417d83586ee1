"""Letting sources rest from the command line: the TOML stays as it is, restarts change nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from service.store import tables as t
from service.store.core.database import Store


def states(ask):
    return {one["id"]: (one["state"], one["paused_until"]) for one in ask("status")["sources"]}


def test_a_paused_source_is_not_asked_and_goes_on_when_resumed(ask, run, site, web):
    written = (site / "bantin.toml").read_bytes()
    assert run("sources", "pause", "bao-a").stdout == "paused until they are resumed: bao-a\n"
    assert ask("collect")["tried"] == 1
    assert states(ask)["bao-a"] == ("paused", None)
    assert "bao-a\tpaused\t" in run("sources", "list").stdout
    assert "paused by hand" in run("status").stdout
    assert ask("collect", "bao-a")["tried"] == 1  # named: a person wants it now
    assert run("sources", "resume", "bao-a", "bao-b").stdout == "resumed: bao-a, bao-b\n"
    assert states(ask)["bao-a"] == ("ok", None)
    assert (site / "bantin.toml").read_bytes() == written


def test_a_pause_for_a_while_ends_by_itself(ask, run, site, web):
    before = datetime.now(UTC)
    (told,) = ask("sources", "pause", "bao-a", "--for", "7d")
    until = datetime.fromisoformat(told["paused_until"])
    assert timedelta(0) <= until - before - timedelta(days=7) < timedelta(minutes=1)
    assert states(ask)["bao-a"] == ("paused", told["paused_until"])
    assert ask("collect")["tried"] == 1
    store = Store(f"sqlite:///{site / 'var' / 'bantin.db'}")
    with store.write() as connection:  # a week later
        paused = update(t.source).where(t.source.c.paused_since.is_not(None))
        connection.execute(paused.values(paused_until=before))
    store.close()
    assert states(ask)["bao-a"] == ("new", None)
    assert ask("collect")["tried"] == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("pause", "khong"), '; there are "bao-a" and "bao-b"\n'),
        (("pause", "bao-a", "--for", "soon"), "is not a duration"),
        (("pause", "bao-a", "--for", "0d"), "must be longer than no time"),
        (("resume",), "Missing argument"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_written(ask, run, site, web, args, words):
    assert words in run("sources", *args, code=2).stderr
    assert states(ask)["bao-a"] == ("new", None)


def test_what_the_file_pauses_the_file_resumes(ask, run, site, web):
    config = site / "bantin.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[source.bao-b]", "[source.bao-b]\npaused = true"))
    run("collect")
    told = run("sources", "resume", "bao-b", code=2).stderr
    assert "source 'bao-b' is paused by bantin.toml:16; remove `paused` there" in told
    assert "paused in the configuration" in run("status").stdout
