"""`bantin sources show` prints everything known about one source."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import click

from service.cli.opening import ids_of, known, opened_to_look
from service.cli.output import config_option, dump, json_option, local, printable, say
from service.report import hubs, standing
from service.report.sentence import in_english
from service.report.status import source_json
from service.store import status_counts
from service.store.status_counts import SourceRow

_PARSE_LEVELS = {
    "304": "not modified",
    "body": "the same bytes again",
    "slices": "nothing new in other bytes",
    "part": "only what is new was parsed",
    "whole": "all of it was parsed",
}
"""What each parse level means, from the cheapest on."""


@click.command()
@click.argument("name", metavar="ID", shell_complete=ids_of("source"))
@config_option
@json_option
def show(name: str, config: Path, as_json: bool) -> None:
    """Show a source: its state, how often it is polled and why, what it costs. Writes nothing."""
    with opened_to_look(config) as service:
        known(service, "source", name)
        with service.store.read() as connection:
            row = next(one for one in status_counts.sources(connection) if one.name == name)
        now, zone = service.clock(), service.settings.zone
        source = service.settings.source[name]
        file, line = service.loaded.places.find(("source", name))
    if as_json:
        more = {"title": source.title or row.title, "url": source.url, "file": file, "line": line}
        dump({**source_json(row, now), **more})
        return
    kind, english = standing.state(row, now), in_english(ZoneInfo(zone))
    facts = {
        "state": kind,
        "why": english.tell(standing.reason(row, now)),
        "to do": english.tell(standing.advice(row)),
        "title": source.title or row.title,
        "url": source.url,
        "written in": f"{file}:{line}",
        "last fine": local(row.last_ok_at, zone) or "never",
        "last asked": local(row.last_tried_at, zone) or "never",
        "asked next": "" if kind in {"gone", "paused"} else local(row.next_poll_at, zone),
        "how often": standing.pace(row),
        "hub": english.tell(hubs.words(row.hub, now)),
        "entries": str(row.entries),
        "refused": ", ".join(f"{reason} {number}" for reason, number in row.refused.items()),
        "repaired": ", ".join(row.repairs),
        "answers": _answers(row),
    }
    for head, words in facts.items():
        if words:
            say(f"{head:11} {printable(words)}")


def _answers(row: SourceRow) -> str:
    """`120: 75 % not modified, 25 % all of it was parsed`."""
    total = sum(row.parse_levels.values())
    shares = [
        f"{100 * number / total:.0f} % {_PARSE_LEVELS[level]}"
        for level, number in row.parse_levels.items()
        if number
    ]
    return f"{total}: {', '.join(shares)}" if total else ""
