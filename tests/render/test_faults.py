"""Words and templates of an admin's own: what cannot be meant is named with its line."""

from __future__ import annotations

import pytest

from service.config.schema import Settings
from service.render.faults import faults, template_faults


def _words(folder, text: str) -> list[str]:
    (folder / "words").mkdir(exist_ok=True)
    path = folder / "words" / "vi.toml"
    path.write_text(text, encoding="utf-8")
    return [str(one).removeprefix(f"{path}:") for one in template_faults(folder)]


WRONG = [
    (
        '"page.topics" = "Mục"\n"page.topcs" = "Mục"\n',
        '2: page.topcs: unknown key "page.topcs"; did you mean "page.topics"?',
    ),
    ('zzz = "x"', '1: zzz: unknown key "zzz"; take it out: nothing asks for it'),
    (
        '"page.newest" = "Mới nhất: {momnt}"',
        "1: page.newest: {momnt} is not given to this sentence; it is given: {moment}",
    ),
    (
        '"page.topics" = "Mục {x}"',
        "1: page.topics: {x} is not given to this sentence; it is given: none",
    ),
    (
        '"page.topics" = "Mục {"',
        (
            "1: page.topics: cannot be filled: Single '{' encountered in format string; "
            "write a brace that is meant as {{ or }}"
        ),
    ),
    (
        '"page.newest" = "Mới nhất"\npage.topics = "Mục"\n',
        ('2: page.topics: is not a flat key with text; write "page.topics" = "…", with the quotes'),
    ),
    (
        '[page]\ntopics = "Mục"\n',
        ('2: page.topics: is not a flat key with text; write "page.topics" = "…", with the quotes'),
    ),
    (
        '"page.topics" = 3',
        ('1: page.topics: is not a flat key with text; write "page.topics" = "…", with the quotes'),
    ),
]


@pytest.mark.parametrize(("text", "fault"), WRONG)
def test_words_that_nothing_asks_for_and_values_that_nobody_gives(tmp_path, text, fault):
    assert _words(tmp_path, text) == [fault]


def test_a_word_that_an_own_template_asks_for_is_meant(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "home.html.j2").write_text("{{ words.say('own.greeting') }}")
    assert _words(tmp_path, '"own.greeting" = "Chào"') == []


def test_fewer_values_than_are_given_are_a_choice(tmp_path):
    assert _words(tmp_path, '"page.newest" = "Mới nhất"') == []


def _site(root, language: str) -> list[tuple[tuple[str, ...], str, str]]:
    settings = Settings.model_validate({"site": {"language": language}})
    settings._root = root
    return faults(settings)


@pytest.mark.parametrize("language", ["vi", "en", "vi-VN", "EN-gb"])
def test_a_language_that_is_shipped(tmp_path, language):
    assert _site(tmp_path, language) == []


def test_a_language_without_words_is_named_until_it_has_some(tmp_path):
    [(path, problem, remedy)] = _site(tmp_path, "fr-CA")
    assert path == ("site", "language")
    assert 'no words in "fr-CA"' in problem
    assert "en, vi" in remedy
    (tmp_path / "templates" / "words").mkdir(parents=True)
    (tmp_path / "templates" / "words" / "fr.toml").write_text("")
    assert _site(tmp_path, "fr-CA") == []
