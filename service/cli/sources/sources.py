"""`bantin sources` lists what is collected, and adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from service.cli.grouping import CommandGroup
from service.cli.opening import environ, ids_of, known, log_quietly, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    printable,
    raw,
    say,
    table,
    warn,
)
from service.cli.sources.add import add, topic_option, what_follows
from service.cli.sources.discover import discover
from service.cli.sources.pause import pause, resume
from service.cli.sources.show import show
from service.config.schema import Settings
from service.errors import ParseError, UsageError
from service.parse import opml
from service.parse.kinds import KINDS
from service.report import hubs, standing
from service.report.sentence import in_english
from service.runtime import pidfile
from service.runtime.adding import Additions, SourceRequest, add_many
from service.runtime.composition import Service, load, titles
from service.store import status_counts
from service.store.sources import pauses, retries


@click.group(cls=CommandGroup)
def sources() -> None:
    """List, add, find, pause, import and export sources."""


sources.add_command(add)
sources.add_command(discover)
sources.add_command(pause)
sources.add_command(resume)
sources.add_command(show)


@sources.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List every configured source and its state. Writes nothing."""
    with opened_to_look(config) as service:
        zone = service.settings.zone
        found = _listed(service, UTC if as_json else ZoneInfo(zone))
    if as_json:
        dump(found)
        return
    rows = [
        (
            one["id"], one["state"], one["title"], local(one["last_ok"], zone), one["entries"],
            one["websub"]["state"] if one["websub"] else "", ", ".join(one["topics"]), one["url"],
        )
        for one in found
    ]  # fmt: skip
    heads = ("source", "state", "title", "last fine", "entries", "hub", "topics", "url")
    table("Sources", heads, rows)
    for one in found:
        if one["reason"]:
            warn(f"{one['id']}: {printable(one['reason'])}")


def _listed(service: Service, zone: tzinfo) -> list[dict[str, Any]]:
    """`zone`: of the instants in reasons."""
    with service.store.read() as connection:
        rows = {row.name: row for row in status_counts.sources(connection)}
    now, english = service.clock(), in_english(zone)
    found = []
    for name, source in service.settings.source.items():
        row = rows[name]
        file, line = service.loaded.places.find(("source", name))
        found.append(
            {
                "id": name,
                "state": "paused" if source.paused else standing.state(row, now),
                "title": source.title or row.title,
                "url": source.url,
                "kind": str(source.kind),
                "topics": list(source.topics),
                "last_ok": row.last_ok_at,
                "entries": row.entries,
                "error": row.error,
                "reason": english.tell(standing.reason(row, now)) or None,
                "suggestion": english.tell(standing.suggestion(row)) or None,
                "websub": hubs.as_json(row.hub, now),
                "file": file,
                "line": line,
            }
        )
    return found


@sources.command("import")
@click.argument("file", metavar="OPML", type=click.File("rb"))
@topic_option
@config_option
@json_option
def import_(file: Any, topics: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Import new feeds from an OPML file. Writes feeds/imported.toml.

    Feeds in a folder named after a topic go into that topic. Exit 1 if a feed was refused.
    """
    log_quietly()
    try:
        outlines = opml.read(file.read())
    except ParseError as error:
        raise UsageError(f"{file.name}: {error}") from error
    requests = [
        SourceRequest(one.url, one.title, topics=topics, folders=one.categories) for one in outlines
    ]
    done = add_many(config, environ(), requests)
    if as_json:
        dump(_imported(done))
    else:
        _tell_imported(config, done)
    if done.refused:
        fail()


def _imported(done: Additions) -> dict[str, object]:
    return {
        "added": [source.id for source in done.added],
        "already": list(done.already),
        "refused": dict(done.refused),
        "file": done.file,
    }


def _tell_imported(config: Path, done: Additions) -> None:
    for url, reason in done.refused.items():
        warn(f"{printable(url)}: {reason}")
    say(f"{len(done.added)} added, {len(done.already)} already there, {len(done.refused)} refused")
    if done.added:
        say(f"written to {done.file}")
        what_follows(config)


@sources.command()
@click.argument("names", metavar="[ID]...", nargs=-1, shell_complete=ids_of("source"))
@click.option("--failing", is_flag=True, help="All sources that fail or are quarantined.")
@config_option
@json_option
def retry(names: tuple[str, ...], failing: bool, config: Path, as_json: bool) -> None:
    """Clear the errors of sources and poll them now. Writes the store.

    A running service polls within seconds; without one the next `bantin collect` does.
    """
    if failing == bool(names):
        raise UsageError("name the sources, or use --failing for all that fail")
    with opened_to_look(config) as service:
        for name in names:
            known(service, "source", name)
        now = service.clock()
        with service.store.write() as connection:
            wanted = retries.failing(connection, now) if failing else list(dict.fromkeys(names))
            retries.retry(connection, wanted, now)
            paused = pauses.resting(connection, names, now)
        running = pidfile.running(service.settings.var) is not None
    if as_json:
        dump({"sources": wanted, "paused": paused, "running": running})
        return
    for name in paused:
        warn(f"{name} is paused and stays paused")
    if not wanted:
        say("no source is failing")
        return
    asked = [name for name in wanted if name not in paused]
    who = "the running service asks" if running else "the next `bantin up` or `bantin collect` asks"
    if asked:
        say(f"{who} {', '.join(asked)}")


@sources.command()
@config_option
@json_option
def export(config: Path, as_json: bool) -> None:
    """Print the feeds as OPML, in a folder for each topic. Writes nothing.

    Titles are those of the configuration, else what the feeds call themselves.
    """
    log_quietly()
    settings = load(config, environ()).settings
    feeds, pages = _outlines(settings, titles(settings))
    if as_json:
        dump([{"title": one.title, "url": one.url, "folders": one.categories} for one in feeds])
    else:
        raw(opml.write(settings.site.title, feeds))
    if pages:
        warn(f"left out because they are not feeds: {', '.join(pages)}")


def _outlines(
    settings: Settings, called: Mapping[str, str]
) -> tuple[list[opml.Outline], list[str]]:
    """The feeds, and the ids of what no other reader could read. `called`: as in `titles`."""
    feeds, pages = [], []
    for name, source in settings.source.items():
        if not KINDS[source.kind].is_feed:
            pages.append(name)
            continue
        folders = tuple(settings.topic[topic].title for topic in source.topics)
        title = source.title or called.get(name) or name
        feeds.append(opml.Outline(title, source.url, folders))
    return feeds, pages
