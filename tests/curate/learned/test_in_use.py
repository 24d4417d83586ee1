"""A learned model at work: beside the rules of topics, and when its file changes or breaks."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from service.config.schema import Settings
from service.curate.faults import faults, warnings
from service.curate.learned.in_use import MISSING
from service.curate.learned.model_file import to_bytes
from service.curate.learned.training import train
from service.curate.rematch import rematch as rematch_with
from service.curate.rules.matcher import compile_rules, packed, unpacked
from service.curate.rules.terms import Described
from service.errors import LearningError
from service.runtime import learning
from service.runtime.model_in_use import ModelInUse, troubles
from service.store.sources import registry
from tests.curate.desk import Desk
from tests.curate.desk import entry as desk_entry
from tests.curate.learned.texts import LEARNS, article, vietnamese

pytestmark = LEARNS

SOURCES = {"a": {"url": "https://a.vn/rss"}, "b": {"url": "https://b.vn/rss"}}
LEARNED = {"learn": True}


def settings(folder, **topics):
    made = Settings.model_validate({"source": SOURCES, "topic": topics})
    made._root = folder
    return made


def put(made, data):
    made.model_file.parent.mkdir(exist_ok=True)
    draft = made.model_file.with_suffix(".new")
    draft.write_bytes(data)
    draft.replace(made.model_file)


@pytest.fixture(scope="module")
def file(model):
    return to_bytes(model)


@pytest.fixture(scope="module")
def swapped():
    """A model that calls sports health, and health sports."""
    other = {"the-thao": "suc-khoe", "suc-khoe": "the-thao"}
    texts = [replace(one, label=other.get(one.label, one.label)) for one in vietnamese()]
    return to_bytes(train(texts, seed=1))


def described(topic, source="a", **more):
    title, text = article(topic, random.Random(f"in use {topic}"))
    return Described(title=title, text=text, source=source, **more)


def model_of(made):
    return ModelInUse().current(made)


def matcher_of(made):
    return compile_rules(made.topic, model_of(made))


def rematch(store, made, now):
    return rematch_with(store, made, now, model=model_of(made))


def test_the_model_brings_in_what_no_word_of_the_rule_does(tmp_path, file):
    made = settings(
        tmp_path,
        **{
            "the-thao": LEARNED,
            "suc-khoe": {**LEARNED, "any": ["bệnh viện"]},
            "kinh-te": {"any": ["ngân hàng"]},
        },
    )
    put(made, file)
    matcher = matcher_of(made)
    found = matcher.match(described("the-thao"))
    assert set(found) == {"the-thao"}
    reason = found["the-thao"]
    assert set(reason) == {"learned", "by"}
    assert 0.6 <= reason["learned"] <= 1
    assert 1 <= len(reason["by"]) <= 6
    spelt = described("the-thao")
    assert all(f" {one} " in f" {spelt.title} {spelt.text[:-1]} " for one in reason["by"])
    # Beside the words of the rule, each with its reason.
    health = described("suc-khoe")
    both = matcher.match(replace(health, text=f"{health.text} bệnh viện"))["suc-khoe"]
    assert both["learned"] > 0.6
    assert both["any"] == ["bệnh viện"]
    # What is learned as a topic that does not ask for it, or as none, brings nothing in.
    assert "learned" not in matcher.match(described("kinh-te")).get("kinh-te", {})
    assert not matcher.match(described("not")).keys() & {"the-thao", "suc-khoe"}
    # Workers get it with the rules.
    away = unpacked(packed(made.topic, model_of(made)))
    assert away.match(described("the-thao")) == found
    assert unpacked(packed(made.topic, model_of(made))) is away, "read once"


def test_what_narrows_a_rule_narrows_the_model(tmp_path, file):
    title, text = article("the-thao", random.Random("in use the-thao"))
    word = text.split()[2]
    narrowed = {
        "sources": ["b"],
        "not_sources": ["a"],
        "languages": ["en"],
        "none": [word],
        "threshold": 0.99,
    }
    for key, value in narrowed.items():
        made = settings(tmp_path, **{"the-thao": {**LEARNED, key: value}})
        put(made, file)
        asked = Described(title=title, text=text, source="a", language="vi")
        if key == "threshold":
            asked = replace(asked, text="hôm nay người dân cho biết trận đấu cầu thủ bệnh viện")
            asked = replace(asked, title="bác sĩ")
        assert matcher_of(made).match(asked) == {}, key
    made = settings(tmp_path, **{"the-thao": {**LEARNED, "sources": ["a"], "languages": ["vi"]}})
    asked = Described(title=title, text=text, source="a", language="vi")
    assert set(matcher_of(made).match(asked)) == {"the-thao"}


def test_a_learned_topic_alone_does_not_take_everything_in(tmp_path):
    made = settings(tmp_path, **{"the-thao": {**LEARNED, "sources": ["a"]}})
    assert matcher_of(made).match(described("the-thao")) == {}  # there is no model yet
    refused = matcher_of(made).refusal("the-thao", described("kinh-te"))
    assert refused == {"lacks": {"learned": 0.6}}


def test_a_replaced_file_is_taken_at_once_and_a_broken_one_leaves_the_rules(
    tmp_path, file, swapped
):
    words = {"any": ["trận đấu"]}
    made = settings(tmp_path, **{"the-thao": {**LEARNED, **words}, "suc-khoe": LEARNED})
    in_use = ModelInUse()

    def match(article):
        """As a job that begins now does it, and its workers."""
        model = in_use.current(made)
        found = compile_rules(made.topic, model).match(article)
        assert unpacked(packed(made.topic, model)).match(article) == found
        return found

    sport = described("the-thao", language="vi")
    sport = replace(sport, text=f"{sport.text} trận đấu")
    assert in_use.current(made).problem == MISSING
    assert match(sport) == {"the-thao": {"any": ["trận đấu"], "in": ["text"]}}
    put(made, file)
    assert in_use.current(made).problem is None
    assert "learned" in match(sport)["the-thao"]
    first = in_use.current(made)
    assert in_use.current(made) is first, "read once"
    put(made, swapped)
    assert "learned" in match(sport)["suc-khoe"]
    assert in_use.current(made).digest != first.digest
    put(made, file[:-100])
    with capture_logs() as logged:
        for _ in range(3):
            assert set(match(sport)) == {"the-thao"}
    model = in_use.current(made)
    assert model.problem.startswith("no model of topics, or a damaged one")
    assert [one["event"] for one in logged] == ["no learned topics: the rules go on alone"]
    (trouble,) = troubles(model)
    assert trouble.key == "model"
    assert trouble.values == {"file": str(made.model_file), "error": model.problem}
    assert not trouble.stops
    put(made, file)
    assert troubles(in_use.current(made)) == []
    made.model_file.unlink()
    made.model_file.mkdir()
    assert set(match(sport)) == {"the-thao"}
    assert troubles(in_use.current(settings(tmp_path, **{"the-thao": words}))) == []


def entry(topic, number=1):
    title, text = article(topic, random.Random(f"in use {topic}"))
    link = f"https://a.vn/{number}"
    return desk_entry(str(number), link, title, summary=text)


def register(store, made, now):
    with store.write() as connection:
        registry.register(connection, made, now, retire=True)
    return rematch(store, made, now)


@pytest.fixture
def learned_desk(any_store, now, tmp_path, file):
    made = settings(tmp_path, **{"the-thao": LEARNED, "suc-khoe": LEARNED})
    put(made, file)
    return Desk(any_store, now, made)


def standing(desk, number=1):
    found = desk.explained(f"https://a.vn/{number}").topics
    return {one.topic: (one.quiet, "learned" in one.reason) for one in found}


def test_another_model_moves_stored_articles_quietly(learned_desk, now, swapped):
    desk, later = learned_desk, now + timedelta(hours=1)
    desk.says("a", entry("the-thao"))
    assert standing(desk) == {"the-thao": (False, True)}
    assert not rematch(desk.store, desk.settings, later).topics  # the same model
    put(desk.settings, swapped)
    done = rematch(desk.store, desk.settings, later)
    assert done.topics == {"the-thao", "suc-khoe"}
    assert standing(desk) == {"suc-khoe": (True, True)}
    assert not rematch(desk.store, desk.settings, later).topics


def test_a_damaged_model_takes_nothing_out_and_what_is_not_learned_any_more_leaves(
    learned_desk, now, file
):
    desk = learned_desk
    desk.says("a", entry("the-thao"))
    put(desk.settings, b"damaged")
    assert not rematch(desk.store, desk.settings, now).topics
    assert standing(desk) == {"the-thao": (False, True)}
    desk.settings.model_file.unlink()
    assert not rematch(desk.store, desk.settings, now).topics
    assert standing(desk) == {"the-thao": (False, True)}
    put(desk.settings, file)
    assert not rematch(desk.store, desk.settings, now).topics
    unlearned = settings(
        desk.settings.root, **{"the-thao": {"any": ["không có"]}, "suc-khoe": LEARNED}
    )
    assert register(desk.store, unlearned, now).topics == {"the-thao"}
    assert standing(desk) == {}


def test_what_is_wrong_with_a_learned_topic_is_told(tmp_path, monkeypatch):
    made = settings(tmp_path, **{"the-thao": LEARNED, "not": LEARNED})
    assert [(path, problem) for path, problem, _ in faults(made)] == [
        (("topic", "not"), "'not' is the label of no learned topic")
    ]
    sport = settings(tmp_path, **{"the-thao": LEARNED, "kinh-te": {"any": ["lãi suất"]}})
    assert warnings(sport) == []
    monkeypatch.setitem(sys.modules, "sklearn", None)  # as if it were not installed
    assert faults(sport) == []
    assert warnings(sport) == [
        (
            ("topic", "the-thao", "learn"),
            "what trains a model is not installed here",
            'pip install "bantin[learn]"',
        )
    ]
    with pytest.raises(LearningError, match=r"bantin\[learn\]"):
        learning.trained(vietnamese(each=8), 1)
    with pytest.raises(ValueError, match="threshold is for learned topics"):
        settings(tmp_path, **{"the-thao": {"any": ["bóng đá"], "threshold": 0.7}})
