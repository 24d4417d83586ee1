"""The web part of a small site, asked through a test client that stands on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.testclient import TestClient

from service.config.schema import Settings
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.report.health import Health
from service.store.core.database import Store
from service.store.sources import registry
from service.web.admin import admin_key
from service.web.app import create_app
from service.web.limiter import Limiter
from tests.databases import Registered

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SITE: dict[str, Any] = {
    "site": {"title": "Tin Khoa giáo", "language": "vi", "timezone": "Asia/Ho_Chi_Minh"},
    "mail": {"from": "Tin Khoa giáo <tin@example.vn>"},
    "topic": {
        "giao-duc": {"title": "Giáo dục", "any": ["giáo dục"]},
        "y-te": {"title": "Y tế", "any": ["y tế"]},
        "khoa-hoc": {"title": "Khoa học – Công nghệ", "any": ["khoa học"]},
    },
    "digest": {
        "tuan": {
            "title": "Điểm tin tuần",
            "cadence": "weekly",
            "cadences": ["daily", "weekly", "monthly"],
        },
        "y-khoa": {"title": "Y khoa hằng ngày", "cadence": "daily", "topics": ["y-te"]},
    },
}


def settings_with(root: Path | None = None, /, **sections: dict[str, Any]) -> Settings:
    """The site with some sections said otherwise."""
    data = {**SITE, **{name: {**SITE.get(name, {}), **more} for name, more in sections.items()}}
    settings = Settings.model_validate(data)
    if root is not None:
        settings._root = root
    return settings


@dataclass
class Web:
    """A running web part. `now`, `settings` and `health` may be changed between requests.

    `portal`: to the event loop that answers them; None: each has one of its own, made for it.
    `registered`: its sources, topics and digests are in the store already.
    """

    store: Store
    settings: Settings
    now: datetime = NOW
    health: Health = field(default_factory=lambda: Health(True, ()))
    kicks: list[str] = field(default_factory=list)
    most: int = 60
    portal: BlockingPortal | None = None
    registered: bool = False

    def __post_init__(self) -> None:
        self.renderer = Renderer(site_view(self.settings))
        if not self.registered:
            with self.store.write() as connection:
                registry.register(connection, self.settings, self.now, retire=True)
        self.store.tell(lambda told: self.kicks.extend(sorted(one.name for one in told)))
        self.app = create_app(
            self.store,
            lambda: self.settings,
            lambda: self.renderer,
            lambda: self.now,
            lambda: self.health,
            Limiter(self.most),
        )
        self.client = self.browser()

    def browser(
        self, base_url: str = "http://127.0.0.1:8000", peer: str = "127.0.0.1", **headers: str
    ) -> TestClient:
        """A browser with a cookie jar of its own that follows no redirect by itself."""
        browser = TestClient(
            self.app,
            base_url,
            headers={"Sec-Fetch-Site": "same-origin", **headers},
            client=(peer, 50000),
            follow_redirects=False,
        )
        browser.portal = self.portal
        return browser

    def admin(self, **how: Any) -> TestClient:
        """A browser that has opened the link with the key; `how` as for `browser`."""
        client = self.browser(**how)
        key = admin_key.ensure(self.settings.var)
        assert client.get(admin_key.link("", "/admin/", key, self.now)).status_code == 303
        return client

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """The event loop of all sites here, with its threads, which tests would start anew."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def make(store: Store, tmp_path: Path, portal: BlockingPortal) -> Callable[..., Web]:
    """Build a web part: `make(site={"base_url": …}, most=3)`."""

    def build(most: int = 60, **sections: dict[str, Any]) -> Web:
        return Web(store, settings_with(tmp_path, **sections), most=most, portal=portal)

    return build


@pytest.fixture(scope="session")
def registered(sqlite_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    return Registered(sqlite_pattern, tmp_path_factory.mktemp("web"), settings_with(), NOW)


@pytest.fixture
def web(store: Store, tmp_path: Path, portal: BlockingPortal, registered: Registered) -> Web:
    begun = registered.begin(store)
    return Web(store, settings_with(tmp_path), portal=portal, registered=begun)
