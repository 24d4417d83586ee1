"""What hubs deliver, rule by rule (WebSub 7, 8.2), and what forged, flooding and late ones may do.

And what a restart or a second process may not do.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from service.collect.websub import callback
from service.store.core.lease import LASTS
from service.store.websub import hub_subscriptions as rows
from service.web.hubs import BODY_LIMIT
from tests.contract.websub.desk import rss
from tests.contract.websub.office import asked, office, subscribed
from tests.net.wire import raw_server

# --- 7: content distribution ---------------------------------------------------------------------


WRONG = ("", "sha256=", "sha256=" + "0" * 64, "md5=900150983cd24fb0d6963f7d28e17f72", "rubbish",
         "sha256", "=", "sha1=" + "ff" * 20)  # fmt: skip


async def test_a_wrong_or_missing_signature_is_dropped_quietly_and_counted(any_store, now):
    async with office(any_store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        right = await hub.deliver(paper.body())
        before = desk.row()
        for number, signature in enumerate(WRONG, 1):
            assert await hub.deliver(paper.body("forged"), signature=signature) == right == 202
            assert desk.waiting() == 1
            (row,) = desk.subscriptions()
            assert (row.unsigned_count, row.unsigned_at, row.delivered_count) == (number, now, 1)
        assert desk.row() == before
        assert (await desk.take()).entries_new == 0
        assert desk.titles() == ["Tin a"]


async def test_a_signature_of_another_body_or_another_subscription_is_none(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        ((key, secret),) = hub.subscribed.items()
        hub.subscribed[key] = secret[::-1]
        await hub.deliver(paper.body("forged"))
        assert (desk.waiting(), desk.subscriptions()[0].unsigned_count) == (0, 1)


async def test_where_nobody_is_subscribed_a_delivery_is_told_that_it_is_gone(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        assert await hub.deliver(paper.body("b"), callback=f"{desk.base_url}/websub/guess") == 410
        desk.register(source={})
        await desk.keep()
        await hub.settled()
        hub.subscribed[hub.asked[0]["hub.callback"], str(paper.topic)] = "x"
        assert await hub.deliver(paper.body("b")) == 410
        assert desk.waiting() == 0


async def test_before_a_hub_has_verified_it_delivers_nothing(store, now):
    async with office(store, now) as (desk, hub, paper):
        where = await asked(desk, hub)
        hub.subscribed[where, str(paper.topic)] = hub.asked[0]["hub.secret"]
        assert await hub.deliver(paper.body("b")) == 202
        assert desk.waiting() == 0


async def test_too_large_a_delivery_is_refused_before_it_is_whole(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        assert await hub.deliver(b" " * (BODY_LIMIT + 1)) == 413
        assert desk.waiting() == 0

        async def endless():
            for _ in range(BODY_LIMIT // 65536 * 2):
                yield b" " * 65536

        where = next(iter(hub.subscribed))[0]
        try:
            async with hub.session.post(where, data=endless()) as answer:
                assert answer.status == 413
        except aiohttp.ClientError:
            pass  # it hung up in the middle, which says the same
        assert await hub.deliver(paper.body("b")) == 202


async def test_a_flood_of_deliveries_ends_in_one_question_to_the_source(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        desk.later(hours=1)
        await desk.collect()
        for number in range(callback.MOST_WAITING + 5):
            assert await hub.deliver(paper.body(f"b{number}")) == 202
        assert desk.waiting() == callback.MOST_WAITING
        assert desk.row().next_poll_at == desk.now + timedelta(minutes=15)
        new = 0
        while (taken := await desk.take()).tried:
            new += taken.entries_new
        assert (new, desk.waiting()) == (callback.MOST_WAITING, 0)


async def test_what_cannot_be_read_costs_nothing_and_the_source_is_asked_itself(store, now):
    async with office(store, now) as (desk, hub, _):
        await subscribed(desk, hub)
        for body in (b"<html>no feed</html>", b"", b"\xff\xfe\x00", b"{]"):
            desk.later(hours=1)
            await desk.collect("bao")
            assert await hub.deliver(body) == 202
            await desk.take()
            row = desk.row()
            assert (desk.waiting(), row.failures, row.error) == (0, 0, None)
            assert row.lease_owner is None
            assert row.next_poll_at == desk.now + timedelta(minutes=15)


async def test_a_part_of_the_document_is_enough_and_does_not_hide_the_rest(store, now):
    async with office(store, now) as (desk, hub, paper):
        paper.titles = ["c", "b", "a"]
        await subscribed(desk, hub)
        usual = desk.row().entries_last
        assert await hub.deliver(rss("d")) == 202  # the one new entry alone, as hubs may (7)
        assert (await desk.take()).entries_new == 1
        assert desk.row().entries_last == usual
        paper.titles = ["e", "d", "c", "b", "a"]
        assert (await desk.collect("bao")).entries_new == 1
        assert sorted(desk.titles()) == [f"Tin {name}" for name in "abcde"]


@pytest.mark.parametrize("guid", ["", "<guid isPermaLink='false'>{}</guid>"], ids=["none", "guid"])
async def test_a_part_whose_entries_could_be_taken_for_others_is_a_hint(store, now, guid):
    """With one link for all, an entry alone would lead to the article of that link."""

    def shared(*titles: str) -> bytes:
        link = "<link>https://bao.example/status</link>"
        items = "".join(
            f"<item><title>Tin {one}</title>{link}{guid.format(one)}</item>" for one in titles
        )
        head = f"<a:link rel='hub' href='{hub.url}'/>"
        return (
            "<rss version='2.0' xmlns:a='http://www.w3.org/2005/Atom'><channel><title>Báo</title>"
            f"{head}{items}</channel></rss>"
        ).encode()

    titles = ["b", "a"]
    async with office(store, now) as (desk, hub, _):

        async def script(talk):
            await talk.answer(shared(*titles))

        async with raw_server(script) as wire:
            desk.register(source={"bao": {"url": wire.url("/rss")}})
            await subscribed(desk, hub)
            desk.later(hours=1)
            await desk.collect()
            for new in ("c", "d"):
                titles.insert(0, new)
                desk.later(minutes=30)
                assert await hub.deliver(shared(new)) == 202
                assert (await desk.take()).entries_new == 0
                assert desk.row().next_poll_at == desk.now + timedelta(minutes=15)
                desk.later(minutes=15)
                assert (await desk.collect()).entries_new == 1
        assert desk.titles() == ["Tin b", "Tin a", "Tin c", "Tin d"]


async def test_atom_and_json_are_delivered_as_well(store, now):
    async with office(store, now) as (desk, hub, _):
        await subscribed(desk, hub)
        atom = (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><id>urn:b</id>'
            b"<title>Tin b</title><updated>2026-11-24T07:59:00Z</updated></entry></feed>"
        )
        await hub.deliver(atom, media_type="application/atom+xml")
        await desk.take()
        json = (
            b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": '
            b'[{"id": "c", "title": "Tin c", "url": "https://bao.example/c"}]}'
        )
        await hub.deliver(json, media_type="application/feed+json")
        await desk.take()
        assert desk.titles() == ["Tin a", "Tin b", "Tin c"]


async def test_a_delivery_waits_while_its_source_is_being_asked(store, now):
    async with office(store, now) as (desk, hub, paper):
        await subscribed(desk, hub)
        go, begun = asyncio.Event(), asyncio.Event()

        async def slow(talk):
            begun.set()
            await go.wait()
            await talk.answer(paper.body("b"))

        async with raw_server(slow) as wire:
            source = {"bao": {"url": wire.url("/rss")}, "was": {"url": paper.topic}}
            del source["was"]
            desk.register(source=source)
            collecting = asyncio.create_task(desk.collect("bao"))
            await begun.wait()
            with_lease = desk.row()
            assert with_lease.lease_owner is not None
            assert (await desk.take()).tried == 0
            go.set()
            await collecting


# --- 8.2: unguessable, TLS first -----------------------------------------------------------------


class Names(AbstractResolver):
    """All names stand on this machine."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": family,
             "proto": 0, "flags": socket.AI_NUMERICHOST}
        ]  # fmt: skip

    async def close(self):
        pass


async def test_a_hub_without_tls_is_told_no_secret_and_what_it_sends_is_a_hint(store, now):
    async with office(store, now) as (desk, hub, paper):
        paper.headers = [f'Link: <http://hub.example:{hub.port}/hub>; rel="hub"']
        desk.resolver = Names()
        await subscribed(desk, hub)
        assert "hub.secret" not in hub.asked[0]
        desk.later(hours=1)
        await desk.collect()
        desk.later(minutes=5)
        assert await hub.deliver(paper.body("forged")) == 202
        assert (desk.waiting(), desk.titles()) == (0, ["Tin a"])
        # The source itself is asked, no sooner than its floor lets us; it is not the hub's fault.
        assert desk.row().next_poll_at == desk.now + timedelta(minutes=10)
        paper.titles = ["b", "a"]
        desk.later(minutes=10)
        assert (await desk.collect()).entries_new == 1
        assert desk.subscriptions()[0].missed_at is None
        assert desk.row().pushed_until is not None


async def test_what_is_delivered_of_a_page_is_a_hint_too(store, now):
    """A page's list is found by where it stands; a part of a page may lack it."""
    page = "<head><link rel=hub href='{hub}'></head>" + "".join(
        f"<div class=tin><a href='/tin-{n}'>Một tin dài của ngày hôm nay {n}</a></div>"
        for n in range(5)
    )
    async with office(store, now) as (desk, hub, _):

        async def site(talk):
            await talk.answer(page.format(hub=hub.url).encode(), "Content-Type: text/html")

        async with raw_server(site) as wire:
            selectors = {"entry": ".tin"}
            source = {"url": wire.url("/"), "kind": "page", "page": selectors}
            desk.register(source={"bao": source})
            await subscribed(desk, hub)
            desk.later(hours=1)
            await desk.collect("bao")
            assert await hub.deliver(b"<html></html>", media_type="text/html") == 202
        row = desk.row()
        assert (desk.waiting(), row.failures) == (0, 0)
        assert row.next_poll_at == desk.now + timedelta(minutes=15)


# --- restarts and several processes --------------------------------------------------------------


@pytest.mark.both_engines
async def test_two_processes_do_not_ask_twice(any_store, now):
    async with office(any_store, now) as (desk, hub, _):
        await desk.collect()
        await asyncio.gather(*(desk.keep(f"process {n}") for n in range(4)))
        await hub.settled()
        assert len(hub.asked) == 1
        assert len(desk.subscriptions()) == 1
        desk.later(days=7)
        await asyncio.gather(*(desk.keep(f"process {n}") for n in range(4)))
        await hub.settled()
        assert len(hub.asked) == 2


async def test_what_a_dead_process_had_claimed_is_taken_over(store, now):
    async with office(store, now) as (desk, hub, paper):
        await desk.collect()
        with store.write() as connection:
            rows.want(connection, rows.offers(connection, now)[0], hub.url, token="t",
                      callback=f"{desk.base_url}/websub/t", now=now)  # fmt: skip
            assert len(rows.claim(connection, "dead", now, now + LASTS, 10)) == 1
        await desk.keep()
        assert hub.asked == []
        desk.now += LASTS
        await desk.keep()
        await hub.settled()
        assert len(hub.subscribed) == 1
        # A delivery that was taken and not read outlives the process as well.
        await hub.deliver(paper.body("b"))
        desk.owner = "two"
        assert (await desk.take()).entries_new == 1
