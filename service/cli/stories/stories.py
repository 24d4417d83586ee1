"""`bantin stories`: which articles are put together, and how well."""

from __future__ import annotations

import click

from service.cli.grouping import CommandGroup
from service.cli.stories.by_hand import merge, split
from service.cli.stories.evaluate import evaluate
from service.cli.stories.show import list_, show


@click.group(cls=CommandGroup)
def stories() -> None:
    """See which articles are one story; split and merge stories by hand; measure the judgement."""


for command in (list_, show, split, merge, evaluate):
    stories.add_command(command)
