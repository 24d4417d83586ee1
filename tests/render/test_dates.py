"""How long something took is told in the same words wherever it stands."""

from __future__ import annotations

import pytest

from service.render.dates import span
from service.render.engine import Renderer, shipped_templates
from service.render.words import load_words
from service.report.sentence import english_span
from tests.render.test_engine import SITE

CELL = '{% import "web/tables.html.j2" as tables with context %}{{ tables.span(seconds) }}'


@pytest.mark.parametrize(
    ("seconds", "english", "vietnamese"),
    [
        (0, "0 s", "0 giây"),
        (59, "59 s", "59 giây"),
        (119, "2 min", "2 phút"),
        (90 * 60 - 1, "90 min", "90 phút"),
        (3 * 3600 + 300, "3 h", "3 giờ"),
        (47 * 3600, "47 h", "47 giờ"),
        (60 * 3600 + 1, "3 d", "3 ngày"),
    ],
)
def test_a_span_is_rounded_and_the_same_on_pages_and_on_the_terminal(
    seconds, english, vietnamese, tmp_path
):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "cell.html.j2").write_text(CELL)
    assert english_span(seconds) == english
    assert span(seconds, load_words((shipped_templates(),), "vi")) == vietnamese
    renderer = Renderer(SITE, tmp_path)
    assert renderer.page("cell", "vi", seconds=seconds).strip() == vietnamese
    assert renderer.page("cell", "en", seconds=seconds).strip() == english


def test_what_is_not_known_is_no_span():
    assert english_span(None) == ""
