"""`bantin completion` prints the script that completes commands, options and ids."""

from __future__ import annotations

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from service.cli.app import cli
from service.cli.output import dump, json_option, say
from service.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@json_option
def completion(shell: str | None, as_json: bool) -> None:
    """Print the completion script of a shell (default: yours). Writes nothing.

    \b
    bash:  echo 'eval "$(bantin completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(bantin completion zsh)"' >> ~/.zshrc
    fish:  bantin completion fish > ~/.config/fish/completions/bantin.fish
    """  # noqa: D301 - click wants the character itself
    name = shell or Path(os.environ.get("SHELL", "")).name
    script = get_completion_class(name) if name in SHELLS else None
    if script is None:
        raise UsageError(f"name a shell: {', '.join(SHELLS)}")
    text = script(cli, {}, "bantin", "_BANTIN_COMPLETE").source()
    if as_json:
        dump({"shell": name, "script": text})
    else:
        say(text)
