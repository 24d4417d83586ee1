"""A publisher, a hub and the service together, and how far a test begins on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.contract.websub.desk import Desk, open_desk, rss
from tests.contract.websub.hub import Hub, running_hub
from tests.net.wire import raw_server


class Publisher:
    """One feed; `body` may be changed. The hub's name stands in it."""

    def __init__(self) -> None:
        self.titles: list[str] = ["a"]
        self.headers: list[str] = []
        self.hub: str | None = None
        self.topic: str | None = None
        self.asked = 0

    def body(self, *more: str) -> bytes:
        return rss(*more, *self.titles, hub=self.hub, topic=self.topic)

    async def script(self, talk) -> None:
        self.asked += 1
        await talk.answer(self.body(), *self.headers)


@asynccontextmanager
async def office(store, now, prefix="") -> AsyncIterator[tuple[Desk, Hub, Publisher]]:
    paper = Publisher()
    async with (
        raw_server(paper.script) as wire,
        running_hub() as hub,
        open_desk(store, now, prefix) as desk,
    ):
        paper.hub, paper.topic = hub.url, wire.url("/canonical")
        desk.register(source={"bao": {"url": wire.url("/rss")}})
        yield desk, hub, paper


async def subscribed(desk: Desk, hub: Hub) -> None:
    """Collected once, asked, verified."""
    await desk.collect()
    await desk.keep()
    await hub.settled()


async def asked(desk, hub) -> str:
    """A subscription that the hub has been asked for and has not verified; its callback."""
    hub.verifies = False
    await subscribed(desk, hub)
    return str(hub.asked[-1]["hub.callback"])
