"""Public pages and feeds as bytes that were made once per change of what they show.

The rows are the truth: a page stands for as long as the versions (`store/content/versions.py`) that
it was made at, whichever process raises them. A request through the application is compared with
the store each time. The protocol finds pages here without asking anybody: `watch` looks at the
versions four times a second, so such an answer is at most LOOK_S older than the store.

A page that is missing is made once, however many wait for it; what is kept is bounded in bytes.
Only what was made is kept, under its own address: no query, 404 or redirect takes memory.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import structlog

from service.config.schema import Settings
from service.errors import StoreError
from service.render.engine import Renderer, Stamps
from service.store.content import versions
from service.store.content.versions import Versions
from service.store.core.database import Connection, Store
from service.web.documents import Served
from service.web.front.wire import Wire

MOST_BYTES = 24 * 1024 * 1024

LARGEST_PART = 4
"""What is larger than this part of all is not kept: it would push out all else."""

LOOK_S = 0.25
TRUST_S = 10.0
"""For so long pages are served from memory while the store does not answer."""

MAKERS = 2
"""Pages made at one time, in threads of their own: jobs must not wait behind a crowd."""

Found = Served | str | None
"""A document; or the path that it has moved to; or nothing."""

Make = Callable[[Connection], Found]

_log = logging.getLogger("bantin.web")


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to compare with at one time: versions, configuration, templates."""

    at: float
    versions: Versions
    settings: Settings
    renderer: Renderer
    templates: Stamps

    def is_dressed_as(self, other: Look) -> bool:
        """Whether configuration and templates are the same."""
        return (
            self.settings is other.settings
            and self.renderer is other.renderer
            and self.templates == other.templates
        )


@dataclass(frozen=True, slots=True)
class CachedPage:
    """A document that is kept. `scopes`: what it shows, with the versions of that."""

    wire: Wire
    look: Look
    scopes: Versions

    def stands(self, look: Look) -> bool:
        """Whether it would be made the same, as far as a look can tell."""
        same = all(look.versions.get(scope, 0) <= at for scope, at in self.scopes.items())
        return same and self.look.is_dressed_as(look)


Made = tuple[Look, Found, CachedPage | None]
"""What was compared with, what there is, and what of it is new and may be kept."""


@dataclass
class PageCache:
    """`settings_of` and `renderer_of` are asked anew at each look. `clock` is monotonic."""

    store: Store
    settings_of: Callable[[], Settings]
    renderer_of: Callable[[], Renderer]
    clock: Callable[[], float] = time.monotonic
    most_bytes: int = MOST_BYTES
    made: int = 0
    """How often a page was made."""
    _pages: OrderedDict[bytes, CachedPage] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _seen: Look | None = None
    _making: dict[str, asyncio.Future[Made]] = field(default_factory=dict)
    _prefix: bytes = b""

    def __post_init__(self) -> None:
        self._makers = ThreadPoolExecutor(MAKERS, "pages")
        self._looker = ThreadPoolExecutor(1, "versions")

    def __len__(self) -> int:
        return len(self._pages)

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._bytes

    def find(self, target: bytes) -> Wire | None:
        """Finds a page by the target of a request as it came, without looking at the store.

        None: it is not kept, or the last look is too old to be trusted. Never waits.
        """
        seen = self._seen
        if seen is None or self.clock() - seen.at > TRUST_S:
            return None
        key = target if target in self._pages else self._key(target)
        page = self._pages.get(key)
        if page is None:
            return None
        self._pages.move_to_end(key)
        return page.wire

    async def fetch(self, key: str, scopes: Collection[str], make: Make) -> Found:
        """What is kept and still stands, or what `make` gives from one view of the store.

        `key`: the address on the site. `make` runs in a thread. All that wait get what it raises.
        """
        making = self._making.get(key)
        if making is None:
            loop = asyncio.get_running_loop()
            making = loop.run_in_executor(self._makers, self._look_or_make, key, scopes, make)
            self._making[key] = making
            making.add_done_callback(lambda done: self._landed(key, done))
        return (await asyncio.shield(making))[
            1
        ]  # one that is cancelled must not cancel it for the others

    async def watch(self) -> None:
        """Look at what has changed until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._pages:
                continue
            try:
                self._compare(await loop.run_in_executor(self._looker, self._look))
            except StoreError as error:
                structlog.get_logger("bantin").error("the store cannot be read", error=str(error))
            except Exception:  # noqa: BLE001 - whatever it was, it must go on looking
                _log.exception("cannot tell whether pages have changed")

    def _key(self, target: bytes) -> bytes:
        """Below the prefix of a site whose proxy leaves it on, and whatever the query."""
        path, mark, _ = target.partition(b"?")
        if self._prefix and path.startswith(self._prefix + b"/"):
            path = path[len(self._prefix) :]
        if mark and path.startswith(b"/assets/"):
            return target  # a version behind "?v=" decides how long it may be kept
        return path

    def _look(self) -> Look:
        with self.store.read() as connection:
            return self._look_by(connection)

    def _look_by(self, connection: Connection) -> Look:
        # In this order: what changes after the time was read must be found at the next look.
        at, settings, renderer = self.clock(), self.settings_of(), self.renderer_of()
        return Look(at, versions.every(connection), settings, renderer, renderer.page_stamps())

    def _look_or_make(self, key: str, scopes: Collection[str], make: Make) -> Made:
        with self.store.read() as connection:
            look = self._look_by(connection)  # before it is made: it may only be newer than this
            kept = self._pages.get(key.encode())
            if kept is not None and kept.stands(look):
                return look, kept.wire.document, None
            found = make(connection)
        if not isinstance(found, Served):
            return look, found, None
        scoped = {scope: look.versions.get(scope, 0) for scope in scopes}
        return look, found, CachedPage(Wire.of(found), look, scoped)

    def _landed(self, key: str, done: asyncio.Future[Made]) -> None:
        self._making.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        look, _, page = done.result()
        self._compare(look)
        if page is not None:
            self.made += 1
            if self._seen is not None and page.stands(self._seen):
                self._keep(key.encode(), page)

    def _compare(self, look: Look) -> None:
        """Let go what does not stand any more."""
        seen = self._seen
        if seen is not None and look.at < seen.at:
            return
        self._seen = look
        self._prefix = urlsplit(look.renderer.site.base_url).path.rstrip("/").encode()
        if seen is not None and look.is_dressed_as(seen) and look.versions == seen.versions:
            return
        for key in [key for key, page in self._pages.items() if not page.stands(look)]:
            self._drop(key)

    def _keep(self, key: bytes, page: CachedPage) -> None:
        self._drop(key)
        if page.wire.size > self.most_bytes // LARGEST_PART:
            return
        self._pages[key] = page
        self._bytes += page.wire.size
        while self._bytes > self.most_bytes:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: bytes) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._bytes -= page.wire.size
