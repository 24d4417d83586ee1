"""One article as rules look at it: what of their terms stands where, each found out once. Pure.

Words of all rules are looked for in one walk over each field; regular expressions, and how near two
words stand, only where a rule gets so far that it matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property

from service.curate.rules.patterns import Pattern, compile_pattern
from service.curate.rules.phrases import Phrase, Phrases, between
from service.curate.rules.terms import (
    EVERYWHERE,
    FIELDS,
    URL,
    Described,
    NearWords,
    Rule,
    read_term,
)
from service.text.fold import lower, words_of
from service.text.references.find import references


class Finders:
    """What finds the terms of all rules, made once."""

    def __init__(self, rules: Collection[Rule]) -> None:
        listed: defaultdict[str, dict[Phrase, None]] = defaultdict(dict)
        self.phrases_of: dict[str, list[Phrase]] = {}
        self.patterns: dict[str, tuple[tuple[str, ...], Pattern]] = {}
        for rule in rules:
            for clause in rule.clauses:
                for term in clause.terms:
                    read = read_term(term)
                    spelled = (read.said, *rule.synonyms.get(term, ()))
                    made = [Phrase.of(term, rank, word) for rank, word in enumerate(spelled)]
                    self.phrases_of[term] = made
                    for place in read.fields:
                        listed[place] |= dict.fromkeys(made)
                for written in clause.regex:
                    read = read_term(written)
                    self.patterns[written] = read.fields, compile_pattern(read.said)
        self.cited = frozenset(
            one for rule in rules for clause in rule.clauses for one in clause.reference
        )
        self.addresses = [(one, lower(one.written.strip())) for one in listed.pop(URL, ())]
        self.by_field = {field: Phrases(listed[field]) for field in FIELDS if field in listed}


class ArticleLook:
    """An article, and what was found in it so far. `places`: field -> terms found there."""

    def __init__(self, finders: Finders, described: Described) -> None:
        self._finders = finders
        self.described = described
        self.places: dict[str, dict[str, Phrase]] = {}
        for field, phrases in finders.by_field.items():
            there = self.places[field] = {}
            for text in described.said_in(field):
                there |= phrases.find(text)
        if finders.addresses and described.link:
            self.places[URL] = _in_address(lower(described.link), finders.addresses)
        self.terms: set[str] = set().union(*self.places.values())
        self._near: dict[NearWords, tuple[str, str] | None] = {}
        self._regex: dict[str, tuple[str, str] | None] = {}

    def of_term(self, term: str) -> Iterable[tuple[str, Phrase]]:
        """(Field, what stands there), for each field that has the term."""
        return ((field, found[term]) for field, found in self.places.items() if term in found)

    def near(self, near: NearWords) -> tuple[str, str] | None:
        """The field in which the two stand near each other, and from the one to the other."""
        if near not in self._near:
            self._near[near] = self._find_near(near)
        return self._near[near]

    def regex(self, written: str) -> tuple[str, str] | None:
        """The field in which the expression finds something, and what."""
        if written not in self._regex:
            fields, pattern = self._finders.patterns[written]
            found = ((field, pattern.find(text)) for field in fields for text in self._said(field))
            hits = ((field, said) for field, said in found if said is not None)
            self._regex[written] = next(hits, None)
        return self._regex[written]

    @cached_property
    def cited(self) -> dict[str, list[str]]:
        """The official documents of rules that the article cites -> the fields that name each."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for field in EVERYWHERE if self._finders.cited else ():
            for text in self._said(field):
                for one in self._finders.cited.intersection(references(text)):
                    found[one].append(field)
        return found

    def _said(self, field: str) -> Iterable[str]:
        return self.described.said_in(field)

    def _find_near(self, near: NearWords) -> tuple[str, str] | None:
        one, other = (self._finders.phrases_of[term] for term in near.terms)
        for field, found in self.places.items():
            if not all(term in found for term in near.terms):
                continue
            for text in self._said(field):
                span = between(Phrases(one).spans(text), Phrases(other).spans(text), near.within)
                if span is not None:
                    return field, " ".join(words_of(text)[0][slice(*span)])
        return None


def _in_address(address: str, pieces: Iterable[tuple[Phrase, str]]) -> dict[str, Phrase]:
    """The terms of which a piece stands in the address, signs and all, from word to word."""
    return {phrase.term: phrase for phrase, piece in pieces if _stands(piece, address)}


def _stands(piece: str, address: str) -> bool:
    at = address.find(piece) if piece else -1
    while at >= 0:
        end = at + len(piece)
        cuts_before = at > 0 and address[at - 1].isalnum() and piece[0].isalnum()
        cuts_behind = end < len(address) and address[end].isalnum() and piece[-1].isalnum()
        if not cuts_before and not cuts_behind:
            return True
        at = address.find(piece, at + 1)
    return False
