"""`bantin subscribers invite` asks the people on a list, each by one mail."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from service.audience import inviting
from service.audience.lists import LineFault
from service.cli.opening import ids_of, opened
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    number,
    printable,
    say,
    warn,
)


@click.command()
@click.argument("file", metavar="CSV", type=click.File("rb"))
@click.option("--digest", metavar="ID", shell_complete=ids_of("digest"),
              help="The digest of lines that name none; default: the only digest.")  # fmt: skip
@click.option("--list", "list_name", metavar="NAME",
              help="Kept with each consent; default: the file's name.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only count who would be invited.")
@config_option
@json_option
def invite(
    file: Any, digest: str | None, list_name: str | None, dry_run: bool, config: Path, as_json: bool
) -> None:
    """Invite the people on a list by one mail each; only who says yes is subscribed.

    Reads what import reads. Who has left, is suppressed, reads it already or was ever invited gets
    no mail. When, from which list, with which words and from where the yes came is kept. At most
    200 mails an hour and 2,000 a day go out. Each bad line is named; then exit 1. Writes the store.
    """
    faults: list[LineFault] = []
    lines = io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")
    with lines, opened(config) as service:
        zone = service.settings.zone
        done = inviting.invite_csv(
            service.store,
            service.settings,
            service.renderer,
            service.clock(),
            lines,
            faults.append,
            list_name=list_name or Path(file.name).name,
            digest=digest,
            file=Path(file.name).name,
            dry_run=dry_run,
        )
    if as_json:
        dump({**asdict(done), "faults": [asdict(fault) for fault in faults]})
    else:
        for fault in faults:
            who = f"{fault.address}: " if fault.address else ""
            warn(f"{file.name}:{fault.line}: {printable(who + fault.problem)}")
        would = "would be " if dry_run else ""
        last = f"; the last mail goes out {local(done.last_at, zone)}" if done.last_at else ""
        say(
            f"{done.invited} {would}invited, {done.already} need no mail, "
            f"{done.left_out} left out, {done.barred} suppressed, "
            f"{number(done.refused, 'line')} refused{last}"
        )
        if done.full:
            warn(f"{done.full} more have no room within six days: run the command again later")
    if done.refused:
        fail()
