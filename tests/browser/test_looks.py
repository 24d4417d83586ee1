"""Both looks of a mail in a browser: they fit, have one column or two, and axe finds nothing."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests import levels
from tests.browser.conftest import AXE
from tests.newsletter import full_edition
from tests.newsletter.full_edition import LOOKS

pytestmark = pytest.mark.browser

EACH_LOOK = pytest.mark.parametrize("look", LOOKS)
WIDTHS = [320, 390, 640, 700]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@EACH_LOOK
@pytest.mark.parametrize("styled", [True, False], ids=["styled", "without style blocks"])
def test_a_mail_fits_every_screen(store, tmp_path, person, look, styled):
    """Also in a mail program that drops style blocks, and so media queries."""
    html = full_edition.shown(full_edition.newsroom(store, tmp_path, look))
    if not styled:
        html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    page = person((320, 844))
    page.set_content(html)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(SIDEWAYS) <= 0, width
        article = page.locator("table.page").bounding_box()
        assert article["width"] == min(width, 600)


@pytest.mark.parametrize("styled", [True, False], ids=["styled", "without style blocks"])
def test_a_front_page_has_two_columns_where_there_is_room(store, tmp_path, person, styled):
    html = full_edition.shown(full_edition.newsroom(store, tmp_path, "front-page"))
    if not styled:
        html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    page = person((640, 844))
    page.set_content(html)
    columns = page.locator(".row").first.locator(".column")
    left, right = (columns.nth(n).bounding_box() for n in range(2))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] == right["x"]
    page.set_viewport_size({"width": 390, "height": 844})
    left, right = (columns.nth(n).bounding_box() for n in range(2))
    assert left["y"] + left["height"] <= right["y"]
    assert left["x"] == right["x"]
    assert left["width"] == (366 if styled else 288)


CASES = list(itertools.product(LOOKS, ["vi", "en"], [390, 640], ["light", "dark"]))
SOME = [("front-page", "vi", 640, "dark"), ("letter", "en", 390, "light")]


@pytest.mark.sampled
@pytest.mark.parametrize(("look", "words", "width", "colours"), CASES if levels.WHOLE else SOME)
def test_axe_finds_nothing_in_a_mail(store, tmp_path, person, look, words, width, colours):
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="needs axe: pip install axe-playwright-python"
    )
    html = full_edition.shown(full_edition.newsroom(store, tmp_path, look, words))
    page = person((width, 844), scripts=True, dark=colours == "dark")
    page.set_content(html)
    page.evaluate(Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8"))
    passed, violations = page.evaluate(AXE)
    assert passed > 10
    # A mail is shown inside a program's own page, which has the landmarks.
    skipped = {"region", "landmark-one-main"}
    assert {rule: nodes for rule, nodes in violations if rule not in skipped} == {}
