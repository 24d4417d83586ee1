"""`bantin store` moves the store to another database."""

from __future__ import annotations

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import log_quietly
from service.cli.output import dump, json_option, number, say, spinner
from service.config.shown import without_password
from service.store.kept.copying import copy as copy_store


@click.group(cls=CommandGroup)
def store() -> None:
    """Move the store to another database."""


@store.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@json_option
def copy(source: str, target: str, as_json: bool) -> None:
    """Copy the store at FROM to TO, which is empty: each an address as in [store] url.

    `sqlite:///var/bantin.db postgresql://bantin@localhost/bantin`, or back; a file is looked for
    from this folder. The service must not run. Every row is compared; if it is killed, the same
    command goes on. TO then goes on where FROM stopped: nobody is told anything twice, as long as
    FROM is not started again. Writes TO; reads FROM.
    """
    log_quietly()
    with spinner("copying", shown=not as_json) as tell:
        copied = copy_store(source, target, lambda name, done: tell(f"{name}: {done}"))
    rows = sum(one.rows for one in copied)
    if as_json:
        dump(
            {
                "from": without_password(source),
                "to": without_password(target),
                "rows": rows,
                "kept": sum(one.kept for one in copied),
                "tables": [
                    {"name": one.name, "rows": one.rows, "kept": one.kept, "sha256": one.hash}
                    for one in copied
                ],
            }
        )
        return
    say(f"{number(rows, 'row')} of {number(len(copied), 'table')} copied and compared")
    say(f'Now write [store] url = "{without_password(target)}" and start the service.')
    say("Do not start it on the old store again: that would mail the same once more.")
