"""What the documents say holds: every key, every command, every link."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.cli.app import COMMANDS, HIDDEN
from service.config.loading import load
from service.config.schema import Topic
from service.curate.rules.matcher import compile_rules
from service.curate.rules.terms import Described
from tests.reference import PAGE, examples, page

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("feeds/**/*.md")])
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
DECISIONS = sorted(
    set((ROOT / "docs/decisions").glob("*.md")) - {ROOT / "docs/decisions/README.md"}
)
LONGEST_MAP = 8 * 1024
"""Bytes of ARCHITECTURE.md: a map is read at once, decisions and figures stand elsewhere."""

SECRETS = dict.fromkeys(
    (
        "SMTP_PASSWORD", "IMAP_PASSWORD", "PORTAL_PASSWORD", "PORTAL_KEY", "METRICS_KEY",
        "DKIM_KEY",
    ),
    "x",
)  # fmt: skip


def test_the_page_of_all_keys_is_what_the_schema_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.reference"


def test_every_link_inside_the_project_leads_somewhere():
    links = [
        (document, target, place)
        for document in DOCUMENTS
        for target, place in re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", document.read_text("utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]
    wrong = []
    for document, target, place in links:
        page = document.parent / target if target else document
        if not page.exists() or (place and place[1:] not in _places(page)):
            wrong.append(f"{document.relative_to(ROOT)}: {target}{place}")
    assert wrong == []


@cache
def _places(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


def test_the_readme_names_every_command():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name for name in COMMANDS if name not in HIDDEN and f"`{name}" not in text]
    assert not missing


def test_every_configuration_in_the_documents_is_one(tmp_path):
    checked = 0
    (tmp_path / "feeds").symlink_to(ROOT / "feeds")
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
            (tmp_path / "bantin.toml").write_text(block, encoding="utf-8")
            load(tmp_path / "bantin.toml", SECRETS)
            checked += 1
    assert checked


def _examples() -> list[tuple[str, str, bool]]:
    return examples("## How words match")


@pytest.mark.parametrize(("written", "said", "matches"), _examples())
def test_words_match_as_the_documents_say(written, said, matches):
    matcher = compile_rules({"t": Topic(any=(written,))})
    for title, text in ((said, ""), ("", said)):
        found = matcher.match(Described(title=title, text=text, source="s"))
        assert ("t" in found) is matches


def test_the_documents_have_examples_of_both_kinds():
    assert {matches for _, _, matches in _examples()} == {True, False}


def test_the_map_is_short_and_shows_every_room_in_the_order_of_the_layers():
    text = ARCHITECTURE.read_text(encoding="utf-8")
    assert len(text.encode()) <= LONGEST_MAP
    contract = _project()["tool"]["importlinter"]["contracts"][0]
    layers = [re.findall(r"\w+", layer) for layer in reversed(contract["layers"])]
    rows = text.partition("## Rooms")[2].partition("\n## ")[0]
    shown = [
        re.findall(r"`(\w+)/?`", row) for row in re.findall(r"^\| (`.+?) \|", rows, re.MULTILINE)
    ]
    rooms = [room for row in shown for room in row]
    assert sorted(rooms) == sorted(room for layer in layers for room in layer)
    above = {room: level for level, layer in enumerate(layers) for room in layer}
    assert [above[room] for room in rooms] == sorted(above.values())


def test_the_map_shows_every_package_inside_a_room():
    rows = ARCHITECTURE.read_text(encoding="utf-8").partition("## Rooms")[2].partition("\n## ")[0]
    inside = [
        path.parent
        for path in (ROOT / "service").glob("*/*/**/__init__.py")
        if path.parent.name != "versions"  # one file a migration
    ]
    assert inside
    unnamed = [path for path in inside if f"`{path.name}/`" not in rows]
    assert [str(path.relative_to(ROOT)) for path in unnamed] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_its_context_and_what_got_worse(decision):
    text = decision.read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    assert title.startswith("# ")
    parts = ("Context", "Decision", "What got worse")
    places = [rest.find(f"\n**{part}.**") for part in parts]
    assert -1 < places[0] < places[1] < places[2]
    index = (decision.parent / "README.md").read_text(encoding="utf-8")
    assert f"- [{decision.name[:3]}]({decision.name}) {title[2:]}\n" in index


def test_every_decision_has_a_number_of_its_own():
    unnumbered = [path.name for path in DECISIONS if not re.match(r"\d{3}-[a-z]", path.name)]
    numbers = [path.name[:3] for path in DECISIONS]
    assert unnumbered == []
    assert len(set(numbers)) == len(numbers)


def test_every_dependency_says_what_it_is_for():
    project = _project()["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.match(r"[\w-]+", one)[0] for group in groups for one in group}
    rows = re.findall(
        r"^\| (.+?) \|", (ROOT / "docs" / "dependencies.md").read_text("utf-8"), re.MULTILINE
    )
    named = {name for row in rows for name in re.findall(r"[\w-]+", row)}
    assert names - named == set()


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_module_that_a_document_names_exists():
    unknown = [
        f"{document.relative_to(ROOT)}: {name}"
        for document in DOCUMENTS
        if document.name != "CHANGELOG.md"  # it tells of what was
        for name in re.findall(r"(?<![\w/.])(?:[\w.]+/)*\w+\.py\b", document.read_text("utf-8"))
        if name not in _modules()
    ]
    assert unknown == []


@cache
def _modules() -> set[str]:
    """Each module's path, from any of its folders on."""
    paths = [
        path.relative_to(ROOT)
        for room in ("service", "tests", "deploy")
        for path in (ROOT / room).rglob("*.py")
    ]
    return {"/".join(path.parts[i:]) for path in paths for i in range(len(path.parts))}
