"""A service of one process or many that are started, killed at random, and started again."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, Table, select, update

from service.config.loading import load
from service.model import CadenceRule
from service.newsletter.rules import Schedule
from service.store import tables as t
from service.store.content import story_rows
from service.store.core.lease import LASTS
from tests.contract.mail.office import Office
from tests.contract.way import Outlets, parsed, text_of
from tests.mail import stock
from tests.mail.relays import Sink
from tests.running import HASTY, MORTAL, PATIENCE_S, SAY_WHERE, Process, eventually, started

ROLES = ("web", "collect", "collect-2", "mail")
WHOLE = ("up",)
"""One process that does everything, as it must on SQLite."""

NAME = "tuan"

_EACH_MINUTE = [f"0-{n},{n + 1}-59 * * * *" for n in range(20)]
"""The shortest cadence that cron has, in as many words.

Two cuts of one cadence within a minute are one edition, and what came between them waits.
"""

DIGEST = f"cadences = {[*_EACH_MINUTE, 'weekly']}\nstories = {{ max = 100 }}"
"""What its digest says besides, so that a mail shows all that it tells."""

_OLD = "Chuyện cũ"
_OPEN = {"planned", "claimed", "sending", "deferred"}
_LETTERS = "bcdghklmnpqrstvxaeiou"

_TITLE = re.compile(r"Giáo dục số (\d+)")
_CORRECTION = re.compile(r"Đính chính: .*?\r?\n\r?\n", re.DOTALL)
_SERVES = b'"event": "serving"'
_HAPPENS = 30
"""What happens between two kills, at most, where anything is told to `happens`."""

_JUST_AFTER_S = 0.3
"""Behind what happens: of a mail at 4 a second that is the next one's, and its commit."""

_QUIET_S = 10.0
"""Where so long too little has happened, there is nothing to be told."""

_STARTS_S = 1.0
"""How long one lives at most that is killed in its start."""

_GRID = timedelta(minutes=2)
"""Cuts stand a minute apart: what came in before this stands in the latest."""


def numbers_of(texts: Iterable[str]) -> set[str]:
    """The numbers of the outlet's headlines in these texts."""
    return {number for one in texts for number in _TITLE.findall(one)}


def shown_by(text: str) -> set[str]:
    """The articles that a mail tells; what it says of one that was taken back is no telling."""
    return numbers_of([_CORRECTION.sub("", text)])


def _others(name: str, names: Sequence[str]) -> bool:
    """Whether another one of its role is among them."""
    role, _, _ = name.partition("-")
    return any(one != name and one.partition("-")[0] == role for one in names)


@dataclass
class Fleet:
    """Processes on one store, an outlet that goes on writing, and readers of one digest.

    `beside`: what else is in the store at the beginning. `seen`: called as soon as a process is
    dead, before it is started again.
    """

    office: Office
    outlets: Outlets
    relay: Sink
    readers: list[str]
    random: random.Random
    names: tuple[str, ...] = ROLES
    cuts: int = 0
    processes: dict[str, Process] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    kills: int = 0
    sleeps: int = 0
    asleep: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    beside: Callable[[Connection], None] = lambda _connection: None
    seen: Callable[[str], None] = lambda _name: None
    _began: dict[str, int] = field(default_factory=dict)
    _enough: asyncio.Event = field(default_factory=asyncio.Event)
    _left: int = 0
    _mail_alone: bool = False

    def begin(self) -> None:
        """Subscribers are there, and the outlet's first document, which is old."""
        self._write(_OLD)
        now = datetime.now(UTC) - timedelta(seconds=1)
        stock.fill(self.office.store, now, self.readers)
        with self.office.store.write() as connection:
            self._read(connection, now + timedelta(days=1))
            self.beside(connection)
        for name in self.names:
            self.start(name)

    def start(self, name: str, *moment: str) -> None:
        """Of a process. `moment`: when it kills itself, as mortal.py takes it."""
        role, _, _ = name.partition("-")
        part = [] if name in WHOLE else [role, name]
        script = MORTAL if moment else HASTY
        with self._log(name).open("ab") as err:
            self._began[name] = err.tell()
            self.processes[name] = started(
                [str(script), str(self.office.config), *part, *moment],
                cwd=self.office.config.parent, err=err.fileno(),
            )  # fmt: skip

    def _log(self, name: str) -> Path:
        return self.office.config.parent / f"{name}.err"

    async def at_work(self, name: str) -> None:
        """Wait until it says that it serves: on a busy machine it takes a while to start."""

        process = self.processes[name]
        await eventually(lambda: process.poll() is not None or self.serves(name))

    def serves(self, name: str) -> bool:
        """Whether this start of it has said so."""
        with self._log(name).open("rb") as file:
            file.seek(self._began[name])
            return _SERVES in file.read()

    async def kill(self, name: str) -> None:
        """With no chance to say anything, and started again."""
        await self._end(name, signal.SIGKILL)
        self.kills += 1
        self.seen(name)
        self.start(name)

    def happens(self, *_what: str) -> None:
        """Something goes on that a kill may fall into; after some of it there is one."""
        self._left -= 1
        if self._left <= 0:
            self._enough.set()

    def tempt(self, _what: str) -> None:
        """Something begins that is worth a kill: half of them have one at once.

        But none where a step of mail is waited for: a start fetches at once, and editors press all
        the time, so that on a slow machine hardly a mail would leave between two kills.
        """
        if self._mail_alone:
            return
        if self.random.random() < 0.5:
            self._left = 0
        self.happens()

    async def replace(self, name: str, *moment: str) -> None:
        """Let a process end by itself and start it anew, as one that has such a `moment`."""
        await self._end(name, signal.SIGTERM)
        self.start(name, *moment)

    async def _end(self, name: str, number: int) -> None:
        process = self.processes.pop(name)
        process.send_signal(number)
        await asyncio.to_thread(process.wait)

    def sleep(self, name: str, seconds: float) -> None:
        """Stop a process where it is, as a machine that sleeps, and let it go on later."""
        process = self.processes[name]

        async def asleep() -> None:
            process.send_signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(seconds)
            finally:
                process.send_signal(signal.SIGCONT)
                self.asleep.pop(name)

        self.asleep[name] = asyncio.create_task(asleep())
        self.sleeps += 1

    async def end(self) -> None:
        for one in list(self.asleep.values()):
            one.cancel()
        await asyncio.gather(*self.asleep.values(), return_exceptions=True)
        for process in self.processes.values():
            process.send_signal(15)
        for process in self.processes.values():
            await asyncio.to_thread(process.wait)

    async def live(
        self,
        kills: int,
        pause_s: float | None,
        *,
        sleeps: float = 0.0,
        kills_an_article: int = 1,
        starting: float = 1.0,
    ) -> None:
        """News go on while one process after another is killed.

        `pause_s`: a kill comes as soon as enough has happened, or after so long at most. None: one
        that is at work is killed in the midst of what happens alone, however long that takes.
        `sleeps`: how likely one is put to sleep beside that, for longer than leases last. One of
        each role at least stays awake. `starting`: how likely one is killed without a look at how
        far it has come with its start.
        """
        wanted = self.kills + kills
        while self.kills < wanted:
            if self.kills % kills_an_article == 0:
                self.news()
            awake = [name for name in self.names if name not in self.asleep]
            name = self.random.choice(awake)
            at_once = self.random.random() < starting
            if pause_s is None and at_once and not self.serves(name):
                await asyncio.sleep(self.random.uniform(0, _STARTS_S))
            elif pause_s is None:
                await self.at_work(name)
                self._all_live()
                await self._amid()
            else:
                if not at_once:
                    await self.at_work(name)
                await self._pause(pause_s)
            self._all_live()
            await self.kill(name)
            may_sleep = [name for name in awake if _others(name, awake)]
            if may_sleep and self.random.random() < sleeps:
                lasts_s = LASTS.total_seconds() + self.random.uniform(3, 15)
                self.sleep(self.random.choice(may_sleep), lasts_s)

    async def _pause(self, most_s: float) -> None:
        """Until enough has happened, but no longer than so many seconds at most."""
        self._left = self.random.randint(1, _HAPPENS)
        self._enough.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.random.uniform(0, most_s)):
                await self._enough.wait()
                await asyncio.sleep(self.random.uniform(0, _JUST_AFTER_S))

    async def _amid(self) -> None:
        """Until enough has happened. Where nothing does, the outlet writes, and all is told that.

        Raises AssertionError where nothing comes of it, with what each process does instead.
        """
        self._left = self.random.randint(1, _HAPPENS)
        self._mail_alone = self.random.random() < 0.5 and self.is_sending()
        self._enough.clear()
        end = time.monotonic() + PATIENCE_S
        while not self._enough.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), _QUIET_S)
            self._mail_alone = False
            self._all_live()
            if not self._enough.is_set():
                if time.monotonic() > end:
                    raise AssertionError(f"for {PATIENCE_S:.0f} s nothing: {await self._stuck()}")
                self.news()
        if self.random.random() < 0.5:  # else in that very moment, as between a body and its answer
            await asyncio.sleep(self.random.uniform(0, _JUST_AFTER_S))

    def _all_live(self) -> None:
        """Nothing comes of a process that ended by itself: whoever starts it again is not here."""
        for name, process in self.processes.items():
            code = process.poll()
            if code is not None:
                said = self._log(name).read_text()[-3000:]
                raise AssertionError(f"{name} ended by itself, with {code}: …{said}")

    async def _stuck(self) -> str:
        """What its threads do is said by each process in its log, where it can still be told to."""
        for process in self.processes.values():
            process.send_signal(SAY_WHERE)
        await asyncio.sleep(2)
        return str(self)

    def time_passes(self, *tables: Table) -> None:
        """What is leased in these is anybody's, as it is half a minute after its owner has died."""
        past = datetime.now(UTC) - timedelta(seconds=1)
        for table in tables:
            held = table.c.lease_until.is_not(None)
            with self.office.store.write() as connection:
                connection.execute(update(table).where(held).values(lease_until=past))

    def news(self) -> None:
        """One more article, and the outlet is due."""
        words = " ".join("".join(self.random.choices(_LETTERS, k=7)) for _ in range(9))
        self.titles.append(f"Giáo dục số {len(self.titles) + 1} {words}")
        self._write(*self.titles[-500:], _OLD)
        self._falls_due()

    def _falls_due(self) -> None:
        """Each outlet in a transaction of its own: collectors hold several, in their order."""
        with self.office.store.read() as connection:
            sources = connection.scalars(select(t.source_poll.c.source_id)).all()
        for source in sources:
            its = t.source_poll.c.source_id == source
            with self.office.store.write() as connection:
                connection.execute(
                    update(t.source_poll).where(its).values(next_poll_at=datetime.now(UTC))
                )

    def cut(self) -> None:
        """Everybody's next edition is due, and all that is known belongs to it.

        Each time by another cadence, which has no edition of this minute yet.
        """
        before = datetime.now(UTC) - _GRID
        self.cuts += 1
        with self.office.store.ledger() as connection:
            late = t.article_topic.c.entered_at > before
            connection.execute(update(t.article_topic).where(late).values(entered_at=before))
            self._read(connection, datetime.now(UTC) - timedelta(seconds=1))

    def _read(self, connection: Connection, next_cut_at: datetime) -> None:
        """Everybody is cut at this instant; a process that starts makes it the next minute."""
        cadence = _EACH_MINUTE[self.cuts % len(_EACH_MINUTE)]
        rule = Schedule(CadenceRule(cadence), load(self.office.config, {}).settings.zone).text
        values = {"cadence": cadence, "rule": rule, "next_cut_at": next_cut_at}
        mine = select(t.digest.c.id).where(t.digest.c.name == NAME).scalar_subquery()
        its = t.subscription.c.digest_id == mine
        connection.execute(update(t.subscription).where(its).values(values))

    async def collected(self) -> None:
        """Wait until all that the outlet wrote is known, and no article waits for a judge.

        What does is left to the edition after the one that is due, up to a minute later.
        """
        await self._wait_for(self.is_collected)

    async def settled(self) -> None:
        """Wait until everybody was told everything, and no message waits."""
        await self._wait_for(self.is_settled)

    def is_settled(self) -> bool:
        """Whether everybody was told everything, and no message waits."""
        return not self.is_sending() and not self.untold()

    def received(self) -> Counter[tuple[str, str]]:
        """(reader, article) -> how often the relay took it."""
        return Counter(
            (one.recipient, number)
            for one in self.relay.received
            for number in shown_by(text_of(parsed(one.data)))
        )

    def shown(self) -> set[tuple[str, str]]:
        """(reader, article) of messages that the relay has taken and that show the article."""
        return self._told(["accepted"], t.told.c.shown)

    def untold(self) -> set[tuple[str, str]]:
        """(reader, article) that nobody has told."""
        every = {(one, str(n + 1)) for one in self.readers for n in range(len(self.titles))}
        every -= self._told(["accepted", "uncertain"])
        gone = self.recalled() if every else set()
        return {(one, number) for one, number in every if number not in gone}

    def recalled(self) -> set[str]:
        """Articles that are taken back."""
        known = select(t.article.c.title).join(t.recalled_article)
        with self.office.store.read() as connection:
            return numbers_of(connection.scalars(known))

    def uncertain(self) -> set[tuple[str, str]]:
        """(reader, article) of messages that are held, since nobody knows whether they arrived."""
        return self._told(["uncertain"])

    def _told(self, states: list[str], *only: ColumnElement[bool]) -> set[tuple[str, str]]:
        query = (
            select(t.subscriber.c.address, t.article.c.title)
            .select_from(t.told)
            .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
            .join(t.article, t.article.c.id == t.told.c.article_id)
            .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
            .where(t.delivery.c.state.in_(states), *only)
        )
        with self.office.store.read() as connection:
            rows = connection.execute(query).all()
        return {(address, one) for address, title in rows for one in numbers_of([title])}

    def is_collected(self) -> bool:
        """Whether all that the outlet wrote is known and judged; else it is due."""
        if self.known() >= {_OLD, *self.titles}:
            with self.office.store.read() as connection:
                return not story_rows.has_unjudged(connection)
        self._falls_due()
        return False

    async def _wait_for(self, holds: Callable[[], object]) -> None:
        try:
            await eventually(holds)
        except TimeoutError:
            raise AssertionError(
                f"not {holds.__name__} within {PATIENCE_S:.0f} s: {self}"
            ) from None

    def __str__(self) -> str:
        """How far everything has come."""
        with self.office.store.read() as connection:
            rows = [
                f"{table}: {[*map(tuple, connection.execute(select(*columns)).all()[:60])]}"
                for table, columns in {
                    "articles": (t.article_topic.c.article_id, t.article_topic.c.entered_at),
                    "cuts": (t.subscription.c.next_cut_at, t.subscription.c.covered_to),
                    "editions": (t.edition.c.cadence, t.edition.c.cut_at, t.edition.c.planned_at),
                    "deliveries": (t.delivery.c.state, t.delivery.c.next_try_at),
                }.items()
            ]
        said = [
            f"{file.name}: …{file.read_text()[-6000:]}"
            for file in sorted(self.office.config.parent.glob("*.err"))
        ]
        return "\n".join([f"untold {len(self.untold())}, kills {self.kills}", *rows, *said])

    def known(self) -> set[str]:
        """The headlines that are articles."""
        with self.office.store.read() as connection:
            return set(connection.execute(select(t.article.c.title)).scalars())

    def is_sending(self) -> bool:
        """Whether a message waits or is on its way."""
        return bool(_OPEN & set(self.office.states().values()))

    def _write(self, *titles: str) -> None:
        """Each has its own address, whatever else stands in the document."""
        items = "".join(
            f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title>"
            f"<link>https://bao.example/{crc32(title.encode())}</link></item>"
            for title in titles
        )
        document = f"<rss version='2.0'><channel><title>Báo</title>{items}</channel></rss>"
        self.outlets.pages["/rss"] = ("application/rss+xml", document.encode())
