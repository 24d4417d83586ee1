"""What a topic's rule is made of, and what of an article it looks at. Pure.

A *term* is a text in a list of a rule: "lũ", or "title: lũ", which looks in one field alone. A
*combination* is a set of lists that must hold together; a rule is one, and may hold more of them.
Rules travel as JSON to the workers, which have no configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from service.text.fold import lower, nfc, tokens

if TYPE_CHECKING:  # workers match without a configuration, and need not load its library
    from service.config.schema import Combination, Topic

TITLE, TEXT, LEAD, URL, AUTHOR, CATEGORY = "title", "text", "lead", "url", "author", "category"
FIELDS = (TITLE, TEXT, LEAD, URL, AUTHOR, CATEGORY)
EVERYWHERE = (TITLE, TEXT)
"""Where a term without a field looks. The text begins with the lead."""

SURE = 0.6
"""How likely an article must be of a learned topic, where the topic does not say."""

_FIELD = re.compile(r"\s*([A-Za-z]+):")


@dataclass(frozen=True, slots=True)
class Described:
    """What rules look at. `text` is plain and begins with `lead`; `link` None: it has no address.

    `categories` are the source's words for it. `own_topics` are those that the source brings
    everything into.
    """

    title: str
    text: str
    source: str
    categories: Sequence[str] = ()
    language: str | None = None
    own_topics: Sequence[str] = ()
    lead: str = ""
    link: str | None = None
    authors: Sequence[str] = ()

    def said_in(self, field: str) -> Sequence[str]:
        """The texts of one of FIELDS; words in a row stand in one of them."""
        return _SAID[field](self)


_SAID: dict[str, Callable[[Described], Sequence[str]]] = {
    TITLE: lambda one: (one.title,),
    TEXT: lambda one: (one.text,),
    LEAD: lambda one: (one.lead,),
    URL: lambda one: (one.link or "",),
    AUTHOR: lambda one: one.authors,
    CATEGORY: lambda one: one.categories,
}


class FieldTerm(NamedTuple):
    """A term as it is read: `field` None looks in title and text; `said` is what stands there."""

    field: str | None
    said: str

    @property
    def fields(self) -> tuple[str, ...]:
        return EVERYWHERE if self.field is None else (self.field,)


def read_term(written: str) -> FieldTerm:
    """Read "title: lũ" as ("title", "lũ"). What is the name of no field belongs to the words."""
    field = named_field(written)
    if field is None or field not in FIELDS:
        return FieldTerm(None, written)
    return FieldTerm(field, written.partition(":")[2].strip())


def named_field(written: str) -> str | None:
    """What a term names before its first colon, in lower case; None: no word stands there."""
    found = _FIELD.match(written)
    return None if found is None else found[1].lower()


class NearWords(NamedTuple):
    """Two terms with at most `within` words between them, in one field, in either order."""

    words: tuple[str, str]
    within: int
    field: str | None = None

    @property
    def written(self) -> str:
        """As reasons name it: `title: lũ … học sinh`."""
        before = "" if self.field is None else f"{self.field}: "
        return f"{before}{self.words[0]} … {self.words[1]}"

    @property
    def terms(self) -> tuple[str, str]:
        """Its words as terms of its field."""
        if self.field is None:
            return self.words
        return f"{self.field}: {self.words[0]}", f"{self.field}: {self.words[1]}"


@dataclass(frozen=True, slots=True)
class Clause:
    """Lists that must hold together; an empty one does not ask.

    One of `any`, `near`, `regex`, `reference` must be found, each of `all`, and nothing of `none`.
    """

    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    near: tuple[NearWords, ...] = ()
    regex: tuple[str, ...] = ()
    reference: tuple[str, ...] = ()

    @classmethod
    def of(cls, written: Combination | Topic) -> Clause:
        near = tuple(
            NearWords((one.words[0], one.words[1]), one.within, one.field) for one in written.near
        )
        return cls(
            written.any, written.all, written.none, near, written.regex, written.reference
        )  # fmt: skip

    @classmethod
    def unpacked(cls, lists: Mapping[str, Any]) -> Clause:
        """From its JSON."""
        near = tuple(NearWords((one[0][0], one[0][1]), *one[1:]) for one in lists["near"])
        words = {name: tuple(lists[name]) for name in ("any", "all", "none", "regex", "reference")}
        return cls(**words, near=near)

    @property
    def ways(self) -> bool:
        """Whether it asks for one of several."""
        return bool(self.any or self.near or self.regex or self.reference)

    @property
    def asks(self) -> bool:
        """Whether it asks for anything to be there."""
        return self.ways or bool(self.all)

    @property
    def terms(self) -> Iterator[str]:
        """All words that it looks for, wherever they are written."""
        yield from self.any
        yield from self.all
        yield from self.none
        for near in self.near:
            yield from near.terms


@dataclass(frozen=True, slots=True)
class Rule:
    """What a topic asks for; an empty list: it does not ask.

    `any_of` are further ways beside those of `words`; each of `all_of` must hold, and none of
    `none_of`. `learned`: how likely the learned model must find an article, None = it is not asked.
    `synonyms`: term -> what it finds besides itself.
    """

    words: Clause
    any_of: tuple[Clause, ...]
    all_of: tuple[Clause, ...]
    none_of: tuple[Clause, ...]
    sources: tuple[str, ...]
    not_sources: tuple[str, ...]
    categories: tuple[str, ...]
    languages: tuple[str, ...]
    learned: float | None = None
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, topic: Topic) -> Rule:
        rule = cls(
            words=Clause.of(topic),
            any_of=tuple(map(Clause.of, topic.any_of)),
            all_of=tuple(map(Clause.of, topic.all_of)),
            none_of=tuple(map(Clause.of, topic.none_of)),
            sources=topic.sources,
            not_sources=topic.not_sources,
            categories=topic.categories,
            languages=topic.languages,
            learned=(topic.threshold or SURE) if topic.learn else None,
        )
        known = Synonyms(topic.synonyms)
        terms = {term for clause in rule.clauses for term in clause.terms}
        found = {term: known.of(read_term(term).said) for term in terms}
        return replace(rule, synonyms={term: some for term, some in found.items() if some})

    @classmethod
    def unpacked(cls, lists: Mapping[str, Any]) -> Rule:
        """From its JSON."""
        combined = (lists[name] for name in ("any_of", "all_of", "none_of"))
        any_of, all_of, none_of = (tuple(map(Clause.unpacked, some)) for some in combined)
        narrowed = ("sources", "not_sources", "categories", "languages")
        return cls(
            Clause.unpacked(lists["words"]),
            any_of,
            all_of,
            none_of,
            **{name: tuple(lists[name]) for name in narrowed},
            learned=lists["learned"],
            synonyms={term: tuple(others) for term, others in lists["synonyms"].items()},
        )

    @property
    def clauses(self) -> Iterator[Clause]:
        """Its own lists and its combinations."""
        yield self.words
        yield from (*self.any_of, *self.all_of, *self.none_of)

    @property
    def ways(self) -> bool:
        """Whether it asks for one of several."""
        return self.words.ways or bool(self.any_of)

    @property
    def asks(self) -> bool:
        """Whether it asks for any words; else sources and languages decide alone."""
        return self.ways or self.words.asks or bool(self.all_of)


class Synonyms:
    """Names and the words that whoever writes the name means as well."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = {_spelled(name): tuple(words) for name, words in lists.items()}

    def of(self, said: str) -> tuple[str, ...]:
        """What else the words find; a list may name another list. Ends where one names itself."""
        found: dict[str, None] = {}
        waiting = list(self._lists.get(_spelled(said), ()))
        while waiting:
            word = waiting.pop(0)
            if word not in found:
                found[word] = None
                waiting += self._lists.get(_spelled(word), ())
        return tuple(found)

    def circle(self, name: str) -> list[str]:
        """The names that lead from this one back to it, with it at both ends; [] where none do."""
        begun, waiting, seen = _spelled(name), [[name]], set[tuple[str, ...]]()
        while waiting:
            way = waiting.pop(0)
            for word in self._lists.get(_spelled(way[-1]), ()):
                here = _spelled(word)
                if here == begun:
                    return [*way, name]
                if here not in seen:
                    seen.add(here)
                    waiting.append([*way, word])
        return []


def _spelled(written: str) -> tuple[str, ...]:
    """Two writings of one name: case counts only in words all in capitals."""
    return tuple(word if is_acronym(word) else lower(word) for word in tokens(nfc(written)))


def is_acronym(word: str) -> bool:
    """Whether a word of a rule finds only capitals: two letters or more, none of them small."""
    return word.isupper() and sum(map(str.isalpha, word)) > 1


def pack(rules: Mapping[str, Rule], model: tuple[str, str] | None = None) -> bytes:
    """Rules as bytes, for a process that has no configuration; equal rules give equal bytes.

    `model`: the file of the learned model and which one it is, None = there is none.
    """
    plain = {name: asdict(rule) for name, rule in rules.items()}
    return json.dumps([plain, model], sort_keys=True).encode()


def unpack(packed: bytes) -> tuple[dict[str, Rule], tuple[str, str] | None]:
    """What `pack` was given."""
    written: dict[str, dict[str, Any]]
    written, model = json.loads(packed)
    rules = {name: Rule.unpacked(lists) for name, lists in written.items()}
    return rules, None if model is None else tuple(model)
