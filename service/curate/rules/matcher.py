"""Topics by rules: which topics an article belongs to, and why. Pure.

An article is in a topic when
    its words fit (one of `any`, `near`, `regex`, `reference` and `any_of`; each of `all` and
    `all_of`; where both kinds are given, both)
    or one of `categories` is what the source calls it,
    or it is learned, and the model says so,
    and it comes from one of `sources` and in one of `languages`, where these are given;
    without words and categories these two decide alone.
A source's own `topics` bring in everything from it. `none`, `none_of` and `not_sources` keep out,
always. How words match: `phrases`; regular expressions: `patterns`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from service.curate.learned.in_use import LearnedModel, read_model
from service.curate.rules.look import ArticleLook, Finders
from service.curate.rules.terms import FIELDS, Clause, Described, Rule, pack, unpack
from service.text.fold import fold

if TYPE_CHECKING:  # workers match without a configuration, and need not load its library
    from service.config.schema import Topic

Reason = dict[str, Any]
"""What proves a match, as JSON: {"any": ["giáo dục"], "in": ["title"]}, {"source": "vnexpress"}.

`in`: the fields that have them, of `near` and `regex` the first. `found`: what stands there, where
that is not what is written: a synonym, what an expression found, from one near word to the other.
`any_of`: a reason for each combination that holds. `learned`: how likely the model finds it, and
`by` its strongest words. What is not in a topic has {"kept_out": reason} or
{"lacks": {"all": ["lũ"]}}.
"""


class Matcher:
    """All rules, compiled. Make it with `compile_rules`.

    `hashes`: topic -> hash of its rules, to tell them from those in force; None: these decide,
    whichever are.
    """

    def __init__(
        self,
        rules: Mapping[str, Rule],
        model: LearnedModel | None = None,
        hashes: Mapping[str, bytes] | None = None,
    ) -> None:
        self.hashes = hashes
        self._rules = rules
        self._sure = {name: one.learned for name, one in rules.items() if one.learned is not None}
        self._model = model if self._sure else None
        self._finders = Finders(rules.values())
        self._categories = {
            name: {fold(category) for category in rule.categories} for name, rule in rules.items()
        }
        # What can bring a topic in by itself, so that most topics are never looked at.
        self._by_term: defaultdict[str, set[str]] = defaultdict(set)
        self._by_category: defaultdict[str, set[str]] = defaultdict(set)
        self._always: set[str] = set()
        for name, rule in rules.items():
            terms = _bringing(rule)
            for term in terms or ():
                self._by_term[term].add(name)
            for category in self._categories[name]:
                self._by_category[category].add(name)
            if terms is None or _is_open(rule):
                self._always.add(name)

    def match(self, described: Described) -> dict[str, Reason]:
        """Topic -> why the article is in it."""
        look = ArticleLook(self._finders, described)
        learned = self._learned(described)
        names = self._possible(look) | learned.keys()
        reasons = {name: self._reason(name, look, learned) for name in sorted(names)}
        return {name: reason for name, reason in reasons.items() if reason}

    def refusal(self, name: str, described: Described) -> Reason:
        """Why an article is not in a topic; {} where it is."""
        look, rule = ArticleLook(self._finders, described), self._rules[name]
        if out := _kept_out(rule, look):
            return {"kept_out": out}
        if self._reason(name, look, self._learned(described)):
            return {}
        lacks = _lacks(rule, look)
        if rule.learned is not None:
            lacks["learned"] = rule.learned
        return {"lacks": lacks}

    def knows(self, name: str) -> bool:
        """Whether the model answers, if this topic is learned. Else rules decide alone."""
        return name not in self._sure or (self._model is not None and self._model.problem is None)

    def _learned(self, described: Described) -> dict[str, Reason]:
        """The topic that the model finds in an article, if it is sure enough."""
        if self._model is None:
            return {}
        said = self._model.judge(described.title, described.text, min(self._sure.values()))
        if said is None or said.probability < self._sure.get(said.topic, inf):
            return {}
        return {said.topic: {"learned": round(said.probability, 2), "by": [*said.words]}}

    def _possible(self, look: ArticleLook) -> set[str]:
        names = self._always | (self._rules.keys() & set(look.described.own_topics))
        for term in (*look.terms, *look.cited):
            names |= self._by_term.get(term, set())
        for category in look.described.categories:
            names |= self._by_category.get(fold(category), set())
        return names

    def _reason(self, name: str, look: ArticleLook, learned: Mapping[str, Reason]) -> Reason | None:
        rule, described = self._rules[name], look.described
        reason: Reason = {}
        if name in described.own_topics:
            reason["source"] = described.source
        if _fits(rule, described):
            reason |= self._evidence(name, rule, look) | learned.get(name, {})
        return reason if reason and not _kept_out(rule, look) else None

    def _evidence(self, name: str, rule: Rule, look: ArticleLook) -> Reason:
        """What the topic asks for and this has; {} where it lacks it."""
        described = look.described
        if _is_open(rule):
            where: Reason = {}
            if rule.sources:
                where["source"] = described.source
            if rule.languages:
                where["language"] = described.language
            return where
        reason = (_rule_holds(rule, look) if rule.asks else None) or {}
        known = self._categories[name]
        called = [category for category in described.categories if fold(category) in known]
        if called:
            reason["categories"] = called
        return reason


def compile_rules(
    topics: Mapping[str, Topic],
    model: LearnedModel | None = None,
    hashes: Mapping[str, bytes] | None = None,
) -> Matcher:
    """One matcher of all topics' rules. Raises PatternError for an expression that cannot be.

    `model`: None: topics that are learned go by their rules alone. `hashes`: of the rules.
    """
    return Matcher({name: Rule.of(topic) for name, topic in topics.items()}, model, hashes)


def packed(topics: Mapping[str, Topic], model: LearnedModel | None = None) -> bytes:
    """The same as bytes, for a process that has no configuration and reads the model itself.

    Another model gives other bytes, so that a worker reads it once.
    """
    rules = {name: Rule.of(topic) for name, topic in topics.items()}
    return pack(rules, None if model is None else (model.path, model.digest))


@lru_cache(maxsize=2)
def unpacked(rules: bytes) -> Matcher:
    """The matcher of rules that were packed."""
    written, model = unpack(rules)
    return Matcher(written, read_model(model[0]) if model is not None and model[1] else None)


def _is_open(rule: Rule) -> bool:
    """Whether it asks for nothing of the article itself: sources and languages decide alone."""
    return not (rule.asks or rule.categories or rule.learned is not None)


def _bringing(rule: Rule) -> set[str] | None:
    """Terms one of which must stand in whatever its words bring in; None: it may have none."""
    if rule.ways:
        clauses = [rule.words, *rule.any_of]
        if rule.words.regex or any(one.regex or not one.asks for one in rule.any_of):
            return None
        found = {term for one in clauses for near in one.near for term in near.terms}
        found |= {term for one in clauses for term in (*one.any, *one.reference)}
        return found | {term for one in rule.any_of if not one.ways for term in one.all}
    if rule.words.all or not rule.all_of:
        return set(rule.words.all)
    return None


def _rule_holds(rule: Rule, look: ArticleLook) -> Reason | None:
    """The reason of its words and combinations; None: they do not hold."""
    if not _has_all(rule.words, look):
        return None
    every = [_holds(one, look) for one in rule.all_of]
    if None in every:
        return None
    reason = _found(rule.words, look)
    some = [why for one in rule.any_of if (why := _holds(one, look)) is not None]
    if rule.ways and not (some or reason.keys() & _WAYS):
        return None
    if some:
        reason["any_of"] = some
    if every:
        reason["all_of"] = every
    return reason


_WAYS = {"any", "near", "regex", "reference"}


def _holds(clause: Clause, look: ArticleLook) -> Reason | None:
    """The reason of a combination; None: it does not hold."""
    if not _has_all(clause, look) or not look.terms.isdisjoint(clause.none):
        return None
    reason = _found(clause, look)
    if clause.ways and not reason.keys() & _WAYS:
        return None
    return reason


def _has_all(clause: Clause, look: ArticleLook) -> bool:
    return all(term in look.terms for term in clause.all)


def _found(clause: Clause, look: ArticleLook) -> Reason:
    """What of its lists is there, in which fields, and as what."""
    reason: Reason = {}
    fields: set[str] = set()
    found: dict[str, str] = {}
    for key, listed in (("any", clause.any), ("all", clause.all)):
        if terms := [term for term in listed if term in look.terms]:
            reason[key] = terms
            for term in terms:
                fields |= _note(term, look, found)
    for key, written, (field, said) in _hits(clause, look):
        reason.setdefault(key, []).append(written)
        fields.add(field)
        found[written] = said
    if cited := [one for one in clause.reference if one in look.cited]:
        reason["reference"] = cited
        fields.update(*(look.cited[one] for one in cited))
    if fields:
        reason["in"] = [field for field in FIELDS if field in fields]
    if found:
        reason["found"] = found
    return reason


def _hits(clause: Clause, look: ArticleLook) -> Iterator[tuple[str, str, tuple[str, str]]]:
    """Of what it looks for only here: the list, what is written, and (field, what stands there)."""
    for near in clause.near:
        if (hit := look.near(near)) is not None:
            yield "near", near.written, hit
    for written in clause.regex:
        if (hit := look.regex(written)) is not None:
            yield "regex", written, hit


def _note(term: str, look: ArticleLook, found: dict[str, str]) -> set[str]:
    """The fields that have the term; what stands there goes to `found` if it is a synonym."""
    fields = set()
    for field, phrase in look.of_term(term):
        fields.add(field)
        if phrase.rank:
            found.setdefault(term, phrase.written)
    return fields


def _kept_out(rule: Rule, look: ArticleLook) -> Reason:
    """What keeps the article out, whatever brings it in; {}: nothing."""
    if look.described.source in rule.not_sources:
        return {"not_sources": [look.described.source]}
    if not look.terms.isdisjoint(rule.words.none):
        reason = _found(Clause(any=rule.words.none), look)
        return {"none": reason.pop("any"), **reason}
    some = [why for one in rule.none_of if (why := _holds(one, look)) is not None]
    return {"none_of": some} if some else {}


def _lacks(rule: Rule, look: ArticleLook) -> Reason:
    """What an article lacks that is not kept out. Combinations are told by their place, from 1.

    `one_of`: the lists of which it has nothing.
    """
    described = look.described
    lacks: Reason = {}
    if rule.sources and described.source not in rule.sources:
        lacks["sources"] = list(rule.sources)
    if rule.languages and not _speaks(described.language, rule.languages):
        lacks["languages"] = list(rule.languages)
    if missing := [term for term in rule.words.all if term not in look.terms]:
        lacks["all"] = missing
    combined = enumerate(rule.all_of, 1)
    if missing_of := [place for place, one in combined if _holds(one, look) is None]:
        lacks["all_of"] = missing_of
    found = _found(rule.words, look).keys() & _WAYS
    if not found and all(_holds(one, look) is None for one in rule.any_of):
        lists = {name: getattr(rule.words, name) for name in ("any", "near", "regex", "reference")}
        lists |= {"any_of": rule.any_of, "categories": rule.categories}
        if asked := [name for name, listed in lists.items() if listed]:
            lacks["one_of"] = asked
    return lacks


def _fits(rule: Rule, described: Described) -> bool:
    if rule.sources and described.source not in rule.sources:
        return False
    return not rule.languages or _speaks(described.language, rule.languages)


def _speaks(language: str | None, wanted: Iterable[str]) -> bool:
    """A wanted "en" takes "en-GB" too; a wanted "en-GB" only itself."""
    if language is None:
        return False
    spoken = language.lower()
    return any(spoken == one.lower() or spoken.startswith(f"{one.lower()}-") for one in wanted)
