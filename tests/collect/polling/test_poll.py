"""A pass over real sockets: what is asked, what is recorded, what costs nobody else anything."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import multiprocessing
import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, text, update

from service.collect.politeness.rate_limit import Sites
from service.collect.polling import poll
from service.collect.polling.backpressure import IN_FLIGHT
from service.collect.polling.poll import Collected, collect, open_client
from service.collect.workers.pool import Parsers
from service.config.schema import Collect, PerSite, Settings, Source, Topic
from service.errors import UsageError
from service.net.client import Client
from service.net.limits import MEBI, FetchLimits
from service.store import tables as t
from service.store.content import stale_feeds, versions
from service.store.core.database import Store
from service.store.core.kicks import Kick
from service.store.core.lease import LASTS
from service.store.sources import registry
from tests.builders import add_digest, add_subscription, sources
from tests.collect.processes import SHARED
from tests.levels import some
from tests.net.wire import raw_server

LOOPBACK = Collect(allow_networks=("127.0.0.0/8",))


def rss(*titles, channel="Báo"):
    items = "".join(
        f"<item><guid>{title}</guid><title>Tin {title}</title>"
        f"<link>https://bao.example/{title}</link></item>"
        for title in titles
    )
    return f"<rss version='2.0'><channel><title>{channel}</title>{items}</channel></rss>".encode()


class Office:
    """A configuration with its store and a clock that is moved by hand."""

    def __init__(self, store, now, wire, **sources):
        self.store, self.now = store, now
        self.settings = Settings(
            collect=LOOPBACK,
            source={
                name.replace("_", "-"): Source(
                    **{"url": wire.url(f"/{name}"), "article_pages": False, **values}
                )
                for name, values in sources.items()
            },
        )
        self.register()

    def register(self, settings=None):
        self.settings = settings or self.settings
        with self.store.write() as connection:
            registry.register(connection, self.settings, self.now, retire=False)

    async def collect(self, *names, owner="one", parsers=SHARED, **options) -> Collected:
        return await collect(
            self.store, self.settings, lambda: self.now, owner=owner, names=names or None,
            random=lambda: 0.0, parsers=parsers, **options,
        )  # fmt: skip

    def row(self, name):
        with self.store.read() as connection:
            statement = sources().where(t.source.c.name == name)
            return connection.execute(statement).one()

    def entries(self, name):
        statement = (
            select(t.entry)
            .join(t.source, t.source.c.id == t.entry.c.source_id)
            .where(t.source.c.name == name)
            .order_by(t.entry.c.id)
        )
        with self.store.read() as connection:
            return connection.execute(statement).all()


def pages(**answers):
    """A script that answers each path with bytes, or by calling what stands there."""

    async def script(talk):
        answer = answers[talk.target.strip("/").replace("-", "_")]
        if callable(answer):
            await answer(talk)
        else:
            await talk.answer(answer)

    return script


async def test_a_pass_stores_entries_and_says_what_it_gave(any_store, now):
    seen = []
    script = pages(mot=rss("a", "b"), hai=b"<html>404</html>", ba=rss())
    async with raw_server(script) as wire:
        office = Office(any_store, now, wire, mot={}, hai={}, ba={})
        got = await office.collect(progress=lambda done, total: seen.append((done, total)))
    assert (got.tried, got.ok, got.entries_new) == (3, 2, 2)
    assert list(got.failed) == ["hai"]
    assert "HTML page" in str(got.failed["hai"])
    assert got.changed.articles == 2
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert [entry.entry_key for entry in office.entries("mot")] == ["a", "b"]
    row = office.row("mot")
    assert (row.title, row.failures, row.error, row.entries_last) == ("Báo", 0, None, 2)
    assert row.first_collected_at == row.first_fetch_at == row.last_ok_at == now
    assert row.next_poll_at == now + timedelta(hours=1)
    assert (row.lease_owner, row.lease_until) == (None, None)
    failed = office.row("hai")
    assert (failed.failures, failed.first_collected_at, failed.last_ok_at) == (1, None, None)
    assert failed.error == "this is an HTML page, not a feed"
    assert office.row("ba").first_collected_at == now


async def test_validators_go_back_byte_for_byte_and_spare_the_parser(store, now):
    body = rss("a")

    async def polite(talk):
        if talk.headers.get("if-none-match") == 'W/"x y"':
            await talk.answer(b"", "Cache-Control: max-age=7200", status="304 Not Modified")
        else:
            await talk.answer(body, 'ETag: W/"x y"', "Last-Modified: Tue, 24 Nov 2026 07:00:00 GMT")

    before = set(multiprocessing.active_children())
    async with raw_server(pages(mot=polite)) as wire:
        office = Office(store, now, wire, mot={})
        assert (await office.collect(parsers=None)).entries_new == 1
        office.now += timedelta(hours=1)
        got = await office.collect(parsers=None)
        assert (got.tried, got.ok, got.entries_new, got.failed) == (1, 1, 0, {})
        row = office.row("mot")
        assert (row.etag, row.last_ok_at) == (b'W/"x y"', office.now)
        assert row.next_poll_at == office.now + timedelta(hours=2)  # as the server asked
        assert wire.asked[1].headers["if-modified-since"] == "Tue, 24 Nov 2026 07:00:00 GMT"
    left = set(multiprocessing.active_children()) - before
    assert not left, "a pass ends the processes of its own"


async def test_the_same_body_is_not_read_again(store, now):
    async with raw_server(pages(mot=rss("a"))) as wire:
        office = Office(store, now, wire, mot={})
        await office.collect()
    async with raw_server(pages(mot=rss("a"))) as wire:
        with store.write() as connection:
            connection.execute(update(t.source).values(url=wire.url("/mot")))
        office.now += timedelta(hours=1)
        before = set(multiprocessing.active_children())
        async with Parsers(1) as parsers:
            got = await office.collect(parsers=parsers)
            started = set(multiprocessing.active_children()) - before
            assert not started, "nothing was sent to a worker"
        assert (got.ok, got.entries_new) == (1, 0)
        assert office.row("mot").interval_s > 900


HALF = rss("a", "b")[: rss("a", "b").index(b"Tin a")]


async def bomb(talk):
    await talk.answer(gzip.compress(b"\0" * 3_000_000), "Content-Encoding: gzip")


async def huge(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not talk.closed and not talk.writer.is_closing():
        await talk.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")


async def late(talk):
    await asyncio.sleep(30)


async def dripping(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
    while not talk.closed:
        await talk.send(b" ")
        await asyncio.sleep(0.1)


async def broken_off(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<rss>")


async def busy(talk):
    await talk.answer(b"", "Retry-After: 86400", status="429 Too Many Requests")


async def inside(talk):
    await talk.answer(b"", "Location: http://169.254.169.254/latest", status="302 Found")


async def unasked(talk):
    await talk.answer(b"", status="304 Not Modified")


HOSTILE = {
    "html": (b"<!doctype html><title>x", "HTML page"),
    "empty": (b"", "empty"),
    "half": (HALF, "breaks off"),
    "bomb": (bomb, "more than 1 MB"),
    "huge": (huge, "more than 1 MB"),
    "late": (late, "silent|no complete answer"),
    "dripping": (dripping, "no complete answer within 2 s"),
    "broken_off": (broken_off, "broke off"),
    "busy": (busy, "429"),
    "inside": (inside, "169.254.169.254"),
    "unasked": (unasked, "nobody asked"),
    "no_entries": (b"<rss><channel><title>a < b</title></channel></rss>", "broken"),
}


async def test_every_bad_source_is_a_recorded_failure_and_the_others_go_on(store, now):
    answers = {name: answer for name, (answer, _) in HOSTILE.items()}
    good = {f"tot_{n}": rss(f"{n}") for n in range(10)}
    limits = FetchLimits(wire_bytes=MEBI, body_bytes=MEBI, read_s=1.0, total_s=2.0)
    async with raw_server(pages(**answers, **good)) as wire:
        office = Office(store, now, wire, **{name: {} for name in [*answers, *good, "closed"]})
        with store.write() as connection:
            connection.execute(
                update(t.source)
                .where(t.source.c.name == "closed")
                .values(url="http://127.0.0.1:1/")
            )
        async with Client("test", ["127.0.0.0/8"], limits=limits) as client:
            got = await office.collect(client=client)
    assert got.ok == got.entries_new == 10
    assert set(got.failed) == {name.replace("_", "-") for name in HOSTILE} | {"closed"}
    for name, (_, reason) in HOSTILE.items():
        row = office.row(name.replace("_", "-"))
        assert row.failures == 1
        assert re.search(reason, row.error), (name, row.error)
        assert row.next_poll_at >= now + timedelta(minutes=15)
        assert row.lease_owner is None
    assert office.row("busy").next_poll_at == now + timedelta(days=1)


async def test_a_body_that_cannot_be_read_stands_until_it_changes(store, now):
    body = [b"<html>"]

    async def changing(talk):
        if talk.headers.get("if-none-match") == '"1"' and body[0] == b"<html>":
            await talk.answer(b"", status="304 Not Modified")
        else:
            await talk.answer(body[0], 'ETag: "1"')

    async with raw_server(pages(mot=changing)) as wire:
        office = Office(store, now, wire, mot={})
        for tries in (1, 2):
            assert "HTML page" in str((await office.collect()).failed["mot"])
            assert office.row("mot").failures == tries
            office.now += timedelta(hours=tries)
        assert wire.asked[1].headers["if-none-match"] == '"1"'
        assert "HTML page" in str((await office.collect("mot")).failed["mot"])
        assert "if-none-match" not in wire.asked[2].headers  # a person asked: read it once more
        body[0] = rss("a")
        office.now += timedelta(days=1)
        assert (await office.collect()).entries_new == 1
        row = office.row("mot")
        assert (row.error, row.document_error, row.failures) == (None, None, 0)


async def test_a_body_is_read_again_when_it_would_be_read_otherwise(store, now):
    page = b"<ul><li><a href='/1'>Mot</a></li></ul><ol><li><a href='/2'>Hai</a></li></ol>"

    async def same(talk):
        if "if-none-match" in talk.headers:
            await talk.answer(b"", status="304 Not Modified")
        else:
            await talk.answer(page, 'ETag: "1"')

    async with raw_server(pages(trang=same)) as wire:
        office = Office(store, now, wire, trang={"kind": "page", "page": {"entry": "ul li"}})
        assert (await office.collect()).entries_new == 1
        office.now += timedelta(hours=1)
        url = wire.url("/trang")
        other = Source(url=url, kind="page", page={"entry": "li"})
        office.register(Settings(collect=LOOPBACK, source={"trang": other}))
        assert (await office.collect()).entries_new == 1
        assert [entry.title for entry in office.entries("trang")] == ["Mot", "Hai"]


async def test_named_sources_are_collected_due_or_not_and_nothing_else(store, now):
    async with raw_server(pages(mot=rss("a"), hai=rss("b"))) as wire:
        office = Office(store, now, wire, mot={"paused": True}, hai={})
        assert (await office.collect()).tried == 1
        got = await office.collect("mot", "mot")
        assert (got.tried, got.entries_new) == (1, 1)
        assert (await office.collect()).tried == 0
        with pytest.raises(UsageError, match="'khong-co'"):
            await office.collect("mot", "khong-co")


@pytest.mark.both_engines
async def test_two_processes_never_fetch_the_same_source(any_store, now):
    names = [f"n{n}" for n in range(30)]

    async def slow(talk):
        await asyncio.sleep(0.1)
        await talk.answer(rss("x"))

    async with raw_server(pages(**dict.fromkeys(names, slow))) as wire:
        office = Office(any_store, now, wire, **{name: {} for name in names})
        first, second = await asyncio.gather(office.collect(), office.collect(owner="two"))
        assert first.tried + second.tried == 30
        assert len(wire.asked) == 30


async def test_a_source_that_another_process_holds_is_said_to_be_held(store, now):
    async with raw_server(pages(mot=rss("a"))) as wire:
        office = Office(store, now, wire, mot={})
        with store.write() as connection:
            connection.execute(
                update(t.source_poll).values(lease_owner="x", lease_until=now + LASTS)
            )
        assert (await office.collect()).tried == 0
        assert "another process" in str((await office.collect("mot")).failed["mot"])
        office.now += LASTS
        assert (await office.collect("mot")).ok == 1


async def test_a_pass_that_is_stopped_gives_its_claims_back(store, now):
    async with raw_server(pages(mot=late, hai=late)) as wire:
        office = Office(store, now, wire, mot={}, hai={})
        task = asyncio.create_task(office.collect())
        while len(wire.asked) < 2:  # noqa: ASYNC110 - the server counts, nobody signals
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert office.row("mot").lease_owner is None
        assert office.row("hai").lease_until is None
        assert office.row("hai").failures == 0


async def test_loopback_is_not_spaced_unless_the_source_says_so(store, now):
    many = asyncio.Event()

    async def waiting(talk):
        if len(wire.asked) > 6:
            many.set()
        await asyncio.wait_for(many.wait(), 60)  # one after another they would never be so many
        await talk.answer(rss("x"))

    names = [f"n{n}" for n in range(12)]
    async with raw_server(pages(**dict.fromkeys(names, waiting))) as wire:
        office = Office(store, now, wire, **{name: {} for name in names})
        assert (await office.collect()).ok == len(names)

    starts = []

    async def noted(talk):
        starts.append(time.monotonic())
        await asyncio.sleep(0.1)
        await talk.answer(rss("x"))

    gap = PerSite(delay=timedelta(milliseconds=150), connections=1)
    async with raw_server(pages(a=noted, b=noted, c=noted)) as wire:
        sites = Sites()
        office = Office(store, now, wire, **{name: {"per_site": gap} for name in "abc"})
        await office.collect(sites=sites)
        assert wire.most_open == 1
        office.now += timedelta(days=1)
        await office.collect("a", sites=sites)  # the next pass keeps the gap
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.25


async def test_a_crowded_site_does_not_hold_up_a_pass_without_end(store, now):
    gap = PerSite(delay=timedelta(seconds=30), connections=1)
    names = ["a", "b", "c"]
    async with raw_server(pages(**dict.fromkeys(names, rss("x")))) as wire:
        office = Office(store, now, wire, **{name: {"per_site": gap} for name in names})
        begun = time.monotonic()
        got = await office.collect(at_most_s=1.5)
        assert time.monotonic() - begun < 25  # less than one turn of the site
        assert (got.tried, got.left) == (1, 2)
        assert office.row("b").lease_owner is None
        assert office.row("b").next_poll_at == now


async def test_an_answer_for_an_address_that_has_changed_meanwhile_is_not_kept(store, now):
    async def slow(talk):
        with store.write() as connection:
            connection.execute(update(t.source).values(url="https://moved.example/"))
        await talk.answer(rss("a"), 'ETag: "old"')

    async with raw_server(pages(mot=slow)) as wire:
        office = Office(store, now, wire, mot={})
        got = await office.collect()
    assert (got.ok, got.entries_new) == (0, 0)
    row = office.row("mot")
    assert (row.etag, row.first_collected_at, row.lease_owner) == (None, None, None)
    assert office.entries("mot") == []


async def test_a_source_that_is_renamed_before_its_turn_is_left_to_the_next_pass(store, now):
    async def renaming(talk):
        with store.write() as connection:
            connection.execute(update(t.source).where(t.source.c.name == "hai").values(name="moi"))
        await talk.answer(rss("a"))

    one_by_one = {"per_site": PerSite(delay=timedelta(), connections=1)}
    async with raw_server(pages(mot=renaming, hai=rss("b"))) as wire:
        office = Office(store, now, wire, mot=one_by_one, hai=one_by_one)
        got = await office.collect()
    assert (got.tried, got.ok, got.entries_new, got.failed) == (1, 1, 1, {})
    assert (office.row("moi").lease_owner, office.row("moi").next_poll_at) == (None, now)


async def test_a_feed_that_calls_itself_otherwise_marks_the_feeds_that_name_it(store, now):
    says = {"mot": rss("a", channel="Báo")}

    async def answer(talk):
        await talk.answer(says["mot"])

    async with raw_server(pages(mot=answer)) as wire:
        office = Office(store, now, wire, mot={})
        office.register(office.settings.model_copy(update={"topic": {"x": Topic()}}))
        marks, shown = [], []
        for channel in ("Báo", "Báo", "Báo mới"):
            says["mot"] = rss("a", channel=channel) + b" " * len(marks)  # a new body each time
            with store.write() as connection:
                connection.execute(delete(t.stale_feed))
            await office.collect("mot")
            with store.read() as connection:
                marks.append(set(stale_feeds.marked(connection)))
                shown.append(versions.every(connection).get(versions.STORIES, 0))
    assert office.row("mot").title == "Báo mới"
    assert shown == [0, 0, 1], "the pages of its stories name it too"
    assert marks[1:] == [set(), {"x", stale_feeds.EVERYTHING}]


async def test_a_document_that_cannot_be_stored_fails_alone_and_is_tried_again(store, now):
    async with raw_server(pages(mot=rss("a", "BOOM"), hai=rss("b"))) as wire:
        office = Office(store, now, wire, mot={}, hai={})
        with store.write() as connection:
            connection.execute(
                text(
                    "CREATE TRIGGER boom BEFORE INSERT ON entry WHEN NEW.title = 'Tin BOOM' "
                    "BEGIN SELECT RAISE(ABORT, 'boom'); END"
                )
            )
        got = await office.collect()
        assert (got.ok, list(got.failed)) == (1, ["mot"])
        assert office.entries("mot") == []
        assert office.row("mot").etag is None
        assert "could not be stored" in office.row("mot").error
        with store.write() as connection:
            connection.execute(text("DROP TRIGGER boom"))
        office.now += timedelta(hours=1)
        assert (await office.collect()).entries_new == 2


async def test_a_document_that_broke_off_is_not_the_first_whole_one(any_store, now):
    body = [rss("a", "b", "c")[:-60]]

    async def growing(talk):
        await talk.answer(body[0])

    async with raw_server(pages(mot=growing)) as wire:
        office = Office(any_store, now, wire, mot={})
        await office.collect()
        row = office.row("mot")
        assert (row.first_collected_at, row.repairs) == (None, ["truncated-tail"])
        body[0] = rss("a", "b", "c")
        office.now += timedelta(hours=1)
        await office.collect()
        assert office.row("mot").first_collected_at == office.now
        assert len(office.entries("mot")) == 3
        assert all(entry.quiet for entry in office.entries("mot"))


async def test_a_huge_document_is_stored_in_parts(store, now):
    titles = [f"{n}" for n in range(1201)]
    async with raw_server(pages(mot=rss(*titles))) as wire:
        office = Office(store, now, wire, mot={})
        got = await office.collect()
    assert (got.entries_new, got.changed.articles) == (1201, 1201)
    assert len(office.entries("mot")) == office.row("mot").entries_last == 1201


async def test_what_came_out_after_the_first_fetch_is_news_even_at_the_first_collection(store, now):
    body = [b"<html>"]
    dated = "<item><guid>{0}</guid><title>{0}</title><pubDate>{1}</pubDate></item>"
    later = (
        "<rss version='2.0'><channel><title>T</title>"
        + dated.format("cu", "Tue, 24 Nov 2026 07:00:00 GMT")
        + dated.format("moi", "Tue, 24 Nov 2026 09:00:00 GMT")
        + "</channel></rss>"
    ).encode()

    async def changing(talk):
        await talk.answer(body[0])

    async with raw_server(pages(mot=changing)) as wire:
        office = Office(store, now, wire, mot={})
        await office.collect()
        body[0] = later
        office.now += timedelta(hours=2)
        await office.collect()
        assert {entry.title: entry.quiet for entry in office.entries("mot")} == {
            "cu": True, "moi": False,
        }  # fmt: skip


async def test_the_client_says_who_we_are_and_how_many_read(store, now):
    with store.write() as connection:
        add_subscription(connection, digest=add_digest(connection, now), starts_at=now)
    async with raw_server(pages(mot=rss())) as wire:
        settings = Settings(collect=LOOPBACK, site={"base_url": "https://tin.example.vn"})
        async with open_client(store, settings, lambda: now) as client:
            await client.get(wire.url("/mot"))
        agent = wire.asked[0].headers["user-agent"]
    assert agent.startswith("Bantin/")
    assert agent.endswith("(+https://tin.example.vn; 1 reader)")


async def test_a_lost_database_ends_the_pass_with_its_error(sqlite_url, now):
    store = Store(sqlite_url)
    async with raw_server(pages(mot=rss("a"))) as wire:
        office = Office(store, now, wire, mot={})
        with store.write() as connection:
            connection.execute(text("CREATE TRIGGER gone BEFORE UPDATE OF error ON source_poll "
                                    "BEGIN SELECT RAISE(ABORT, 'disk'); END"))  # fmt: skip
        with pytest.raises(Exception, match="disk") as caught:
            await office.collect()
    assert not isinstance(caught.value, ExceptionGroup)
    store.close()


async def test_servers_that_hang_hold_nobody_up_however_many_they_are(store, now):
    """As many as are asked at once: others are asked beside them before they end."""
    asked, all_asked = [], asyncio.Event()

    async def script(talk):
        asked.append(talk.target)
        if len(asked) == len(names):
            all_asked.set()
        if talk.target.startswith("/hang"):
            await asyncio.wait_for(all_asked.wait(), 60)
        await talk.answer(rss(talk.target))  # each its own: outlets of one story are compared

    freely = PerSite(delay=timedelta(0), scope="source")
    names = [*(f"hang{n}" for n in range(IN_FLIGHT + 2)), *(f"tin{n}" for n in range(some(20, 4)))]
    async with raw_server(script, backlog=300) as wire:
        office = Office(store, now, wire, **{name: {"per_site": freely} for name in names})
        got = await office.collect()
    assert got.ok == len(names)


async def test_servers_that_hang_hold_nobody_up_while_bodies_wait_to_be_stored(store, now):
    """Once they are stored more is fetched at once: nobody waits for one that hangs to end."""
    asked, writing, all_asked = [], [], asyncio.Event()
    body = rss(*"abc", channel="Báo " * 4_000)  # 20 KB each: a hundred fill more than half the room

    def write_long():
        with store.write():
            time.sleep(1)

    async def script(talk):
        asked.append(talk.target)
        if len(asked) == IN_FLIGHT:
            writing.append(asyncio.create_task(asyncio.to_thread(write_long)))
        if len(asked) == len(names):
            all_asked.set()
        if talk.target.startswith("/hang"):
            await asyncio.wait_for(all_asked.wait(), 60)
        await talk.answer(body)

    freely = PerSite(delay=timedelta(0), scope="source")
    names = [*(f"hang{n}" for n in range(some(20, 4))), *(f"tin{n}" for n in range(130))]
    async with raw_server(script, backlog=300) as wire:
        office = Office(store, now, wire, **{name: {"per_site": freely} for name in names})
        got = await office.collect()
    assert got.ok == len(names)


async def test_who_finds_much_due_calls_the_other_collectors(any_store, now):
    told = []
    any_store.tell(told.append)

    async def any_page(talk):
        await talk.answer(rss(talk.target))

    async with raw_server(any_page) as wire:
        office = Office(any_store, now, wire, **{f"s{n}": {} for n in range(poll.SHARED + 1)})
        told.clear()
        await office.collect(*(f"s{n}" for n in range(poll.SHARED + 1)))
        assert not any(Kick.SOURCES in kicks for kicks in told)  # these are asked by hand
        office.now += timedelta(days=1)
        told.clear()
        await office.collect()
    assert [kicks for kicks in told if Kick.SOURCES in kicks] == [{Kick.SOURCES}]
