"""A site with a weekly digest of news and a half-yearly review, registered in the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.config.schema import Digest, Settings
from service.newsletter import rules
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store.core.database import Store
from service.store.sources import registry
from tests.databases import Registered

REGISTERED = datetime(2026, 1, 1, tzinfo=UTC)

SITE: dict[str, Any] = {
    "site": {
        "title": "Tin Khoa giáo",
        "language": "vi",
        "timezone": "Asia/Ho_Chi_Minh",
        "base_url": "https://tin.example.vn",
    },
    "mail": {"from": "Tin Khoa giáo <tin@example.vn>"},
    "topic": {
        "giao-duc": {"title": "Giáo dục", "any": ["giáo dục"]},
        "y-te": {"title": "Y tế", "any": ["y tế"]},
        "khoa-hoc": {"title": "Khoa học", "any": ["khoa học"]},
    },
    "digest": {
        "tuan": {
            "title": "Điểm tin tuần",
            "cadence": "weekly",
            "cadences": ["daily", "weekly", "monthly"],
        },
        "so-ket": {
            "title": "Sơ kết",
            "cadence": "half-yearly",
            "scope": "review",
            "topics": ["giao-duc"],
        },
    },
}


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate(SITE)


@pytest.fixture
def renderer(settings: Settings) -> Renderer:
    return Renderer(site_view(settings))


@pytest.fixture(scope="session")
def registered(sqlite_pattern: Path, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    site = Settings.model_validate(SITE)
    return Registered(sqlite_pattern, tmp_path_factory.mktemp("people"), site, REGISTERED)


@pytest.fixture
def people_store(any_store: Store, settings: Settings, registered: Registered) -> Store:
    """Either database, with the site's topics and digests in it."""
    if not registered.begin(any_store):
        register(any_store, settings)
    return any_store


def register(store: Store, settings: Settings) -> None:
    with store.write() as connection:
        registry.register(connection, settings, REGISTERED, retire=True)


@pytest.fixture
def previous_cut() -> Callable[..., datetime]:
    """The calendar of the newsletter, as the web part passes it in."""

    def cut(
        digest: Digest, cadence: str, at: str | None, zone: str | None, now: datetime
    ) -> datetime:
        return rules.schedule(digest, cadence, at, zone, "Asia/Ho_Chi_Minh").previous_cut(now)

    return cut
