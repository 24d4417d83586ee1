"""Every page in a real browser: nothing to scroll sideways, focus seen, no fault that axe finds."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.store.core.database import Store
from service.web.admin import admin_key
from tests import levels
from tests.browser.conftest import AXE, served
from tests.browser.whole_site import TOPICS, furnish
from tests.web.conftest import SITE, Web

pytestmark = pytest.mark.browser


MANY = {"topic": {**SITE["topic"], **TOPICS}}
"""More topics than a phone's line holds."""

Furnished = tuple[tuple[Web, str], dict[str, str]]


@pytest.fixture(scope="module")
def furnished(
    tmp_path_factory: pytest.TempPathFactory, sqlite_pattern: Path
) -> Iterator[Callable[[str], Furnished]]:
    """The whole site in a language and its pages' addresses by name: made once, and looked at."""
    with ExitStack() as stack:

        @cache
        def of(language: str) -> Furnished:
            folder = tmp_path_factory.mktemp(language)
            shutil.copy(sqlite_pattern, folder / "bantin.db")
            store = stack.enter_context(closing(Store(f"sqlite:///{folder}/bantin.db")))
            web, url = stack.enter_context(served(store, folder, language, MANY))
            return (web, url), {name: f"{url}{path}" for name, path in furnish(web).items()}

        yield of


@pytest.fixture
def site(furnished: Callable[[str], Furnished], language: str) -> tuple[Web, str]:
    return furnished(language)[0]


@pytest.fixture
def pages(furnished: Callable[[str], Furnished], language: str) -> dict[str, str]:
    return furnished(language)[1]


def enter(site: Any, page: Any) -> None:
    web, url = site
    page.goto(admin_key.link(url, "/admin/", admin_key.ensure(web.settings.var), web.now))


WIDTHS = [320, 390, 1280]
LANGUAGES = ["vi", "en"]


def share(pages: dict[str, str], one: int, of: int) -> list[tuple[str, str]]:
    """The pages that one of so many ways to look at them has in a sample; all where WHOLE."""
    every = list(pages.items())
    return every if levels.WHOLE else every[one::of]


def too_wide(page: Any, own: int) -> dict[int, int]:
    """The widths at which something has to be scrolled sideways, and how wide it is then.

    In a sample the smallest one and the page's own, which it has afterwards.
    """
    wide = {}
    for width in [*(WIDTHS if levels.WHOLE else WIDTHS[:1]), own]:
        page.set_viewport_size({"width": width, "height": 844})
        inside, whole = page.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollWidth]"
        )
        assert inside == width
        if whole > inside:
            wide[width] = whole
    return wide


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_mails_themselves_fit_a_phone(site, pages, person):
    page = person((320, 844))
    enter(site, page)
    for name in ("short letter", "letter of an edition"):
        page.goto(f"{pages[name]}/html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_topic_bar_shows_that_it_goes_on(site, pages, person):
    """The last topic in sight fades out, and the very last one can be brought in whole."""
    page = person((390, 844))
    page.goto(pages["topic"])
    bar = page.locator(".topics-bar .inline")
    assert "gradient" in bar.evaluate("node => getComputedStyle(node).maskImage")
    room = bar.evaluate("node => node.scrollWidth - node.clientWidth")
    assert room > 0, "too few topics to try it"
    last = page.locator(".topics-bar a").last
    last.evaluate("node => node.closest('ul').scrollTo(9999, 0)")
    box = last.bounding_box()
    assert box["x"] + box["width"] <= 390 - 48, "it stands in the shade"


FOCUSED = """() => {
    const node = document.querySelector(":focus");
    const style = node && getComputedStyle(node);
    return node && [style.outlineStyle, style.outlineWidth, node.outerHTML];
}"""
"""Its outline and what it is; null: nothing has the focus."""


@pytest.mark.sampled
@pytest.mark.parametrize("language", levels.each(LANGUAGES, "focus"), indirect=True)
def test_what_has_the_focus_is_seen(site, pages, person):
    """In a sample on one page of five."""
    page = person((390, 844))
    enter(site, page)
    for name, address in share(pages, 0, 5):
        page.goto(address)
        seen = 0
        for _step in range(12):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None:
                break  # behind the last one
            outline, width, element = focused
            assert outline == "solid", (name, element)
            assert float(width.removesuffix("px")) >= 2, name
            seen += 1
        assert seen >= 2, f"{name}: nothing to reach by keyboard"


ENGLISH = re.compile(
    r"\b(the|of|is|was|and|for|last|since|until|fine|once|twice|times|server|answered|source|"
    r"failing|late|ok|asked|planned|accepted|deferred|weekly|daily|connection|entries|reading|"
    r"document|longer|moved|change|its|left|alone|paused|mail|refused|never)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", ["vi"], indirect=True)
def test_the_admin_page_of_a_vietnamese_site_speaks_vietnamese(site, pages, person):
    """What stands in <code> is to be typed as it is; all else is for people."""
    page = person((1280, 900))
    enter(site, page)
    said = page.evaluate(
        "() => { const main = document.querySelector('main').cloneNode(true);"
        " main.querySelectorAll('code').forEach(node => node.remove()); return main.innerText }"
    )
    said = re.sub(r"https?://\S+", "", said)
    assert "Cổng thông tin tỉnh" in said, "sources have names"
    assert not re.search(r"\bbao-[a-k]\b", said), "ids are for the terminal"
    assert ENGLISH.findall(said) == []


LOOKS = list(itertools.product(["vi", "en"], [390, 1280], ["light", "dark"]))
SOME_LOOKS = [("vi", 390, "dark"), ("en", 1280, "light")]
LIKE_OTHERS = {"story", "search", "short letter"}
"""All that stands on these stands on another page as well: no work for axe in a sample."""


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("language", "width", "colours"), LOOKS if levels.WHOLE else SOME_LOOKS, indirect=["language"]
)
def test_nothing_has_to_be_scrolled_sideways_and_axe_finds_nothing(
    site, pages, person, language, width, colours
):
    """Contrast, names, roles, order of headings: axe-core's rules for WCAG 2.2 AA and more.

    In a sample each page has one of the looks, and the smallest width besides.
    """
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="needs axe: pip install axe-playwright-python"
    )
    script = Path(axe.AXE_FILE_PATH).read_text(encoding="utf-8")
    page = person((width, 844), scripts=True, dark=colours == "dark")
    enter(site, page)
    found, wide = {}, {}
    mine = 0 if levels.WHOLE else SOME_LOOKS.index((language, width, colours))
    for name, address in share(pages, mine, len(SOME_LOOKS)):
        page.goto(address)
        if too := too_wide(page, width):
            wide[name] = too
        if name in LIKE_OTHERS and not levels.WHOLE:
            continue
        page.evaluate(script)
        passed, violations = page.evaluate(AXE)
        assert passed > 10, f"{name}: axe looked at nothing"
        for rule, nodes in violations:
            found[f"{name}: {rule}"] = nodes
    assert found == {}
    assert wide == {}
