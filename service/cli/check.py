"""`bantin check` lists every fault in the configuration."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, fail, json_option, printable, say, warn
from service.collect.polling import dry_run
from service.collect.polling.dry_run import Tried
from service.collect.polling.poll import client_of
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.curate.stored import LATEST, Fitting
from service.mail.trial import LoggedIn, log_in
from service.runtime.check import Checked
from service.runtime.check import check as judge
from service.runtime.composition import fitting, readers, remembered, system_clock

_MARKS = {True: "ok", False: "FAIL", None: "-"}


@click.command()
@click.option("--live", is_flag=True, help="Also fetch each source and log in to each relay.")
@config_option
@json_option
def check(live: bool, config: Path, as_json: bool) -> None:
    """List every fault in the configuration, with its file, line and key.

    If there are none it counts what is configured. Exit 2 if there is a fault. --live fetches each
    source once, at the pace of its site, with conditional requests, and prints a line about what it
    found; it logs in to each relay without sending mail (`bantin mail test` sends one); and it says
    how many of the stored articles the rules of each topic match. Exit 1 if one of these fails.
    Writes nothing.
    """
    log_quietly()
    checked = judge(config, environ())
    if not as_json:
        _tell(checked)
    tried: list[Tried] = []
    relays: list[LoggedIn] = []
    fits: Fitting | None = None
    if live and checked.loaded is not None:
        tried = asyncio.run(_try(checked.loaded.settings, aloud=not as_json))
        relays = asyncio.run(_log_in(checked.loaded.settings, aloud=not as_json))
        fits = fitting(checked.loaded.settings)
        if fits is not None and not as_json:
            _tell_topics(fits)
    if as_json:
        said = {"live": _live_as_json(tried, relays, fits)} if live else {}
        dump({**_as_json(checked), **said})
    if checked.faults:
        fail(2)
    if any(one.ok is False for one in tried) or not all(one.ok for one in relays):
        fail()


async def _try(settings: Settings, *, aloud: bool) -> list[Tried]:
    tried: list[Tried] = []

    def tell(one: Tried) -> None:
        tried.append(one)
        if aloud:
            say(f"{_MARKS[one.ok]:4}  {one.name}: {printable(one.said)}")

    known = await asyncio.to_thread(remembered, settings)
    people = await asyncio.to_thread(readers, settings)
    async with client_of(settings, system_clock, people) as client, Parsers() as parsers:
        await dry_run.try_all(settings, client, parsers, system_clock, tell, known)
    order = {name: place for place, name in enumerate(settings.source)}
    return sorted(tried, key=lambda one: order[one.name])


async def _log_in(settings: Settings, *, aloud: bool) -> list[LoggedIn]:
    found: list[LoggedIn] = []

    def tell(one: LoggedIn) -> None:
        found.append(one)
        if aloud:
            say(f"{_MARKS[one.ok]:4}  relay {one.name}: {printable(one.said)}")

    await log_in(settings, tell)
    return found


def _tell(checked: Checked) -> None:
    for fault in checked.faults:
        warn(str(fault))
    for warning in checked.warnings:
        warn(f"warning: {warning}")
    number = len(checked.faults)
    if number:
        warn(f"{number} fault{'s' if number != 1 else ''}")
    else:
        say(f"fine: {checked.summary()}")


def _tell_topics(fits: Fitting) -> None:
    for name, number in fits.topics.items() if fits.stored else ():
        say(f"{_MARKS[True if number else None]:4}  {name}: {_matches(number, fits.stored)}")


def _matches(number: int, stored: int) -> str:
    if stored < LATEST:
        return f"{number} of {stored} stored articles match"
    return f"{number} of the latest {stored} stored articles match"


def _live_as_json(
    tried: list[Tried], relays: list[LoggedIn], fits: Fitting | None
) -> dict[str, object]:
    topics = fits.topics if fits is not None else {}
    return {
        "sources": [dry_run.as_json(one) for one in tried],
        "relays": [{"id": one.name, "ok": one.ok, "said": one.said} for one in relays],
        "topics": [{"id": name, "match": number} for name, number in topics.items()],
        "stored": None if fits is None else fits.stored,
    }


def _as_json(checked: Checked) -> dict[str, object]:
    counts = checked.counts() if checked.loaded is not None else {}
    return {
        "ok": not checked.faults,
        **counts,
        "faults": [asdict(fault) for fault in checked.faults],
        "warnings": [asdict(warning) for warning in checked.warnings],
    }
