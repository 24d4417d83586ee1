"""The house rules that can be counted. Import rules are import-linter's: run here as well."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "service").rglob("*.py"))
MOST_LINES = 400
MOST_MODULES = 24
VAGUE = {"utils", "util", "helpers", "helper", "services", "common", "misc", "tools", "base_utils"}
GENERATED = {"0001_tables.py"}
"""The frozen first schema: one list of tables, which nobody edits any more."""


PLANS = re.compile(
    r"\b(LEDGER|CONTRACT|DESIGN|HOUSE|PEOPLE|FIELD|PARSING|LIBRARIES|JUDGING|STYLE|PERFORMANCE)\b"
)
"""The papers that the service was planned on. They are not in this repository."""


CLASS = re.compile(r"^[ \t]*class (\w+)[(:\[]", re.MULTILINE)

TALKS = re.compile(r"\b(print|exit|input)\b")
"""Only modules with these words are read to the last call: to read all takes a second."""


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_module_is_longer_than_it_can_be_read():
    written = [path for path in MODULES if path.name not in GENERATED]
    long = [path for path in written if len(path.read_text().splitlines()) > MOST_LINES]
    assert names(long) == []


def test_no_folder_has_more_modules_than_a_stranger_looks_through():
    """`__init__` counts as well; migrations only ever grow."""
    folders = Counter(path.parent for path in MODULES if path.parent.name != "versions")
    full = [str(folder) for folder, number in folders.items() if number > MOST_MODULES]
    assert full == []


def test_no_module_is_named_vaguely_or_after_the_standard_library():
    inside = [path for path in MODULES if path.stem != "__init__"]
    assert names([path for path in inside if path.stem in VAGUE]) == []
    shadows = [path for path in inside if path.stem in sys.stdlib_module_names]
    assert names(shadows) == []


def test_every_module_says_in_its_first_line_what_it_is_for():
    silent = []
    for path in MODULES:
        if text_of(path).startswith('"""') and not text_of(path).startswith('""""'):
            continue
        tree = parsed(path)
        docstring = ast.get_docstring(tree)
        if tree.body and not docstring:
            silent.append(path)
    assert names(silent) == []


def test_a_class_name_stands_for_one_class():
    """One name, one meaning: who searches for a class finds the one that is meant."""
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for name in CLASS.findall(text_of(path)):
            places.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert len(places) > len(MODULES) / 4
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_no_mark_of_unfinished_work_is_left():
    marks = ("TO" + "DO", "FIX" + "ME", "X" * 3)
    trees = [path for folder in ("service", "tests") for path in (ROOT / folder).rglob("*.py")]
    left = [path for path in trees if any(f"# {mark}" in path.read_text() for mark in marks)]
    assert names(left) == []


def prose(path: Path) -> str:
    """What a person reads in a file: of a Python module its comments and strings."""
    text = text_of(path)
    if path.suffix != ".py":
        return text
    read = tokenize.generate_tokens(io.StringIO(text).readline)
    kinds = (tokenize.COMMENT, tokenize.STRING)
    return "\n".join(token.string for token in read if token.type in kinds)


def test_no_file_refers_to_a_paper_which_is_not_in_the_repository():
    pages = [path for path in ROOT.iterdir() if path.suffix in {".md", ".toml"}]
    folders = ("service", "tests", "docs", "templates", "feeds", ".ci")
    kinds = {".py", ".md", ".toml", ".j2", ".sh", ""}
    pages += [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    read = [path for path in pages if path.suffix in kinds and path != Path(__file__)]
    assert len(read) > len(MODULES)
    assert (
        names([path for path in read if PLANS.search(text_of(path)) and PLANS.search(prose(path))])
        == []
    )


def test_only_the_command_line_prints_or_exits():
    talks = [
        path
        for path in MODULES
        if "cli" not in path.parts and TALKS.search(text_of(path))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in {"print", "exit", "input"})
            or (isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "sys.exit")
        )
    ]
    assert names(talks) == []


def test_the_rooms_keep_to_their_street():
    """import-linter's contracts in pyproject.toml, as `make check` runs them."""
    lint = Path(sys.executable).with_name("lint-imports")
    if not lint.is_file():
        pytest.skip("import-linter is not installed here; `make check` runs it")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout
