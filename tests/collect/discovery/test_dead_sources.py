"""Dead sources: what is suggested, when it is sought, and that nothing changes by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from service.collect.discovery.dead_sources import seek
from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import client_of
from service.report import standing
from service.report.status import as_json, status
from service.store import tables as t
from tests.collect.outlets import Outlet, declared, feed, page
from tests.collect.polling.test_poll import Office
from tests.net.wire import raw_server

DAY = timedelta(days=1)
HOME = page(
    "", declared("/feed/kinh-doanh.xml", "Kinh doanh") + declared("/feed/home.xml", "Báo D")
)


@pytest.fixture
def outlet():
    """A paper whose feeds stand elsewhere since its relaunch."""
    return Outlet(
        {
            "/": HOME,
            "/feed/kinh-doanh.xml": feed("Giá vàng hôm nay", name="Kinh doanh - Báo D"),
            "/feed/home.xml": feed("Tin một", "Tin hai", name="Báo D"),
        }
    )


@pytest.fixture
def sought(parsers):
    async def run(office):
        clock = lambda: office.now
        async with client_of(office.settings, clock) as client:
            return await seek(
                office.store, office.settings, clock, client, parsers, Sites(), owner="one"
            )

    return run


async def days(office, number, *names):
    """So many days with a try each."""
    for _ in range(number):
        await office.collect(*names)
        office.now += DAY


def told(office, name):
    with office.store.read() as connection:
        found = status(connection, office.now)
    return next(one for one in as_json(found)["sources"] if one["id"] == name)


async def test_a_dead_feed_is_sought_once_a_week_and_a_suggestion_shown(
    any_store, now, sought, outlet
):
    async with raw_server(outlet) as wire:
        office = Office(any_store, now, wire, d={"url": wire.url("/rss/kinh-doanh.rss")})
        await days(office, 2)
        assert await sought(office) == {}  # dead, but not for long enough
        await days(office, 2)
        outlet.asked.clear()
        found = await sought(office)
        assert [one.url for one in found["d"]] == [
            wire.url("/feed/kinh-doanh.xml"), wire.url("/feed/home.xml"),
        ]  # fmt: skip
        assert outlet.asked == [
            "/rss/kinh-doanh.rss",
            "/",
            "/feed/kinh-doanh.xml",
            "/feed/home.xml",
        ]
        said = told(office, "d")
        assert said["state"] == "failing"
        assert said["suggestions"][0] == {
            "kind": "feed", "url": wire.url("/feed/kinh-doanh.xml"),
            "title": "Kinh doanh - Báo D", "entries": 1, "newest": "2026-11-20T01:00:00+00:00",
        }  # fmt: skip
        assert f"its site has {wire.url('/feed/kinh-doanh.xml')} (Kinh doanh" in said["reason"]
        assert office.row("d").url == wire.url("/rss/kinh-doanh.rss")  # nothing changes by itself
        outlet.asked.clear()
        for _ in range(6):
            office.now += DAY
            assert await sought(office) == {}
        assert outlet.asked == []
        office.now += DAY
        assert list(await sought(office)) == ["d"]


async def test_a_suggestion_is_gone_when_the_source_works_again(any_store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(any_store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)
        await sought(office)
        assert told(office, "d")["suggestions"]
        outlet.answers["/d.rss"] = feed("Tin trở lại")
        await office.collect("d")
        said = told(office, "d")
        assert (said["state"], said["suggestions"], said["reason"]) == ("ok", [], None)
        row = office.row("d")
        assert (row.dead_since, row.suggestions) == (None, None)
        assert row.searched_at is not None  # once a week, whatever it does meanwhile


async def test_an_answer_of_the_same_body_ends_it_too(store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        outlet.answers["/d.rss"] = feed("Tin một")
        await office.collect()
        body = outlet.answers.pop("/d.rss")
        office.now += DAY
        await days(office, 4, "d")
        await sought(office)
        assert told(office, "d")["suggestions"]
        outlet.answers["/d.rss"] = body
        await office.collect("d")
        assert (told(office, "d")["suggestions"], office.row("d").dead_since) == ([], None)


@pytest.mark.parametrize(
    ("answer", "tries", "is_sought"),
    [
        (("410 Gone", (), b""), 1, True),
        (page("<p>Trang chủ mới</p>"), 4, True),
        (("500 Oops", (), b""), 6, False),
        (("429 Too Many Requests", (), b""), 6, False),
        (b"", 4, True),
    ],
)
async def test_which_answers_mean_dead(store, now, sought, outlet, answer, tries, is_sought):
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        outlet.answers["/d.rss"] = answer
        await days(office, tries)
        assert bool(await sought(office)) is is_sought
        if is_sought:
            assert told(office, "d")["suggestions"]


async def test_one_search_serves_all_dead_sources_of_a_site(store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        gentle = {"per_site": {"delay": "0.01s"}}
        office = Office(
            store, now, wire,
            kd={"url": wire.url("/rss/kinh-doanh.rss"), **gentle},
            chu={"url": wire.url("/rss/trang-chu.rss"), **gentle},
            song={"url": wire.url("/feed/home.xml"), **gentle},
        )  # fmt: skip
        await days(office, 4)
        outlet.asked.clear()
        found = await sought(office)
        assert [one.url for one in found["kd"]] == [wire.url("/feed/kinh-doanh.xml")]
        assert [one.url for one in found["chu"]] == [wire.url("/feed/kinh-doanh.xml")]
        assert len(outlet.asked) == 4  # what is collected already is asked, but not suggested


async def test_what_works_again_meanwhile_gets_no_suggestion(store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)

        async def fine_again(talk):
            with store.write() as connection:
                connection.execute(update(t.source_poll).values(failures=0, dead_since=None))
            await talk.answer(HOME.encode())

        outlet.answers["/"] = fine_again
        assert await sought(office) == {}
        assert office.row("d").suggestions is None


@pytest.mark.both_engines
async def test_two_processes_do_not_seek_the_same(any_store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(any_store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)
        outlet.asked.clear()
        both = await asyncio.gather(sought(office), sought(office))
    assert sorted(map(len, both)) == [0, 1]
    assert outlet.asked.count("/") == 1


async def test_a_search_that_is_cut_off_counts_as_none(store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)
        begun = asyncio.Event()

        async def never(_talk):
            begun.set()
            await asyncio.sleep(60)

        outlet.answers["/"] = never
        task = asyncio.create_task(sought(office))
        await begun.wait()
        assert office.row("d").lease_owner == "one seeking"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (office.row("d").searched_at, office.row("d").lease_owner) == (None, None)


async def test_paused_and_retired_sources_are_not_sought(store, now, sought, outlet):
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)
        with store.write() as connection:
            connection.execute(update(t.source).values(paused=True))
        assert await sought(office) == {}
        with store.write() as connection:
            connection.execute(update(t.source).values(paused=False, retired_at=now))
        assert await sought(office) == {}


async def test_a_site_that_is_gone_costs_one_request_and_no_error(store, now, sought):
    outlet = Outlet()
    async with raw_server(outlet) as wire:
        office = Office(store, now, wire, d={"url": wire.url("/d.rss")})
        await days(office, 4)
        outlet.asked.clear()
        assert await sought(office) == {"d": ()}
        assert outlet.asked == ["/d.rss", "/"]
        said = told(office, "d")
        assert said["suggestions"] == []
        with store.read() as connection:
            row = connection.execute(select(t.source_poll.c.searched_at)).one()
        assert row.searched_at == office.now
        assert standing.suggestion(status_row(office)) is None


def status_row(office):
    with office.store.read() as connection:
        return status(connection, office.now).sources[0]
