"""What rules say of articles that are stored, whichever source told them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from service.config.schema import Settings
from service.curate.articles import matched_text
from service.curate.learned.in_use import LearnedModel
from service.curate.rules.matcher import Matcher, Reason, compile_rules
from service.curate.rules.terms import Described
from service.store.content import articles
from service.store.content.articles import Matchable
from service.store.core.database import Connection

LATEST = 5000
"""Stored articles that rules are tried on: some seconds."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """How many of the latest `stored` articles each topic's rules match."""

    stored: int
    topics: Mapping[str, int]


def fitting(
    connection: Connection,
    settings: Settings,
    most: int = LATEST,
    *,
    model: LearnedModel | None = None,
) -> Fitting:
    """Try the rules of all topics on what is stored. Keeps nothing."""
    matcher = compile_rules(settings.topic, model)
    found: Counter[str] = Counter(dict.fromkeys(settings.topic, 0))
    stored, last = 0, articles.before_latest(connection, most)
    while batch := articles.after(connection, last):
        last = batch[-1].id
        stored += len(batch)
        for article in batch:
            found.update(reasons(matcher, settings, article).keys())
    return Fitting(stored, dict(found))


def reasons(matcher: Matcher, settings: Settings, article: Matchable) -> dict[str, Reason]:
    """Topic -> why the article is in it, by whichever source told it."""
    found: dict[str, Reason] = {}
    for described in _described(settings, article):
        found = matcher.match(described) | found
    return found


def refusal(matcher: Matcher, settings: Settings, article: Matchable, topic: str) -> Reason:
    """Why the article is not in a topic, by the first source that told it; {} where it is."""
    refused = (matcher.refusal(topic, described) for described in _described(settings, article))
    return next(refused, {})


def stays(matcher: Matcher, settings: Settings, topic: str, reason: Reason) -> bool:
    """Whether an article stays in a topic that it does not fit, since nobody can be asked.

    A source that left the TOML is retired, not deleted; a learned model may be missing or damaged.
    """
    source = reason.get("source")
    retired = source is not None and source not in settings.source
    return retired or ("learned" in reason and not matcher.knows(topic))


def _described(settings: Settings, article: Matchable) -> Iterator[Described]:
    """The article as each of its sources told it."""
    text = matched_text(article.lead, article.content)
    for name in article.sources:
        source = settings.source.get(name)
        yield Described(
            title=article.title,
            text=text,
            source=name,
            categories=article.categories,
            language=article.language,
            own_topics=source.topics if source else (),
            lead=article.lead,
            link=article.link,
            authors=article.authors,
        )
