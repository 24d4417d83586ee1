"""`bantin parse` shows what the service reads in a document. It needs no configuration."""

from __future__ import annotations

import asyncio
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from service.cli.opening import log_quietly
from service.cli.output import dump, fail, json_option, number, printable, say, warn
from service.errors import FetchError
from service.model import SourceKind
from service.net.agent import user_agent
from service.net.client import Client
from service.net.limits import FetchLimits
from service.parse.inspection import as_kind, failed, look
from service.parse.options import ParseOptions
from service.runtime.composition import system_clock

_WEB = ("http://", "https://")


@click.command()
@click.argument("inputs", metavar="FILE|URL...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in SourceKind]),
    help="How to read it; default: as a feed.",
)
@click.option("--url", metavar="BASE", help="The URL of a file, to resolve its links.")
@json_option
def parse(inputs: tuple[str, ...], kind: str | None, url: str | None, as_json: bool) -> None:
    """Show what the service reads in each document; with --json one line each.

    Needs no configuration; addresses in private networks are refused. Exit 1 if any input
    cannot be read. Writes nothing.
    """
    log_quietly()
    reading = as_kind(ParseOptions(), kind)
    fine = True
    for given in inputs:
        seen = _see(given, url, reading)
        fine = fine and seen["ok"]
        if as_json:
            dump(seen)
        else:
            _tell(seen)
    if not fine:
        fail()


def _see(given: str, url: str | None, reading: ParseOptions) -> dict[str, Any]:
    if given.lower().startswith(_WEB):
        return asyncio.run(_fetched(given, reading))
    try:
        body = _read(Path(given))
    except OSError as error:
        return failed(given, f"cannot be read: {error.strerror}")
    if body is None:
        return failed(given, "more bytes than we take")
    return look(given, body, {}, url, system_clock(), reading)


def _read(path: Path) -> bytes | None:
    """The file, None when it is larger than what is taken from the web."""
    limit = FetchLimits().body_bytes
    with path.open("rb") as file:
        body = file.read(limit + 1)
    return body if len(body) <= limit else None


async def _fetched(given: str, reading: ParseOptions) -> dict[str, Any]:
    agent = user_agent(version("bantin"), base_url=None, contact=None, readers=0)
    async with Client(agent) as client:
        return await look_at(client, given, system_clock(), reading)


async def look_at(
    client: Client, url: str, now: datetime, reading: ParseOptions | None = None
) -> dict[str, Any]:
    """Fetch and look. Addresses in private networks are refused by the client."""
    try:
        response = await client.get(url)
    except FetchError as error:
        return failed(url, str(error))
    return look(url, response.body, response.headers, response.url, now, reading)


def _tell(seen: dict[str, Any]) -> None:
    if not seen["ok"]:
        warn(f"{seen['input']}: {printable(seen['error'])}")
        return
    feed, page = seen["feed"], seen.get("page")
    if page and page["is"] == "article":
        _tell_article(seen["input"], page)
        return
    entries = number(len(seen["entries"]), "entry")
    say(f"{seen['input']}: {printable(feed['title']) or '(no title)'}, {entries}")
    if page:
        say(f"  a list of news; next page: {printable(page['next'] or '(none)')}")
    if seen["repairs"]:
        say(f"  repaired: {', '.join(seen['repairs'])}")
    for entry in seen["entries"]:
        say(f"  {entry['published'] or '(no date)'}  {printable(entry['title'])}")
        say(f"      {printable(entry['link'] or '(no link)')}")


def _tell_article(given: str, page: dict[str, Any]) -> None:
    say(f"{given}: an article's page")
    say(f"  {page['published'] or '(no date)'}  {printable(page['title'])}")
    say(f"      {printable(page['link'] or '(no link)')}")
    for name in ("authors", "image", "lead"):
        told = ", ".join(page[name]) if name == "authors" else page[name]
        say(f"  {name}: {printable(told or '(none)')}")
    say(f"\n{printable(page['text'])}")
