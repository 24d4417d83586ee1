"""What the documents say holds: every key, every command, every link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.cli.app import COMMANDS, HIDDEN
from service.config.loading import load
from service.config.schema import Topic
from service.curate.rules import Described, compile_rules
from tests.reference import PAGE, page

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("feeds/**/*.md")])

SECRETS = dict.fromkeys(("SMTP_PASSWORD", "PORTAL_PASSWORD", "PORTAL_KEY"), "x")


def test_the_page_of_all_keys_is_what_the_schema_says():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.reference"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target, place in re.findall(r"\]\(([^)#]*)(#[^)]*)?\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        page = document.parent / target if target else document
        assert page.exists(), target
        if place:
            assert place[1:] in _places(page), f"{target}{place}"


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
    table = PAGE.read_text(encoding="utf-8").partition("## How words match")[2]
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (yes|no) \| .+ \|$", table, re.MULTILINE)
    return [(written, said, answer == "yes") for written, said, answer in rows]


@pytest.mark.parametrize(("written", "said", "matches"), _examples())
def test_words_match_as_the_documents_say(written, said, matches):
    matcher = compile_rules({"t": Topic(any=(written,))})
    for title, text in ((said, ""), ("", said)):
        found = matcher.match(Described(title=title, text=text, source="s"))
        assert ("t" in found) is matches


def test_the_documents_have_examples_of_both_kinds():
    assert {matches for _, _, matches in _examples()} == {True, False}
