"""Chromium, driven against the web part on a real socket."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.store.core.database import Store
from tests import levels
from tests.web.conftest import Web, settings_with
from tests.web.test_socket import free_port, serving

CHROMIUM = os.environ.get("BANTIN_TEST_CHROMIUM") or shutil.which("chromium")
HOW_TO_GET_CHROMIUM = "needs Chromium: apt-get install chromium"
NOTHING = "/nothing/"
"""A page that is not there."""

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
LANGUAGES = ["vi", "en"]

each_browser = pytest.mark.parametrize(
    ("language", "size"),
    list((itertools.product if levels.WHOLE else zip)(LANGUAGES, SIZES)),
    indirect=True,
)
"""Every language on every screen; in a sample each of them once."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """A running browser without a window: to start one takes as long as many tests."""
    if not CHROMIUM:
        pytest.skip(HOW_TO_GET_CHROMIUM)
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(SIZES))
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


@pytest.fixture
def site_sections() -> dict[str, Any]:
    """Sections of the configuration that a test wants otherwise."""
    return {}


@pytest.fixture
def site(
    store: Store, tmp_path: Path, language: str, site_sections: dict[str, Any]
) -> Iterator[tuple[Web, str]]:
    """The web part and where it is reached."""
    bound = free_port()
    listen = f"127.0.0.1:{bound.getsockname()[1]}"
    settings = settings_with(
        tmp_path, site={"language": language}, web={"listen": listen}, **site_sections
    )
    web = Web(store, settings)
    with serving(web.app, bound) as port:
        yield web, f"http://127.0.0.1:{port}"


@pytest.fixture
def person(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a browser of one person: `person(width, height, scripts=False, dark=True)`.

    What the page itself complains about (a policy that blocks something, a missing file) fails
    the test.
    """
    contexts = []
    complaints: list[str] = []

    def complain(line: Any) -> None:
        if not line.location.get("url", "").endswith(NOTHING):  # asked for on purpose
            complaints.append(line.text)

    def missed(request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the browser's own, for a page that is left
            complaints.append(f"{request.url}: {request.failure}")

    def open_one(
        size: tuple[int, int], *, scripts: bool = False, dark: bool = False, touch: bool = False
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            has_touch=touch,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", complain)
        page.on("requestfailed", missed)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
