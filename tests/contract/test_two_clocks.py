"""Two machines on one PostgreSQL whose clocks are a minute apart, one behind and one ahead.

Real processes; libfaketime gives each another time of day. What one holds and renews the other
never takes; nothing is asked, cut or sent before its time, nothing twice, and nobody calls the
other dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.model import CadenceRule
from service.newsletter.rules import Schedule
from service.store import tables as t
from tests import builders
from tests.contract.mail.office import Office
from tests.contract.test_clock import FAKETIME, Clock
from tests.contract.way import rss
from tests.levels import some
from tests.mail import stock
from tests.mail.relays import Sink
from tests.net.wire import Talk, raw_server
from tests.running import BANTIN, HASTY, Process, eventually, finished, started, unused_port

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime: apt-get install libfaketime"),
]

APART_S = 30
"""One machine's clock is so far behind, the other's so far ahead."""

GAP_S = 1.9
"""Between two polls of the source that answers at once: its interval, give or take a little."""

AT_ONCE = Schedule(CadenceRule("immediate"), "UTC").text
"""Whoever has this rule already is cut when `next_cut_at` says so, and not before."""

READERS = [f"ban-doc-{number}@example.vn" for number in range(12)]

SOURCES = """\
[source.cham]
url = "{url}cham"
topics = ["chu-de-tuan"]
interval = {{ min = "1h", max = "1h" }}
[source.nhanh]
url = "{url}nhanh"
topics = ["chu-de-tuan"]
interval = {{ min = "2s", max = "2s" }}
[collect]
allow_networks = ["127.0.0.0/8"]
"""


class Outlet:
    """Tells when it was asked and had answered; the slow address answers once it may."""

    def __init__(self) -> None:
        self.asked: dict[str, list[float]] = {"cham": [], "nhanh": []}
        self.answered: list[float] = []
        self.running: Counter[str] = Counter()
        self.doubled: set[str] = set()
        self.go = asyncio.Event()
        self.go.set()

    async def script(self, talk: Talk) -> None:
        name = talk.target.strip("/")
        self.asked[name].append(time.monotonic())
        self.running[name] += 1
        if self.running[name] > 1:
            self.doubled.add(name)
        try:
            while name == "cham" and not self.go.is_set() and not talk.closed:
                await talk.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.go.wait(), 2)
            if name == "nhanh":
                self.answered.append(time.monotonic())
            await talk.answer(rss(f"Tin của {name}", link=f"https://{name}.example"))
        finally:
            self.running[name] -= 1


def at(office: Office, seconds: int) -> Mapping[str, str]:
    """The environment of a process whose clock is so many seconds ahead, or (negative) behind."""
    clock = Clock(office.config.with_name(f"clock{seconds:+d}"))
    clock.set(seconds)
    return clock.environment()


def machine(office: Office, ahead_s: int) -> Process:
    """A process that does all, as on a machine of its own, whose clock is wrong by so much."""
    folder = office.config.parent
    name = "ahead" if ahead_s > 0 else "behind"
    environ = {**at(office, ahead_s), "BANTIN_WEB__LISTEN": f"127.0.0.1:{unused_port()}"}
    with (folder / f"{name}.err").open("wb") as err:
        return started(
            [str(HASTY), str(office.config), "all", name],
            cwd=folder, err=err.fileno(), environ=environ,
        )  # fmt: skip


def shown(office: Office) -> set[str]:
    """The names of the processes that have shown themselves."""
    with office.store.read() as connection:
        return set(connection.execute(select(t.running_process.c.name)).scalars())


def by_hand(office: Office, *args: str) -> Process:
    """A command on the machine whose clock is behind."""
    with (office.config.parent / "by-hand.err").open("wb") as err:
        return started(
            [str(BANTIN), *args, "--config", str(office.config)],
            cwd=office.config.parent, err=err.fileno(), environ=at(office, -APART_S),
        )  # fmt: skip


def rests(office: Office, source: str) -> bool:
    """Whether it was collected and nobody has it in hand."""
    c = t.source_poll.c
    of = select(c.last_ok_at, c.lease_owner).join(t.source, t.source.c.id == c.source_id)
    with office.store.read() as connection:
        found = connection.execute(of.where(t.source.c.name == source)).one_or_none()
    return found is not None and found.last_ok_at is not None and found.lease_owner is None


def make_due(office: Office, source: str) -> None:
    """Whoever finds it free may ask it."""
    wanted = select(t.source.c.id).where(t.source.c.name == source).scalar_subquery()
    with office.store.write() as connection:
        poll = update(t.source_poll).where(t.source_poll.c.source_id == wanted)
        connection.execute(poll.values(next_poll_at=datetime.now(UTC)))


def wait_for_their_hour(office: Office) -> None:
    """They were told the latest edition; the next one is cut in a week."""
    now = datetime.now(UTC)
    stock.fill(office.store, now - timedelta(seconds=1), READERS)
    with office.store.ledger() as connection:
        connection.execute(update(t.delivery).values(state="accepted", settled_at=now))


def due(office: Office, in_s: float) -> float:
    """The next cut is due then, with news. Returns the monotonic second."""
    instant = datetime.now(UTC) + timedelta(seconds=in_s)
    second = time.monotonic() + in_s
    with office.store.ledger() as connection:
        topic = connection.scalar(select(t.topic.c.id).where(t.topic.c.name == "chu-de-tuan"))
        source = connection.scalar(select(t.source.c.id).where(t.source.c.name == "nhanh"))
        assert topic is not None
        assert source is not None
        builders.add_story(
            connection, source=source, topics=[topic], title="Chuyện mới",
            entered_at=instant - timedelta(minutes=6),
        )  # fmt: skip
        connection.execute(
            update(t.subscription).values(cadence="immediate", rule=AT_ONCE, next_cut_at=instant)
        )
    return second


async def test_clocks_a_minute_apart_double_nothing_and_do_nothing_early(
    tmp_path: Path, postgres_database: str
) -> None:
    outlet, taken = Outlet(), list[float]()

    def script(step: str, _who: str) -> None:
        if step == "body":
            taken.append(time.monotonic())

    async with raw_server(outlet.script) as wire, Sink(script) as relay:
        digest = 'cadences = ["immediate", "weekly"]'
        with Office(tmp_path, relay.port, url=postgres_database, digest=digest) as office:
            with office.config.open("a") as file:
                file.write(SOURCES.format(url=wire.url()))
            wait_for_their_hour(office)
            running = [machine(office, ahead) for ahead in (-APART_S, APART_S)]
            try:
                await eventually(lambda: len(shown(office)) == len(running))
                await eventually(lambda: rests(office, "cham"))

                # A command on the machine that is behind has a source in hand: by the clock of
                # the one ahead no lease of it is valid for as long as a minute.
                outlet.go.clear()
                running.append(by_hand(office, "collect", "cham"))
                await eventually(lambda: outlet.running["cham"])
                make_due(office, "cham")
                before = len(outlet.asked["nhanh"])
                await eventually(lambda: len(outlet.asked["nhanh"]) >= before + 2)
                outlet.go.set()
                assert await asyncio.to_thread(running.pop().wait) == 0

                second = due(office, in_s=some(10, 5))
                await eventually(lambda: len(relay.received) >= len(READERS))
                assert min(taken) >= second
                said = await asyncio.to_thread(
                    finished, "status", "--json", "--config", str(office.config),
                    cwd=tmp_path, environ=at(office, 2 * APART_S),
                )  # fmt: skip
            finally:
                for one in running:
                    one.send_signal(15)
                for one in running:
                    await asyncio.to_thread(one.wait)
            assert set(office.states().values()) == {"accepted"}
    assert Counter(one.recipient for one in relay.received) == dict.fromkeys(READERS, 1)
    assert outlet.doubled == set()
    gaps = zip(outlet.answered, outlet.asked["nhanh"][1:], strict=False)
    assert min(asked - answered for answered, asked in gaps) >= GAP_S
    told = json.loads(said.stdout)
    assert [one["gone"] for one in told["processes"]] == [False] * len(running)
    off_s = [one["clock_ahead_s"] for one in told["processes"]]
    assert sorted(off_s) == pytest.approx([-APART_S, APART_S], abs=3)
    [own] = [one for one in told["troubles"] if one["kind"].startswith("clock")]
    assert own["text"].startswith("This machine’s clock is")
    assert own["seconds"] == pytest.approx(2 * APART_S, abs=3)
