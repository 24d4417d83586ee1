"""`bantin stories list` and `show`."""

from __future__ import annotations

from pathlib import Path

import click

from service.cli.opening import ids_of, instant, known, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    json_option,
    local,
    number,
    printable,
    say,
    table,
)
from service.cli.stories.by_hand import act_line
from service.errors import StoryError
from service.render.addresses import absolute
from service.report import recalls
from service.report import stories as reporting
from service.report.recalls import RecallReport
from service.report.stories import ListedStory, ShownStory


@click.command("list")
@click.option("--topic", metavar="ID", shell_complete=ids_of("topic"), help="Only in this topic.")
@click.option(
    "--since", metavar="TIME", default="7d", show_default=True,
    help="Only with an article seen since TIME: ISO 8601, or 7d.",
)  # fmt: skip
@click.option(
    "--outlets", type=click.IntRange(1), default=1, show_default=True,
    help="Only what so many outlets tell.",
)  # fmt: skip
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum.")
@config_option
@json_option
def list_(
    topic: str | None, since: str, outlets: int, limit: int, config: Path, as_json: bool
) -> None:
    """List stories with who tells them, those with the newest article first. Writes nothing."""
    with opened_to_look(config) as service:
        known(service, "topic", topic)
        start, zone = instant(service, since), service.settings.zone
        assert start is not None
        with service.store.read() as connection:
            found = reporting.listed(connection, start, topic=topic, outlets=outlets, limit=limit)
    if as_json:
        dump([_as_json(one) for one in found])
        return
    rows = [
        (
            local(one.recent.newest_at, zone), one.recent.articles, len(one.outlets),
            one.story.title, ", ".join(one.outlets), one.story.public_id,
        )
        for one in found
    ]  # fmt: skip
    table("Stories", ("newest", "articles", "outlets", "title", "told by", "id"), rows)


@click.command()
@click.argument("story", metavar="ID|URL")
@config_option
@json_option
def show(story: str, config: Path, as_json: bool) -> None:
    """Show the articles of a story: by whom, when, how close, and what was said by hand.

    ID is the story's, URL that of its page or of one of its articles. Closeness is how alike an
    article is to the others on average, 0 to 1. Exit 1 if it is not known. Writes nothing.
    """
    with opened_to_look(config) as service:
        with service.store.read() as connection:
            found = reporting.shown(connection, story)
        if found is None:
            raise StoryError(f"no story {story!r} is known; `bantin stories list` lists their ids")
        page = absolute(found.page, service.renderer.site.base_url)
        if as_json:
            dump(_shown(found, page))
        else:
            _tell(found, page, service.settings.zone)


def _as_json(one: ListedStory) -> dict[str, object]:
    return {
        "id": one.story.public_id,
        "title": one.story.title,
        "link": one.story.outlet.link,
        "outlets": one.outlets,
        "articles": one.recent.articles,
        "topics": [topic.name for topic in one.story.topics],
        "newest_at": one.recent.newest_at,
    }


def _shown(found: ShownStory, page: str) -> dict[str, object]:
    return {
        "id": found.story.public_id,
        "title": found.story.title,
        "page": page,
        "topics": [topic.name for topic in found.story.topics],
        "articles": [
            {
                "id": one.public_id,
                "title": one.title,
                "link": one.link,
                "outlet": one.outlet,
                "sources": one.seen_in,
                "published": one.published,
                "first_seen": one.first_seen_at,
                "closeness": found.closeness.get(one.article_id),
                "represents": one.article_id == found.story.article_ids[0],
            }
            for one in found.members
        ],
        "acts": [
            {"act": act.kind, "by": act.actor, "at": act.happened_at, "articles": sides}
            for act, sides in found.acts
        ],
        "recalls": [recalls.as_json(one) for one in found.recalls],
    }


def _tell(found: ShownStory, page: str, zone: str) -> None:
    say(printable(found.story.title))
    topics = ", ".join(topic.name for topic in found.story.topics)
    say(f"  {found.story.public_id}, in {topics or 'no topic'}: {page}")
    rows = [
        (
            local(one.first_seen_at, zone), local(one.published, zone), one.outlet,
            _two(found.closeness.get(one.article_id)), one.title, one.link,
        )
        for one in found.members
    ]  # fmt: skip
    table(
        number(len(rows), "article"),
        ("seen", "published", "outlet", "closeness", "title", "link"),
        rows,
    )
    for one in found.recalls:
        say(_recall_line(one, zone))
    for act, sides in found.acts:
        say(act_line(act, zone))
        for side in sides:
            say(f"  {printable(' '.join(side))}")


def _recall_line(one: RecallReport, zone: str) -> str:
    """Who took it back when and why, and who has been told."""
    said, readers = one.recall, one.readers
    line = f"taken back {local(said.recalled_at, zone)}, by {said.actor}: {said.reason}"
    if said.undone_at is not None:
        line += f"; given back {local(said.undone_at, zone)}, by {said.undone_by}"
    told = f"; {readers.told} readers have a correction, {readers.waiting} are still to get one"
    return printable(line + (told if readers.told or readers.waiting else ""))


def _two(much: float | None) -> str:
    return "" if much is None else f"{much:.2f}"
