"""`bantin topics test` tries a topic's rule on what is stored. It writes nothing."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from service.cli.opening import environ, ids_of, instant_of, known_in, log_quietly
from service.cli.output import config_option, json_option, local, number, plain, printable, say
from service.curate.backtest import Backtest, Move
from service.curate.rules.reason_text import reason_line
from service.runtime.composition import clock_of, load, open_as_it_is
from service.runtime.model_in_use import ModelInUse


@click.command("test")
@click.argument("topic", metavar="ID", shell_complete=ids_of("topic"))
@click.option("--since", metavar="TIME", help="Only articles seen since TIME: ISO 8601, or 30d.")
@config_option
@json_option
def test(topic: str, since: str | None, config: Path, as_json: bool) -> None:
    """Show which stored articles the rule in the file would add to a topic, and which drop.

    Each with its reason, before the rule runs: `bantin reload` makes it run, and what it then adds
    enters quietly, shown and not mailed. It works beside the running service. Exit 1 if nothing is
    stored yet. Writes nothing.
    """
    log_quietly()
    settings = load(config, environ()).settings
    known_in(settings, "topic", topic)
    with closing(open_as_it_is(settings)) as store:
        start = instant_of(since, settings.zone, clock_of(store)())
        model = ModelInUse().current(settings)
        backtest = Backtest(store, settings, topic, start, model=model)
        if as_json:
            _as_json(backtest, topic, since=start)
        else:
            _tell(backtest, topic, settings.zone)


def _tell(backtest: Backtest, topic: str, zone: str) -> None:
    for move in backtest.moves():
        article = move.article
        say(f"{'+' if move.added else '-'} {printable(article.title)}")
        say(f"    {printable(reason_line(move.reason))}")
        if move.before is not None:
            say(f"    now in it by {printable(reason_line(move.before))}")
        seen = local(article.first_seen_at, zone)
        say(f"    {', '.join(article.sources)}, seen {seen}: {printable(article.link or '-')}")
    say(
        f"{topic}: of {number(backtest.articles, 'article')} {backtest.added} would enter quietly, "
        f"{backtest.dropped} would leave, {backtest.kept} stay"
    )


def _as_json(backtest: Backtest, topic: str, **more: object) -> None:
    """One document, a change a line: it is written while the articles are walked through."""
    head = json.dumps({"topic": topic, **more}, ensure_ascii=False, default=plain)
    say(f'{head[:-1]}, "changes": [')
    comma = ""
    for move in backtest.moves():
        say(comma + json.dumps(_change(move), ensure_ascii=False, default=plain))
        comma = ","
    counts = {name: getattr(backtest, name) for name in ("articles", "added", "dropped", "kept")}
    say(f"], {json.dumps(counts)[1:]}")


def _change(move: Move) -> dict[str, object]:
    article = move.article
    return {
        "change": "added" if move.added else "dropped",
        "id": article.public_id,
        "title": article.title,
        "link": article.link,
        "sources": article.sources,
        "first_seen": article.first_seen_at,
        "reason": move.reason,
        "why": reason_line(move.reason),
        "before": move.before,
    }
