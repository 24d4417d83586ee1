"""Promise 2 across outlets: stories merge and split between editions, and nobody is told twice."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import select

from service.curate import identity
from service.curate.judging import Judge
from service.store import tables as t
from service.store.content import merges, story_rows
from tests.curate.stories.test_engine import AGAIN, FLOOD, MUSEUM, strangers
from tests.curate.test_judging import THIRD, WINDOW, stopping
from tests.levels import some
from tests.newsletter.newsroom import DAY, HOUR, MONDAY, TOPICS, Newsroom
from tests.newsletter.test_model import Killed, mortal

DIGESTS = {
    "gio": {"cadence": "hourly", "stories": {"max": 3}},
    "ngay": {"cadence": "daily"},
    "rieng": {"cadence": "daily", "scope": "rieng", "topics": ["giao-duc", "y-te"]},
}


class Days:
    """Random news whose stories are judged anew all the time, and who was told what of it.

    Before each run it is written down which articles tell one story by then. Whoever is told one
    of them must not have been told another, and whatever was news is told, or was passed over in
    a story that was told.
    """

    def __init__(self, room: Newsroom, seed: int) -> None:
        self.room, self.rng, self.number = room, random.Random(seed), 0
        self.fine: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        self.told: defaultdict[tuple[int, str], set[int]] = defaultdict(set)
        self.ops = dict.fromkeys(("merge", "split", "same", "passed", "killed"), 0)
        for address, digest, topics in (
            ("a@example.vn", "gio", None),
            ("a@example.vn", "ngay", None),
            ("a@example.vn", "rieng", None),
            ("b@example.vn", "ngay", ["y-te"]),
            ("b@example.vn", "gio", ["giao-duc", "van-hoa"]),
        ):
            room.subscribe(address, digest, topics=topics)

    def homes(self) -> dict[int, int]:
        with self.room.store.read() as connection:
            return dict(map(tuple, connection.execute(select(
                t.story_article.c.article_id, t.story_article.c.story_id
            ))))  # fmt: skip

    def roots(self) -> dict[int, int]:
        with self.room.store.read() as connection:
            rows = connection.execute(select(t.article.c.id, t.article.c.merged_into))
            return {row.id: row.merged_into or row.id for row in rows}

    def step(self) -> None:
        self.room.now += self.rng.choice([5, 20, 40]) * timedelta(minutes=1)
        for _ in range(self.rng.randint(0, 2)):
            self.number += 1
            topics = self.rng.sample(TOPICS, self.rng.randint(1, 2))
            self.room.story(f"tin {self.number}", *topics, source=f"bao-{self.number % 5}")
        if self.rng.random() < 0.6:
            self.judge()
        if self.rng.random() < 0.2:  # frozen, and judged anew before it is planned
            try:
                with mortal(self.room, self.rng.randint(1, 6)):
                    self.room.plan()
            except Killed:
                self.ops["killed"] += 1
            self.look()
            self.judge()
        self.plan()
        if self.rng.random() < 0.7:
            self.room.accept()

    def plan(self) -> None:
        """Plan what is due. Nobody is left waiting: the ledger refuses what was told before."""
        self.room.plan()
        with self.room.store.read() as connection:
            cuts = connection.scalars(select(t.subscription.c.next_cut_at)).all()
        assert min(cuts) > self.room.now
        self.look()

    def judge(self) -> None:
        """Two stories become one, a story loses some of its articles, or two articles were one."""
        homes = self.homes()
        recent = sorted(homes)[-25:]
        if len(recent) < 3:
            return
        what = self.rng.choice(["merge", "merge", "split", "same"])
        one, other = self.rng.sample(recent, 2)  # the younger story may be the one that stays
        with self.room.store.write() as connection:
            if what == "merge":
                story_rows.place(
                    connection,
                    {a: homes[one] for a, home in homes.items() if home == homes[other]},
                )
            elif what == "same":
                roots = self.roots()
                if roots[one] != roots[other]:
                    merges.merge(connection, *sorted((roots[one], roots[other])))
            else:
                members = [a for a, home in homes.items() if home == homes[one]]
                roots = self.roots()
                away = {roots[a] for a in self.rng.sample(members, len(members) // 2)}
                if away and len({roots[a] for a in members}) > len(away):
                    self.number += 1
                    name = identity.public_id("split", self.number)
                    fresh = story_rows.begin(connection, name, min(away), self.room.now)
                    story_rows.place(connection, dict.fromkeys(away, fresh))
        self.ops[what] += 1

    def look(self) -> None:
        """What was told since the last look, by the stories of now."""
        homes, roots = self.homes(), self.roots()
        with self.room.store.read() as connection:
            rows = connection.execute(select(
                t.told.c.subscriber_id, t.told.c.scope, t.told.c.article_id, t.told.c.delivery_id
            )).all()  # fmt: skip
        before = {key: set(articles) for key, articles in self.told.items()}
        fresh: dict[tuple[int, str], dict[int, set[int]]] = {}
        for who, scope, article, delivery in rows:
            if article not in before.get((who, scope), ()):
                self.told[who, scope].add(article)
                news = fresh.setdefault((who, scope), {})
                news.setdefault(homes[article], set()).add(delivery)
        for key, stories in fresh.items():
            known = {homes[a] for a in before.get(key, ())} | {
                homes[roots[a]] for a in before.get(key, ())
            }
            again = known & stories.keys()
            assert not again, f"{key} was told stories {again} once more"
            twice = {one: mails for one, mails in stories.items() if len(mails) > 1}
            assert not twice, f"{key} got stories in two mails of one run: {twice}"
        for key, articles in self.told.items():
            stories = {homes[a] for a in articles}
            passed = {a for a, home in homes.items() if home in stories} - articles
            self.ops["passed"] += len(passed - self.fine[key])
            self.fine[key] |= passed | articles


@pytest.mark.sampled
@pytest.mark.parametrize("seed", range(some(4, 1)))
def test_what_was_told_stays_told_while_stories_merge_and_split(any_store, tmp_path, seed):
    room = Newsroom(any_store, tmp_path, DIGESTS, now=MONDAY)
    days = Days(room, seed)
    for _ in range(some(160, 32)):
        days.step()
    for _ in range(some(15, 8)):
        room.now += 4 * HOUR
        days.plan()
        room.accept()
    room.now += DAY
    assert min(days.ops.values()) > 0, days.ops
    every = set(days.homes())
    for (who, scope), fine in days.fine.items():
        if who == 1 and scope == "news":  # follows every topic
            assert every - fine == set(), f"never told: {every - fine}"


def test_an_edition_that_is_frozen_while_stories_are_first_judged_loses_and_repeats_nothing(
    any_store, tmp_path
):
    room = Newsroom(
        any_store, tmp_path, {"tuan": {"cadence": "daily", "stories": {"max": 40}}}, now=MONDAY
    )
    room.subscribe()
    news = [FLOOD, *strangers(100)[:21], AGAIN]  # more than one batch
    for title, text in news:
        room.story(title, lead=text)
    judge = stopping(Judge())
    judge.run(room.store, WINDOW, room.now)
    room.run(room.now + DAY)
    assert sorted(room.titles()) == sorted(title for title, _ in news)
    room.story(THIRD[0], lead=THIRD[1])
    room.story(MUSEUM[0], lead=MUSEUM[1])
    assert Judge().run(room.store, WINDOW, room.now).moved == 2
    room.run(room.now + DAY)
    assert room.mails()[1:] == [[MUSEUM[0]]]
