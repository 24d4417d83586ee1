"""Lines of keys, on TOML as people write it and on TOML that nobody writes."""

from __future__ import annotations

import tomllib
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config import locate
from service.config.places import KeyLocations
from service.config.reading import read


def places(text: str) -> dict[str, int]:
    found = locate.places(dedent(text).lstrip("\n"))
    return {"/".join(map(str, path)): line for path, line in found.items()}


def test_tables_keys_and_dotted_keys():
    assert places(
        """
        # a comment = [
        include = ["x"]   # another "comment"

        [site]
        title = "a # no comment"
        'base url' = 1
        "time.zone" = "x"
        per_site.delay = "2s"
        [ source . "a b" ]
        url="x"
        """
    ) == {
        "include": 2, "include/0": 2, "site": 4, "site/title": 5, "site/base url": 6,
        "site/time.zone": 7, "site/per_site": 8, "site/per_site/delay": 8, "source": 9,
        "source/a b": 9, "source/a b/url": 10,
    }  # fmt: skip


def test_what_goes_over_several_lines():
    assert places(
        '''
        a = [
          1, 2,  # ]
          # 3,
          [4,
           5],
          { b = 6 },
          """
        7""", 8,
        ]
        c = """
        d = 1
        \\"""
        e = 2"""
        f = \'\'\'
        g = "\'\'\'
        h = """x"""""
        i = 1
        '''
    ) == {
        "a": 1, "a/0": 2, "a/1": 2, "a/2": 4, "a/2/0": 4, "a/2/1": 4, "a/3": 6, "a/3/b": 6,
        "a/4": 7, "a/5": 8, "c": 10, "f": 14, "h": 16, "i": 17,
    }  # fmt: skip


def test_inline_tables_have_the_line_of_their_statement():
    assert places("x = 1\nlog = { level = 'a', to = { file = 'b' } }") == {
        "x": 1, "log": 2, "log/level": 2, "log/to": 2, "log/to/file": 2,
    }  # fmt: skip


def test_arrays_of_tables_are_counted():
    assert places(
        """
        [[a]]
        x = 1
        [[a.b]]
        y = 1
        [[a.b]]
        y = 2
        [a.c]
        z = 1
        [[a]]
        x = 2
        [[a.b]]
        y = 3
        """
    ) == {
        "a": 1, "a/0": 1, "a/0/x": 2, "a/0/b": 3, "a/0/b/0": 3, "a/0/b/0/y": 4, "a/0/b/1": 5,
        "a/0/b/1/y": 6, "a/0/c": 7, "a/0/c/z": 8, "a/1": 9, "a/1/x": 10, "a/1/b": 11,
        "a/1/b/0": 11, "a/1/b/0/y": 12,
    }  # fmt: skip


def test_a_long_list_is_read_in_a_moment():
    text = "a = [\n" + '  { title = "x", url = "y" },\n' * 20_000 + "]\n[b]\nc = 1\n"
    found = locate.places(text)
    assert found["a", 19_999, "url"] == 20_001
    assert found["b", "c"] == 20_004


NAMES = st.sampled_from(["a", "b-1", "url", "giáo dục", "x.y", '"', "'", "#", "[", "]=", " "])
SCALARS = st.one_of(st.integers(-5, 5), st.booleans(), st.text("ab\"'\\#[]{},=\n\té", max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)


def quoted(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def written(value: Any, draw: Any, *, inline: bool = False) -> str:
    """A value as TOML; lists are broken over lines and commented, texts are written in two ways."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        plain = not set(value) & set('"\\') and not value.startswith("\n")
        return f'"""{value}"""' if plain and draw(st.booleans()) else quoted(value)
    if isinstance(value, list):
        space = draw(st.sampled_from([" ", "\n", " # ] [\n", "\n\n  "])) if not inline else " "
        return (
            f"[{space}" + "".join(f"{written(v, draw, inline=inline)},{space}" for v in value) + "]"
        )
    pairs = (f"{quoted(k)} = {written(v, draw, inline=True)}" for k, v in value.items())
    return "{ " + ", ".join(pairs) + " }"


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4), st.data())
def test_every_key_is_found_on_the_line_where_it_was_written(tables, data):
    text, expected = "", {}
    for table, content in tables.items():
        text += data.draw(st.sampled_from(["", "\n", "# [x]\n", "  "])) + f"[{quoted(table)}]\n"
        expected[table,] = text.count("\n")
        for key, value in content.items():
            text += data.draw(st.sampled_from(["", "\n", "# y = [\n", "\t"]))
            expected[table, key] = text.count("\n") + 1
            text += f"{quoted(key)} = {written(value, data.draw)}\n"
    assert tomllib.loads(text) == tables
    found = locate.places(text)
    assert {path: line for path, line in found.items() if len(path) < 3} == expected
    assert {path for path in found if len(path) == 3} == {
        (table, key, part)
        for table, content in tables.items()
        for key, value in content.items()
        for part in (range(len(value)) if isinstance(value, list) else
                     value if isinstance(value, dict) else ())
    }  # fmt: skip


@given(st.text("ab=[]{}\"'#\n,. \\", max_size=60))
def test_the_cut_of_nonsense_ends_and_loses_no_line(text):
    last = 0
    for statement in locate.statements(text):
        assert last < statement.first <= statement.last or statement.first == last
        last = statement.last
    assert last <= text.count("\n") + 1


class TestPlaces:
    @pytest.fixture
    def found(self, folder) -> KeyLocations:
        folder.write('include = ["b.toml"]\n[site]\ntitle = "x"\n[source.1]\nurl = "u"')
        folder.write('[topic.t]\nany = [\n "a",\n "b",\n]', "b.toml")
        pieces = read(folder.main).pieces
        return KeyLocations("bantin.toml", list(pieces))

    def test_numbers_may_be_text(self, found, folder):
        b = str(folder.path / "b.toml")
        assert found.find(("topic", "t", "any", "1")) == (b, 4)
        assert found.find(("topic", "t", "any", 1)) == (b, 4)
        assert found.find(("source", "1", "url")) == (str(folder.main), 5)

    def test_what_is_not_written_has_the_place_of_its_table(self, found, folder):
        assert found.find(("site", "base_url")) == (str(folder.main), 2)
        assert found.find(("topic", "t", "none", 3)) == (str(folder.path / "b.toml"), 1)
        assert found.find(("digest", "x")) == ("bantin.toml", None)
        assert found.find(()) == ("bantin.toml", None)

    def test_what_the_environment_has_set(self, found, folder):
        found.override({("site", "title"): "BANTIN_SITE__TITLE", ("web", "listen"): "BANTIN_W"})
        assert found.find(("site", "title")) == ("environment BANTIN_SITE__TITLE", None)
        assert found.find(("site",)) == (str(folder.main), 2)
        assert found.find(("web", "other")) == ("environment BANTIN_W", None)
