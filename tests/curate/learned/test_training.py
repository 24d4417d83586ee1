"""What is learned from examples, and when it says nothing."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import replace

import pytest

from service.curate.learned.in_use import NOT
from service.curate.learned.model_file import to_bytes
from service.curate.learned.training import train
from service.errors import LearningError
from service.text.fold import fold
from tests.curate.learned.texts import ENGLISH, LEARNS, WORDS, article, examples, vietnamese

pytestmark = LEARNS


def fresh(topic, number=20):
    random_ = random.Random(f"fresh {topic}")
    return [article(topic, random_) for _ in range(number)]


@pytest.mark.parametrize("topic", WORDS)
def test_a_text_that_was_never_seen_is_judged_by_its_words(model, topic):
    own = set(" ".join(WORDS[topic].split(", ")).split())
    for title, text in fresh(topic):
        verdict = model.judge(title, "", text)
        assert verdict.topic == topic
        assert 0.6 <= verdict.probability <= 1
        assert 1 <= len(verdict.words) <= 6
        for reason in verdict.words:
            assert f" {reason} " in f" {title} {text.rstrip('.')} "  # as the text spells it
        assert set(verdict.words[0].lower().split()) & own


def test_text_without_marks_and_in_another_normal_form_is_judged_alike(model):
    for title, text in fresh("suc-khoe"):
        verdict = model.judge(title, "", text)
        assert model.judge(fold(title), "", fold(text)).topic == "suc-khoe"
        apart = [unicodedata.normalize("NFD", one) for one in (title, text)]
        assert model.judge(apart[0], "", apart[1]) == verdict


def test_what_is_said_in_lead_or_title_alone_counts(model):
    title, text = fresh("kinh-te", 1)[0]
    assert model.judge("", text, "").topic == "kinh-te"
    assert model.judge(title + " " + text, "", "").topic == "kinh-te"
    # The lead of a text that begins with it is not counted twice.
    assert model.judge(title, text, text) == model.judge(title, "", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🎉🎉🎉 😀",
        "cầu thủ",  # two words
        "Der Ausschuss hat gestern die neuen Regeln zum Verkehr in der Stadt beraten",
        "ประชุมคณะกรรมการวันนี้",
        "12 34 56 78 90",
    ],
)
def test_where_there_is_no_ground_it_says_so(model, text):
    assert model.judge(text, "", "") is None
    assert not model.guesses([(text, "", "")])[0].knows


def test_the_threshold_decides_what_is_said(model):
    title, text = fresh("the-thao", 1)[0]
    probability = model.judge(title, "", text).probability
    assert model.judge(title, "", text, sure=probability + 0.0001) is None
    assert model.judge(title, "", text, sure=probability - 0.0001) is not None


def test_a_text_of_two_topics_is_less_sure_than_one_of_its_own(model):
    (_, one), (_, other) = fresh("the-thao", 1)[0], fresh("kinh-te", 1)[0]
    mixed, plain = model.guesses([("", "", f"{one} {other}"), ("", "", one)])
    assert mixed.probability < plain.probability


def test_texts_that_are_weighed_together_are_judged_as_each_by_itself(model):
    told = [(title, "", text) for topic in WORDS for title, text in fresh(topic, 3)]
    told += [("", "", ""), (fold(told[0][0]), "", fold(told[0][2])), ("🙂", "", "")]
    for text, guess in zip(told, model.guesses(told), strict=True):
        assert model.guesses([text]) == [guess]
        verdict = model.judge(*text)
        if verdict is not None:
            assert (verdict.topic, verdict.probability) == (guess.topic, guess.probability)


def test_of_a_very_long_text_the_beginning_decides(model):
    _, sport = fresh("the-thao", 1)[0]
    _, health = fresh("suc-khoe", 1)[0]
    long = sport * 200 + health * 50_000
    assert len(long) > 5_000_000
    assert model.judge("", "", long) == model.judge("", "", long[:20_000])
    assert model.judge("", "", long).topic == "the-thao"


def test_the_same_texts_and_seed_give_the_same_bytes(model):
    assert to_bytes(train(vietnamese(), seed=1)) == to_bytes(model)


def test_texts_without_marks_need_one_classifier():
    model = train(examples(*ENGLISH), seed=1)
    assert model.marked is None
    title, text = fresh("health", 1)[0]
    assert model.judge(title, "", text).topic == "health"  # of two topics


def test_what_is_of_no_topic_can_be_taught(model):
    assert NOT in model.topics
    title, text = fresh(NOT, 1)[0]
    assert model.judge(title, "", text).topic == NOT


def test_words_of_an_outlet_are_no_words_of_its_topic():
    """Bao A writes "(BaoA)" below all its articles, which are nearly all of sports."""

    def signed(one, number):
        source = "bao-a" if (number % 10 < 9) == (one.label == "the-thao") else "bao-b"
        signature = " BaoA nguồn" if source == "bao-a" else " BaoB lược"
        return replace(one, source=source, text=one.text + signature)

    texts = [
        signed(one, number // 2)
        for number, one in enumerate(examples("the-thao", "suc-khoe", each=150))
    ]
    title, text = fresh("suc-khoe", 1)[0]
    told = train(texts, seed=1)
    silent = train([replace(one, source="") for one in texts], seed=1)
    row = told.folded.vocabulary.words.index("baoa")
    assert told.folded.idf[row] == 0
    assert silent.folded.idf[row] > 0
    verdict = told.judge(title, "", f"{text} BaoA nguồn")
    assert verdict.topic == "suc-khoe"
    assert verdict.probability == pytest.approx(told.judge(title, "", text).probability, abs=0.01)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "no text"),
        (examples("the-thao"), "all 24 texts are of 'the-thao'"),
        (examples("the-thao") + examples("kinh-te", each=3), "'kinh-te' has 3; 8 of each"),
    ],
)
def test_too_little_to_learn_from_is_told(texts, said):
    with pytest.raises(LearningError, match=said):
        train(texts, seed=1)
