"""`bantin config` shows the effective configuration, and the schema for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import environ, log_quietly
from service.cli.output import config_option, dump, json_option, say
from service.config.json_schema import json_schema
from service.config.shown import shown
from service.runtime.composition import load


@click.group(cls=CommandGroup)
def config() -> None:
    """Show the effective configuration, or the schema of its file."""


@config.command()
@config_option
@json_option
def show(config: Path, as_json: bool) -> None:
    """Print every key with its value, defaults included, without passwords. Writes nothing."""
    log_quietly()
    found = shown(load(config, environ()).settings)
    if as_json:
        dump(found)
        return
    for key, value in _lines(found, ""):
        say(f"{key} = {json.dumps(value, ensure_ascii=False)}")


def _lines(table: dict[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    """Dotted key -> value. What is not set has no line."""
    for name, value in table.items():
        key = f"{above}.{name}" if above else name
        if isinstance(value, dict):
            yield from _lines(value, key)
        elif value is not None:
            yield key, value


@config.command()
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of bantin.toml, for editors. Writes nothing.

    `bantin init` writes it to bantin.schema.json, where the first line of the TOML names it.
    """
    if as_json:
        dump(json_schema())
    else:
        say(json.dumps(json_schema(), ensure_ascii=False, indent=1))
