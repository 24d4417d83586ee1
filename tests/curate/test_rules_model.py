"""The compiled matcher against the plainest reading of the rules, on generated topics and texts."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from service.config.schema import Topic
from service.curate.rules import Described, compile_rules
from service.text.fold import fold, has_marks, lower, nfc, tokens

WORD = st.text(alphabet="aăĐeếEIİoòh1", min_size=1, max_size=3)
PHRASE = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
PHRASES = st.lists(PHRASE, max_size=3).map(tuple)
TEXT = st.lists(WORD, max_size=12).map(" ".join)
NAMES = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
TOPIC = st.builds(
    Topic,
    any=PHRASES,
    all=st.lists(PHRASE, max_size=2).map(tuple),
    none=st.lists(PHRASE, max_size=1).map(tuple),
    sources=NAMES,
    not_sources=st.lists(st.sampled_from(["a", "b"]), max_size=1).map(tuple),
    categories=st.lists(WORD, max_size=2).map(tuple),
    languages=st.lists(st.sampled_from(["vi", "en", "en-GB"]), max_size=1).map(tuple),
)
DESCRIBED = st.builds(
    Described,
    title=TEXT,
    text=TEXT,
    source=st.sampled_from(["a", "b"]),
    categories=st.lists(WORD, max_size=2).map(tuple),
    language=st.sampled_from([None, "vi", "en", "en-GB", "en-US"]),
    own_topics=st.lists(st.sampled_from(["t0", "t1"]), max_size=2).map(tuple),
)


def stands_in(phrase: str, text: str) -> bool:
    spelled = lower if has_marks(phrase) else fold
    wanted = [spelled(word) for word in tokens(nfc(phrase))]
    capitals = [word.isupper() and len(word) - word.count("1") > 1 for word in tokens(nfc(phrase))]
    spoken = tokens(nfc(text))
    words = [spelled(word) for word in spoken]
    return any(
        words[at : at + len(wanted)] == wanted
        and all(spoken[at + n].isupper() for n, capital in enumerate(capitals) if capital)
        for at in range(len(words))
    )


def belongs(name: str, topic: Topic, one: Described) -> bool:
    def has(phrase: str) -> bool:
        return stands_in(phrase, one.title) or stands_in(phrase, one.text)

    if one.source in topic.not_sources or any(map(has, topic.none)):
        return False
    if name in one.own_topics:
        return True
    if topic.sources and one.source not in topic.sources:
        return False
    if topic.languages and not any(
        one.language is not None and (one.language == asked or one.language.startswith(f"{asked}-"))
        for asked in topic.languages
    ):
        return False
    if not (topic.any or topic.all or topic.categories):
        return bool(topic.sources or topic.languages)
    by_words = bool(topic.any or topic.all) and (
        (not topic.any or any(map(has, topic.any))) and all(map(has, topic.all))
    )
    called = {fold(category) for category in topic.categories}
    return by_words or any(fold(category) in called for category in one.categories)


@given(st.lists(TOPIC, min_size=1, max_size=4), DESCRIBED)
def test_the_matcher_is_what_the_rules_say(topics, one):
    named = {f"t{number}": topic for number, topic in enumerate(topics)}
    expected = {name for name, topic in named.items() if belongs(name, topic, one)}
    reasons = compile_rules(named).match(one)
    assert reasons.keys() == expected
    assert all(reasons.values())


def _spoken(phrases: tuple[str, ...]) -> st.SearchStrategy[tuple[Topic, Described]]:
    """A topic, and what mostly has some of its words."""
    said = st.lists(st.one_of(WORD, st.sampled_from(phrases)), max_size=6).map(" ".join)
    topic = st.builds(Topic, any=st.just(phrases), all=st.sampled_from([(), phrases[:1]]))
    return st.tuples(topic, st.builds(Described, title=said, text=said, source=st.just("a")))


@given(st.lists(PHRASE, min_size=1, max_size=3).map(tuple).flatmap(_spoken))
def test_every_word_in_a_reason_stands_where_the_reason_says(pair):
    topic, one = pair
    reason = compile_rules({"t0": topic}).match(one).get("t0", {})
    places = {"title": one.title, "text": one.text}
    words = (*reason.get("any", ()), *reason.get("all", ()))
    assume(words)
    for word in words:
        assert any(stands_in(word, places[place]) for place in reason["in"])
