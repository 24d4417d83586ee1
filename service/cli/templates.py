"""`bantin templates` lists and copies templates. Those not copied come from the package."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.grouping import CommandGroup
from service.cli.output import config_option, dump, json_option, say
from service.render import copies


@click.group(cls=CommandGroup)
def templates() -> None:
    """List the templates; copy those that you want to change."""


@templates.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List every template, and which ones you have copied. Writes nothing."""
    own = copies.copied(config.parent)
    if as_json:
        dump([{"name": name, "copied": name in own} for name in copies.names()])
        return
    for name in copies.names():
        say(f"{name}\tcopied" if name in own else name)


def _names(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in copies.names() if name.startswith(incomplete)]


@templates.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=_names)
@config_option
@json_option
def copy(names: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Copy a template, or a folder such as mail/edition, beside the configuration.

    Copies do not follow later versions of Bantin, so copy only what you change. Existing files are
    never overwritten (exit 2). Writes templates/.
    """
    written = [path for name in names for path in copies.copy(config.parent, name)]
    if as_json:
        dump({"copied": written})
        return
    for path in written:
        say(f"wrote {path}")
