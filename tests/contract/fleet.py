"""A service of many processes: roles that are started, killed at random, and started again."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zlib import crc32

from sqlalchemy import select, update

from service.model import CadenceRule
from service.newsletter.rules import Schedule
from service.store import tables as t
from tests.contract.mail.office import Office
from tests.contract.way import Outlets, parsed, text_of
from tests.mail import stock
from tests.mail.relays import Sink
from tests.running import HASTY, Process, eventually, started

ROLES = ("web", "collect", "collect-2", "mail")

AT_ONCE = Schedule(CadenceRule("immediate"), "UTC").text
"""Whoever has this rule already is cut when `next_cut_at` says so, and not before."""

_OLD = "Chuyện cũ"
_OPEN = {"planned", "claimed", "sending", "deferred"}
_LETTERS = "bcdghklmnpqrstvxaeiou"

_TITLE = re.compile(r"Giáo dục số (\d+)")
_PATIENCE_S = 240.0
_GRID = timedelta(minutes=6)
"""Immediate cuts stand five minutes apart: what came in before this stands in the latest."""


@dataclass
class Fleet:
    """Processes on one PostgreSQL, an outlet that goes on writing, and readers."""

    office: Office
    outlets: Outlets
    relay: Sink
    readers: list[str]
    random: random.Random
    names: tuple[str, ...] = ROLES
    processes: dict[str, Process] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    kills: int = 0

    def begin(self) -> None:
        """Subscribers are there, and the outlet's first document, which is old."""
        self._write(_OLD)
        now = datetime.now(UTC) - timedelta(seconds=1)
        stock.fill(self.office.store, now, self.readers)
        with self.office.store.write() as connection:
            values = {
                "cadence": "immediate",
                "rule": AT_ONCE,
                "next_cut_at": now + timedelta(days=1),
            }
            connection.execute(update(t.subscription).values(values))
        for name in self.names:
            self.start(name)

    def start(self, name: str) -> None:
        role, _, _ = name.partition("-")
        with (self.office.config.parent / f"{name}.err").open("ab") as err:
            self.processes[name] = started(
                [str(HASTY), str(self.office.config), role, name],
                cwd=self.office.config.parent, err=err.fileno(),
            )  # fmt: skip

    async def kill(self, name: str) -> None:
        """With no chance to say anything, and started again."""
        process = self.processes.pop(name)
        process.send_signal(9)
        await asyncio.to_thread(process.wait)
        self.kills += 1
        self.start(name)

    async def end(self) -> None:
        for process in self.processes.values():
            process.send_signal(15)
        for process in self.processes.values():
            await asyncio.to_thread(process.wait)

    async def live(self, kills: int, pause_s: float) -> None:
        """News go on while one process after another is killed."""
        wanted = self.kills + kills
        while self.kills < wanted:
            self.news()
            await asyncio.sleep(self.random.uniform(0, pause_s))
            await self.kill(self.random.choice(self.names))

    def news(self) -> None:
        """One more article, and the outlet is due."""
        words = " ".join("".join(self.random.choices(_LETTERS, k=7)) for _ in range(9))
        self.titles.append(f"Giáo dục số {len(self.titles) + 1} {words}")
        self._write(*self.titles[-500:], _OLD)
        now = datetime.now(UTC)
        with self.office.store.write() as connection:
            connection.execute(update(t.source_poll).values(next_poll_at=now))

    def cut(self) -> None:
        """Everybody's next edition is due, and all that is known belongs to it."""
        before = datetime.now(UTC) - _GRID
        with self.office.store.ledger() as connection:
            late = t.article_topic.c.entered_at > before
            connection.execute(update(t.article_topic).where(late).values(entered_at=before))
            connection.execute(
                update(t.subscription).values(next_cut_at=datetime.now(UTC) - timedelta(seconds=1))
            )

    async def collected(self) -> None:
        """Wait until all that the outlet wrote is known."""
        await eventually(self._collected, _PATIENCE_S)

    async def settled(self) -> None:
        """Wait until everybody was told everything, and no message waits."""
        await eventually(self.is_settled, _PATIENCE_S)

    def is_settled(self) -> bool:
        """Whether everybody was told everything, and no message waits."""
        return not self._untold() and not self.is_sending()

    def received(self) -> Counter[tuple[str, str]]:
        """(reader, article) -> how often the relay took it."""
        return Counter(
            (one.recipient, number)
            for one in self.relay.received
            for number in set(_TITLE.findall(text_of(parsed(one.data))))
        )

    def uncertain(self) -> set[tuple[str, str]]:
        """(reader, article) of messages that are held, since nobody knows whether they arrived."""
        return self._told(["uncertain"])

    def _told(self, states: list[str]) -> set[tuple[str, str]]:
        query = (
            select(t.subscriber.c.address, t.article.c.title)
            .select_from(t.told)
            .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
            .join(t.article, t.article.c.id == t.told.c.article_id)
            .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
            .where(t.delivery.c.state.in_(states))
        )
        with self.office.store.read() as connection:
            rows = connection.execute(query).all()
        return {(address, found[1]) for address, title in rows if (found := _TITLE.search(title))}

    def _collected(self) -> bool:
        if self._known() >= {_OLD, *self.titles}:
            return True
        with self.office.store.write() as connection:
            connection.execute(update(t.source_poll).values(next_poll_at=datetime.now(UTC)))
        return False

    def _known(self) -> set[str]:
        with self.office.store.read() as connection:
            return set(connection.execute(select(t.article.c.title)).scalars())

    def is_sending(self) -> bool:
        """Whether a message waits or is on its way."""
        return bool(_OPEN & set(self.office.states().values()))

    def _untold(self) -> bool:
        told = self._told(["accepted", "uncertain"])
        return len(told) < len(self.readers) * len(self.titles)

    def _write(self, *titles: str) -> None:
        """Each has its own address, whatever else stands in the document."""
        items = "".join(
            f"<item><guid isPermaLink='false'>{title}</guid><title>{title}</title>"
            f"<link>https://bao.example/{crc32(title.encode())}</link></item>"
            for title in titles
        )
        document = f"<rss version='2.0'><channel><title>Báo</title>{items}</channel></rss>"
        self.outlets.pages["/rss"] = ("application/rss+xml", document.encode())
