"""Weeks of many readers who keep changing their minds, with kills between any two commits.

A model of our own keeps the score: every story that is news and entered a topic of a subscription
after it began is told to that reader exactly once, whatever happens in between.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store
from tests.levels import some
from tests.newsletter.newsroom import DAY, HOUR, TOPICS, Newsroom

DIGESTS = {
    "ngay": {
        "cadence": "daily",
        "cadences": ["immediate", "hourly", "daily", "weekly"],
        "quiet": {"hours": "22:00-06:00", "days": ["sun"]},
        "bundle": "40m",
    },
    "tuan": {
        "cadence": "weekly",
        "cadences": ["daily", "weekly", "0 18 * * 1,3,5"],
        "at": "18:00",
        "stories": {"min": 2, "max": 3, "per_source": 2},
        "holidays": ["2026-10-27/2026-10-28", "2026-11-02"],
    },
    "rieng": {"cadence": "daily", "scope": "rieng", "topics": ["giao-duc", "y-te"]},
}
HOURS = [None, "00:15", "07:00", "12:30", "23:45"]
ZONES = [None, "America/New_York", "Asia/Ho_Chi_Minh", "Pacific/Chatham"]
"""From 24 October on the clocks change in New York, and New Zealand is in its summer."""

pytestmark = pytest.mark.sampled

LONG = 90
"""Steps, in which everything that may happen has happened. A sample is shorter."""

START = datetime.fromisoformat("2026-10-24T00:00+00:00")


class Killed(BaseException):
    """The process is gone. Not an Exception: nothing may catch it."""


class Model:
    """Random days, and what each reader should have been told by their end."""

    def __init__(self, room: Newsroom, seed: int, readers: int) -> None:
        self.room, self.rng = room, random.Random(seed)
        self.stories: list[tuple[int, set[int], datetime, set[str]]] = []
        self.choices: dict[int, list[tuple[datetime, set[str] | None]]] = {}
        self.people: dict[int, tuple[str, str]] = {}
        self.paused: set[int] = set()
        self.kills = 0
        self.settled: Counter[str] = Counter()
        for number in range(readers):
            for digest in self.rng.sample(sorted(DIGESTS), self.rng.randint(1, 3)):
                self._subscribe(f"r{number}@example.vn", digest)

    def _subscribe(self, address: str, digest: str) -> None:
        topics = self._topics()
        begins = self.room.now + self.rng.random() * 2 * DAY
        subscription = self.room.subscribe(
            address, digest, begins=begins, topics=topics, **self._rhythm(digest)
        )
        self.people[subscription] = (address, digest)
        self.choices[subscription] = [(begins, topics and set(topics))]

    def _topics(self) -> list[str] | None:
        return self.rng.choice([None, *(self.rng.sample(TOPICS, n) for n in (1, 2))])

    def _rhythm(self, digest: str) -> dict[str, str | None]:
        written = DIGESTS[digest]
        return {
            "cadence": self.rng.choice(written.get("cadences", [written["cadence"]])),
            "hour": self.rng.choice(HOURS),
            "zone": self.rng.choice(ZONES),
        }

    def _news(self, number: int) -> None:
        topics = set(self.rng.sample(TOPICS, self.rng.randint(1, 2)))
        quiet = self.rng.random() < 0.1
        story, article = self.room.story(
            f"story {number}", *sorted(topics), quiet=quiet, source=f"bao-{number % 4}"
        )
        if not quiet:
            self.stories.append((story, {article}, self.room.now, topics))

    def _another_outlet(self, number: int) -> None:
        if not self.stories:
            return
        story, articles, _, topics = self.rng.choice(self.stories[-30:])
        _, article = self.room.story(
            f"story {story} again {number}", *sorted(topics), source="bao-lai", story=story
        )
        articles.add(article)

    def _change_of_mind(self) -> None:
        subscription = self.changing = self.rng.choice(sorted(self.people))
        what = self.rng.random()
        if what < 0.5:
            self.room.change(subscription, **self._rhythm(self.people[subscription][1]))
        elif what < 0.8:
            topics = self._topics()
            self.room.change(subscription, topics=topics)
            self.choices[subscription].append((self.room.now, topics and set(topics)))
        else:
            until = self.room.now + self.rng.choice([4 * HOUR, 2 * DAY, 9 * DAY])
            self.room.change(subscription, paused_until=until)
            self.paused.add(subscription)

    def step(self, number: int) -> None:
        """A quarter of an hour or some, something happens, and usually the jobs run."""
        self.room.now += timedelta(minutes=self.rng.choice([3, 15, 15, 40, 120, 600]))
        for one in range(self.rng.randint(0, 2)):
            self._news(number * 10 + one)
        if self.rng.random() < 0.3:
            self._another_outlet(number)
        if self.rng.random() < 0.2:
            self._change_of_mind()
        if self.rng.random() < 0.75:
            self.work(kill=self.rng.random() < 0.3)
        if self.rng.random() < 0.1:
            self._settle_some()

    def work(self, *, kill: bool = False) -> None:
        if kill:
            try:
                with mortal(self.room, self.rng.randint(1, 12)):
                    self.room.plan()
            except Killed:
                self.kills += 1
            return
        self.room.plan()
        mood = self.rng.random()
        if mood < 0.2:
            self.room.lose(self.rng.randint(1, 4))
        if mood < 0.6:
            self.room.accept()
        elif mood < 0.8:
            self.room.refuse(until=self.room.now + self.rng.choice([HOUR, 8 * HOUR]))

    def _settle_some(self) -> None:
        """An admin looks after what is uncertain, now and then, and never after all of it."""
        waiting = self.room.held()
        some = self.rng.sample(waiting, len(waiting) // 2)
        how = self.rng.choice(["resend", "drop", "untold"])
        self.room.settle(how, some)
        self.settled[how] += len(some)

    def finish(self) -> None:
        """Everybody's pause ends, the relay is well, and enough time passes for every cadence."""
        # Five weeks and a day: stories under `stories.min` wait for four, and then for a cut.
        rounds = some(24, 6)
        for _ in range(rounds):
            self.room.now += 36 * DAY / rounds
            self.room.plan()
            self.room.accept()

    def check(self) -> None:
        told = self._told()
        for subscription, (address, digest) in self.people.items():
            scope = DIGESTS[digest].get("scope", "news")
            counts = told[address, scope]
            for story, articles, entered_at, topics in self.stories:
                times = max((counts[article] for article in articles), default=0)
                deliveries = {
                    delivery
                    for article in articles
                    for delivery in self._by_article[address, scope, article]
                }
                assert times <= 1, f"{address} was told an article of story {story} {times} times"
                assert len(deliveries) <= 1, f"{address} was told story {story} in {deliveries}"
                if self._is_owed(subscription, digest, entered_at, topics):
                    assert deliveries, f"{address} {digest} was never told story {story}"

    def _is_owed(
        self, subscription: int, digest: str, entered_at: datetime, topics: set[str]
    ) -> bool:
        """Only what is certain: topics that were followed from before it came until the end."""
        if subscription in self.paused:
            return False
        history = self.choices[subscription]
        if entered_at < history[0][0]:
            return False
        offered = set(DIGESTS[digest].get("topics", TOPICS))
        ever = offered & topics
        before = [wanted for at, wanted in history if at <= entered_at][-1:]
        after = [wanted for at, wanted in history if at > entered_at]
        for wanted in [*before, *after]:
            if wanted is not None:
                ever &= wanted
        return bool(ever)

    def _told(self) -> dict[tuple[str, str], Counter[int]]:
        with self.room.store.read() as connection:
            rows = connection.execute(
                select(
                    t.subscriber.c.address, t.told.c.scope, t.told.c.article_id,
                    t.told.c.delivery_id, t.delivery.c.state,
                )
                .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
                .join(t.delivery, t.delivery.c.id == t.told.c.delivery_id)
            ).all()  # fmt: skip
        self._by_article: dict[tuple[str, str, int], set[int]] = _Sets()
        found: dict[tuple[str, str], Counter[int]] = _Counters()
        for address, scope, article, delivery, state in rows:
            # What is held, or was dropped, counts as told; what was dropped untold is not here.
            assert state in {"accepted", "uncertain", "dropped"}
            found[address, scope][article] += 1
            self._by_article[address, scope, article].add(delivery)
        return found


class _Sets(dict):
    def __missing__(self, key):
        return self.setdefault(key, set())


class _Counters(dict):
    def __missing__(self, key):
        return self.setdefault(key, Counter())


class mortal:  # noqa: N801 - reads as the statement that it is
    """Kill the process right before, or right after, the n-th commit of the ledger."""

    def __init__(self, room: Newsroom, commits: int, *, busy: bool = False) -> None:
        self.room, self.left, self.busy = room, commits, busy
        self.before = commits % 2 == 0

    def __enter__(self) -> None:
        self.real = self.room.store
        self.room.store = _Mortal(self.real, self, busy=self.busy)

    def __exit__(self, *_: object) -> None:
        self.room.store = self.real


class _Mortal:
    """A store whose process dies at a given commit: of the ledger, or of any if it is `busy`."""

    def __init__(self, real, fate: mortal, *, busy: bool = False) -> None:
        self._real, self._fate, self._busy = real, fate, busy

    def __getattr__(self, name):
        return getattr(self._real, name)

    def ledger(self):
        return _Transaction(self._real.ledger(), self._fate)

    def write(self):
        return _Transaction(self._real.write(), self._fate) if self._busy else self._real.write()


class _Transaction:
    def __init__(self, real, fate: mortal) -> None:
        self._real, self._fate = real, fate

    def __enter__(self):
        return self._real.__enter__()

    def __exit__(self, kind, error, trace):
        self._fate.left -= 1
        if self._fate.left == 0 and self._fate.before and kind is None:
            killed = Killed()
            self._real.__exit__(Killed, killed, None)  # rolled back: it never happened
            raise killed
        done = self._real.__exit__(kind, error, trace)
        if self._fate.left == 0 and kind is None:
            raise Killed
        return done


class InRoles(Model):
    """The same with a process a role on one PostgreSQL: all three are at work at once.

    Each has a store, randomness and deaths of its own, and is started again after each of these.
    """

    ROLES = ("collect", "web", "mail")

    def __init__(self, rooms: Sequence[Newsroom], seed: int, readers: int) -> None:
        self._role = threading.local()
        self._rooms = dict(zip(self.ROLES, rooms, strict=True))
        self._chances = {role: random.Random(f"{role} {seed}") for role in self.ROLES}
        self.deaths: Counter[str] = Counter()
        super().__init__(rooms[0], seed, readers)

    @property
    def role(self) -> str:
        """Of this thread; outside of the processes it is the first one's."""
        return getattr(self._role, "name", self.ROLES[0])

    @property
    def room(self) -> Newsroom:
        return self._rooms[self.role]

    @room.setter
    def room(self, _room: Newsroom) -> None:
        """Each role has its own."""

    @property
    def rng(self) -> random.Random:
        return self._chances[self.role]

    @rng.setter
    def rng(self, _rng: random.Random) -> None:
        """The same."""

    def step(self, number: int) -> None:
        """A quarter of an hour or some, and each process does what it has to, all at once."""
        now = self.room.now + timedelta(minutes=self.rng.choice([3, 15, 15, 40, 120, 600]))
        for room in self._rooms.values():
            room.now = now
        does = {"collect": self._collects, "web": self._answers, "mail": self._mails}
        with ThreadPoolExecutor(len(does)) as processes:
            for done in [processes.submit(self._lives, role, does[role], number) for role in does]:
                done.result()

    def finish(self) -> None:
        self._role.name = "mail"
        super().finish()
        self.kills = min(self.deaths[role] for role in self.ROLES)

    def _lives(self, role: str, work: Callable[[int], None], number: int) -> None:
        self._role.name = role
        try:
            if self.rng.random() < 0.3:
                with mortal(self.room, self.rng.randint(1, 12 if role == "mail" else 2), busy=True):
                    work(number)
            else:
                work(number)
        except Killed:
            self.deaths[role] += 1
            if role == "web":  # nobody was told whether what this reader chose was kept
                self.paused.add(self.changing)

    def _collects(self, number: int) -> None:
        for one in range(self.rng.randint(0, 2)):
            self._news(number * 10 + one)
        if self.rng.random() < 0.3:
            self._another_outlet(number)

    def _answers(self, _number: int) -> None:
        if self.rng.random() < 0.5:
            self._change_of_mind()

    def _mails(self, _number: int) -> None:
        if self.rng.random() < 0.75:
            self.work()
        if self.rng.random() < 0.1:
            self._settle_some()


@pytest.mark.parametrize("seed", range(some(3, 1)))
def test_weeks_of_readers_on_sqlite(store, tmp_path, seed):
    walk(
        Model(Newsroom(store, tmp_path, DIGESTS, now=START), seed, readers=some(10, 4)),
        steps=some(130, 36),
    )


@pytest.mark.postgres
@pytest.mark.soak  # with a process a role they live on PostgreSQL as well
def test_weeks_of_readers_on_postgres(postgres_database, tmp_path):
    store = Store(postgres_database)
    walk(
        Model(Newsroom(store, tmp_path, DIGESTS, now=START), 99, readers=6),
        steps=90,
    )
    store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(some(3, 1)))
def test_weeks_of_readers_with_a_process_a_role(postgres_database, tmp_path, seed):
    stores = [Store(postgres_database) for _ in InRoles.ROLES]
    rooms = [Newsroom(store, tmp_path, DIGESTS, now=START) for store in stores]
    walk(InRoles(rooms, seed, readers=some(6, 3)), steps=some(130, 30))
    for store in stores:
        store.close()


def walk(model: Model, steps: int) -> None:
    for number in range(1, steps + 1):
        model.step(number)
    model.finish()
    model.check()
    assert model.kills
    assert len(model.stories) > steps / 2
    if steps < LONG:
        return
    assert min(model.settled[how] for how in ("resend", "drop", "untold")) > 0
    assert model.room.held()  # and some were never settled
