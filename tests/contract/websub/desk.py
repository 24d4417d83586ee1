"""A service with sources, its callbacks on a real socket, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from aiohttp.abc import AbstractResolver
from sqlalchemy import select

from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import Collected, client_of, collect
from service.collect.websub import inbox, renew
from service.collect.websub.inbox import Taken
from service.collect.websub.renew import Kept, RenewalDependencies
from service.collect.workers.pool import Parsers
from service.config.schema import Settings
from service.net.client import Client
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.report.health import Health
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.kicks import Kick
from service.store.sources import registry
from service.web.app import create_app
from tests.builders import sources


def rss(*titles: str, hub: str | None = None, topic: str | None = None) -> bytes:
    items = "".join(
        f"<item><guid>{title}</guid><title>Tin {title}</title>"
        f"<link>https://bao.example/{title}</link></item>"
        for title in titles
    )
    links = f'<a:link rel="hub" href="{hub}"/>' if hub else ""
    links += f'<a:link rel="self" href="{topic}"/>' if topic else ""
    return (
        '<rss version="2.0" xmlns:a="http://www.w3.org/2005/Atom"><channel><title>Báo</title>'
        f"<link>https://bao.example/</link>{links}{items}</channel></rss>"
    ).encode()


class _Server(uvicorn.Server):
    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


class Desk:
    """`owner` is the process that `keep` and `take` stand for."""

    def __init__(self, store: Store, now: datetime, base_url: str, parsers: Parsers) -> None:
        self.store, self.now, self.base_url = store, now, base_url
        self.parsers = parsers
        self.settings = Settings()
        self.kicks: list[Kick] = []
        store.tell(self.kicks.extend)
        self.owner = "one"
        self.resolver: AbstractResolver | None = None
        self.numbers = itertools.count(1)

    def register(self, **sections: Any) -> None:
        data: dict[str, Any] = {
            "site": {"title": "Tin", "base_url": self.base_url},
            "collect": {
                "allow_networks": ["127.0.0.0/8"],
                "websub": True,
                "interval": {"min": "15m", "max": "12h"},
            },
            **sections,
        }
        self.settings = Settings.model_validate(data)
        with self.store.write() as connection:
            registry.register(connection, self.settings, self.now, retire=True)

    def app(self) -> Any:
        return create_app(
            self.store,
            lambda: self.settings,
            lambda: Renderer(site_view(self.settings)),
            lambda: self.now,
            lambda: Health(True, ()),
            random=lambda: 0.0,
        )

    async def collect(self, *names: str) -> Collected:
        return await collect(
            self.store, self.settings, lambda: self.now, owner=self.owner,
            names=names or None, parsers=self.parsers, random=lambda: 0.0,
        )  # fmt: skip

    async def keep(self, owner: str | None = None) -> Kept:
        def client() -> Client:
            if self.resolver is None:
                return client_of(self.settings, lambda: self.now)
            return Client("Bantin/1", ["127.0.0.0/8"], resolver=self.resolver)

        dependencies = RenewalDependencies(
            client, Sites(), lambda: self.now, lambda: 0.0, self.token
        )
        return await renew.keep(self.store, self.settings, dependencies, owner=owner or self.owner)

    async def take(self) -> Taken:
        return await inbox.take(
            self.store, self.settings, lambda: self.now, owner=self.owner,
            parsers=self.parsers, random=lambda: 0.0,
        )  # fmt: skip

    def token(self) -> str:
        return f"token-{next(self.numbers)}"

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def row(self, name: str = "bao") -> Any:
        with self.store.read() as connection:
            return connection.execute(sources().where(t.source.c.name == name)).one()

    def subscriptions(self) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(select(t.websub).order_by(t.websub.c.id)))

    def titles(self) -> list[str]:
        with self.store.read() as connection:
            found = select(t.article.c.title).order_by(t.article.c.id)
            return list(connection.execute(found).scalars())

    def waiting(self) -> int:
        with self.store.read() as connection:
            return len(connection.execute(select(t.websub_delivery.c.id)).all())


@asynccontextmanager
async def open_desk(store: Store, now: datetime, prefix: str = "") -> AsyncIterator[Desk]:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    async with Parsers(1) as parsers:
        desk = Desk(store, now, f"http://127.0.0.1:{bound.getsockname()[1]}{prefix}", parsers)
        desk.register()
        config = uvicorn.Config(
            desk.app(), log_config=None, access_log=False, lifespan="off", proxy_headers=False,
            server_header=False,
        )  # fmt: skip
        server = _Server(config)
        web = asyncio.create_task(server.serve(sockets=[bound]))
        while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
            await asyncio.sleep(0.005)
        try:
            yield desk
        finally:
            server.should_exit = True
            await web
            bound.close()
