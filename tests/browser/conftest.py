"""Chromium, driven against the web part on a real socket."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.store.core.database import Store
from tests import levels
from tests.web.conftest import Web, settings_with
from tests.web.test_socket import free_port, serving

CHROMIUM = (
    os.environ.get("BANTIN_TEST_CHROMIUM")
    or shutil.which("chromium-headless-shell")  # the same without a window around it
    or shutil.which("chromium")
)
HOW_TO_GET_CHROMIUM = "needs Chromium: apt-get install chromium-headless-shell"
NOTHING = "/nothing/"
"""A page that is not there."""

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
LANGUAGES = ["vi", "en"]

BROWSERS = list((itertools.product if levels.WHOLE else zip)(LANGUAGES, SIZES))
"""Every language on every screen; in a sample each of them once."""


def browsers(of: str | None = None) -> pytest.MarkDecorator:
    """All of these; in a sample one alone for this kind of way, another one for another kind."""
    cases = BROWSERS if of is None else levels.each(BROWSERS, of)
    return pytest.mark.parametrize(("language", "size"), cases, indirect=True)


AXE = """async () => {
    const told = await axe.run(document, {iframes: false, resultTypes: ["violations"]});
    const violations = told.violations.map(one => [
        one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))
    ]);
    return [told.passes.length, violations];
}"""
"""How many rules are kept, and by name up to three elements that break one. All are tried: axe only
describes no element of which there is nothing to say, which takes it longer than to judge it."""

FRUGAL = (
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--num-raster-threads=1",
    "--js-flags=--no-opt --no-maglev",
    (
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,"
        # Playwright's own, of which the last list alone counts.
        "PreloadTopChromeWebUI,AimEnabled,PaintHolding,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,"
        "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,LensOverlay,MediaRouter,"
        "ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,OptimizationHints,"
        "NetworkTimeServiceQuerying,PreconnectToSearch"
    ),
)
"""One process draws and one has the pages, instead of one for each site and for each new page. No
script runs long enough to be worth optimizing. And no window of Chromium gets a page of its own for
what its address bar might suggest."""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """A running browser without a window: to start one takes as long as many tests."""
    if not CHROMIUM:
        pytest.skip(HOW_TO_GET_CHROMIUM)
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *FRUGAL])
        yield browser
        browser.close()


class Windows:
    """Windows of browsers that know nothing. One that was used is emptied for the next test.

    To open another one and to load its first page takes as long as five pages. Each test has a
    site on a port of its own, so that nothing of an earlier one is in a cache; cookies, which know
    no ports, are taken away.
    """

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._free: dict[tuple[bool, bool], list[Any]] = {}
        self._lent: list[tuple[tuple[bool, bool], Any]] = []
        self.complaints: list[str] = []

    def lend(self, *, scripts: bool, touch: bool) -> Any:
        """A window that nobody has."""
        kind = scripts, touch
        free = self._free.setdefault(kind, [])
        page = free.pop() if free else self._new(scripts=scripts, touch=touch)
        self._lent.append((kind, page))
        return page

    def take_back(self) -> list[str]:
        """Empty those that were lent. Returns what their pages complained about."""
        for kind, page in self._lent:
            for one in page.context.pages:
                if one is not page:
                    one.close()
            page.goto("about:blank")
            page.unroute_all()
            page.context.clear_cookies()
            self._free[kind].append(page)
        self._lent.clear()
        complaints, self.complaints = self.complaints, []
        return complaints

    def _new(self, *, scripts: bool, touch: bool) -> Any:
        context = self._chromium.new_context(java_script_enabled=scripts, has_touch=touch)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", self._complain)
        page.on("requestfailed", self._missed)
        return page

    def _complain(self, line: Any) -> None:
        if not line.location.get("url", "").endswith(NOTHING):  # asked for on purpose
            self.complaints.append(line.text)

    def _missed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the browser's own, for a page that is left
            self.complaints.append(f"{request.url}: {request.failure}")


@pytest.fixture(scope="package")
def windows(chromium: Any) -> Windows:
    return Windows(chromium)


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
    with served(store, tmp_path, language, site_sections) as found:
        yield found


@contextmanager
def served(
    store: Store, folder: Path, language: str, sections: dict[str, Any]
) -> Iterator[tuple[Web, str]]:
    """The web part of this store, in whose folder it is, and where it is reached."""
    bound = free_port()
    listen = f"127.0.0.1:{bound.getsockname()[1]}"
    settings = settings_with(
        folder, site={"language": language}, web={"listen": listen}, **sections
    )
    web = Web(store, settings)
    with serving(web.app, bound) as port:
        yield web, f"http://127.0.0.1:{port}"


@pytest.fixture
def person(windows: Windows) -> Iterator[Callable[..., Any]]:
    """Open a browser of one person: `person((width, height), scripts=False, dark=True)`.

    What the page itself complains about (a policy that blocks something, a missing file) fails
    the test.
    """

    def open_one(
        size: tuple[int, int], *, scripts: bool = False, dark: bool = False, touch: bool = False
    ) -> Any:
        page = windows.lend(scripts=scripts, touch=touch)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if dark else "light")
        return page

    yield open_one
    assert windows.take_back() == []
