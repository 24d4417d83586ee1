"""Topics by rules: which topics an article belongs to, and why. Pure.

All words and phrases of all topics are compiled into one matcher, which walks a text once. Words
are matched whole (in Vietnamese by syllable), so "y tế" is not found inside other words. A phrase
with marks finds only text with these marks (whatever the placement of the tone); one without finds
both. A word of two letters or more written all in capitals finds only capitals: "AI" is not "ai".
docs/configuration.md ("How words match") says the same to admins, with examples.

An article is in a topic when
    its words fit (`any`: one of them, `all`: every one; where both are given, both)
    or one of `categories` is what the source calls it,
    and it comes from one of `sources` and in one of `languages`, where these are given;
    without words and categories these two decide alone.
A source's own `topics` bring in everything from it. `none` and `not_sources` keep out, always.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from service.text.fold import fold, has_marks, lower, lowered, nfc, tokens, words_of

if TYPE_CHECKING:  # workers match without a configuration, and need not load its library
    from service.config.schema import Topic

Reason = dict[str, Any]
"""What proves a match, as JSON: {"any": ["giáo dục"], "in": ["title"]}, {"source": "vnexpress"}."""

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


@dataclass(frozen=True, slots=True)
class Rule:
    """What a topic asks for, see above; empty: it does not ask."""

    any: tuple[str, ...]
    all: tuple[str, ...]
    none: tuple[str, ...]
    sources: tuple[str, ...]
    not_sources: tuple[str, ...]
    categories: tuple[str, ...]
    languages: tuple[str, ...]

    @classmethod
    def of(cls, topic: Topic) -> Rule:
        return cls(*(getattr(topic, name) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class _Phrase:
    """One phrase of a rule, ready to be compared.

    `marked` is its lower-case words where their marks count, else empty. `capitals` are the places
    of its words that find only capitals.
    """

    written: str
    folded: tuple[str, ...]
    marked: tuple[str, ...]
    capitals: tuple[int, ...]

    @classmethod
    def of(cls, written: str) -> _Phrase:
        words = tokens(nfc(written))
        return cls(
            written,
            tuple(fold(word) for word in words),
            tuple(lower(word) for word in words) if has_marks(written) else (),
            tuple(place for place, word in enumerate(words) if is_acronym(word)),
        )

    def fits(self, words: Sequence[str]) -> bool:
        """Whether words whose folded form is the phrase's also have its marks and capitals."""
        if not all(words[place].isupper() for place in self.capitals):
            return False
        return not self.marked or tuple(lowered(words)) == self.marked


def is_acronym(word: str) -> bool:
    """Whether a word of a rule finds only capitals: two letters or more, none of them small."""
    return word.isupper() and sum(map(str.isalpha, word)) > 1


class Phrases:
    """Words and phrases by the first word of their folded form."""

    def __init__(self, written: Iterable[str]) -> None:
        self._by_first: defaultdict[str, list[_Phrase]] = defaultdict(list)
        for phrase in map(_Phrase.of, written):
            if phrase.folded:
                self._by_first[phrase.folded[0]].append(phrase)
        self._first = frozenset(self._by_first)

    def find(self, text: str) -> set[str]:
        """The phrases that stand in the text, as they are written in the rules."""
        words, folded = words_of(text)
        found: set[str] = set()
        begun = self._first.intersection(folded)
        if not begun:
            return found
        for word in begun:
            at = -1
            for _ in range(folded.count(word)):
                at = folded.index(word, at + 1)
                found |= self._standing(words, folded, at)
        return found

    def _standing(self, words: Sequence[str], folded: Sequence[str], at: int) -> set[str]:
        """The phrases that begin with the word at this place."""
        found = set()
        for phrase in self._by_first[folded[at]]:
            end = at + len(phrase.folded)
            # Marks and capitals are looked at only where the bare words fit: that is seldom.
            if folded[at:end] == phrase.folded and phrase.fits(words[at:end]):
                found.add(phrase.written)
        return found


class Matcher:
    """All rules, compiled. Make it with `compile_rules`."""

    def __init__(self, topics: Mapping[str, Rule]) -> None:
        self._topics = topics
        self._categories = {
            name: {fold(category) for category in topic.categories}
            for name, topic in topics.items()
        }
        self._kept_out = {name: frozenset(topic.none) for name, topic in topics.items()}
        self._phrases = Phrases(
            sorted({word for t in topics.values() for word in (*t.any, *t.all, *t.none)})
        )
        # What can bring a topic in by itself, so that most topics are never looked at.
        self._by_word: defaultdict[str, set[str]] = defaultdict(set)
        self._by_category: defaultdict[str, set[str]] = defaultdict(set)
        self._without_words: set[str] = set()
        for name, topic in topics.items():
            for word in topic.any or topic.all:
                self._by_word[word].add(name)
            for category in self._categories[name]:
                self._by_category[category].add(name)
            if not (topic.any or topic.all or topic.categories):
                self._without_words.add(name)

    def match(self, described: Described) -> dict[str, Reason]:
        """Topic -> why the article is in it."""
        places = {
            TITLE: self._phrases.find(described.title),
            TEXT: self._phrases.find(described.text),
        }
        reasons = {
            name: self._reason(name, self._topics[name], described, places)
            for name in sorted(self._possible(described, places))
        }
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def _possible(self, described: Described, places: Mapping[str, set[str]]) -> set[str]:
        names = self._without_words | (self._topics.keys() & set(described.own_topics))
        for word in places[TITLE] | places[TEXT]:
            names |= self._by_word.get(word, set())
        for category in described.categories:
            names |= self._by_category.get(fold(category), set())
        return names

    def _reason(
        self,
        name: str,
        topic: Rule,
        described: Described,
        places: Mapping[str, set[str]],
    ) -> Reason | None:
        found = places[TITLE] | places[TEXT]
        if described.source in topic.not_sources or found & self._kept_out[name]:
            return None
        reason: Reason = {}
        if name in described.own_topics:
            reason["source"] = described.source
        if self._fits(topic, described):
            reason |= self._evidence(name, topic, described, places)
        return reason or None

    @staticmethod
    def _fits(topic: Rule, described: Described) -> bool:
        if topic.sources and described.source not in topic.sources:
            return False
        return not topic.languages or _speaks(described.language, topic.languages)

    def _evidence(
        self, name: str, topic: Rule, described: Described, places: Mapping[str, set[str]]
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
    return Matcher({name: Rule.of(topic) for name, topic in topics.items()})


def packed(topics: Mapping[str, Topic]) -> bytes:
    """Rules as bytes, for a process that has no configuration."""
    return json.dumps({name: asdict(Rule.of(topic)) for name, topic in topics.items()}).encode()


@lru_cache(maxsize=2)
def unpacked(rules: bytes) -> Matcher:
    """The matcher of rules that were packed."""
    written: dict[str, dict[str, list[str]]] = json.loads(rules)
    return Matcher({name: _rule(lists) for name, lists in written.items()})


def _rule(lists: Mapping[str, Sequence[str]]) -> Rule:
    return Rule(**{name: tuple(words) for name, words in lists.items()})


def _word_reason(topic: Rule, places: Mapping[str, set[str]]) -> Reason:
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
