"""`bantin`: which commands there are, and how errors leave it.

Exit 0 fine, 1 the job failed, 2 wrong use or configuration. Commands are loaded when they are
called, so that `bantin --version` and shell completion do not import the whole service.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from importlib.metadata import version
from typing import Any

import click
from click.shell_completion import CompletionItem

from service.errors import BantinError, ConfigError, UsageError

COMMANDS = {
    "init": ("service.cli.init:init", "create a first configuration"),
    "check": ("service.cli.check:check", "list every fault in the configuration"),
    "demo": ("service.cli.demo:demo", "run a guided tour on bundled sources, offline"),
    "up": ("service.cli.up:up", "run the service"),
    "serve": ("service.cli.up:up", ""),
    "admin": ("service.cli.admin:admin", "print a link that opens the admin pages"),
    "reload": ("service.cli.up:reload_", "make the running service reload its configuration"),
    "migrate": ("service.cli.kept.migrate:migrate", "bring the database to this version"),
    "collect": ("service.cli.collect:collect", "collect sources that are due, or the named ones"),
    "publish": ("service.cli.collect:publish", "update feeds and pages"),
    "digest": ("service.cli.digest:digest", "preview a digest's mail; send what is due"),
    "status": ("service.cli.status:status", "show health and lateness at a glance"),
    "articles": ("service.cli.status:articles", "list stored articles"),
    "explain": ("service.cli.status:explain", "show everything known about an article"),
    "why": ("service.cli.status:why", "tell whether a subscriber got an article"),
    "parse": ("service.cli.parse:parse", "show what the service reads in a feed or page"),
    "sources": ("service.cli.sources.sources:sources", "list, add, pause, import, export sources"),
    "topics": (
        "service.cli.topics.topics:topics",
        "try the rules of topics; learn topics from labelled texts",
    ),
    "subscribers": (
        "service.cli.subscribers:subscribers",
        "list, add, import, export, forget subscribers",
    ),
    "stories": ("service.cli.stories.stories:stories", "list, split and merge stories"),
    "recall": (
        "service.cli.stories.recall:recall",
        "take back a story that went out, and tell those who were told",
    ),
    "deliveries": (
        "service.cli.deliveries:deliveries",
        "list and settle mails that may not have arrived",
    ),
    "backup": ("service.cli.kept.backup:backup", "write the store into one file while it is used"),
    "restore": ("service.cli.kept.backup:restore", "make the store from a backup"),
    "store": ("service.cli.kept.store:store", "move the store to another database"),
    "mail": (
        "service.cli.mailing.mail:mail",
        "send a test mail through a relay; make the key that signs mails",
    ),
    "bounces": (
        "service.cli.mailing.bounces:bounces",
        "read returned mail, and write no more to addresses that are dead",
    ),
    "doctor": (
        "service.cli.mailing.doctor:doctor",
        "examine whether mail is let through, and say what to do",
    ),
    "config": ("service.cli.config:config", "show the effective configuration, or its schema"),
    "templates": ("service.cli.templates:templates", "list templates; copy them to customize"),
    "completion": ("service.cli.completion:completion", "print a completion script for your shell"),
}
"""Name -> (where the command is, what the first help says), in the order of that help."""

HIDDEN = frozenset({"serve"})
"""Accepted, not shown: an alias."""


class Commands(click.Group):
    """The commands, loaded on first use, and the place where our errors become exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [name for name in COMMANDS if name not in HIDDEN]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        gc.disable()  # an import makes what lasts: to look for garbage in it costs a tenth of it
        try:
            command = getattr(importlib.import_module(module), attribute)
        finally:
            gc.enable()
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        own = [CompletionItem(name, help=COMMANDS[name][1]) for name in names]
        return own + click.Command.shell_complete(self, ctx, incomplete)

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
            counted = f"{number} fault{'s' if number != 1 else ''}"
            click.echo(f"{counted}; nothing was started or changed", err=True)
            ctx.exit(2)
        except UsageError as error:
            click.echo(f"bantin: {error}", err=True)
            ctx.exit(2)
        except BantinError as error:
            click.echo(f"bantin: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(1)  # whoever pressed Ctrl-C knows it
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
