"""`bantin`: which commands there are, and how errors leave it.

Exit 0 fine, 1 the job failed, 2 wrong use or configuration. Commands are loaded when they are
called, so that `bantin --version` and shell completion do not import the whole service.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.metadata import version
from typing import Any

import click

from service.errors import BantinError, ConfigError, UsageError

COMMANDS = {
    "init": "service.cli.init:init",
    "check": "service.cli.checking:check",
    "demo": "service.cli.touring:demo",
    "up": "service.cli.serving:up",
    "serve": "service.cli.serving:up",
    "reload": "service.cli.serving:reload_",
    "collect": "service.cli.passes:collect",
    "publish": "service.cli.passes:publish",
    "digest": "service.cli.digests:digest",
    "status": "service.cli.looking:status",
    "articles": "service.cli.looking:articles",
    "explain": "service.cli.looking:explain",
    "why": "service.cli.looking:why",
    "parse": "service.cli.parsing:parse",
    "sources": "service.cli.sources:sources",
    "subscribers": "service.cli.subscribers:subscribers",
    "deliveries": "service.cli.deliveries:deliveries",
    "config": "service.cli.configuring:config",
    "templates": "service.cli.templating:templates",
    "completion": "service.cli.completing:completion",
}
"""In the order of the help."""

HIDDEN = frozenset({"serve"})
"""Accepted, not shown: an alias."""


class Commands(click.Group):
    """The commands, loaded on first use, and the seam where our errors become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in COMMANDS if name not in HIDDEN]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = _nearest(args[0]) if args else None
            if near is None:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near!r}?", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for fault in error.faults:
                click.echo(str(fault), err=True)
            number = len(error.faults)
            click.echo(f"{number} fault{'s' if number != 1 else ''}; nothing was started", err=True)
            ctx.exit(2)
        except UsageError as error:
            click.echo(f"bantin: {error}", err=True)
            ctx.exit(2)
        except BantinError as error:
            click.echo(f"bantin: {error}", err=True)
            ctx.exit(1)
        except BrokenPipeError:
            # `bantin status | head`: the reader has gone. Python must not complain at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)


def _nearest(name: str) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only for a mistyped command

    return next(iter(get_close_matches(name, COMMANDS, n=1)), None)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("bantin"), prog_name="bantin")
def cli() -> None:
    """Bantin collects sources, publishes a feed per topic and mails digests.

    Begin with `bantin demo`, then `bantin init tin && cd tin && bantin up`.
    """
