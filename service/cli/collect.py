"""`bantin collect` and `bantin publish` do one pass by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from service.cli.opening import ids_of, opened
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    number,
    printable,
    progress,
    say,
    warn,
)
from service.collect.polling.poll import Collected
from service.curate.search.indexing import BY_HAND
from service.publish.build import Published
from service.publish.static import PublishReport, write_site
from service.runtime import pipeline


@click.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1, shell_complete=ids_of("source"))
@config_option
@json_option
def collect(names: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Collect the sources that are due, or the named sources at once.

    Exit 1 if a named source failed. Writes the store.
    """
    with opened(config) as service, progress("collecting", shown=not as_json) as advance:
        done = asyncio.run(pipeline.collect(service, list(names) or None, advance))
        asyncio.run(pipeline.judge_stories(service))
        asyncio.run(pipeline.index_articles(service, BY_HAND))
    if as_json:
        dump(_collected(done))
    else:
        _tell_collected(done)
    if names and done.failed:
        fail()


def _collected(done: Collected) -> dict[str, object]:
    return {
        "tried": done.tried,
        "ok": done.ok,
        "failed": {name: str(error) for name, error in sorted(done.failed.items())},
        "entries_new": done.entries_new,
        "pages": done.pages,
        "topics": sorted(done.changed.topics),
    }


def _tell_collected(done: Collected) -> None:
    for name, error in sorted(done.failed.items()):
        warn(f"{name}: {printable(str(error))}")
    if not done.tried and not done.failed and not done.pages:
        say("no source is due")
        return
    tried = number(done.tried, "source")
    pages = f", {number(done.pages, 'article page')}" if done.pages else ""
    say(f"{done.ok} of {tried}, {number(done.entries_new, 'new entry')}{pages}")


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False),
              help="Also write feeds and pages as files into this folder.")  # fmt: skip
@config_option
@json_option
def publish(out: Path | None, config: Path, as_json: bool) -> None:
    """Update topic feeds and pages; --out writes them as static files.

    Exit 1 if a document could not be written. Writes the store, and DIR with --out.
    """
    with opened(config) as service, progress("publishing", shown=not as_json):
        asyncio.run(pipeline.match_again(service))
        asyncio.run(pipeline.read_references(service))
        asyncio.run(pipeline.index_articles(service, BY_HAND))
        done = asyncio.run(pipeline.publish_stale(service))
        site = None
        if out is not None:
            site = write_site(service.store, service.settings, service.renderer, out)
    failed = {**done.failed, **(site.failed if site else {})}
    if as_json:
        dump(_published(done, site))
    else:
        _tell_published(done, out, site)
        for name, reason in failed.items():
            warn(f"{name}: {printable(reason)}")
    if failed:
        fail()


def _published(done: Published, site: PublishReport | None) -> dict[str, object]:
    return {
        "written": done.written,
        "unchanged": done.unchanged,
        "failed": dict(done.failed),
        "site": None if site is None else {
            "new": site.new,
            "changed": site.changed,
            "unchanged": site.unchanged,
            "failed": dict(site.failed),
        },
    }  # fmt: skip


def _tell_published(done: Published, out: Path | None, site: PublishReport | None) -> None:
    say(f"feeds: {len(done.written)} changed ({', '.join(done.written) or 'none'})")
    if site is not None:
        say(f"{out}: {site.new} files new, {site.changed} changed, {site.unchanged} unchanged")
