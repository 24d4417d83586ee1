"""Personal values: put in at the last moment, escaped where they stand in HTML."""

from __future__ import annotations

import pytest

from service.render.marks import cut, fill, mark
from service.text.fold import nfc


def test_marks_are_filled_and_a_text_is_cut_at_them():
    text = f"S {mark('topics')}, {mark('since')}"
    assert fill(text, {"topics": "Y tế & <Giáo dục>", "since": "x"}) == "S Y tế & <Giáo dục>, x"
    assert cut(text) == (["S ", ", ", ""], ["topics", "since"])
    assert cut("none") == (["none"], [])


def test_a_mark_without_its_value_is_an_error():
    with pytest.raises(KeyError):
        fill(mark("since"), {"address": "a@example.vn"})


def test_there_are_no_other_marks():
    with pytest.raises(KeyError):
        mark("password")


def test_a_value_is_not_looked_through_for_marks():
    filled = fill(mark("topics"), {"topics": mark("address"), "address": "a@b.vn"})
    assert filled == mark("address")


def test_no_headline_can_forge_a_mark():
    assert "address" not in nfc(mark("address")).replace("address", "", 1)
    assert nfc(mark("address")) == "address"
