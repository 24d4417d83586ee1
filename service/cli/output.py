"""How commands speak: tables and sentences for people, one JSON document for programs."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import click
from click.exceptions import Exit
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from service.config.loading import DEFAULT_NAME

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def config_option(command: Decorated) -> Decorated:
    """`--config FILE` (else BANTIN_CONFIG, else ./bantin.toml)."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="BANTIN_CONFIG",
        default=Path(DEFAULT_NAME),
        help=f"The configuration; default ./{DEFAULT_NAME} or $BANTIN_CONFIG.",
    )(command)


def json_option(command: Decorated) -> Decorated:
    """`--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="One JSON document on standard output."
    )(command)


def say(text: str = "") -> None:
    """A line on standard output."""
    click.echo(text)


def warn(text: str) -> None:
    """A line on standard error."""
    click.echo(text, err=True)


def dump(value: object) -> None:
    """One JSON document on standard output, a line."""
    click.echo(json.dumps(value, ensure_ascii=False, default=plain))


def plain(value: object) -> object:
    """What JSON has not, as it is written there."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON")


def fail(code: int = 1) -> NoReturn:
    """Leave with this exit code; what there is to say has been said."""
    raise Exit(code)


def raw(data: bytes) -> None:
    """Bytes on standard output as they are, nothing added."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


_SHORT = 24
"""Characters of a story's id. A column no wider has dates, numbers and ids, not sentences."""

_BETWEEN = 3
"""Blanks between two columns."""

_LEAST = 8
"""Characters that a column which is folded needs."""


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table as wide as the terminal; in a pipe tab-separated lines under the heads.

    On a terminal columns in which nothing stands are left out, and where the others are too many
    to stand beside each other a row is several lines.
    """
    if not sys.stdout.isatty():
        for row in [heads, *rows]:
            say("\t".join(_cell(value) for value in row))
        return
    console = Console()
    if not rows:
        console.print(Text.assemble((title, "bold"), ("  none", "dim")))
        return
    grid = Table(
        box=box.SIMPLE_HEAD,
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
    )
    # What sources say is text, never markup of the terminal's.
    columns = [[Text(_cell(value)) for value in column] for column in zip(*rows, strict=True)]
    filled = [
        (head, column)
        for head, column in zip(heads, columns, strict=True)
        if any(cell.plain for cell in column)
    ]
    widths = [_width(head, column) for head, column in filled]
    if sum(min(one, _LEAST) + _BETWEEN for one in widths) > console.width:
        _records(console, title, filled)
        return
    short = _short_columns([column for _head, column in filled], widths, console.width)
    for place, (head, _column) in enumerate(filled):
        shown = _folded(head, widths[place]) if place in short else head
        grid.add_column(shown, overflow="fold", no_wrap=place in short)
    for line in zip(*(column for _head, column in filled), strict=True):
        grid.add_row(*line)
    console.print(grid)


def _records(console: Console, title: str, filled: Sequence[tuple[str, Sequence[Text]]]) -> None:
    """A row as lines, each with its head: the columns have no room beside each other."""
    console.print(Text(title, "bold"))
    heads = [Text(head, "dim") for head, _column in filled]
    for row in zip(*(column for _head, column in filled), strict=True):
        grid = Table.grid(padding=(0, _BETWEEN))
        for line in zip(heads, row, strict=True):
            grid.add_row(Text(), *line)
        console.print(grid)
        console.print()


def _width(head: str, column: Sequence[Text]) -> int:
    """Of the longest cell, or of the longest word above it: a head may stand on several lines."""
    return max(
        [*(cell.cell_len for cell in column), *(Text(word).cell_len for word in head.split())]
    )


def _folded(head: str, width: int) -> str:
    return "\n".join(textwrap.wrap(head, width, break_long_words=False, break_on_hyphens=False))


def _short_columns(
    columns: Sequence[Sequence[Text]], widths: Sequence[int], width: int
) -> set[int]:
    """Columns whose cells stand on one line, to be read and copied; the others are folded.

    As many as there is room for, ids first; no lists.
    """
    spare = width - sum(min(one, _LEAST) + _BETWEEN for one in widths)
    short: set[int] = set()
    for place in sorted(range(len(widths)), key=lambda place: -widths[place]):
        more = max(widths[place] - _LEAST, 0)
        is_list = any(", " in cell.plain for cell in columns[place])
        if widths[place] <= _SHORT and more <= spare and not is_list:
            short.add(place)
            spare -= more
    return short


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key} {number}" for key, number in value.items())
    return " ".join(printable(str(value)).split())


def number(n: int, noun: str) -> str:
    """1 mail, 2 mails, 2 new entries."""
    if n == 1:
        return f"{n} {noun}"
    if noun.endswith("y"):
        return f"{n} {noun.removesuffix('y')}ies"
    return f"{n} {noun}es" if noun.endswith("s") else f"{n} {noun}s"


def printable(text: str) -> str:
    """Text without control characters: a headline must not speak to the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text)


def local(at: datetime | None, zone: str) -> str:
    """2026-11-24 15:00 in the site's zone; "" for None."""
    return "" if at is None else f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


@contextmanager
def progress(what: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing in a pipe. Gives `advance(done, total)`."""
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _done, _total: None
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


@contextmanager
def spinner(what: str, *, shown: bool = True) -> Iterator[Callable[[str], None]]:
    """A line on a terminal that says what is being done; nothing in a pipe. Gives `tell(text)`."""
    console = Console(stderr=True)
    if not (shown and console.is_terminal):
        yield lambda _text: None
        return
    with console.status(Text(printable(what))) as status:

        def tell(text: str) -> None:
            status.update(Text(printable(text)))

        yield tell
