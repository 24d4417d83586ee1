"""What learned topics learn from in a store: labels, and sources that are about one topic."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from service.config.schema import Settings
from service.curate.articles import matched_text
from service.curate.learned.examples import Example
from service.curate.learned.in_use import NOT
from service.errors import UsageError
from service.store.content import articles, topic_labels, topics
from service.store.content.articles import Matchable
from service.store.core.database import Connection
from service.text.unknown_name import no_such

LATEST = 50_000
"""Articles that are looked through for those of sources about one topic."""

MOST_OF_A_TOPIC = 5000
"""Articles of its sources that a topic learns from, the newest; more teach hardly more."""


def learned_topics(settings: Settings) -> set[str]:
    """The topics that ask a model."""
    return {name for name, topic in settings.topic.items() if topic.learn}


def put_label(
    connection: Connection, settings: Settings, article_id: int, topic: str | None
) -> None:
    """Label an article with a learned topic or NOT; None takes its label back. Raises UsageError.

    It moves the article nowhere: the next training learns from it.
    """
    learned = learned_topics(settings)
    if topic is None:
        topic_labels.take_back(connection, article_id)
    elif topic in {*learned, NOT}:
        row = None if topic == NOT else topics.ids(connection)[topic]
        topic_labels.put(connection, article_id, row)
    else:
        raise UsageError(no_such("topic", topic, sorted(learned), " with learn = true"))


def examples(connection: Connection, settings: Settings) -> list[Example]:
    """The labelled articles, and the latest of sources which bring all into one learned topic.

    A label wins over the source. What two sources bring into different topics is left out.
    """
    learned = learned_topics(settings)
    labels = {
        article_id: NOT if topic is None else topic
        for article_id, topic in topic_labels.labels(connection).items()
        if topic is None or topic in learned
    }
    about = _about(settings, learned)
    found: defaultdict[str, deque[Example]] = defaultdict(lambda: deque(maxlen=MOST_OF_A_TOPIC))
    last = articles.before_latest(connection, LATEST) if about else None
    while last is not None and (batch := articles.after(connection, last)):
        last = batch[-1].id
        for article in batch:
            label = _of_sources(article.sources, about)
            if label is not None and article.id not in labels:
                found[label].append(_example(label, article))
    labelled = articles.matchable(connection, labels)
    return [
        *(_example(labels[one.id], one) for one in labelled),
        *(one for topic in sorted(found) for one in found[topic]),
    ]


def _about(settings: Settings, learned: set[str]) -> dict[str, str]:
    """Source -> the learned topic that it brings everything into, if it is one."""
    fixed = {name: learned & set(source.topics) for name, source in settings.source.items()}
    return {name: topics.pop() for name, topics in fixed.items() if len(topics) == 1}


def _of_sources(sources: Iterable[str], about: Mapping[str, str]) -> str | None:
    topics = {about[name] for name in sources if name in about}
    return topics.pop() if len(topics) == 1 else None


def _example(label: str, article: Matchable) -> Example:
    text = matched_text(article.lead, article.content)
    return Example(label, article.title, "", text, min(article.sources, default=""))
