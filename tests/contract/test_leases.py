"""What a process has in hand is its own while it works, and free half a minute after it has died.

Sources, article pages, requests to hubs, searches, sites' turns: one lease for all of them
(store/core/lease.py). Real processes, real sockets, both databases.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.collect.discovery.dead_sources import seek
from service.collect.politeness.rate_limit import Sites
from service.collect.polling.poll import client_of, collect
from service.collect.websub import inbox, renew
from service.collect.workers.pool import Parsers
from service.runtime import pipeline
from service.runtime.composition import Service, open_service, system_clock
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS, Lease, Term
from service.store.sources import article_page_queue, dead_sources, polling_queue, site_leases
from service.store.websub import callbacks, hub_subscriptions
from tests.builders import sources
from tests.collect.outlets import declared, feed, page
from tests.contract.websub.desk import rss
from tests.net.wire import Talk, raw_server
from tests.running import COLLECTOR, started, unused_port, up

ALL = {"/treo", "/bai-10001.html", "/hub", "/"}
"""Where the outlet keeps everybody waiting: a feed, an article's page, a hub, a home page."""

PATIENCE_S = 180
"""On a machine that has much else to do."""

LEASES: tuple[Lease, ...] = (
    polling_queue.LEASE,
    article_page_queue.LEASE,
    hub_subscriptions.LEASE,
    site_leases.LEASE,
)

ALL_LEASED = ["site_lease", "source_poll", "source_poll", "unread_page", "websub"]
"""The tables of what is in hand then, sorted: the turn of one site, the feed and the dead source,
the article's page, the hub."""

BEAT = Term(timedelta(seconds=3), 0.25)
"""Short leases, so that no test waits for half a minute."""


@dataclass
class Outlet:
    """A site that answers some things at once, and those of `ALL` once `go` is set."""

    url: Callable[[str], str] = str
    asked: list[str] = field(default_factory=list)
    slow: bool = False
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, talk: Talk) -> None:
        self.asked.append(talk.target)
        status, body = self.answers.get(talk.target, ("404 Not Found", b""))
        if not self.slow and talk.target == "/bai-10001.html":
            status = "503 Later"
        if talk.target not in ALL or not self.slow:
            await talk.answer(body, "Content-Type: text/html; charset=utf-8", status=status)
            return
        head = "Content-Type: text/html; charset=utf-8", "Connection: close", "", ""
        await talk.send("\r\n".join((f"HTTP/1.1 {status}", *head)).encode())
        while not self.go.is_set() and not talk.closed:
            await talk.send(b" ")  # slow, and honest
            with suppress(TimeoutError):
                await asyncio.wait_for(self.go.wait(), 0.5)
        await talk.send(body)

    @property
    def answers(self) -> dict[str, tuple[str, bytes]]:
        item = "<li><a href='/bai-10001.html'>Bài viết thứ nhất của cổng thông tin tỉnh</a></li>"
        listed = f"<html lang='vi'><body><ul class='tin'>{item}</ul></body></html>"
        text = "<p>Hôm nay tỉnh công bố kế hoạch sáu tháng cuối năm về giáo dục.</p>" * 4
        bodies = {
            "/treo": rss("tin-treo"),
            "/bao": rss("tin-bao", hub=self.url("/hub"), topic=self.url("/bao")),
            "/tin": listed.encode(),
            "/bai-10001.html": page(f"<article><h1>Bài viết</h1>{text}</article>").encode(),
            "/": page("", declared("/moi.xml", "Tin")).encode(),
            "/moi.xml": feed("Tin mới").encode(),
        }
        return {"/hub": ("202 Accepted", b""), **{k: ("200 OK", v) for k, v in bodies.items()}}

    async def all_asked(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not set(self.asked) >= ALL:  # noqa: ASYNC110 - another process asks
                await asyncio.sleep(0.05)


def write_config(folder: Path, database: str, outlet: Outlet, address: str) -> Path:
    """Five sources; one stands under another name of this machine, with a gap, for its turn."""
    treo = outlet.url("/treo").replace("127.0.0.1", "localhost")
    config = folder / "bantin.toml"
    config.write_text(
        f'[site]\ntitle = "Tin"\nbase_url = "http://{address}"\n[web]\nlisten = "{address}"\n'
        f'[store]\nurl = "{database}"\n'
        '[collect]\nallow_networks = ["127.0.0.0/8", "::1/128"]\nwebsub = true\n'
        f'[source.treo]\nurl = "{treo}"\nper_site = {{ delay = "0.05s" }}\n'
        f'[source.bao]\nurl = "{outlet.url("/bao")}"\n'
        f'[source.tin]\nurl = "{outlet.url("/tin")}"\nkind = "page"\narticle_pages = true\n'
        'page = { entry = "li", date = ".date" }\n'
        f'[source.mat]\nurl = "{outlet.url("/mat.rss")}"\n'
        f'[source.hub]\nurl = "{outlet.url("/hub.rss")}"\n'
    )
    return config


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    wanted = "sqlite_url" if request.param == "sqlite" else "postgres_database"
    return str(request.getfixturevalue(wanted))


@asynccontextmanager
async def site(folder: Path, database: str) -> AsyncIterator[tuple[Outlet, Path]]:
    """The outlet, and a configuration whose `mat` has been dead for days."""
    outlet = Outlet()
    async with raw_server(outlet) as wire:
        outlet.url = wire.url
        config = write_config(folder, database, outlet, f"127.0.0.1:{unused_port()}")
        service = open_service(config, {}, retire=True)
        now = service.clock()
        await pipeline.collect(service, ["tin", "bao"])
        with service.store.write() as connection:
            ids = {row.name: row.id for row in connection.execute(select(t.source))}
            long_ago, later = now - timedelta(days=9), now + timedelta(days=1)
            of = update(t.source_poll).where(t.source_poll.c.source_id == ids["mat"])
            dead = {"dead_since": long_ago, "failures": 9, "first_fetch_at": long_ago}
            connection.execute(of.values(next_poll_at=later, **dead))
            of = update(t.source_poll).where(t.source_poll.c.source_id == ids["hub"])
            connection.execute(of.values(next_poll_at=later, first_collected_at=long_ago))
            # The article's page could not be had just now, and is due again.
            page_row = update(t.unread_page).values(next_try_at=now).returning(t.unread_page.c.url)
            assert len(connection.execute(page_row).all()) == 1
        service.close()
        outlet.slow = True
        outlet.asked.clear()
        yield outlet, config


def held_rows(store: Store) -> dict[str, tuple[str, datetime]]:
    """What somebody has in hand: table and key -> owner, end of the lease."""
    found = {}
    with store.read() as connection:
        for lease in LEASES:
            columns = lease.key, lease.owner, lease.until
            for key, owner, until in connection.execute(select(*columns).where(lease.owner != "")):
                found[f"{lease.key.table.name} {key}"] = owner, until
    return found


def kinds(held: dict[str, tuple[str, datetime]]) -> list[str]:
    return sorted(name.split()[0] for name in held)


async def asked_again(service: Service) -> None:
    """All that a running service does beside its pages, once."""
    sites = Sites()
    async with Parsers(1) as parsers:
        await asyncio.gather(
            pipeline.collect(service, parsers=parsers, sites=sites, at_most_s=20),
            pipeline.subscribe(service, sites=sites),
            pipeline.seek(service, parsers=parsers, sites=sites),
        )


async def test_what_a_killed_service_had_in_hand_is_taken_over_in_half_a_minute(tmp_path, database):
    async with site(tmp_path, database) as (outlet, config):
        async with up(config):
            await outlet.all_asked()
        died = datetime.now(UTC)
        ahead = timedelta(0)
        service = open_service(config, {}, lambda: datetime.now(UTC) + ahead)
        try:
            held = held_rows(service.store)
            assert kinds(held) == ALL_LEASED
            assert max(until for _, until in held.values()) <= died + LASTS
            outlet.asked.clear()
            outlet.go.set()
            # Nobody knows yet that it is dead: what it holds is left alone.
            assert held_rows(service.store) == held
            if datetime.now(UTC) < min(until for _, until in held.values()) - timedelta(seconds=9):
                await asked_again(service)
                assert not ALL & set(outlet.asked)
            ahead = LASTS + timedelta(seconds=1)
            await asked_again(service)
            assert set(outlet.asked) >= ALL
            assert held_rows(service.store).keys() <= {"site_lease localhost"}  # until its gap ends
            with service.store.read() as connection:
                titles = set(connection.execute(select(t.entry.c.title)).scalars())
                row = connection.execute(sources().where(t.source.c.name == "mat")).one()
            assert any("treo" in title for title in titles)
            assert row.suggestions[0]["url"] == outlet.url("/moi.xml")
        finally:
            service.close()


async def test_what_takes_long_stays_whose_it_is(tmp_path, database):
    """Twice as long as a lease; a rival with a connection of its own tries to take it all along."""
    async with site(tmp_path, database) as (outlet, config):
        service, rival = open_service(config, {}), Store(database)
        store, settings, clock, site_gaps = service.store, service.settings, system_clock, Sites()
        dependencies = renew.RenewalDependencies(
            lambda: client_of(settings, clock), site_gaps, clock, lambda: 0.0, lambda: "token"
        )

        async def look_after_hubs() -> None:
            while "/hub" not in outlet.asked:  # its source must have been read
                await renew.keep(store, settings, dependencies, owner="one", term=BEAT)
                await asyncio.sleep(0.05)

        taken: list[object] = []
        try:
            async with Parsers(1) as parsers, client_of(settings, clock) as client:
                working = [
                    asyncio.create_task(job)
                    for job in (
                        collect(
                            store, settings, clock, owner="one", client=client, parsers=parsers,
                            sites=site_gaps, at_most_s=30, term=BEAT,
                        ),
                        look_after_hubs(),
                        seek(
                            store, settings, clock, client, parsers, site_gaps, owner="one",
                            term=BEAT,
                        ),
                    )
                ]  # fmt: skip
                await outlet.all_asked()
                held = held_rows(store)
                assert kinds(held) == ALL_LEASED
                end = asyncio.get_running_loop().time() + 2 * BEAT.lasts.total_seconds()
                while asyncio.get_running_loop().time() < end:
                    taken += await asyncio.to_thread(take_what_is_free, rival, set(held))
                    await asyncio.sleep(0.1)
                assert taken == []
                outlet.go.set()
                done, *_ = await asyncio.gather(*working)
            assert done.failed == {}
            assert [outlet.asked.count(path) for path in sorted(ALL)] == [1] * len(ALL)
            assert held_rows(store).keys() <= {"site_lease localhost"}
        finally:
            rival.close()
            service.close()


def take_what_is_free(rival: Store, wanted: set[str]) -> list[object]:
    """Claim as another process would. What came of it, and was wanted."""
    now = datetime.now(UTC)
    until = now + BEAT.lasts
    with rival.write() as connection:
        wanting = dead_sources.wanting(
            connection, now, dead_before=now, sought_before=now, failures=1
        )
        taken = {
            "source_poll": [one.id for one in polling_queue.claim(
                connection, polling_queue.named(connection, ["treo"]), "two", now, until,
                at_once=True,
            )] + [one.id for one in dead_sources.claim(connection, wanting, "two", now, until)],
            "unread_page": [
                one.entry_id
                for one in article_page_queue.claim(connection, "two", now, until, 9)
            ],
            "websub": [one.id for one in hub_subscriptions.claim(connection, "two", now, until, 9)],
            "site_lease": list(site_leases.take(connection, ["localhost"], "two", now, until)),
        }  # fmt: skip
    found = {f"{table} {key}" for table, keys in taken.items() for key in keys}
    return sorted(found & wanted)


async def test_a_hubs_body_that_is_read_slowly_stays_whose_it_is(store, tmp_path, now):
    """And one whose reader was killed is read by another half a minute later."""
    config = tmp_path / "bantin.toml"
    config.write_text('[site]\ntitle = "Tin"\n[source.hub]\nurl = "https://bao.example/hub.rss"\n')
    service = open_service(config, {"BANTIN_STORE__URL": str(store.engine.url)}, lambda: now)
    try:
        with store.write() as connection:
            connection.execute(update(t.source_poll).values(first_collected_at=now))
            one = connection.execute(select(t.source.c.id)).scalar_one()
            callbacks.keep(connection, one, "application/rss+xml", rss("b"), now)
            due = polling_queue.named(connection, ["hub"])
            dead = polling_queue.claim(connection, due, "dead", now, now + LASTS, at_once=True)
        assert len(dead) == 1

        async def take(at: datetime) -> int:
            async with Parsers(1) as parsers:
                done = await inbox.take(
                    store, service.settings, lambda: at, owner="one", parsers=parsers,
                    random=lambda: 0.0,
                )  # fmt: skip
            return done.entries_new

        assert await take(now + LASTS - timedelta(seconds=1)) == 0
        assert await take(now + LASTS) == 1
        assert held_rows(store) == {}
    finally:
        service.close()


async def test_what_comes_too_late_does_not_undo_what_another_has_done(tmp_path, database):
    """A process that was stopped for longer than its lease is none that may write any more."""
    answers = [rss("cu"), rss("moi")]
    went, go = asyncio.Event(), asyncio.Event()

    async def script(talk: Talk) -> None:
        body = answers.pop(0)
        if answers:
            went.set()
            await go.wait()
        await talk.answer(body)

    async with raw_server(script) as wire:
        config = tmp_path / "bantin.toml"
        config.write_text(
            f'[site]\ntitle = "Tin"\n[store]\nurl = "{database}"\n'
            f'[collect]\nallow_networks = ["127.0.0.0/8"]\n[source.bao]\nurl = "{wire.url()}"\n'
        )
        slow = started([str(COLLECTOR), str(config), "0"], cwd=tmp_path)
        async with asyncio.timeout(PATIENCE_S):
            await went.wait()
        slow.send_signal(signal.SIGSTOP)
        service = open_service(config, {}, lambda: datetime.now(UTC) + LASTS)
        try:
            got = await pipeline.collect(service, ["bao"])
            assert (got.ok, got.entries_new) == (1, 1)
            with service.store.read() as connection:
                before = connection.execute(sources()).one()
            go.set()
            slow.send_signal(signal.SIGCONT)
            assert await asyncio.to_thread(slow.wait, PATIENCE_S) == 0
            with service.store.read() as connection:
                assert connection.execute(sources()).one() == before
                assert list(connection.execute(select(t.entry.c.entry_key)).scalars()) == ["moi"]
        finally:
            service.close()
