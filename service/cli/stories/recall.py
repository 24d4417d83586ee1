"""`bantin recall`: a story that went out is taken back, or given back."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path

import click

from service.cli.opening import opened
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    number,
    printable,
    say,
    warn,
)
from service.cli.stories.by_hand import actor
from service.curate.stories import recalling
from service.curate.stories.recalling import Recalled
from service.errors import UsageError
from service.render.addresses import absolute, story_page
from service.runtime import pipeline
from service.runtime.composition import Service

MOST_NAMED = 20
"""Articles that stay, of which each has its line."""


@click.command()
@click.argument("url", metavar="ID|URL")
@click.option("--reason", metavar="TEXT", help="Why, in words that readers see.")
@click.option("--story", "whole", is_flag=True, help="All articles of its story, not it alone.")
@click.option(
    "--title",
    "hides_title",
    is_flag=True,
    help="Show its headline nowhere either; --undo brings it back.",
)
@click.option("--undo", is_flag=True, help="Give it back.")
@config_option
@json_option
def recall(
    url: str,
    reason: str | None,
    whole: bool,
    hides_title: bool,
    undo: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Take back an article that went out: from pages, feeds, search and mails. Writes the store.

    URL is the article's address, or that of its page here. A mark with the reason stands in its
    place, its text is deleted, and whoever was mailed it is told so by their next mail, or within a
    day by a mail of its own. It does not come back when its source lists it again. What other
    outlets tell of the same story stays without --story: it is listed, with the command that takes
    it too. Exit 1 if it is not known.
    """
    if undo and (reason or whole or hides_title):
        raise UsageError("--undo gives back all that was recalled together; it takes no option")
    if not undo and not reason:
        raise UsageError('a reason is needed, which readers see: --reason "…"')
    with opened(config) as service:
        who, now = actor(), service.clock()
        with service.store.ledger() as connection:
            if undo:
                done = recalling.undo(connection, url, who, now)
            else:
                done = recalling.recall(
                    connection,
                    url,
                    reason or "",
                    who,
                    now,
                    whole=whole,
                    hides_title=hides_title,
                )
        failed = asyncio.run(_follow(service))
        page = absolute(story_page(done.recall.public_id), service.renderer.site.base_url)
        zone = service.settings.zone
    if as_json:
        dump(_as_json(done, page, failed))
    else:
        _tell(done, page, zone)
        _tell_what_stays(done, hides_title=hides_title)
    for what, why in failed.items():
        warn(f"{what}: {printable(why)}")
    if failed:
        fail()


async def _follow(service: Service) -> dict[str, str]:
    """Feeds are built and mails made anew at once, whether the service runs or not."""
    made = await pipeline.remake_mails(service)
    done = await pipeline.publish_stale(service)
    feeds = {f"feed {name}": why for name, why in done.failed.items()}
    return {**feeds, **{f"segment {number}": why for number, why in made.failed.items()}}


def _as_json(done: Recalled, page: str, failed: dict[str, str]) -> dict[str, object]:
    said = done.recall
    return {
        "changed": done.changed,
        "id": said.id,
        "story": said.public_id,
        "page": page,
        "title": said.title,
        "reason": said.reason,
        "by": said.actor,
        "recalled_at": said.recalled_at,
        "undone_at": said.undone_at,
        "articles": done.articles,
        "put_off": done.put_off,
        "told": done.told,
        "stay": [
            {"id": one.public_id, "title": one.title, "outlet": one.outlet, "link": one.link}
            for one in done.stay
        ],
        "failed": failed,
    }


def _tell(done: Recalled, page: str, zone: str) -> None:
    said = done.recall
    if not done.changed:
        say(f"nothing to change: it was recalled {local(said.recalled_at, zone)}, {page}")
        return
    if said.undone_at is not None:
        say(f"given back: {number(done.articles, 'article')}, {page}")
        say("  its text comes when its source is read next")
        return
    say(f"recalled: {number(done.articles, 'article')}, {page}")
    if done.put_off:
        say(f"  {number(done.put_off, 'planned mail')} made anew without it")
    if done.told:
        say(f"  {number(done.told, 'reader')} to be told by the next mail, within a day")


def _tell_what_stays(done: Recalled, *, hides_title: bool) -> None:
    """What other outlets tell of the story, and how to take that back as well."""
    if not done.stay:
        return
    say(f"  {number(len(done.stay), 'article')} of the same story, by other outlets, stay:")
    for one in done.stay[:MOST_NAMED]:
        say(f"    {printable(one.outlet)}: {printable(one.title)}, {printable(one.address)}")
    if len(done.stay) > MOST_NAMED:
        say(f"    and {len(done.stay) - MOST_NAMED} more")
    words = ["bantin", "recall", done.stay[0].address, "--story", "--reason", done.recall.reason]
    say(f"  to recall them too: {printable(shlex.join([*words, *['--title'] * hides_title]))}")
