"""Topics by rules: which topics an article belongs to, and why. Pure.

All words and phrases of all topics are compiled into one matcher, which walks a text once. Words
are matched by syllable, so "y tế" is not found inside other words. A rule with marks finds only
text with these marks (whatever the placement of the tone); a rule without finds both.

An article is in a topic when
    its words fit (`any`: one of them, `all`: every one; where both are given, both)
    or one of `categories` is what the source calls it,
    and it comes from one of `sources` and in one of `languages`, where these are given;
    without words and categories these two decide alone.
A source's own `topics` bring in everything from it. `none` and `not_sources` keep out, always.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.config.schema import Topic
from service.text.fold import fold, has_marks, lower, tokens

Reason = dict[str, Any]
"""What proves a match, as JSON: {"any": ["giáo dục"], "in": ["title"]}, {"source": "vnexpress"}."""

Phrase = tuple[str, ...]

TITLE, TEXT = "title", "text"


@dataclass(frozen=True, slots=True)
class Described:
    """What rules look at. `text` is plain, `categories` are the source's words for it.

    `own_topics` are those that the source brings everything into.
    """

    title: str
    text: str
    source: str
    categories: Sequence[str] = ()
    language: str | None = None
    own_topics: Sequence[str] = ()


class _Phrases:
    """Phrases by their first word; finds all that stand in a run of words."""

    def __init__(self) -> None:
        self._by_first: defaultdict[str, list[tuple[Phrase, str]]] = defaultdict(list)

    def add(self, phrase: Phrase, written: str) -> None:
        self._by_first[phrase[0]].append((phrase, written))

    def find(self, words: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for at, word in enumerate(words):
            for phrase, written in self._by_first.get(word, ()):
                if tuple(words[at : at + len(phrase)]) == phrase:
                    found.add(written)
        return found


class Matcher:
    """All rules, compiled. Make it with `compile_rules`."""

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        self._topics = topics
        self._categories = {
            name: {fold(category): category for category in topic.categories}
            for name, topic in topics.items()
        }
        self._marked, self._bare = _Phrases(), _Phrases()
        words = {
            word for topic in topics.values() for word in (*topic.any, *topic.all, *topic.none)
        }
        for word in sorted(words):
            if has_marks(word):
                self._add(self._marked, tokens(lower(word)), word)
            else:
                self._add(self._bare, tokens(fold(word)), word)

    @staticmethod
    def _add(phrases: _Phrases, phrase: Sequence[str], written: str) -> None:
        if phrase:
            phrases.add(tuple(phrase), written)

    def match(self, described: Described) -> dict[str, Reason]:
        """Topic -> why the article is in it."""
        places = {TITLE: self._words_in(described.title), TEXT: self._words_in(described.text)}
        reasons = {
            name: self._reason(name, topic, described, places)
            for name, topic in self._topics.items()
        }
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def _words_in(self, text: str) -> set[str]:
        words = tokens(lower(text))
        return self._marked.find(words) | self._bare.find(fold(" ".join(words)).split(" "))

    def _reason(
        self,
        name: str,
        topic: Topic,
        described: Described,
        places: Mapping[str, set[str]],
    ) -> Reason | None:
        found = places[TITLE] | places[TEXT]
        if described.source in topic.not_sources or found & set(topic.none):
            return None
        reason: Reason = {}
        if name in described.own_topics:
            reason["source"] = described.source
        if self._fits(topic, described):
            reason |= self._evidence(name, topic, described, places)
        return reason or None

    @staticmethod
    def _fits(topic: Topic, described: Described) -> bool:
        if topic.sources and described.source not in topic.sources:
            return False
        return not topic.languages or _speaks(described.language, topic.languages)

    def _evidence(
        self, name: str, topic: Topic, described: Described, places: Mapping[str, set[str]]
    ) -> Reason:
        """What the topic asks for and this has; {} where it lacks it."""
        if not (topic.any or topic.all or topic.categories):
            where: Reason = {}
            if topic.sources:
                where["source"] = described.source
            if topic.languages:
                where["language"] = described.language
            return where
        reason = _word_reason(topic, places)
        known = self._categories[name]
        called = [category for category in described.categories if fold(category) in known]
        if called:
            reason["categories"] = called
        return reason


def compile_rules(topics: Mapping[str, Topic]) -> Matcher:
    """One matcher of all topics' rules."""
    return Matcher(topics)


def _word_reason(topic: Topic, places: Mapping[str, set[str]]) -> Reason:
    found = places[TITLE] | places[TEXT]
    one = [word for word in topic.any if word in found]
    every = [word for word in topic.all if word in found]
    if (topic.any and not one) or len(every) < len(topic.all) or not (one or every):
        return {}
    reason: Reason = {}
    if one:
        reason["any"] = one
    if every:
        reason["all"] = every
    named = {*one, *every}
    reason["in"] = [place for place, words in places.items() if words & named]
    return reason


def _speaks(language: str | None, wanted: Iterable[str]) -> bool:
    """A wanted "en" takes "en-GB" too; a wanted "en-GB" only itself."""
    if language is None:
        return False
    spoken = language.lower()
    return any(spoken == one.lower() or spoken.startswith(f"{one.lower()}-") for one in wanted)
