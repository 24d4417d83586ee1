"""The sentences: both languages say the same things, and a fault in them is said clearly."""

from __future__ import annotations

import string
import tomllib

import pytest
from markupsafe import Markup

from service.errors import TemplateError
from service.render.engine import shipped_templates
from service.render.words import Words, load_words
from tests.levels import table

WORDS = shipped_templates() / "words"


def _fields(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


def test_vietnamese_and_english_have_the_same_sentences():
    vi, en = (tomllib.loads((WORDS / f"{name}.toml").read_text()) for name in ("vi", "en"))
    assert vi.keys() == en.keys()


def test_what_a_sentence_may_fill_in_is_known_to_the_other_language():
    """Either may leave a value out ("1 tin"), but a name that only one knows is a slip."""
    vi, en = (tomllib.loads((WORDS / f"{name}.toml").read_text()) for name in ("vi", "en"))
    strange = {
        key: (_fields(vi[key]), _fields(en[key]))
        for key in vi
        if not (_fields(vi[key]) <= _fields(en[key]) or _fields(en[key]) <= _fields(vi[key]))
    }
    # Dates and rhythms choose from one set of values, each language as it likes.
    assert not {key for key in strange if not key.startswith(("date.", "rhythm."))}


def test_a_sentence_that_is_counted_has_both_forms():
    for name in ("vi", "en"):
        keys = tomllib.loads((WORDS / f"{name}.toml").read_text()).keys()
        for key in keys:
            stem, _, form = key.rpartition(".")
            if form in ("one", "many"):
                assert {f"{stem}.one", f"{stem}.many"} <= keys


def test_an_admin_overrides_one_sentence_and_keeps_the_rest(tmp_path):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "vi.toml").write_text('"page.latest" = "Vừa có"\n')
    words = load_words([tmp_path, shipped_templates()], "vi-VN")
    assert words.say("page.latest") == "Vừa có"
    assert words.say("page.topics") == "Chủ đề"


def test_a_language_that_is_not_shipped_speaks_english():
    assert load_words([shipped_templates()], "fr").say("page.topics") == "Topics"


def test_values_are_escaped_for_html_and_only_there():
    words = Words("vi", {"a": "{x} & {y}"})
    assert words.say("a", x="<b>", y=1) == "<b> & 1"
    assert words.html("a", x="<b>", y=Markup("<i>1</i>")) == "&lt;b&gt; &amp; <i>1</i>"


@pytest.mark.parametrize("sentence", ["{there}", "{", "{0}"])
def test_a_sentence_that_cannot_be_filled_names_its_key(sentence):
    with pytest.raises(TemplateError, match=r"page\.x"):
        Words("vi", {"page.x": sentence}).say("page.x", other=1)


@table(
    "sentence",
    ["", "{x}", "a {x}{y} b {x}", "{{x}}", "{{{x}}}", "{x!r}", "{x:>9}", "{x:}", "{x[0]}", "}}",
     "{x.real}", "{x!s:.1}"],
)  # fmt: skip
def test_a_sentence_is_filled_as_python_fills_it(sentence):
    values = {"x": "một", "y": "{x}"}
    words = Words("vi", {"a": sentence})
    try:
        filled = sentence.format(**values)
    except AttributeError:
        return  # a text has no such part; templates hear of it as of each fault of theirs
    assert words.say("a", **values) == filled


def test_an_unknown_sentence_names_its_key():
    with pytest.raises(TemplateError, match=r"page\.nope"):
        Words("vi", {}).say("page.nope")


@pytest.mark.parametrize("text", ["[a]\nb = 1", "a = 1", "a ="])
def test_a_file_of_words_that_is_no_flat_toml_is_named(tmp_path, text):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "vi.toml").write_text(text)
    with pytest.raises(TemplateError, match=r"vi\.toml"):
        load_words([tmp_path], "vi")
