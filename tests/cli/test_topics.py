"""`bantin topics`: learning from files, and what the command says of bad ones."""

from __future__ import annotations

import contextlib
import gzip
import json
import random
import shutil
import stat
from urllib.parse import unquote

import pytest

from tests.cli.conftest import command, rss
from tests.curate.learned.texts import LEARNS, WORDS, article, as_json, examples, vietnamese

pytestmark = LEARNS

EACH = 24
"""Texts of a label: enough to learn, and to leave some of each out."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The folder of a model, m.npz, and what the command said that learned it: once, since the
    process that learns loads for two seconds.
    """
    here = tmp_path_factory.mktemp("learned")
    (here / "a.jsonl").write_text(as_json(vietnamese(each=12, seed=1)), encoding="utf-8")
    (here / "b.jsonl.gz").write_bytes(gzip.compress(as_json(vietnamese(seed=2)).encode()))
    with contextlib.chdir(here):
        said = command("topics", "train", "a.jsonl", "b.jsonl.gz", "--out", "m.npz", "--json")
    return here, json.loads(said.stdout)


def test_a_model_is_learned_from_files_and_judges_another_one(ask, run, learned, monkeypatch):
    folder, told = learned
    monkeypatch.chdir(folder)
    (folder / "new.jsonl").write_text(as_json(vietnamese(seed=3)), encoding="utf-8")
    assert told["texts"] == 4 * 36
    assert told["labels"] == ["kinh-te", "not", "suc-khoe", "the-thao"]
    file = folder / "m.npz"
    assert told["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    scores = ask("topics", "evaluate", "new.jsonl", "--model", "m.npz")
    assert set(scores["scores"]) == {"whole", "beginning", "unaccented"}
    assert scores["scores"]["whole"]["texts"] == 96
    assert scores["scores"]["whole"]["accuracy"] > 0.95
    assert [one["topic"] for one in scores["topics"]] == told["labels"]
    shown = run("topics", "evaluate", "new.jsonl", "--model", "m.npz").stdout
    assert "whole\t96\t100.0 %" in shown
    assert "training" not in scores
    # A file that cannot be learned from leaves the model as it was, and nothing beside it.
    (folder / "one.jsonl").write_text(as_json(examples("the-thao")), encoding="utf-8")
    said = run("topics", "train", "one.jsonl", "--out", "m.npz", code=1)
    assert said.stderr.startswith("bantin: all 24 texts are of 'the-thao': to learn a topic takes")
    assert file.read_bytes() == before
    assert len(list(folder.iterdir())) == 5


def test_evaluate_learns_from_four_fifths_and_judges_the_last(ask, folder):
    texts = [
        json.loads(line) | {"source": "bao-a" if number % 8 < 4 else "bao-b"}
        for number, line in enumerate(as_json(vietnamese(each=EACH)).splitlines())
    ]
    lines = "".join(json.dumps(one) + "\n" for one in texts)
    (folder / "a.jsonl").write_text(lines, encoding="utf-8")
    told = ask("topics", "evaluate", "a.jsonl", "--by-source")
    assert told["training"]["texts"] + told["scores"]["whole"]["texts"] == 4 * EACH
    assert EACH // 2 <= told["scores"]["whole"]["texts"] <= EACH * 7 // 6
    assert told["training"]["bytes"] > 1000
    assert {name: one["texts"] for name, one in told["sources"].items()} == {
        "bao-a": 2 * EACH,
        "bao-b": 2 * EACH,
    }
    assert told["scores"]["unaccented"]["per_second"] > 0


def test_the_site_learns_from_labels_and_from_sources_about_one_topic(run, ask, site, web):
    file = site / "bantin.toml"
    text = file.read_text("utf-8").replace('topics = ["tin"]', 'topics = ["tin", "the-thao"]')
    learned = "".join(f"[topic.{name}]\nlearn = true\n" for name in ("the-thao", "suc-khoe"))
    file.write_text(f"{text}{learned}", encoding="utf-8")
    random_ = random.Random(4)

    def said(topic, number):
        return [" ".join(article(topic, random_))[:150] for _ in range(number)]

    web.pages["/a.xml"] = rss(*said("the-thao", 12))
    web.pages["/b.xml"] = rss(*said("suc-khoe", 10), *said("not", 9), host="bao-b.example")
    ask("collect")
    links = [one["link"] for one in reversed(ask("articles", "--source", "bao-b"))]
    by_word = {True: "suc-khoe", False: "not"}
    health = {word for phrase in WORDS["suc-khoe"].split(", ") for word in phrase.split()}
    labels = {
        link: by_word[len(health & set(link.lower().split("/")[-1].split("-"))) > 1]
        for link in map(unquote, links)
    }
    assert sorted(labels.values()).count("suc-khoe") == 10
    assert "all 12 texts are of 'the-thao'" in run("topics", "train", code=1).stderr
    for link, label in labels.items():
        assert ask("topics", "label", link, label) == {"url": link, "label": label}
    # Labels win over the source, and can be taken back; files teach beside them.
    link = ask("articles", "--source", "bao-a")[0]["link"]
    ask("topics", "label", link, "not")
    ask("topics", "label", next(iter(labels)), "--remove")
    (site / "more.jsonl").write_text(as_json(examples("suc-khoe", each=5)), encoding="utf-8")
    told = ask("topics", "train", "more.jsonl")
    assert told["labels"] == ["not", "suc-khoe", "the-thao"]
    assert told["texts"] == 12 + len(labels) - 1 + 5 == 31 - 1 + 5
    assert (site / "var" / "topics.npz").stat().st_size == told["bytes"]
    run("topics", "label", link, "tin", code=2)  # it does not learn
    run("topics", "label", link, code=2)
    run("topics", "label", "https://bao-a.example/khong-co", "not", code=1)
    (site / "more.jsonl").write_text(as_json(examples("kinh-te", each=1)), encoding="utf-8")
    refused = run("topics", "train", "more.jsonl", code=1).stderr
    assert refused == "bantin: more.jsonl:1: 'kinh-te' is no topic with learn = true\n"


def test_a_learned_topic_is_explained_and_a_broken_model_is_told(run, ask, site, web, learned):
    with (site / "bantin.toml").open("a", encoding="utf-8") as file:
        file.write("[topic.suc-khoe]\nlearn = true\n")

    def troubles():
        return [one["text"] for one in ask("status")["troubles"] if one["kind"] == "model"]

    (told,) = troubles()
    assert "it is not there; `bantin topics train` makes it" in told
    shutil.copy(learned[0] / "m.npz", site / "var" / "topics.npz")
    assert troubles() == []
    title, text = article("suc-khoe", random.Random(9))
    web.pages["/b.xml"] = rss(f"{title} {text}", outlet="Báo B", host="bao-b.example")
    ask("collect")
    (link,) = [one["link"] for one in ask("articles", "--topic", "suc-khoe")]
    (reason,) = [one["reason"] for one in ask("explain", link)["topics"] if one["id"] == "suc-khoe"]
    assert reason["learned"] > 0.6
    assert f"learned: {reason['learned']}; by: {reason['by'][0]}, " in run("explain", link).stdout
    (site / "var" / "topics.npz").write_bytes(b"broken")
    (told,) = troubles()
    assert "no model of topics, or a damaged one" in told


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_wrong_line_is_named_with_its_file(run, folder, command):
    lines = as_json(vietnamese(each=2)).splitlines()
    lines[6] = '{"label": "suc-khoe", "text": '
    (folder / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    more = ("--out", "m.npz") if command == "train" else ()
    said = run("topics", command, "texts.jsonl", *more, code=1)
    assert said.stderr == "bantin: texts.jsonl:7: no JSON: Expecting value at column 31\n"
    assert not (folder / "m.npz").exists()


def test_files_that_cannot_be_read_are_named(run, folder):
    (folder / "texts.jsonl").write_text(as_json(vietnamese(each=2)), encoding="utf-8")
    (folder / "broken.jsonl.gz").write_bytes(gzip.compress(b"{}" * 1000)[:-9])
    (folder / "m.npz").write_bytes(b"PK no model")

    def said(*args):
        return run("topics", *args, code=1).stderr

    assert "gone.jsonl: cannot be read: No such file" in said("evaluate", "gone.jsonl")
    assert "broken.jsonl.gz: cannot be read: " in said("evaluate", "broken.jsonl.gz")
    model = said("evaluate", "texts.jsonl", "--model", "m.npz")
    assert model.startswith("bantin: m.npz: no model of topics, or a damaged one")
    assert "gone/m.npz" in said("train", "texts.jsonl", "--out", "gone/m.npz")
