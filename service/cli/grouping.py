"""A group of commands whose help says the whole first sentence of each."""

from __future__ import annotations

import click

_WHOLE = 10_000
"""Characters: no sentence is as long, so that click never cuts one."""


class CommandGroup(click.Group):
    """Click's group, without cutting sentences at the edge of the window."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(_WHOLE))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
