"""What a publisher asks of us, over real sockets: rest, moves, farewells; and what it may not."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import update

from service.config.schema import PerSite
from service.store import tables as t
from service.store.sources import retries
from tests.collect.polling.test_poll import Office, pages, rss
from tests.net.wire import raw_server

GAP = {"per_site": PerSite(delay=timedelta(milliseconds=1))}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def refusing(status, *headers):
    async def answer(talk):
        await talk.answer(b"", *headers, status=status)

    return answer


def conditional(body, *headers):
    """Sends its headers with the body once, then says 304 to whoever asks with validators."""

    async def answer(talk):
        if "if-none-match" in talk.headers or "if-modified-since" in talk.headers:
            await talk.answer(b"", status="304 Not Modified")
        else:
            await talk.answer(body, *headers)

    return answer


async def test_a_429_rests_the_whole_site_at_once_and_in_the_store(any_store, now):
    much = refusing("429 Too Many Requests", "Retry-After: 7200")
    async with raw_server(pages(a=much, b=rss("b"), c=rss("c"), d=rss("d"))) as wire:
        office = Office(any_store, now, wire, a=GAP, b=GAP, c=GAP, d={})
        got = await office.collect()
        # Loopback is no one site: `d` does not say so itself.
        assert sorted(talk.target for talk in wire.asked) == ["/a", "/d"]
        assert (got.left, list(got.failed)) == (2, ["a"])
        for name in "abc":
            assert office.row(name).next_poll_at >= now + 2 * HOUR
        assert office.row("d").next_poll_at < now + 2 * HOUR
        office.now += 2 * HOUR - timedelta(seconds=1)
        await office.collect()
        assert {talk.target for talk in wire.asked} == {"/a", "/d"}


async def test_who_is_named_is_told_that_the_site_rests(store, now):
    much = refusing("429 Too Many Requests")
    async with raw_server(pages(a=much, b=rss("b"))) as wire:
        office = Office(store, now, wire, a=GAP, b=GAP)
        got = await office.collect("a", "b")
    assert "asked too much" in str(got.failed["b"])
    assert len(wire.asked) == 1


async def test_a_bridge_may_have_each_of_its_routes_for_itself(store, now):
    alone = {"per_site": PerSite(delay=timedelta(milliseconds=1), scope="source")}
    much = refusing("429 Too Many Requests", "Retry-After: 7200")
    async with raw_server(pages(a=much, b=rss("b"))) as wire:
        office = Office(store, now, wire, a=alone, b=alone)
        got = await office.collect()
    assert (got.ok, got.left, len(wire.asked)) == (1, 0, 2)


async def test_what_is_gone_is_asked_no_more_until_somebody_says_so(any_store, now):
    async with raw_server(pages(mot=refusing("410 Gone"))) as wire:
        office = Office(any_store, now, wire, mot={})
        await office.collect()
        assert office.row("mot").gone_at == now
        for _ in range(5):
            office.now += 30 * DAY
            assert (await office.collect()).tried == 0
        assert len(wire.asked) == 1
        with any_store.write() as connection:
            retries.retry(connection, ["mot"], office.now)
        await office.collect()
        assert len(wire.asked) == 2
    async with raw_server(pages(mot=rss("a"))) as wire:
        office.settings = Office(any_store, office.now, wire, mot={}).settings  # another address
        assert (await office.collect()).ok == 1
    assert office.row("mot").gone_at is None


async def test_a_410_behind_a_passing_redirect_says_nothing_of_the_address(store, now):
    def to(status):
        async def answer(talk):
            await talk.answer(b"", "Location: /cu", status=status)

        return answer

    script = pages(mot=to("302 Found"), hai=to("301 Moved"), cu=refusing("410 Gone"))
    async with raw_server(script) as wire:
        office = Office(store, now, wire, mot={}, hai={})
        await office.collect()
    assert (office.row("mot").gone_at, office.row("hai").gone_at) == (None, now)


async def _moved(store, now, status="301 Moved Permanently", days=(0, 3, 8), **source):
    async def here(talk):
        await talk.answer(b"", "Location: /moi", status=status)

    script = pages(mot=here, moi=conditional(rss("a"), 'ETag: "1"'))
    async with raw_server(script) as wire:
        office = Office(store, now, wire, mot=source)
        for day in days:
            office.now = now + day * DAY
            await office.collect()
        yield office, wire
        wire.asked.clear()


@pytest.mark.parametrize("status", ["301 Moved Permanently", "308 Permanent Redirect"])
async def test_a_move_is_believed_after_a_week_and_the_toml_stays(store, now, status):
    async for office, wire in _moved(store, now, status):
        row = office.row("mot")
        assert (row.moved_url, row.url) == (wire.url("/moi"), wire.url("/mot"))
        wire.asked.clear()
        office.now += DAY
        await office.collect()
        assert [talk.target for talk in wire.asked] == ["/moi"]
        office.register()  # as at every start
        assert office.row("mot").moved_url == wire.url("/moi")


@pytest.mark.parametrize(
    ("status", "days"),
    [
        ("301 Moved Permanently", (0, 1, 2, 3, 4, 5, 6)),
        ("301 Moved Permanently", (0, 8)),
        ("302 Found", (0, 3, 8, 20)),
        ("307 Temporary Redirect", (0, 3, 8, 20)),
        ("303 See Other", (0, 3, 8, 20)),
    ],
)
async def test_nothing_less_is_believed(store, now, status, days):
    async for office, _ in _moved(store, now, status, days):
        assert office.row("mot").moved_url is None


async def test_a_move_to_nowhere_is_taken_back(store, now):
    async for office, _ in _moved(store, now):
        office.settings = office.settings.model_copy()
        with store.write() as connection:
            away = "http://127.0.0.1:9/feed"  # nobody listens there
            connection.execute(update(t.source_poll).values(moved_url=away))
        for _ in range(3):
            assert office.row("mot").moved_url == away
            office.now += DAY
            await office.collect()
        assert office.row("mot").moved_url is None
        office.now += DAY
        assert (await office.collect()).ok == 1


async def test_a_login_does_not_move_to_another_origin(store, now):
    async with raw_server(pages(moi=rss("a"))) as other:

        async def here(talk):
            await talk.answer(b"", f"Location: {other.url('/moi')}", status="301 Moved")

        async with raw_server(pages(mot=here, hai=here)) as wire:
            office = Office(store, now, wire, mot={"headers": {"X-Key": "abc"}}, hai={})
            for day in (0, 3, 8):
                office.now = now + day * DAY
                await office.collect()
            assert office.row("mot").moved_url is None
            assert office.row("hai").moved_url == other.url("/moi")
        assert not any("x-key" in talk.headers for talk in other.asked)


async def test_all_is_asked_for_once_a_day_where_nothing_ever_changes(store, now):
    whole, asked = [], []

    async def answer(talk):
        asked.append(office.now)
        if "if-none-match" in talk.headers:
            await talk.answer(b"", status="304 Not Modified")
        else:
            whole.append(office.now)
            await talk.answer(rss("a"), 'ETag: "1"')

    async with raw_server(pages(mot=answer)) as wire:
        office = Office(store, now, wire, mot={})
        for _ in range(24 * 6):
            office.now += HOUR
            await office.collect()
    gaps = [after - before for before, after in itertools.pairwise(whole)]
    assert len(gaps) >= 3
    assert all(DAY <= gap <= 1.6 * DAY for gap in gaps)
    assert len(asked) > 2 * len(whole)


async def test_who_fails_when_asked_for_all_is_not_asked_so_again_that_day(store, now):
    failing = []

    async def answer(talk):
        if failing:
            await talk.answer(b"", status="503 Service Unavailable")
        elif "if-none-match" in talk.headers:
            await talk.answer(b"", status="304 Not Modified")
        else:
            await talk.answer(rss("a"), 'ETag: "1"')

    async with raw_server(pages(mot=answer)) as wire:
        office = Office(store, now, wire, mot={})
        await office.collect()
        office.now += 25 * HOUR
        failing.append(1)
        for _ in range(6):
            await office.collect()
            office.now += 2 * HOUR
    without = ["if-none-match" not in talk.headers for talk in wire.asked]
    assert without[:2] == [True, True]
    assert len(without) > 3
    assert not any(without[2:])


async def test_a_304_may_bring_newer_validators(store, now):
    async def answer(talk):
        if "if-none-match" in talk.headers:
            await talk.answer(b"", 'ETag: W/"two"', status="304 Not Modified")
        else:
            await talk.answer(rss("a"), 'ETag: "one"', "Last-Modified: Thu Jan 1")

    async with raw_server(pages(mot=answer)) as wire:
        office = Office(store, now, wire, mot={})
        for _ in range(3):
            await office.collect()
            office.now += 2 * HOUR
    sent = [talk.headers.get("if-none-match") for talk in wire.asked]
    assert sent == [None, '"one"', 'W/"two"']
    # What a 304 changes is not paired with what another answer gave.
    dates = [talk.headers.get("if-modified-since") for talk in wire.asked]
    assert dates == [None, "Thu Jan 1", None]
