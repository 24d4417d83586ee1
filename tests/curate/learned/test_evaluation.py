"""The figures of a model, by hand."""

from __future__ import annotations

import pytest

from service.curate.learned import evaluation
from service.curate.learned.examples import Example
from service.curate.learned.model import Guess
from tests.curate.learned.texts import LEARNS, vietnamese

pytestmark = LEARNS


def of(*labels):
    return [Example(label, "", "", "", "") for label in labels]


def test_accuracy_calibration_and_what_was_answered():
    guessed = [
        Guess("a", 0.95, knows=True),
        Guess("a", 0.95, knows=True),
        Guess("b", 0.95, knows=False),
        Guess("b", 0.55, knows=True),
        Guess("a", 0.15, knows=True),
    ]
    score = evaluation.score(guessed, of("a", "a", "b", "a", "b"))
    assert score.texts == 5
    assert score.accuracy == pytest.approx(3 / 5)
    assert score.accuracy_at_80 == pytest.approx(3 / 4)  # the last one is the least sure
    # Three at 0.95 of which all are right, one at 0.55 and one at 0.15 which are wrong.
    assert score.ece == pytest.approx((3 * 0.05 + 0.55 + 0.15) / 5)
    assert score.answered == pytest.approx(2 / 5)
    assert score.accuracy_answered == 1


def test_each_topic_by_itself():
    guessed = [Guess(topic, 0.9, knows=True) for topic in "aabbb"]
    found = evaluation.topic_scores(guessed, of(*"aaabc"))
    assert [(one.topic, one.texts) for one in found] == [("a", 3), ("b", 1), ("c", 1)]
    assert [one.recall for one in found] == pytest.approx([2 / 3, 1, 0])
    assert [one.precision for one in found] == pytest.approx([1, 1 / 3, 0])


def test_a_text_is_always_on_the_same_side():
    texts = vietnamese(each=50)
    learned, judged = evaluation.split(texts)
    assert len(learned) + len(judged) == 200
    assert 20 <= len(judged) <= 60
    assert evaluation.split(reversed(texts + texts))[1] == [*reversed(judged + judged)]


def test_a_text_is_judged_whole_by_its_beginning_and_without_marks():
    one = Example("a", "Đầu đề", "", "Chữ " * 100, "")
    found = evaluation.variants([one])
    assert found["whole"] == [("Đầu đề", "", one.text)]
    assert found["beginning"] == [("Đầu đề", "", one.text[: 300 - len("Đầu đề")])]
    assert found["unaccented"] == [("dau de", "", "chu " * 100)]
