"""What binds a subscriber, rule by rule, against hubs that lie, forge, flood and fall silent.

https://www.w3.org/TR/websub/ , sections 5.1 to 5.3.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from service.store.sources import retries
from tests.contract.websub.hub import running_hub
from tests.contract.websub.office import asked, office, subscribed

# --- 5.3: verification of intent ---------------------------------------------------------------


async def test_what_we_asked_for_is_confirmed_byte_for_byte_as_a_harmless_type(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        challenge = "<script>alert(1)</script> %20+&"
        status, body, headers = await hub.call(
            where, mode="subscribe", topic=paper.topic, challenge=challenge, lease_seconds=60
        )
        assert (status, body) == (200, challenge)
        assert headers["Content-Type"] == "application/octet-stream"
        assert headers["X-Content-Type-Options"] == "nosniff"
        (row,) = desk.subscriptions()
        assert row.subscribed_until == now + timedelta(minutes=1)


NOT_ASKED_FOR = (
    {"mode": "unsubscribe"},
    {"mode": "publish"},
    {"mode": ""},
    {"topic": "https://evil.example/"},
    {"topic": ""},
    {"challenge": ""},
    {"challenge": "x" * 2000},
    {"challenge": "two\nlines"},
    {"challenge": "\x00\x01"},
    {"challenge": "tiếng Việt"},
)


async def test_what_we_did_not_ask_for_is_not_found_and_changes_nothing(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        before = desk.subscriptions()
        call = {"mode": "subscribe", "topic": paper.topic, "challenge": "abc", "lease_seconds": 60}
        for said in NOT_ASKED_FOR:
            status, body, _ = await hub.call(where, **{**call, **said})
            assert (status, "abc" in body) == (404, False), said
            assert desk.subscriptions() == before, said
        assert (await hub.call(where, **call))[0] == 200


async def test_a_parameter_said_twice_is_said_by_nobody_we_asked(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        query = urlencode(
            [("hub.mode", "subscribe"), ("hub.topic", "https://evil.example/"),
             ("hub.topic", str(paper.topic)), ("hub.challenge", "abc")]
        )  # fmt: skip
        async with hub.session.get(f"{where}?{query}") as answer:
            assert answer.status == 404


async def test_a_confirmation_is_good_once_and_for_its_own_callback_alone(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        call = {"mode": "subscribe", "topic": paper.topic, "challenge": "abc", "lease_seconds": 60}
        assert (await hub.call(where + "x", **call))[0] == 404
        query = urlencode({f"hub.{name}": value for name, value in call.items()})
        async with hub.session.head(f"{where}?{query}") as answer:
            assert answer.status == 404, "who asks for the head alone is not a hub"
        assert (await hub.call(where, **call))[0] == 200
        # Nothing is pending any more: nobody lengthens the lease, or ends it, unasked.
        assert (await hub.call(where, **{**call, "lease_seconds": 9999}))[0] == 404
        assert (await hub.call(where, **{**call, "mode": "unsubscribe"}))[0] == 404
        (row,) = desk.subscriptions()
        assert row.subscribed_until == now + timedelta(minutes=1)


async def test_a_topic_may_come_back_with_what_needs_no_escape_written_out(store, now):
    async with office(store, now) as (desk, hub, paper):
        paper.topic = "https://bao.example/%7Etin/a%20b"
        where = await asked(desk, hub)
        assert hub.asked[0]["hub.topic"] == "https://bao.example/%7Etin/a%20b"
        status, _, _ = await hub.call(
            where, mode="subscribe", topic="https://bao.example/~tin/a%20b", challenge="abc"
        )
        assert status == 200


async def test_a_lease_of_a_second_does_not_make_us_ask_all_the_time(store, now):
    async with office(store, now) as (desk, hub, _):
        hub.lease_s = 1
        await subscribed(desk, hub)
        for _ in range(30):
            desk.later(seconds=1)
            await desk.keep()
            await hub.settled()
        assert len(hub.asked) <= 4


# --- 5.2: denial -------------------------------------------------------------------------------


async def test_a_denial_ends_a_subscription_at_any_time_and_polling_goes_on(any_store, now):
    async with office(any_store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        desk.later(hours=1)
        await desk.collect()
        where = next(iter(hub.subscribed))[0]
        assert (await hub.call(where, mode="denied", topic="https://evil.example/"))[0] == 404
        assert desk.row().pushed_until is not None
        status, body, _ = await hub.call(
            where, mode="denied", topic=paper.topic, reason="no <b>such</b>\ntopic"
        )
        assert (status, body) == (200, "")
        (row,) = desk.subscriptions()
        assert (row.alive_since, row.subscribed_until) == (None, None)
        assert row.error == "the hub denied it: no <b>such</b> topic"
        assert desk.row().pushed_until is None
        assert desk.row().next_poll_at == desk.now + timedelta(hours=1)
        desk.later(days=6)
        await desk.keep()
        assert len(hub.asked) == 1
        # What comes after it is nobody's; the hub is told as little as ever.
        assert await hub.deliver(paper.body("b")) == 202
        assert (desk.waiting(), (await desk.take()).tried) == (0, 0)
        desk.later(days=1)
        await desk.keep()
        await hub.settled()
        assert len(hub.asked) == 2
        assert desk.subscriptions()[0].alive_since == desk.now


async def test_who_retries_a_source_asks_its_hub_again_too(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        await hub.call(where, mode="denied", topic=paper.topic)
        hub.verifies = True
        with store.write() as connection:
            retries.retry(connection, ["bao"], now)
        await desk.keep()
        await hub.settled()
        assert desk.subscriptions()[0].alive_since == now


async def test_where_one_hub_refuses_the_next_one_of_the_list_is_asked(store, now):
    async with office(store, now) as (desk, hub, paper), running_hub() as other:
        paper.headers = [f'Link: <{hub.url}>; rel="hub", <{other.url}>; rel="hub"']
        where = await asked(desk, hub)
        await hub.call(where, mode="denied", topic=paper.topic)
        await desk.keep()
        await other.settled()
        assert len(other.subscribed) == 1
        assert desk.subscriptions()[0].hub == other.url
        # The first one knows an address that is none any more.
        call = {"mode": "subscribe", "topic": paper.topic, "challenge": "abc"}
        assert (await hub.call(where, **call))[0] == 404


async def test_hubs_that_all_refuse_are_not_asked_in_circles(store, now):
    async with office(store, now) as (desk, hub, paper), running_hub() as other:
        paper.headers = [f'Link: <{hub.url}>; rel="hub", <{other.url}>; rel="hub"']
        hub.verifies = other.verifies = False
        await desk.collect()
        for _ in range(20):
            await desk.keep()
            for one in (hub, other):
                for form in one.asked[-1:]:
                    await one.call(form["hub.callback"], mode="denied", topic=paper.topic)
            desk.later(minutes=1)
        assert len(hub.asked) + len(other.asked) == 2


# --- 5.1: the hub's answers to our requests ------------------------------------------------------


@pytest.mark.parametrize("status", [400, 503])
async def test_a_hub_that_says_no_is_asked_more_and_more_seldom(store, now, status):
    async with office(store, now) as (desk, hub, _):
        hub.answer = status
        await desk.collect()
        for _ in range(48):
            await desk.keep()
            desk.later(minutes=30)
        assert 7 <= len(hub.asked) <= 9
        (row,) = desk.subscriptions()
        assert f"the server answered {status}" in row.error
        assert row.alive_since is None


async def test_a_hub_that_asks_for_time_gets_it(store, now):
    async with office(store, now) as (desk, hub, _):
        hub.answer, hub.headers = 429, {"Retry-After": "7200"}
        await desk.collect()
        for _ in range(23):
            await desk.keep()
            desk.later(minutes=5)
        assert len(hub.asked) == 1


async def test_a_hub_that_moves_is_followed_with_the_question(store, now):
    async with office(store, now) as (desk, hub, _), running_hub() as other:
        for status in (307, 308):
            hub.answer, hub.headers = status, {"Location": other.url}
            await subscribed(desk, hub)
            await other.settled()
            assert other.asked[-1] == hub.asked[-1]
            assert desk.subscriptions()[0].subscribed_until == desk.now + timedelta(days=10)
            desk.later(days=7)
        assert len(hub.asked) == len(other.asked) == 2


async def test_a_hub_inside_is_not_entered_because_a_feed_from_outside_names_it(store, now):
    async with office(store, now) as (desk, hub, paper):
        paper.headers = [f'Link: <{hub.url}>; rel="hub"']
        source = {"bao": {"url": desk.settings.source["bao"].url}}
        await desk.collect()
        # The networks that sources may stand in are open to this source, but not to its hub.
        desk.register(source={"bao": {**source["bao"], "allow_networks": []}})
        await desk.keep()
        assert hub.asked == []
        (row,) = desk.subscriptions()
        assert "is this machine itself" in row.error


async def test_a_hub_cannot_lead_us_to_where_no_source_may_stand(store, now):
    async with office(store, now) as (desk, _hub, paper):
        for url in ("http://169.254.169.254/x", "http://[::ffff:10.0.0.1]/", "http://0x7f.1:25/x"):
            paper.headers = [f'Link: <{url}>; rel="hub"']
            paper.titles.insert(0, url[-6:])
            await desk.collect("bao")
            kept = await desk.keep()
            assert list(kept.failed) == ["bao"], url
            assert desk.subscriptions()[0].failures == 1


async def test_a_redirect_of_a_hub_does_not_lead_inside_either(store, now):
    async with office(store, now) as (desk, hub, _):
        hub.answer, hub.headers = 307, {"Location": "http://169.254.169.254/latest"}
        await desk.collect()
        kept = await desk.keep()
        assert "link-local" in kept.failed["bao"]
