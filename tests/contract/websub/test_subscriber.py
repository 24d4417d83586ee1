"""The whole way at a real hub: discovered, asked, verified, delivered, renewed, given up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

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


async def test_a_hub_that_a_feed_names_is_asked_and_verifies(any_store, now):
    async with office(any_store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        (asked,) = hub.asked
        assert asked["hub.mode"] == "subscribe"
        assert asked["hub.topic"] == paper.topic  # the document's self, not where it was fetched
        assert asked["hub.callback"] == f"{desk.base_url}/websub/token-1"
        assert asked["hub.lease_seconds"] == "864000"
        assert len(asked["hub.secret"]) == 64
        assert hub.types[0].startswith("application/x-www-form-urlencoded")
        assert hub.checks == [("subscribe", 200, "a challenge/+=&?")]
        (row,) = desk.subscriptions()
        assert row.alive_since == now
        assert row.lease_ends == now + timedelta(days=10) == desk.row().pushed_until
        assert row.next_try_at == now + timedelta(days=6)
        assert row.asked_mode is None
        await desk.keep()
        assert len(hub.asked) == 1


async def test_a_hub_may_verify_before_it_answers(store, now):
    async with office(store, now) as (desk, hub, _):
        hub.at_once = True
        await subscribed(desk, hub)
        (row,) = desk.subscriptions()
        assert (row.alive_since, row.failures, row.error) == (now, 0, None)
        assert row.next_try_at == now + timedelta(days=6)
        assert row.owner is None


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_what_is_delivered_is_stored_as_if_it_had_been_fetched(store, now, method):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        desk.later(minutes=5)
        assert await hub.deliver(paper.body("b"), method=method) == 202
        assert desk.kicks == ["delivered"]
        taken = await desk.take()
        assert (taken.tried, taken.entries_new) == (1, 1)
        assert desk.titles() == ["Tin a", "Tin b"]
        assert desk.waiting() == 0
        assert desk.row().lease_owner is None
        assert (await desk.take()).tried == 0
        # The same once more, then by a poll: one entry is one entry.
        assert await hub.deliver(paper.body("b")) == 202
        assert (await desk.take()).entries_new == 0
        paper.titles = ["b", "a"]
        assert (await desk.collect("bao")).entries_new == 0
        assert desk.titles() == ["Tin a", "Tin b"]
        (row,) = desk.subscriptions()
        assert (row.delivered, row.delivered_at, row.unsigned) == (2, desk.now, 0)
