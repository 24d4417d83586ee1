"""What the handlers work with, put together once by `create_app`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request

from service.config.schema import Settings
from service.render.engine import Renderer, Stamps
from service.report.health import Health
from service.store.core.database import Store
from service.web.forgery import Comes, comes
from service.web.limiter import Limiter
from service.web.page_cache import PageCache
from service.web.search_limits import SearchLimits
from service.web.visitors import Visitor

VISITOR = "bantin.visitor"
"""Key of the scope under which the outermost layer puts the Visitor."""


@dataclass(frozen=True)
class Context:
    """`settings_of` and `renderer_of` are asked anew for each request: a reload swaps both.

    `secret` signs the tokens of forms. `pages` keeps what is public, `errors` the page of each
    status or kind. `random` gives numbers in [0, 1).
    """

    store: Store
    settings_of: Callable[[], Settings]
    renderer_of: Callable[[], Renderer]
    clock: Callable[[], datetime]
    health: Callable[[], Health]
    secret: bytes
    pages: PageCache
    limiter: Limiter
    random: Callable[[], float]
    searches: SearchLimits = field(default_factory=SearchLimits)
    errors: dict[str, tuple[tuple[Renderer, Stamps], str]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.settings_of()

    @property
    def renderer(self) -> Renderer:
        return self.renderer_of()

    @property
    def language(self) -> str:
        return self.renderer.site.language

    def spoken(self, language: str | None) -> str:
        """The reader's language where there are words in it, else the site's."""
        known = language is not None and self.renderer.speaks(language)
        return language if known and language else self.language

    @property
    def prefix(self) -> str:
        """The path under which readers reach the site: "" or such as "/tin"."""
        return urlsplit(self.renderer.site.base_url).path.rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.renderer.site.base_url.startswith("https:")


def context_of(request: Request) -> Context:
    found = request.app.state.context
    assert isinstance(found, Context)
    return found


def came_from(request: Request) -> Comes:
    """Where a form comes from, as far as the browser says."""
    base_url = context_of(request).settings.site.base_url
    return comes(request.headers, visitor_of(request).origin, base_url)


def visitor_of(request: Request) -> Visitor:
    found = request.scope[VISITOR]
    assert isinstance(found, Visitor)
    return found
