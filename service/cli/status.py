"""`bantin status`, `articles`, `explain` and `why` answer questions. None of them writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import click

from service.audience import address as addresses
from service.cli.opening import ids_of, instant, known, opened_to_look
from service.cli.output import (
    config_option,
    dump,
    fail,
    json_option,
    local,
    printable,
    say,
    table,
    warn,
)
from service.cli.reports import tell_explanation, tell_lines, tell_status
from service.curate.lookup import find_article
from service.curate.search.answers import find_articles
from service.curate.search.question import Question, QuestionError, parse
from service.errors import UsageError
from service.mail.relays import line_names
from service.mail.returned import soft
from service.render.words import FALLBACK
from service.report import status as standing
from service.report import trouble
from service.report.explain import Explanation, Unknown
from service.report.explain import explain as explain_article
from service.report.explanation_json import as_json as as_json_of
from service.report.explanation_lines import unknown
from service.report.mailing import Beside
from service.report.trouble import Trouble
from service.report.why import UNKNOWN, Why, hour_of, kind_of
from service.report.why import why as ask_why
from service.runtime import disk, machine_clock, model_in_use, pidfile
from service.runtime.composition import Service
from service.runtime.vitals import noted
from service.store.content import admin_queries
from service.store.core import facts
from service.store.mailing.history import Entrance, SubscriptionSnapshot, ToldArticle
from service.text import mailboxes

PATIENCE_S = 20.0
"""How long a question may take here: an admin waits longer than a page's reader."""


@click.command()
@config_option
@json_option
def status(config: Path, as_json: bool) -> None:
    """Show health and lateness of sources, topics, editions and deliveries. Writes nothing."""
    with opened_to_look(config) as service:
        beside = Beside(line_names(service.settings), _beside(service), service.settings)
        with service.store.read() as connection:
            found = standing.status(connection, service.clock(), beside, service.settings)
        english = service.renderer.words(FALLBACK)
        if as_json:
            troubles = [trouble.as_json(one, english) for one in found.troubles]
            dump({**standing.as_json(found), "troubles": troubles})
        else:
            tell_status(found, service.settings.zone, english)


def _beside(service: Service) -> list[Trouble]:
    """What no row tells: the disk, and what the running service says of itself."""
    var = service.settings.var
    told = disk.troubles(disk.folders(service.settings))
    told += model_in_use.troubles(service.model())
    told += machine_clock.troubles(service)
    own = [one for name in pidfile.all_running(var) for one in noted(var, name)]
    seen = {*disk.KEYS, model_in_use.TROUBLE, *machine_clock.KEYS}
    return [*told, *(one for one in own if one.key not in seen)]


@click.command()
@click.option("--topic", metavar="ID", shell_complete=ids_of("topic"), help="Only in this topic.")
@click.option(
    "--source",
    metavar="ID",
    shell_complete=ids_of("source"),
    help="From this source.",
)
@click.option("--since", metavar="TIME", help="Only those seen since TIME: ISO 8601, or 7d.")
@click.option(
    "--search",
    metavar="QUESTION",
    help='Only those that match: words, "phrases", topic:ID, source:ID, since:TIME.',
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Maximum.")
@config_option
@json_option
def articles(
    topic: str | None, source: str | None, since: str | None, search: str | None, limit: int,
    config: Path, as_json: bool,
) -> None:  # fmt: skip
    """List stored articles, the latest first. Writes nothing.

    With --search those that have the question's own accents come first, then those that match
    without; --since then goes by when they came out.
    """
    with opened_to_look(config) as service:
        known(service, "topic", topic)
        known(service, "source", source)
        start, zone = instant(service, since), service.settings.zone
        question = None if search is None else _asked(service, search, topic, source, start)
        with service.store.read() as connection:
            if question is not None:
                answer = find_articles(connection, question, limit, PATIENCE_S)
                found = admin_queries.listed_as(connection, answer.ids)
                if not answer.complete:
                    why = "search.indexing" if answer.indexing else "search.incomplete"
                    warn(service.renderer.words(FALLBACK).say(why))
            else:
                found = admin_queries.listed(
                    connection, topic=topic, source=source, since=start, limit=limit
                )
    if as_json:
        dump([_listed(one) for one in found])
        return
    rows = [
        (
            local(one.first_seen_at, zone), local(one.published, zone), one.source, one.title,
            ", ".join(one.topics), one.link,
        )
        for one in found
    ]  # fmt: skip
    table("Articles", ("seen", "published", "source", "title", "topics", "link"), rows)


def _asked(
    service: Service, text: str, topic: str | None, source: str | None, since: datetime | None
) -> Question:
    """The question, narrowed by the options beside it. Raises UsageError."""
    settings = service.settings
    try:
        found = parse(text, settings.topic, settings.source, settings.zone, service.clock())
    except QuestionError as error:
        words = service.renderer.words(FALLBACK)
        problem = words.say(error.key, **error.values)
        raise UsageError(words.say("search.fault", problem=problem)) from error
    twice = (topic and found.topics) or (source and found.sources) or (since and found.since)
    if twice:
        raise UsageError("topic:, source: and since: stand in the question or as options, not both")
    return replace(
        found,
        topics=(topic,) if topic else found.topics,
        sources=(source,) if source else found.sources,
        since=since or found.since,
    )


def _listed(one: admin_queries.ListedArticle) -> dict[str, object]:
    return {
        "id": one.public_id,
        "title": one.title,
        "link": one.link,
        "source": one.source,
        "published": one.published,
        "first_seen": one.first_seen_at,
        "topics": one.topics,
    }


@click.command()
@click.argument("url")
@config_option
@json_option
def explain(url: str, config: Path, as_json: bool) -> None:
    """Explain an article: its sources, story, topics and why, feeds, mails, and how late it was.

    URL is the article's address in any spelling, that of its story page, or an id. Exit 1 if it is
    not known; what came with that address and was refused is told. Writes nothing.
    """
    with opened_to_look(config) as service:
        with service.store.read() as connection:
            found = explain_article(connection, url, service.settings)
        zone, base_url = service.settings.zone, service.renderer.site.base_url
        if as_json:
            dump(as_json_of(found))
        elif isinstance(found, Explanation):
            tell_explanation(found, zone, base_url)
        if isinstance(found, Unknown):
            warn(f"no article {printable(url)!r} is known")
            tell_lines(unknown(found), zone, base_url, warn)
            fail()


@click.command()
@click.argument("address")
@click.argument("url")
@config_option
@json_option
def why(address: str, url: str, config: Path, as_json: bool) -> None:
    """Tell whether a subscriber got an article: sent, pending, skipped …, with the row as proof.

    URL is what `bantin explain` takes: the article's address in any spelling, with tracking
    parameters or without, that of its story page, or an id. Hours are of the site's time zone; with
    --json those of the row are UTC. Exit 1 for an unknown address or article. Writes nothing.
    """
    try:
        wanted = addresses.normal(address)
    except ValueError as error:
        raise UsageError(f"{address!r} is not an address: {error}") from error
    with opened_to_look(config) as service:
        answer, zone = _why(service, wanted, url), service.settings.zone
    if as_json:
        dump(_answer(answer))
    else:
        say(f"{answer.answer}: {printable(answer.reason)}")
        if answer.proof is not None:
            kind = _ROWS[type(answer.proof)]
            values = ((name, _value(each, zone)) for name, each in _proof(answer).items())
            say(f"  {kind}: {printable(', '.join(f'{name}={value}' for name, value in values))}")
        for line in _returned(answer, zone):
            say(f"  {printable(line)}")
    if answer.answer == UNKNOWN:
        fail()


def _why(service: Service, address: str, url: str) -> Why:
    with service.store.read() as connection:
        article_id = find_article(connection, url)
        found = None if article_id is None else admin_queries.explained(connection, article_id)
        if found is None:
            return Why(UNKNOWN, "no such article is known")
        secret = facts.known_secret(connection)
        if secret is None:
            return Why(UNKNOWN, "nobody has ever subscribed here")
        return ask_why(
            connection,
            mailboxes.key(secret, address),
            found.article_id,
            found.article_ids,
            {name: digest.topics for name, digest in service.settings.digest.items()},
            service.clock(),
            service.settings.zone,
        )


_ROWS = {ToldArticle: "told", SubscriptionSnapshot: "subscription", Entrance: "entrance"}
"""What a row is called in the output, whatever its class is called in the code."""


def _answer(answer: Why) -> dict[str, object]:
    proof = None
    if answer.proof is not None:
        proof = {"row": _ROWS[type(answer.proof)], **_proof(answer)}
    return {
        "answer": answer.answer,
        "reason": answer.reason,
        "proof": proof,
        "returned": [asdict(one) for one in answer.returned],
        "soft_bounces": answer.weight,
        "suppressed": None if answer.suppressed is None else asdict(answer.suppressed),
    }


def _returned(answer: Why, zone: str) -> Iterator[str]:
    """What came back for the address, and what was done about it."""
    for one in answer.returned:
        at = hour_of(one.returned_at, zone)
        said = f"returned {at}: {kind_of(one)}, mail {one.delivery_id}"
        yield f"{said} of {one.digest}: {one.reason}" if one.reason else f"{said} of {one.digest}"
    if answer.weight:
        yield f"soft bounces weigh {answer.weight:g}; nothing is sent from {soft.LIMIT:g} on"
    if answer.suppressed is not None:
        why, since = answer.suppressed.reason, hour_of(answer.suppressed.since, zone)
        yield f"nothing is sent to it since {since}: {why} {answer.suppressed.evidence}".rstrip()


def _value(value: object, zone: str) -> object:
    return hour_of(value, zone) if isinstance(value, datetime) else value


def _proof(answer: Why) -> dict[str, object]:
    assert answer.proof is not None
    return asdict(answer.proof)
