"""The whole way at a real hub: discovered, asked, verified, delivered, renewed, given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.store.core.kicks import Kick
from tests.contract.websub.hub import running_hub
from tests.contract.websub.office import office, subscribed


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
        assert row.subscribed_until == now + timedelta(days=10) == desk.row().pushed_until
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
        assert row.lease_owner is None


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
async def test_what_is_delivered_is_stored_as_if_it_had_been_fetched(store, now, method):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        desk.later(minutes=5)
        assert await hub.deliver(paper.body("b"), method=method) == 202
        assert desk.kicks.count(Kick.DELIVERED) == 1
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
        assert (row.delivered_count, row.delivered_at, row.unsigned_count) == (2, desk.now, 0)


async def test_while_it_is_alive_the_source_is_polled_at_its_ceiling(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        assert desk.row().next_poll_at == now + timedelta(hours=1)  # planned before there was a hub
        desk.later(hours=1)
        await desk.collect()
        assert desk.row().next_poll_at == desk.now + timedelta(hours=12)
        assert paper.asked == 2


async def test_it_is_renewed_before_its_lease_ends(any_store, now):
    async with office(any_store, now) as (desk, hub, _):
        hub.lease_s = 3600
        await subscribed(desk, hub)
        desk.later(minutes=35)
        await desk.keep()
        assert len(hub.asked) == 1
        desk.later(minutes=1)
        await desk.keep()
        await hub.settled()
        first, second = hub.asked
        assert first == second  # the same callback, topic and secret: it overrides the old one
        (row,) = desk.subscriptions()
        assert row.alive_since == now
        assert row.subscribed_until == desk.now + timedelta(hours=1) == desk.row().pushed_until


async def test_when_the_lease_ends_the_source_is_polled_as_before(store, now):
    async with office(store, now) as (desk, hub, _):
        hub.lease_s = 7200
        await subscribed(desk, hub)
        desk.later(hours=1)
        await desk.collect()
        hub.verifies = False  # it takes requests, but has lost us
        asked = 1
        for _ in range(12):
            desk.later(minutes=5)
            await desk.keep()
        assert len(hub.asked) > asked + 1  # a renewal is tried several times while there is time
        (row,) = desk.subscriptions()
        assert (row.alive_since, desk.row().pushed_until) == (None, None)
        assert desk.row().next_poll_at == desk.now  # an hour after its last poll
        assert (await desk.collect()).tried == 1
        assert desk.row().next_poll_at == desk.now + timedelta(hours=1, minutes=15)
        # It goes on asking, more and more seldom, and a hub that is back is believed.
        hub.verifies = True
        desk.later(days=1)
        await desk.keep()
        await hub.settled()
        (row,) = desk.subscriptions()
        assert row.alive_since == desk.now


async def test_a_hub_that_brings_nothing_is_not_relied_on_until_it_does(any_store, now):
    async with office(any_store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        paper.titles = ["b", "a"]
        desk.later(hours=1)
        await desk.collect()  # news from before it was alive: no fault of the hub's
        assert desk.row().pushed_until is not None
        paper.titles = ["c", "b", "a"]
        desk.later(hours=12)
        assert (await desk.collect()).entries_new == 1
        (row,) = desk.subscriptions()
        assert row.missed_at == desk.now
        assert desk.row().pushed_until is None
        assert desk.row().next_poll_at < desk.now + timedelta(hours=2)
        # Late is not never: what it delivers is taken, and it is relied on again.
        await hub.deliver(paper.body("d"))
        assert (await desk.take()).entries_new == 1
        (row,) = desk.subscriptions()
        assert row.missed_at is None
        assert desk.row().pushed_until == row.subscribed_until


async def test_news_that_were_delivered_before_the_poll_are_no_fault_of_the_hub(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        desk.later(hours=1)
        await desk.collect()
        desk.later(hours=12)
        await hub.deliver(paper.body("b"))  # not read yet
        paper.titles = ["b", "a"]
        assert (await desk.collect()).entries_new == 1
        (row,) = desk.subscriptions()
        assert row.missed_at is None


async def test_a_source_that_is_paused_or_removed_is_given_up_at_the_hub(any_store, now):
    async with office(any_store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        (callback, _topic) = next(iter(hub.subscribed))
        url = desk.settings.source["bao"].url
        desk.register(source={"bao": {"url": url, "paused": True}})
        await desk.keep()
        await hub.settled()
        assert hub.asked[-1] == {
            "hub.mode": "unsubscribe",
            "hub.topic": paper.topic,
            "hub.callback": callback,
        }
        assert hub.checks[-1] == ("unsubscribe", 200, "a challenge/+=&?")
        assert hub.subscribed == {}
        assert desk.subscriptions() == []
        # Resumed, it is begun anew, under another address; then it leaves the TOML.
        desk.register(source={"bao": {"url": url}})
        await desk.keep()
        await hub.settled()
        assert hub.asked[-1]["hub.callback"] != callback
        assert hub.asked[-1]["hub.secret"] != hub.asked[0]["hub.secret"]
        desk.register(source={})
        await desk.keep()
        await hub.settled()
        assert [one["hub.mode"] for one in hub.asked] == ["subscribe", "unsubscribe"] * 2
        assert (hub.subscribed, desk.subscriptions()) == ({}, [])


async def test_another_hub_or_another_topic_is_another_subscription(store, now):
    async with office(store, now) as (desk, hub, paper), running_hub() as other:
        await subscribed(desk, hub)
        paper.hub, paper.titles = other.url, ["b", "a"]
        desk.later(hours=1)
        await desk.collect()
        await desk.keep()
        await hub.settled()
        await other.settled()
        assert [one["hub.mode"] for one in hub.asked] == ["subscribe", "unsubscribe"]
        assert [one["hub.mode"] for one in other.asked] == ["subscribe"]
        (row,) = desk.subscriptions()
        assert (row.hub, row.alive_since) == (other.url, desk.now)


async def test_a_hub_that_does_not_let_go_is_left_after_a_few_requests(store, now):
    async with office(store, now) as (desk, hub, _):
        await subscribed(desk, hub)
        desk.register(source={})
        hub.answer = 500
        for _ in range(20):
            await desk.keep()
            desk.later(hours=1)
        assert [one["hub.mode"] for one in hub.asked[1:]] == ["unsubscribe"] * 3
        assert desk.subscriptions() == []


@pytest.mark.parametrize(
    "collect",
    [{"websub": False}, {}],
    ids=["switched off for all", "a base_url of this machine, and nobody asked for it"],
)
async def test_it_is_off_where_it_was_not_asked_for_or_cannot_work(store, now, collect):
    async with office(store, now) as (desk, hub, _):
        source = {"bao": {"url": desk.settings.source["bao"].url}}
        desk.register(source=source, collect={"allow_networks": ["127.0.0.0/8"], **collect})
        await subscribed(desk, hub)
        assert (hub.asked, desk.subscriptions()) == ([], [])


async def test_one_source_may_be_switched_off_and_a_site_without_an_address_has_none(store, now):
    async with office(store, now) as (desk, hub, _):
        url = desk.settings.source["bao"].url
        desk.register(source={"bao": {"url": url, "websub": False}})
        await subscribed(desk, hub)
        desk.register(source={"bao": {"url": url}}, site={"title": "Tin"})
        await desk.keep()
        assert hub.asked == []


async def test_behind_a_prefix_the_callback_stands_behind_it_too(store, now):
    async with office(store, now, prefix="/tin") as (desk, hub, paper):
        await subscribed(desk, hub)
        assert hub.asked[0]["hub.callback"] == f"{desk.base_url}/websub/token-1"
        assert desk.base_url.endswith("/tin")
        assert await hub.deliver(paper.body("b")) == 202
        assert (await desk.take()).entries_new == 1
