"""Personal values: put in at the last moment, escaped where they stand in HTML."""

from __future__ import annotations

import pytest

from service.model import Parts
from service.render.marks import fill, mark
from service.text.fold import nfc


def test_marks_are_filled_and_escaped_in_html_alone():
    parts = Parts(f"S {mark('topics')}", f"T {mark('topics')}", f"<p>{mark('topics')}</p>")
    filled = fill(parts, {"topics": "Y tế & <Giáo dục>"})
    assert filled.subject == "S Y tế & <Giáo dục>"
    assert filled.text == "T Y tế & <Giáo dục>"
    assert filled.html == "<p>Y tế &amp; &lt;Giáo dục&gt;</p>"


def test_a_mark_without_its_value_is_an_error():
    with pytest.raises(KeyError):
        fill(Parts("", mark("since"), ""), {"address": "a@example.vn"})


def test_there_are_no_other_marks():
    with pytest.raises(KeyError):
        mark("password")


def test_a_value_is_not_looked_through_for_marks():
    parts = fill(Parts("", mark("topics"), ""), {"topics": mark("address"), "address": "a@b.vn"})
    assert parts.text == mark("address")


def test_no_headline_can_forge_a_mark():
    assert "address" not in nfc(mark("address")).replace("address", "", 1)
    assert nfc(mark("address")) == "address"
