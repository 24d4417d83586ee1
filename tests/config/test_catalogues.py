"""The catalogues in feeds/: each loads alone, and all of them together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.config.loading import load

FEEDS = Path(__file__).parents[2] / "feeds"
CATALOGUES = sorted(FEEDS.glob("*.toml"))


def test_there_are_some():
    assert len(CATALOGUES) >= 5


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.name)
class TestEach:
    def test_it_loads_alone_without_fault_and_warning(self, path):
        loaded = load(path, {})
        assert loaded.warnings == ()
        assert loaded.settings.source
        assert loaded.settings.topic

    def test_it_says_that_nobody_has_tried_its_addresses(self, path):
        assert "NOT VERIFIED" in path.read_text(encoding="utf-8").partition("\n[")[0]

    def test_its_sources_are_complete(self, path):
        for source in load(path, {}).settings.source.values():
            assert source.url.startswith("https://"), source.id
            assert source.title, source.id
            assert source.topics, source.id
            assert source.language, source.id

    def test_it_stands_in_the_readme(self, path):
        assert f"`{path.name}`" in (FEEDS / "README.md").read_text(encoding="utf-8")


def test_all_together(folder):
    folder.write(f'include = ["{FEEDS}/*.toml"]\n[digest.tuan]')
    loaded = folder.load()
    assert loaded.warnings == ()
    assert len(loaded.files) == 1 + len(CATALOGUES)
    heads = re.findall(r"^\[source\.", "".join(p.read_text() for p in CATALOGUES), re.MULTILINE)
    assert len(loaded.settings.source) == len(heads) >= 40
