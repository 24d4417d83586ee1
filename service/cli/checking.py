"""`bantin check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, fail, json_option, say, warn
from service.runtime.check import Checked
from service.runtime.check import check as judge


@click.command()
@config_option
@json_option
def check(config: Path, as_json: bool) -> None:
    """Name every fault of the configuration, with its file, line and key.

    Without a fault it says what is there. Exit 2 when there is a fault. Writes nothing.
    """
    log_quietly()
    checked = judge(config, environ())
    if as_json:
        dump(_as_json(checked))
    else:
        _tell(checked)
    if checked.faults:
        fail(2)


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
