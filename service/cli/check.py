"""`bantin check` lists every fault in the configuration."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, fail, json_option, say, warn
from service.runtime.check import Checked, check_mails
from service.runtime.check import check as judge


@click.command()
@click.option("--live", is_flag=True, help="Also fetch each source and log in to each relay.")
@config_option
@json_option
def check(live: bool, config: Path, as_json: bool) -> None:
    """List every fault in the configuration, with its file, line and key.

    If there are none it counts what is configured. Exit 2 if there is a fault. Where the site has
    templates or sentences of its own, every mail is rendered with invented news, in every language
    that readers may choose; what raises is a fault too, though the service starts with it and
    whoever gets such a mail waits. --live fetches each
    source once, at the pace of its site, with conditional requests, and prints a line about what it
    found; it logs in to each relay without sending mail (`bantin mail test` sends one); and it says
    how many of the stored articles the rules of each topic match. Exit 1 if one of these fails.
    Writes nothing.
    """
    log_quietly()
    checked = judge(config, environ())
    if checked.loaded is not None:
        checked = replace(checked, faults=tuple(check_mails(checked.loaded.settings)))
    if not as_json:
        _tell(checked)
    told, fine = _live(checked, aloud=not as_json) if live else ({}, True)
    if as_json:
        dump({**_as_json(checked), **told})
    if checked.faults:
        fail(2)
    if not fine:
        fail()


def _live(checked: Checked, *, aloud: bool) -> tuple[dict[str, object], bool]:
    """What `--json` prints of it, and whether all went well."""
    # A command that asks nobody does not load what asks.
    from service.cli.check_live import Tries  # noqa: PLC0415

    tries = Tries()
    if checked.loaded is not None:
        tries.run(checked.loaded.settings, aloud=aloud)
    return {"live": tries.as_json()}, tries.fine


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


def _as_json(checked: Checked) -> dict[str, object]:
    counts = checked.counts() if checked.loaded is not None else {}
    return {
        "ok": not checked.faults,
        **counts,
        "faults": [asdict(fault) for fault in checked.faults],
        "warnings": [asdict(warning) for warning in checked.warnings],
    }
