"""One site and the outlets that it collects from: the whole way under a clock that a test moves.

Everything is real: the TOML on disk, the store, the sockets on loopback, the parser processes, the
outbox. Only `now` stands still until a test moves it.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import Row, Select

from service.audience import people
from service.collect.polling.poll import Collected, collect
from service.collect.workers.pool import Parsers
from service.mail.drain import Drained
from service.net.client import Client
from service.newsletter.run import Planned
from service.publish.build import Published
from service.publish.static import PublishReport, write_site
from service.report.status import as_json, status
from service.runtime import pipeline
from service.runtime.composition import Service, open_service
from service.store.content import feed_documents
from service.web.subscriber.rhythms import previous_cut

YESTERDAY = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
"""The first collection: what stands there is old."""

TODAY = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
"""The second one: what has come is news."""

AFTER_THE_CUT = datetime(2026, 11, 24, 0, 5, tzinfo=UTC)
"""Five past seven in Viet Nam: the daily digests are due."""

SITE = """
[site]
title = "Tin Khoa giáo"
language = "vi"
timezone = "Asia/Ho_Chi_Minh"
"""

LOOPBACK = """
[collect]
allow_networks = ["127.0.0.0/8"]
"""


class Way:
    """A folder with a configuration, opened as a service that works when it is told to."""

    def __init__(
        self,
        folder: Path,
        toml: str,
        *,
        now: datetime = YESTERDAY,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "bantin.toml"
        self.config.write_text(toml, encoding="utf-8")
        self.now = now
        self._environ = environ or {}
        self.service = self._open()

    def _open(self) -> Service:
        return open_service(self.config, self._environ, lambda: self.now, retire=True)

    def restart(self) -> None:
        """End the process and start another: nothing in memory is left."""
        self.service.close()
        self.service = self._open()

    def close(self) -> None:
        self.service.close()

    # -- the street ---------------------------------------------------------------------------

    async def collect(
        self, *names: str, parsers: Parsers | None = None, client: Client | None = None
    ) -> Collected:
        """The named sources at once, by default all of them."""
        service = self.service
        wanted = names or tuple(service.settings.source)
        if client is None:
            return await pipeline.collect(service, wanted, parsers=parsers)
        return await collect(
            service.store, service.settings, service.clock, owner=service.owner, names=wanted,
            client=client, parsers=parsers,
        )  # fmt: skip

    async def publish(self) -> Published:
        return await pipeline.publish_stale(self.service)

    async def mail(self, digest: str | None = None) -> tuple[Planned, Drained]:
        """What `digest send` does: cut, plan and send what is due."""
        planned = await pipeline.plan(self.service, digest=digest)
        return planned, await pipeline.send(self.service, digest=digest)

    def write_site(self) -> PublishReport:
        service = self.service
        return write_site(service.store, service.settings, service.renderer, self.site_folder)

    def subscribe(self, address: str, digest: str, **preferences: Any) -> None:
        settings = self.service.settings
        people.add(
            self.service.store, settings, self.now, address, digest,
            previous_cut=previous_cut(settings), **preferences,
        )  # fmt: skip

    # -- looking ------------------------------------------------------------------------------

    @property
    def site_folder(self) -> Path:
        return self.config.parent / "site"

    def feed(self, name: str, format_: str = "atom") -> bytes:
        with self.service.store.read() as connection:
            found = feed_documents.get(connection, name, format_)
        assert found is not None, f"there is no feed {name}.{format_}"
        return found.body

    def outbox_files(self) -> dict[str, bytes]:
        folder = self.service.settings.var / "outbox" / "new"
        return {path.name: path.read_bytes() for path in folder.glob("*")}

    def mails(self, address: str | None = None) -> list[EmailMessage]:
        found = [parsed(data) for data in self.outbox_files().values()]
        return [one for one in found if address in (None, one["To"])]

    def rows(self, statement: Select[Any]) -> list[Row[Any]]:
        with self.service.store.read() as connection:
            return list(connection.execute(statement).all())

    def status(self) -> dict[str, Any]:
        """What `bantin status --json` says, sources by their id."""
        with self.service.store.read() as connection:
            said: dict[str, Any] = as_json(status(connection, self.now))
        return {**said, "sources": {one["id"]: one for one in said["sources"]}}


@lru_cache(maxsize=1000)
def parsed(data: bytes) -> EmailMessage:
    """A mail as a mail program reads it. The same one each time: not to be changed."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """The text or html part. It must be there."""
    part = message.get_body((kind,))
    assert part is not None, f"no {kind} part"
    return str(part.get_content())


def one_line(text: str) -> str:
    """Without the line breaks that wrapping put in."""
    return " ".join(text.split())


@dataclass
class Outlets:
    """A server on loopback. `pages`: path -> what it answers; both may change at any time.

    `seen` is told each path that is asked for, before the answer.
    """

    port: int = 0
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seen: Callable[[str], None] = lambda _path: None

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.seen(request.path)
        if request.path not in self.pages:
            raise web.HTTPNotFound
        kind, body = self.pages[request.path]
        return web.Response(body=body, headers={"Content-Type": kind})


@asynccontextmanager
async def outlets() -> AsyncIterator[Outlets]:
    """A server that answers what `pages` says, without a validator."""
    served = Outlets()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    served.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield served
    finally:
        await runner.cleanup()


def rss(*titles: str, channel: str = "Báo", link: str = "https://bao.example") -> bytes:
    """A small, honest feed. Each title is its own id."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title>"
        f"<link>{link}/{number}</link><description>Sapo của {title}.</description></item>"
        for number, title in enumerate(titles)
    )
    return (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>{channel}</title>"
        f"<link>{link}/</link>{items}</channel></rss>"
    ).encode()
