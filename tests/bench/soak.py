"""Hundreds of `kill -9`, an unreliable relay, and readers who must get every story once.

    python -m tests.bench.soak --kills 200 [--postgres URL] [--seed 1]

An hourly digest, its readers, and news each hour. In every hour the service is started again and
again and killed at a random moment, or at one of the relay's replies; the relay drops connections
before and after it has recorded a message, answers 4xx, and is itself killed now and then. Some
hours have two services at once. After each hour every reader must have a delivery for it, whatever
became of the one before (an `uncertain` mail is held, its reader is not). Every ten hours, and at
the end, the mails that never arrived are dropped with `--untold`; after one more quiet hour the
relay must have recorded each story exactly once for each reader. Exits 1, with what is wrong, where
that does not hold.

Ten hours, since an edition looks at no more than the best hundred older stories of a topic: what is
released after more than that is in its "N more", not in its lines.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import random
import re
import signal
import sys
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import structlog
from sqlalchemy import create_engine, make_url, select, text

from service.config.schema import Settings
from service.mail.drain import drain
from service.model import DeliveryState
from service.newsletter.run import plan_due
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS
from service.store.core.migrate import migrate
from service.store.mailing import uncertain_deliveries
from service.store.sources import registry
from tests import builders
from tests.contract.plug import fork_server
from tests.mail.relays import DROP, QUICK, Sink, relay_line, relay_of

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = LASTS + timedelta(seconds=1)
NEWS = 3
SETTLED_EVERY = 10
"""Hours after which an admin drops what is uncertain and never arrived."""
LIVES = 60
"""Starts in one hour before the soak says that the service never comes through."""


def address(reader: int) -> str:
    """A few domains, so that several readers stand behind each."""
    return f"nguoi-{reader}@d{reader % 7}.example"


def settings_of(root: Path) -> Settings:
    """An hourly digest of one topic."""
    settings = Settings.model_validate(
        {
            "site": {"title": "Tin", "base_url": "https://tin.example.vn", "language": "vi"},
            "topic": {"tin": {"title": "Tin", "any": ["tin"]}},
            # All that is released is told in one mail: none of it may only be counted.
            "digest": {
                "gio": {"title": "Điểm tin giờ", "cadence": "hourly", "stories": {"max": 100}}
            },
            "mail": {"from": "Tin <tin@example.vn>"},
        }
    )
    settings._root = root
    return settings


@dataclass(frozen=True)
class Life:
    """One start of the service."""

    url: str
    root: Path
    now: datetime
    owner: str
    port: int


def live(life: Life) -> None:
    """Plan what is due and send it. The target of a process."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    store, settings = Store(life.url), settings_of(life.root)
    plan_due(store, settings, Renderer(site_view(settings), None), life.now)
    relay = relay_of({"host": "127.0.0.1", "port": life.port, "connections": 4})
    line = relay_line(relay, "tin.example.vn", QUICK)
    asyncio.run(drain(store, settings, lambda: life.now, owner=life.owner, relays=[line]))
    store.close()


@dataclass
class Relay:
    """What the relay does to whom, drawn anew for each message. `calm`: all it is asked to."""

    chance: random.Random
    calm: bool = False
    prey: list[multiprocessing.process.BaseProcess] = field(default_factory=list)
    kills: int = 0

    def __call__(self, step: str, _who: str) -> str | None:
        if self.calm:
            return None
        drawn = self.chance.random()
        if drawn < 0.01:
            self._kill()
        elif step == "rcpt" and drawn < 0.06:
            return "450 4.2.1 try again later"
        elif step in {"body", "after"} and drawn < 0.03:
            return DROP  # not recorded, or recorded: the sender cannot tell
        elif step == "body" and drawn < 0.06:
            return "451 4.3.0 not now"
        return None

    def _kill(self) -> None:
        """The service dies while it waits for this very reply."""
        for process in self.prey:
            if process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGKILL)
                self.kills += 1


@dataclass
class Soak:
    """One run over one database."""

    url: str
    root: Path
    chance: random.Random
    readers: int
    kills: int = 0
    hours: int = 0
    relay_kills: int = 0
    uncertain: set[int] = field(default_factory=set)
    released: int = 0
    faults: list[str] = field(default_factory=list)

    def prepare(self) -> None:
        store = Store(self.url)
        migrate(store)
        with store.write() as connection:
            registry.register(connection, settings_of(self.root), START, retire=True)
            digest = connection.execute(select(t.digest.c.id)).scalar_one()
            builders.add_source(connection, START)
            for n in range(self.readers):
                builders.add_subscription(
                    connection, digest=digest, starts_at=START, address=address(n),
                    cadence="hourly", next_cut_at=START + HOUR,
                )  # fmt: skip
        store.close()

    def publish(self, now: datetime) -> None:
        """The news of the hour that ends now."""
        store = Store(self.url)
        with store.write() as connection:
            topic = connection.execute(select(t.topic.c.id)).scalar_one()
            source = connection.execute(select(t.source.c.id)).scalar_one()
            for n in range(NEWS):
                builders.add_story(
                    connection, source=source, topics=[topic], title=f"Chuyện {self.hours:04} {n}",
                    entered_at=now - timedelta(minutes=10 + n),
                )  # fmt: skip
        store.close()

    async def hour(self, sink: Sink, relay: Relay) -> None:
        """News, then starts and kills until one start comes to its end by itself."""
        self.hours += 1
        now = START + self.hours * HOUR
        self.publish(now)
        pair = not relay.calm and self.chance.random() < 0.2
        context = multiprocessing.get_context("forkserver")
        for n in range(LIVES):
            at = now + min(n * LATER, HOUR * 0.9)
            names = ("a", "b") if pair else ("a",)
            relay.prey = [
                context.Process(
                    target=live,
                    args=(Life(self.url, self.root, at, f"{self.hours}-{n}{name}", sink.port),),
                )
                for name in names
            ]
            for process in relay.prey:
                process.start()
            await self._wait(sink, relay, patient=n > LIVES // 2)
            if all(process.exitcode == 0 for process in relay.prey) and self._settled(at):
                break
        else:
            self.faults.append(f"hour {self.hours}: the service never came through")
        self._check_hour()

    async def _wait(self, sink: Sink, relay: Relay, *, patient: bool) -> None:
        """Let them live for a while; who still lives then is killed, unless all is calm."""
        limit = 60.0 if relay.calm or patient else self.chance.random() * 0.5
        for process in relay.prey:
            await asyncio.to_thread(process.join, limit)
        if not relay.calm and self.chance.random() < 0.05:
            await sink.stop()
            self.relay_kills += 1
            await sink.start(sink.port)
        for process in relay.prey:
            if process.is_alive():
                process.kill()
                self.kills += 1
            await asyncio.to_thread(process.join, 60)

    def _settled(self, now: datetime) -> bool:
        """Nothing waits in somebody's hands, and nothing that was put off is due before the hour.

        A deferred mail that waits for a later try holds up only its own reader; the next hour's
        starts come to it.
        """
        states = Counter(state for _, _, _, state in self._deliveries())
        busy = (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING)
        return not any(states[one.value] for one in busy)

    def _deliveries(self) -> list[tuple[int, str, str, str]]:
        store = Store(self.url)
        with store.read() as connection:
            rows = connection.execute(
                select(t.delivery.c.id, t.delivery.c.message_id, t.subscriber.c.address,
                       t.delivery.c.state)
                .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
                .join(t.subscriber, t.subscriber.c.id == t.subscription.c.subscriber_id)
            ).all()  # fmt: skip
        store.close()
        return [(row.id, row.message_id, row.address, row.state) for row in rows]

    def _check_hour(self) -> None:
        """Whoever has no open mail from before has been told this hour's news, in some mail."""
        store = Store(self.url)
        with store.read() as connection:
            waiting = set(
                connection.execute(
                    select(t.subscription.c.subscriber_id)
                    .join(t.delivery, t.delivery.c.subscription_id == t.subscription.c.id)
                    .where(t.delivery.c.state == DeliveryState.DEFERRED.value)
                ).scalars()
            )
            newest = connection.execute(
                select(t.article.c.id).where(t.article.c.title == f"Chuyện {self.hours:04} 0")
            ).scalar_one()
            told = set(
                connection.execute(
                    select(t.told.c.subscriber_id).where(t.told.c.article_id == newest)
                ).scalars()
            )
            everyone = set(connection.execute(select(t.subscriber.c.id)).scalars())
        store.close()
        silent = everyone - told - waiting
        if silent:
            self.faults.append(f"hour {self.hours}: {len(silent)} readers got no edition")

    async def settle(self, sink: Sink, relay: Relay) -> None:
        """Quiet hours until nothing is put off; then what never arrived is released and sent."""
        relay.calm = True
        for _ in range(3):
            await self.hour(sink, relay)
        self.release(sink)
        await self.hour(sink, relay)

    def release(self, sink: Sink) -> None:
        """`deliveries drop --untold` for each uncertain mail that the relay never recorded."""
        recorded = self.recorded(sink)
        uncertain = {
            delivery: message_id
            for delivery, message_id, _, state in self._deliveries()
            if state == DeliveryState.UNCERTAIN.value
        }
        self.uncertain |= uncertain.keys()
        lost = [delivery for delivery, message in uncertain.items() if message not in recorded]
        self.released += len(lost)
        store = Store(self.url)
        with store.ledger() as connection:
            uncertain_deliveries.drop(connection, lost, START + self.hours * HOUR, untold=True)
        store.close()

    @staticmethod
    def recorded(sink: Sink) -> Counter[str]:
        return Counter(
            message_from_bytes(one.data)["Message-ID"].strip("<>") for one in sink.received
        )

    def judge(self, sink: Sink) -> tuple[int, int]:
        """(lost, doubled): stories of readers that the relay never had, or had twice."""
        had: Counter[tuple[str, str]] = Counter()
        for one in sink.received:
            message = message_from_bytes(one.data, policy=policy.default)
            plain = message.get_body(("plain",))
            assert plain is not None
            for title in set(re.findall(r"Chuyện \d{4} \d", plain.get_content())):
                had[one.recipient, title] += 1
        doubled_mail = sum(n - 1 for n in self.recorded(sink).values())
        wanted = {
            (address(reader), f"Chuyện {hour:04} {n}")
            for reader in range(self.readers)
            for hour in range(1, self.hours + 1)
            for n in range(NEWS)
        }
        lost = wanted - had.keys()
        self.faults += [f"never had: {who}, {title}" for who, title in sorted(lost)]
        return len(lost), doubled_mail + sum(n - 1 for n in had.values())


async def run(soak: Soak, kills: int) -> tuple[int, int, int]:
    """Runs until so many processes were killed. (lost, doubled, mails recorded)."""
    relay = Relay(soak.chance)
    async with Sink(relay) as sink:
        while soak.kills + relay.kills < kills:
            await soak.hour(sink, relay)
            if soak.hours % SETTLED_EVERY == 0:
                soak.release(sink)
        await soak.settle(sink, relay)
        soak.kills += relay.kills
        return *soak.judge(sink), len(sink.received)


@contextlib.contextmanager
def database(postgres: str) -> Iterator[str]:
    """A database of this run's own. `postgres` "": an SQLite file."""
    if not postgres:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bantin.db"
        return
    name = f"bantin_soak_{uuid.uuid4().hex[:12]}"
    url = make_url(postgres).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--readers", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", default=os.environ.get("BANTIN_TEST_POSTGRES", ""))
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args(arguments)
    kinds = (
        [options.only]
        if options.only
        else ["sqlite", *(["postgresql"] if options.postgres else [])]
    )
    bad = 0
    for kind in kinds:
        with (
            fork_server(),
            tempfile.TemporaryDirectory() as root,
            database(options.postgres if kind == "postgresql" else "") as url,
        ):
            soak = Soak(url, Path(root), random.Random(options.seed), options.readers)
            soak.prepare()
            lost, doubled, mails = asyncio.run(run(soak, options.kills))
        print(
            f"{kind}: {soak.kills} kills, {soak.relay_kills} of the relay, {soak.hours} hours, "
            f"{options.readers} readers, {mails} mails recorded, {len(soak.uncertain)} uncertain, "
            f"{soak.released} of them released; lost {lost}, doubled {doubled}",
            flush=True,
        )
        for fault in soak.faults:
            print(f"  {fault}")
        bad += lost + doubled + len(soak.faults)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
