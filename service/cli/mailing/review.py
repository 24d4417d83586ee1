"""`bantin digest review`: what editors did to editions before they went."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from service.cli.opening import ids_of, instant, known, opened_to_look
from service.cli.output import config_option, dump, json_option, local, table
from service.report.reviews import ReviewedAct, history
from service.store.reviews import reviews
from service.store.reviews.reviews import EditionReview


@click.command()
@click.argument("name", metavar="ID", shell_complete=ids_of("digest"))
@click.option("--cut", metavar="TIME", help="Only the edition that is cut at TIME.")
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="The newest so many editions.",
)
@config_option
@json_option
def review(name: str, cut: str | None, limit: int, config: Path, as_json: bool) -> None:
    """Show how a digest's editions under review stand, and what each editor did when.

    An edition of which nobody has said a word has one line without an act. Writes nothing.
    """
    with opened_to_look(config) as service:
        at, zone = instant(service, cut), service.settings.zone
        with service.store.read() as connection:
            found = [
                (one, history(connection, one.edition_id))
                for one in reviews.of_digest(connection, name, limit=limit, cut_at=at)
            ]
        if not found:
            known(service, "digest", name)
    if as_json:
        dump([_as_json(one, acts) for one, acts in found])
        return
    heads = ("when", "who", "act", "story or words")
    tables = [(local(one.cut_at, zone), one.state, _told(acts, zone)) for one, acts in found]
    if sys.stdout.isatty():
        for at_, state, told in tables:
            table(f"{at_}: {state}", heads, told)
    else:
        rows = [(at_, state, *one) for at_, state, told in tables for one in told or [("",) * 4]]
        table("Reviews", ("cut", "state", *heads), rows)


def _told(acts: Sequence[ReviewedAct], zone: str) -> list[tuple[str, ...]]:
    """When, who, what, and what of: a headline, the words that were written, or both."""
    return [
        (
            local(act.at, zone),
            act.who or "(forgotten)",
            act.act,
            ": ".join(part for part in (act.headline, act.detail) if part),
        )
        for act in acts
    ]


def _as_json(one: EditionReview, acts: Sequence[ReviewedAct]) -> dict[str, object]:
    return {
        "digest": one.digest,
        "cadence": one.cadence,
        "cut_at": one.cut_at,
        "state": one.state,
        "required": one.required,
        "let_go_at": one.let_go_at,
        "settled_at": one.settled_at,
        "acts": [
            {
                "at": act.at,
                "who": act.who or None,
                "act": act.act,
                "headline": act.headline or None,
                "words": act.detail,
            }
            for act in acts
        ],
    }
