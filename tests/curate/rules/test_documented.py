"""The examples of docs/configuration.md, "Rules that say more"."""

from __future__ import annotations

import re
import tomllib

from service.config.loading import load
from service.config.schema import Topic
from service.curate.faults import faults, warnings
from service.curate.rules.matcher import compile_rules
from service.curate.rules.terms import Described
from tests.levels import table
from tests.reference import PAGE, examples

HEADING = "## Rules that say more"


@table(("rule", "said", "matches"), examples(HEADING))
def test_rules_match_as_the_documents_say(rule, said, matches):
    topic = Topic.model_validate(tomllib.loads(f"t = {{ {rule} }}")["t"])
    title, _, text = said.partition(" –")
    described = Described(title=title, text=text.strip(), source="s")
    assert ("t" in compile_rules({"t": topic}).match(described)) is matches


def test_there_are_examples_of_both_kinds():
    assert {matches for _, _, matches in examples(HEADING)} == {True, False}


def test_the_example_of_all_that_a_rule_may_say_has_no_fault(tmp_path):
    block = PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[2]
    (tmp_path / "bantin.toml").write_text(re.findall(r"```toml\n(.*?)```", block, re.DOTALL)[0])
    settings = load(tmp_path / "bantin.toml", {}).settings
    assert faults(settings) == []
    assert warnings(settings) == []
    described = Described(title="Ngập", text="Ngập sâu, học sinh nghỉ", source="s")
    assert compile_rules(settings.topic).match(described)["bao-lu"] == {
        "near": ["lũ … học sinh"],
        "in": ["text"],
        "found": {"lũ … học sinh": "Ngập sâu học sinh"},
    }
