"""Writing sources: ids from hosts, TOML that reads back, files that are replaced or put back."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.config.additions import NewSource, id_for, replaced, tables, toml_text
from service.config.schema import ID_PATTERN
from tests.levels import table


@table(
    ("url", "expected"),
    [
        ("https://www.vnexpress.net/rss/giao-duc.rss", "vnexpress-net"),
        ("https://báo-đảng.example/rss", "bao-dang-example"),
        ("http://127.0.0.1:8080/x", "127-0-0-1"),
        ("http://[::1]/x", "1"),
        ("https://日本.example/", "example"),
        ("https://日本/", "source"),
        (f"https://{'a' * 200}.example/", "a" * 58),
    ],
)
def test_the_id_comes_from_the_host(url, expected):
    assert id_for(url, ()) == expected
    second = id_for(url, {expected})
    assert second == f"{expected}-2"
    assert re.match(ID_PATTERN, second)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_reads_back(text):
    assert tomllib.loads(f"x = {toml_text(text)}")["x"] == text


def test_tables_read_back():
    source = NewSource("a", 'https://a.example/?q="1"', "Báo \\ A", ("t",), ("127.0.0.1",))
    assert tomllib.loads(tables([source, NewSource("b", "https://b.example/")]))["source"] == {
        "a": {
            "title": "Báo \\ A",
            "url": 'https://a.example/?q="1"',
            "topics": ["t"],
            "allow_networks": ["127.0.0.1"],
        },
        "b": {"url": "https://b.example/"},
    }


def test_what_stood_there_is_put_back_when_it_goes_wrong(tmp_path):
    file = tmp_path / "feeds" / "added.toml"
    with pytest.raises(RuntimeError), replaced(file, "new"):
        assert file.read_text() == "new"
        raise RuntimeError
    assert not file.exists()
    with replaced(file, "first"):
        pass
    file.chmod(0o640)
    with pytest.raises(RuntimeError), replaced(file, "second"):
        raise RuntimeError
    assert file.read_text() == "first"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["added.toml"]
