"""`bantin topics`: learning from files, and what the command says of bad ones."""

from __future__ import annotations

import gzip
import json
import stat

import pytest

from tests.curate.learned.texts import as_json, examples, vietnamese

pytest.importorskip("sklearn", reason='needs the extra: pip install "bantin[learn]"')


def test_a_model_is_learned_from_files_and_judges_another_one(ask, run, folder):
    (folder / "a.jsonl").write_text(as_json(vietnamese(each=12, seed=1)), encoding="utf-8")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(as_json(vietnamese(seed=2)).encode()))
    (folder / "new.jsonl").write_text(as_json(vietnamese(seed=3)), encoding="utf-8")
    told = ask("topics", "train", "a.jsonl", "b.jsonl.gz", "--out", "m.npz")
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
        for number, line in enumerate(as_json(vietnamese(each=60)).splitlines())
    ]
    lines = "".join(json.dumps(one) + "\n" for one in texts)
    (folder / "a.jsonl").write_text(lines, encoding="utf-8")
    told = ask("topics", "evaluate", "a.jsonl", "--by-source")
    assert told["training"]["texts"] + told["scores"]["whole"]["texts"] == 240
    assert 30 <= told["scores"]["whole"]["texts"] <= 70
    assert told["training"]["bytes"] > 1000
    assert {name: one["texts"] for name, one in told["sources"].items()} == {
        "bao-a": 120,
        "bao-b": 120,
    }
    assert told["scores"]["unaccented"]["per_second"] > 0


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
