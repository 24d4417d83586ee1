"""The compiled matcher against the plainest reading of the rules, on generated topics and texts."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from service.config.schema import Combination, NearTerms, Settings, Topic
from service.curate.rules.matcher import compile_rules, packed, unpacked
from service.curate.rules.terms import Described
from service.text.fold import fold, has_marks, lower, nfc, tokens

WORD = st.text(alphabet="aăĐeếEIİoòh1", min_size=1, max_size=3)
PHRASE = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
FIELDS = ["title", "text", "lead", "url", "author", "category"]
FIELD_TERM = st.tuples(st.sampled_from(FIELDS), WORD).map(": ".join)
TERM = st.one_of(PHRASE, PHRASE, FIELD_TERM)
CITED = "1-CT/TW"
TEXT = st.lists(st.one_of(WORD, WORD, st.just(CITED)), max_size=12).map(" ".join)
NAMES = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)


def listed(strategy, most):
    return st.lists(strategy, max_size=most).map(tuple)


NEAR = st.builds(
    NearTerms,
    words=st.lists(WORD, min_size=2, max_size=2, unique_by=fold).map(tuple),
    within=st.integers(0, 3),
    field=st.sampled_from([None, "title", "text"]),
)
EXPRESSION = st.sampled_from(["a+h", "^ă", "title:[eế] [oò]", "author:1$", r"\d\w"])
LISTS = {
    "any": listed(TERM, 2),
    "all": listed(TERM, 1),
    "none": listed(TERM, 1),
    "near": listed(NEAR, 1),
    "regex": listed(EXPRESSION, 1),
    "reference": listed(st.sampled_from(["01-CT/TW", "160/CP"]), 1),
}
COMBINATION = st.builds(Combination, **LISTS)
TOPIC = st.builds(
    Topic,
    **LISTS,
    any_of=listed(COMBINATION, 2),
    all_of=listed(COMBINATION, 1),
    none_of=listed(COMBINATION, 1),
    sources=NAMES,
    not_sources=listed(st.sampled_from(["a", "b"]), 1),
    categories=listed(WORD, 2),
    languages=listed(st.sampled_from(["vi", "en", "en-GB"]), 1),
)
DESCRIBED = st.builds(
    Described,
    title=TEXT,
    text=TEXT,
    source=st.sampled_from(["a", "b"]),
    categories=listed(PHRASE, 2),
    language=st.sampled_from([None, "vi", "en", "en-GB", "en-US"]),
    own_topics=listed(st.sampled_from(["t0", "t1"]), 2),
    lead=TEXT,
    link=st.one_of(st.none(), st.lists(WORD, max_size=3).map("/".join)),
    authors=listed(PHRASE, 2),
)


def places_of(phrase: str, text: str) -> list[tuple[int, int]]:
    """Where the words of a phrase stand in a row: the first, and the one behind the last."""
    spelled = lower if has_marks(phrase) else fold
    wanted = [spelled(word) for word in tokens(nfc(phrase))]
    capitals = [word.isupper() and len(word) - word.count("1") > 1 for word in tokens(nfc(phrase))]
    spoken = tokens(nfc(text))
    words = [spelled(word) for word in spoken]
    return [
        (at, at + len(wanted))
        for at in range(len(words))
        if words[at : at + len(wanted)] == wanted
        and all(spoken[at + n].isupper() for n, capital in enumerate(capitals) if capital)
    ]


def stands_in(phrase: str, text: str) -> bool:
    return bool(places_of(phrase, text))


def texts(one: Described, field: str | None) -> list[str]:
    said = {
        None: [one.title, one.text],
        "title": [one.title],
        "text": [one.text],
        "lead": [one.lead],
        "author": one.authors,
        "category": one.categories,
        "url": [one.link or ""],
    }
    return list(said[field])


def has(one: Described, term: str) -> bool:
    field, colon, said = term.partition(": ")
    if not colon:
        return any(stands_in(term, text) for text in texts(one, None))
    if field == "url":
        pieces = lower(one.link or "").split("/")
        return lower(said) in pieces
    return any(stands_in(said, text) for text in texts(one, field))


def are_near(one: Described, near: NearTerms) -> bool:
    for text in texts(one, near.field):
        first, second = (places_of(word, text) for word in near.words)
        for start, end in first:
            for other_start, other_end in second:
                gap = other_start - end if other_start >= end else start - other_end
                if 0 <= gap <= near.within:
                    return True
    return False


def finds(one: Described, expression: str) -> bool:
    """Each of EXPRESSION as it would be done by hand."""
    letter = str.isalnum
    if expression == "a+h":
        return any("ah" in text for text in texts(one, None))
    if expression == "^ă":
        return any(text.startswith("ă") for text in texts(one, None))
    if expression == "title:[eế] [oò]":
        pairs = [one.title[n : n + 3] for n in range(len(one.title))]
        return any(p[:1] in "eế" and p[1:2] == " " and p[2:] in "oò" for p in pairs if len(p) == 3)
    if expression == "author:1$":
        return any(name.endswith("1") for name in one.authors)
    pairs = [text[n : n + 2] for text in texts(one, None) for n in range(len(text))]
    # A capital İ in small letters is two characters: the text is looked at as it is written.
    return any(p[0] == "1" and letter(p[1]) for p in pairs if len(p) == 2)


def cites(one: Described) -> bool:
    return any(CITED in text.split() for text in texts(one, None))


def ways(one: Described, lists) -> list[bool]:
    return [
        *(has(one, term) for term in lists.any),
        *(are_near(one, near) for near in lists.near),
        *(finds(one, expression) for expression in lists.regex),
        *(number == f"0{CITED}" and cites(one) for number in lists.reference),
    ]


def holds(one: Described, lists: Combination) -> bool:
    found = ways(one, lists)
    return (
        (not found or any(found))
        and all(has(one, term) for term in lists.all)
        and not any(has(one, term) for term in lists.none)
    )


def belongs(name: str, topic: Topic, one: Described) -> bool:
    kept_out = [has(one, term) for term in topic.none]
    kept_out += [holds(one, some) for some in topic.none_of]
    if one.source in topic.not_sources or any(kept_out):
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
    found = [*ways(one, topic), *(holds(one, some) for some in topic.any_of)]
    asks = bool(found or topic.all or topic.all_of)
    if not asks and not topic.categories:
        return bool(topic.sources or topic.languages)
    by_words = (
        asks
        and (not found or any(found))
        and all(has(one, term) for term in topic.all)
        and all(holds(one, some) for some in topic.all_of)
    )
    called = {fold(category) for category in topic.categories}
    return by_words or any(fold(category) in called for category in one.categories)


@given(st.lists(TOPIC, min_size=1, max_size=4), DESCRIBED)
def test_the_matcher_is_what_the_rules_say(topics, one):
    named = {f"t{number}": topic for number, topic in enumerate(topics)}
    expected = {name for name, topic in named.items() if belongs(name, topic, one)}
    matcher = compile_rules(named)
    reasons = matcher.match(one)
    assert reasons.keys() == expected
    assert all(reasons.values())
    assert unpacked(packed(named)).match(one) == reasons
    assert {name for name in named if not matcher.refusal(name, one)} == expected


SPOKEN = st.lists(st.one_of(WORD, st.sampled_from(["e o", "ah", "1a"])), max_size=6).map(" ".join)


@given(st.lists(TOPIC, min_size=1, max_size=2), st.data())
def test_the_same_where_texts_are_made_of_the_rules_own_words(topics, data):
    """Generated words seldom meet: here most do."""
    named = {f"t{number}": topic for number, topic in enumerate(topics)}
    own = [
        term.partition(": ")[2] or term
        for topic in topics
        for lists in (topic, *topic.any_of, *topic.all_of, *topic.none_of)
        for term in (*lists.any, *lists.all, *lists.none, *(w for n in lists.near for w in n.words))
    ]
    said = st.one_of(SPOKEN, st.lists(st.sampled_from([*own, "o"]), max_size=5).map(" ".join))
    names = st.lists(st.sampled_from([*own, "x"]), max_size=2).map(tuple)
    one = data.draw(
        st.builds(
            Described,
            title=said,
            text=said,
            source=st.sampled_from(["a", "b"]),
            lead=said,
            link=names.map("/".join),
            authors=names,
            categories=names,
        )
    )
    expected = {name for name, topic in named.items() if belongs(name, topic, one)}
    assert compile_rules(named).match(one).keys() == expected


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


@given(st.lists(TERM, min_size=1, max_size=2), st.dictionaries(WORD, listed(WORD, 2)), DESCRIBED)
def test_a_word_with_synonyms_finds_what_the_words_of_its_list_find(terms, lists, one):
    """The same as a rule in which somebody had written them all, from list to list."""
    settings = Settings.model_validate(
        {"topic": {"t": {"any": terms}}, "synonyms": {k: v for k, v in lists.items() if v}}
    )

    def spelled(word: str) -> str:
        capitals = word.isupper() and len(word) - word.count("1") > 1
        return word if capitals else lower(word)

    by_name = {}
    for name, words in settings.synonyms.items():
        by_name[spelled(name)] = words
    written = []
    for term in terms:
        field, colon, said = term.partition(": ")
        waiting, known = [said if colon else term], []
        while waiting:
            word = waiting.pop()
            if word not in known:
                known.append(word)
                waiting += by_name.get(spelled(word), ())
        written += [f"{field}: {word}" if colon else word for word in known]
    with_lists = compile_rules(settings.topic).match(one)
    without = compile_rules({"t": Topic(any=tuple(written))}).match(one)
    assert with_lists.keys() == without.keys()
