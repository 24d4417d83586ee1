"""Judges the rules of topics: what can never match, what matches everything, what is no rule."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from service.config.schema import Combination, Settings, Topic
from service.curate.learned.in_use import EXTRA, NOT, needs_extra
from service.curate.rules.patterns import Pattern, PatternError, compile_pattern
from service.curate.rules.phrases import Phrase, Phrases
from service.curate.rules.terms import FIELDS, Synonyms, named_field, read_term
from service.errors import Finding
from service.text.fold import fold, tokens

Path = tuple[str | int, ...]

_COMBINED = ("any_of", "all_of", "none_of")
_ANYTHING = ("Lũ lớn ở miền Trung", "new school opened", "TP.HCM: 5 ca", "🙂", "1")
"""Texts that have nothing in common: an expression that finds something in each finds it in all."""


def faults(settings: Settings) -> list[Finding]:
    """Key path, what is wrong, what would be right."""
    filled = {name for source in settings.source.values() for name in source.topics}
    found: list[Finding] = [*_synonyms(settings)]
    for name, topic in settings.topic.items():
        for path, lists in _lists(name, topic):
            found += _terms(path, lists)
            found += _near(path, lists)
            found += _regex(path, lists)
            found += _shut_out(path, lists)
            found += _idle(path, lists)
        if not _asks_for_something(topic) and name not in filled:
            remedy = f'give it words (any = ["…"]), or name it in a source (topics = ["{name}"])'
            found.append((("topic", name), "nothing can enter this topic", remedy))
        found += _learned(name, topic)
    return found


def warnings(settings: Settings) -> list[Finding]:
    """What works, but hardly as it was meant. Only for settings without faults.

    Expressions that find something in every text; learned topics that cannot be trained here.
    """
    missing = needs_extra()
    untaught = [
        (("topic", name, "learn"), "what trains a model is not installed here", EXTRA)
        for name, topic in settings.topic.items()
        if topic.learn and missing
    ]
    return untaught + [
        ((*path, "regex", place), f"'{written}' finds something in every article", _NARROWER)
        for name, topic in settings.topic.items()
        for path, lists in _lists(name, topic)
        for place, written in enumerate(lists.regex)
        if _finds_all(compile_pattern(read_term(written).said))
    ]


_NARROWER = "say more of what it must find; `bantin topics test` shows what it adds"


def _finds_all(pattern: Pattern) -> bool:
    return all(pattern.find(text) is not None for text in _ANYTHING)


def _lists(name: str, topic: Topic) -> Iterator[tuple[Path, Topic | Combination]]:
    """A topic's own lists and its combinations, with the key path of each."""
    yield ("topic", name), topic
    for key in _COMBINED:
        for place, one in enumerate(getattr(topic, key)):
            yield ("topic", name, key, place), one


def _asks_for_something(topic: Topic) -> bool:
    words = topic.any or topic.near or topic.regex or topic.all or topic.any_of or topic.all_of
    more = topic.reference or topic.learn or topic.categories
    return bool(words or more or topic.sources or topic.languages)


def _learned(name: str, topic: Topic) -> Iterator[Finding]:
    if topic.learn and name == NOT:
        yield ("topic", name), f"{NOT!r} is the label of no learned topic", "call it otherwise"


def _terms(path: Path, lists: Topic | Combination) -> Iterator[Finding]:
    for key in ("any", "all", "none"):
        for place, word in enumerate(getattr(lists, key)):
            here = (*path, key, place)
            if (wrong := _no_field(word)) is not None:
                yield here, *wrong
            elif not tokens(fold(read_term(word).said)):
                yield here, f"{word!r} has no letter or digit in it", "write a word or a phrase"


def _no_field(term: str) -> tuple[str, str] | None:
    """What is wrong with the field that a term names, and what would be right; None: nothing.

    Only small letters right before a colon are taken for a field, or what is nearly one.
    """
    field = named_field(term)
    if field is None or field in FIELDS:
        return None
    near = get_close_matches(field, FIELDS, 1)
    if not near and not term.lstrip().startswith(field):
        return None
    known = f'did you mean "{near[0]}:"?' if near else f"there are {', '.join(FIELDS)}"
    return f'there is no field "{field}"', f"{known}; without the colon it finds these words"


def _near(path: Path, lists: Topic | Combination) -> Iterator[Finding]:
    for place, near in enumerate(lists.near):
        here = (*path, "near", place)
        folded = [tokens(fold(word)) for word in near.words]
        for word, spelled in zip(near.words, folded, strict=True):
            if not spelled:
                yield here, f"{word!r} has no letter or digit in it", "write a word or a phrase"
            elif (field := named_field(word)) in FIELDS:
                yield here, f"{word!r} names a field", f'write field = "{field}" beside words'
        if folded[0] == folded[1] != []:
            yield here, f"{near.words[0]!r} stands in it twice", "write two different words"


def _regex(path: Path, lists: Topic | Combination) -> Iterator[Finding]:
    for place, written in enumerate(lists.regex):
        here = (*path, "regex", place)
        field = named_field(written)
        if field and field not in FIELDS and (near := get_close_matches(field, FIELDS, 1)):
            yield here, f'there is no field "{field}"', f'did you mean "{near[0]}:"?'
            continue
        try:
            compile_pattern(read_term(written).said)
        except PatternError as error:
            problem, _, remedy = str(error).partition("; ")
            yield here, f"'{written}' {problem}", remedy


def _shut_out(path: Path, lists: Topic | Combination) -> Iterator[Finding]:
    """Words that hold a word of `none`: whoever writes them is kept out for it.

    Of a topic, a word that stands in both lists as it is, is named by `config`.
    """
    everywhere = [word for word in lists.none if read_term(word).field is None]
    kept_out = Phrases(Phrase.of(word, 0, word) for word in everywhere)
    for key in ("any", "all"):
        for word in getattr(lists, key):
            field, said = read_term(word)
            if field in {None, "title", "text"}:
                told = {word} if isinstance(lists, Topic) else set()
                for other in sorted(kept_out.find(said).keys() - told):
                    problem = f"{word!r} lets nothing in: none keeps out {other!r}"
                    yield (*path, key), problem, "take one of the two out"


def _idle(path: Path, lists: Topic | Combination) -> Iterator[Finding]:
    """A combination that does not say what must be there; in all_of it may say what must not."""
    asks = lists.any or lists.near or lists.regex or lists.reference or lists.all
    if isinstance(lists, Topic) or asks:
        return
    if not lists.none or path[2] != "all_of":
        yield path, "asks for nothing", 'say what must be there (all = ["…"]), or take it out'


def _synonyms(settings: Settings) -> Iterator[Finding]:
    known = Synonyms(settings.synonyms)
    for name, words in settings.synonyms.items():
        path = ("synonyms", name)
        if circle := known.circle(name):
            yield path, f"refers to itself: {' -> '.join(circle)}", "take one of these words out"
        if not tokens(fold(name)):
            yield path, f"{name!r} has no letter or digit in it", "write a word"
        for place, word in enumerate(words):
            if not tokens(fold(word)):
                yield (*path, place), f"{word!r} has no letter or digit in it", "write a word"
            elif named_field(word) in FIELDS:
                remedy = "fields stand in rules; write the words alone"
                yield (*path, place), f"{word!r} names a field", remedy
