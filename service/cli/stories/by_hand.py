"""`bantin stories split` and `merge`: what an admin says, which the machine goes by."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from service.cli.opening import opened
from service.cli.output import config_option, dump, json_option, local, printable, say
from service.curate.stories import acting
from service.curate.stories.acting import Acted
from service.errors import UsageError
from service.model import StoryAct, StoryActKind
from service.store.core.database import Connection

Act = Callable[[Connection, str, datetime], Acted]

_SAID = {StoryActKind.APART: "put apart", StoryActKind.TOGETHER: "put together"}


@click.command()
@click.argument("story", metavar="ID|URL")
@click.argument("leaving", metavar="URL...", nargs=-1, required=True)
@click.option("--each", is_flag=True, help="Every article that leaves gets a story of its own.")
@config_option
@json_option
def split(story: str, leaving: tuple[str, ...], each: bool, config: Path, as_json: bool) -> None:
    """Take articles out of a story for good. Writes the store.

    The articles named after the story leave it, all into one new story. The machine never puts
    them together again with those that stay. What a subscriber was told stays told. Exit 1 if
    something is not known, or is not in the story.
    """

    def act(connection: Connection, who: str, now: datetime) -> Acted:
        return acting.split(connection, story, leaving, who, now, each=each)

    _do(act, "split", config, as_json)


@click.command()
@click.argument("story", metavar="ID|URL")
@click.argument("others", metavar="ID|URL...", nargs=-1, required=True)
@config_option
@json_option
def merge(story: str, others: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Put stories together for good, under the id of the first. Writes the store.

    ID is a story's, URL that of its page or of one of its articles. The machine never takes them
    apart again. What was told of one of them is told of all. Exit 1 if something is not known.
    """

    def act(connection: Connection, who: str, now: datetime) -> Acted:
        return acting.merge(connection, (story, *others), who, now)

    _do(act, "merged", config, as_json)


def act_line(act: StoryAct, zone: str) -> str:
    """Who said what, and when."""
    said = f"{_SAID[act.kind]} by hand {local(act.happened_at, zone)}"
    return f"{said}, by {printable(act.actor)}:"


def _do(act: Act, what: str, config: Path, as_json: bool) -> None:
    with opened(config) as service:
        with service.store.write() as connection:
            done = act(connection, actor(), service.clock())
        zone = service.settings.zone
    if as_json:
        over = done.overruled
        told = over and {"act": over.kind, "by": over.actor, "at": over.happened_at}
        dump({"stories": done.stories, "changed": done.changed, "overruled": told})
        return
    say(f"{what if done.changed else 'nothing to change'}: {', '.join(done.stories)}")
    if done.overruled is not None:
        over = done.overruled
        say(f"they were {act_line(over, zone).removesuffix(':')}; this overrules it")


def actor() -> str:
    """Who says what is said here. UsageError: the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise UsageError(
            "cannot tell your user name, which is stored with the act; set LOGNAME"
        ) from error
