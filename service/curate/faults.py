"""Judges the rules of topics: what can never match, or matches nothing by itself."""

from __future__ import annotations

from service.config.schema import Settings, Topic
from service.curate.rules import Phrases
from service.errors import Finding
from service.text.fold import fold, tokens


def faults(settings: Settings) -> list[Finding]:
    """Key path, what is wrong, what would be right."""
    filled = {name for source in settings.source.values() for name in source.topics}
    found: list[Finding] = []
    for name, topic in settings.topic.items():
        found += _wordless(name, topic)
        found += _shut_out(name, topic)
        if not _asks_for_something(topic) and name not in filled:
            remedy = f'give it words (any = ["…"]), or name it in a source (topics = ["{name}"])'
            found.append((("topic", name), "nothing can enter this topic", remedy))
    return found


def _asks_for_something(topic: Topic) -> bool:
    return bool(topic.any or topic.all or topic.categories or topic.sources or topic.languages)


def _wordless(name: str, topic: Topic) -> list[Finding]:
    lists = {"any": topic.any, "all": topic.all, "none": topic.none}
    return [
        (("topic", name, key), f"{word!r} has no letter or digit in it", "write a word or a phrase")
        for key, words in lists.items()
        for word in words
        if not tokens(fold(word))
    ]


def _shut_out(name: str, topic: Topic) -> list[Finding]:
    """Words that hold a word of `none`: whoever writes them is kept out for it.

    A word that stands in both lists as it is, is a fault of the lists; `config` names it.
    """
    kept_out = Phrases(topic.none)
    return [
        (
            ("topic", name, key),
            f"{word!r} lets nothing in: none keeps out {other!r}",
            "take one of the two out",
        )
        for key, words in (("any", topic.any), ("all", topic.all))
        for word in words
        for other in sorted(kept_out.find(word) - {word})
    ]
