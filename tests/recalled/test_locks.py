"""A recall beside all else that writes of mails, readers and editions, on PostgreSQL: no deadlock.

Who waits for a row holds others meanwhile, so all must take them in one order (docs/decisions/084).
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import select, text

from service.audience.forgetting import forget
from service.curate.stories import recalling
from service.errors import ConflictError, StoryError, TemplateError
from service.mail.outbox import Outbox
from service.mail.returned import intake
from service.mail.returned.intake import OpenedMail
from service.mail.returned.model import ReturnedKind, ReturnedMail, ReturnedRecipient
from service.mail.returned.return_path import ReturnKey, ReturnPaths
from service.model import DeliveryState, ReviewAct
from service.newsletter.recalled.corrections import plan_corrections
from service.newsletter.recalled.remaking import remake
from service.newsletter.review.acts import ReviewWish, act
from service.newsletter.run import plan_due
from service.store import clock_repair
from service.store import tables as t
from service.store.core import facts
from service.store.mailing import claims, deliveries, outcomes, resending
from service.store.mailing.outcomes import DeliveryOutcome
from tests.levels import some
from tests.mail import stock
from tests.mail.returned.test_lock_order import beside
from tests.newsletter.editors import LAN
from tests.newsletter.newsroom import HOUR, MONDAY
from tests.recalled.desk import Desk
from tests.running import until

READERS, STORIES = 24, 12
LASTS_S = some(4.0, 2.0)
MOST_TRIES = 20
WAITS = (
    "SELECT EXISTS (SELECT FROM pg_locks"
    " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
)
"""Whether somebody waits for a lock of who asks: other tests have locks on this server too."""

_POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)
_S = DeliveryState


@pytest.mark.parametrize("any_store", [_POSTGRES], indirect=True)
def test_nothing_waits_in_a_circle(any_store, tmp_path):
    desk = Desk(
        any_store,
        tmp_path,
        {
            "tuan": {"cadence": "hourly", "review": "30m", "editors": [LAN]},
            "ngay": {"cadence": "hourly"},
        },
    )
    for number in range(READERS):
        for digest in ("tuan", "ngay"):
            desk.subscribe(f"n{number}@example.vn", digest)
    articles = [
        desk.story(f"Tin số {number} của hôm nay", at=MONDAY - HOUR + number * HOUR / 4)[1]
        for number in range(STORIES)
    ]
    desk.plan(MONDAY - HOUR)
    found = Crowd(desk, articles).run(LASTS_S)
    assert found["deadlocks"] == []
    assert min(found["rounds"].values()) > 0, found
    assert found["others"] == []


@pytest.mark.parametrize("any_store", [_POSTGRES], indirect=True)
def test_who_makes_mails_anew_holds_no_segment_while_a_sender_has_its_mails(any_store, tmp_path):
    """Two segments become one: of the first its mails go, while the second is made anew."""
    desk = Desk(any_store, tmp_path, {"tuan": {"cadence": "daily"}})
    desk.subscribe()
    desk.subscribe("an@example.vn", topics=["van-hoa", "y-te"])
    _, one = desk.story("Lũ lớn", "giao-duc", "van-hoa", at=MONDAY - HOUR)
    desk.story("Thuốc mới", "y-te", at=MONDAY - 2 * HOUR)
    desk.plan(MONDAY)
    desk.recall(one)
    last = desk.rows(t.stale_segment)[-1].segment_id
    assert len(desk.rows(t.stale_segment)) == 2
    made = threading.Thread(target=desk.remake)
    with desk.store.ledger() as connection:
        its = select(t.delivery.c.id).where(t.delivery.c.segment_id == last)
        connection.execute(its.with_for_update()).all()
        made.start()
        until(lambda: connection.scalar(text(WAITS)) or not made.is_alive())
        assert made.is_alive()
        connection.execute(select(t.segment.c.id).with_for_update(nowait=True)).all()
    made.join()
    assert len({row.segment_id for row in desk.rows(t.delivery)}) == 1


@pytest.mark.parametrize("any_store", [_POSTGRES], indirect=True)
@pytest.mark.parametrize("what", ["planned again", "held", "too late", "by a clock ahead"])
def test_who_changes_many_mails_waits_for_the_first_and_has_none_of_the_others(
    any_store, now, what
):
    first, *rest = stock.fill(any_store, now, [f"{n}@example.vn" for n in range(3)]).deliveries
    ago, ahead = now - HOUR, now + 9 * HOUR
    uncertain = {"state": _S.UNCERTAIN.value, "resend_at": ago}
    changes = {
        "planned again": (uncertain, {**uncertain, "expires_at": ago}),
        "held": (uncertain, uncertain),
        "too late": ({"expires_at": ago}, {"expires_at": ago, "resends": 1}),
        "by a clock ahead": ({**uncertain, "resend_at": ahead}, {"next_try_at": ahead}),
    }
    of_first, of_rest = changes[what]

    def work() -> None:
        with any_store.ledger() as connection:
            if what == "too late":
                deliveries.expire(connection, now)
            elif what == "by a clock ahead":
                clock_repair.repair(connection, now, HOUR)
            else:
                resending.plan_again(connection, now, None, again=what == "planned again")

    c = t.delivery.c
    with any_store.ledger() as connection:
        connection.execute(t.delivery.update().where(c.id.in_(rest)).values(of_rest))
        # Written last, it lies behind the others.
        connection.execute(t.delivery.update().where(c.id == first).values(of_first))
    with any_store.ledger() as connection:
        connection.execute(select(c.id).where(c.id == first).with_for_update()).all()
        with beside(any_store, work) as working:
            others = select(c.id).where(c.id.in_(rest)).with_for_update(nowait=True)
            assert len(connection.execute(others).all()) == len(rest)
            connection.commit()
    working.result()


class Crowd:
    """Everybody who writes, each again and again in a thread, against one clock that goes on."""

    def __init__(self, desk: Desk, articles: list[int]) -> None:
        self.desk, self.store = desk, desk.store
        self.links = [desk.link(one) for one in articles]
        self.random = random.Random(7)
        self.now = MONDAY
        self.over, self.mailed = threading.Event(), threading.Event()
        self.numbers = itertools.count()
        with self.store.read() as connection:
            self.secret = facts.secret(connection)

    def run(self, lasts_s: float) -> dict:
        work: dict[str, Callable[[], object]] = {
            "recall": self.recall, "plan": self.plan, "send": self.send, "send too": self.send,
            "sweep": self.sweep, "make anew": self.remake, "correct": self.correct,
            "bounces": self.returned, "review": self.review, "forget": self.forget,
        }  # fmt: skip
        over, deadlocks, others = self.over, [], []
        rounds = dict.fromkeys(work, 0)

        def again(name: str) -> None:
            for tries in itertools.count():
                if over.is_set() and (rounds[name] or tries >= MOST_TRIES):
                    return  # on a slow machine each has had its turn all the same
                try:
                    work[name]()
                    rounds[name] += 1
                except ConflictError:
                    pass  # a race for one reader, which its own next run settles
                except Exception as error:  # noqa: BLE001 - whatever comes is looked at
                    told = f"{name}: {error}: {error.__cause__}"[:1500]
                    (deadlocks if "deadlock" in told else others).append(told)

        with self.store.write() as connection:
            base = connection.scalar(text("SELECT current_database()"))
            connection.execute(text(f"ALTER DATABASE {base} SET deadlock_timeout = '30ms'"))
        self.store.engine.dispose()  # each connection from now on finds a circle at once
        threads = [threading.Thread(target=again, args=(name,)) for name in work]
        try:
            for one in threads:
                one.start()
            over.wait(lasts_s)
            over.set()
            for one in threads:
                one.join()
        finally:  # the next test gets the database and its connections
            with self.store.write() as connection:
                connection.execute(text(f"ALTER DATABASE {base} RESET deadlock_timeout"))
            self.store.engine.dispose()
        return {"deadlocks": deadlocks, "others": others, "rounds": rounds}

    # -- who writes -------------------------------------------------------------------------------

    def recall(self) -> None:
        """One that many are just being mailed; for each that came through, or nothing would."""
        if not self.mailed.wait(0.1):
            return
        self.mailed.clear()
        link, now = self.random.choice(self.links[-6:]), self.now
        with suppress(StoryError), self.store.ledger() as connection:
            recalling.recall(connection, link, "sai", "lan", now)
        if self.random.random() < 0.5:
            with suppress(StoryError), self.store.ledger() as connection:
                recalling.undo(connection, link, "lan", self.now)

    def plan(self) -> None:
        """The clock goes on by an hour, and all readers have a mail to come."""
        desk = self.desk
        for _ in range(2):
            title = f"Tin mới số {next(self.numbers)} của hôm nay"
            self.links.append(desk.link(desk.story(title, at=self.now)[1]))
        self.now += HOUR
        if plan_due(self.store, desk.settings, desk.renderer, self.now).deliveries:
            self.mailed.set()

    def send(self) -> None:
        """Batches, and what becomes of each mail by chance."""
        owner, now = threading.current_thread().name, self.now
        with self.store.ledger() as connection:
            claimed = claims.claim(connection, owner, now, 15).claimed
        made_of = {one.id: one.segment_id for one in claimed}
        with self.store.ledger() as connection:
            claims.renew(connection, owner, now)
        self.random.shuffle(claimed)
        with self.store.ledger() as connection:
            relays = {one.id: "relay" for one in claimed[:12]}
            passed = claims.mark_sending(connection, owner, now, relays, made_of).passed
        ends = list(passed)
        self.random.shuffle(ends)
        with self.store.ledger() as connection:
            if waits := {one.id: now + HOUR / 6 for one in claimed[12:]}:
                outcomes.wait(connection, owner, waits)
        with self.store.ledger() as connection:
            claims.unclaim(connection, owner, [one.id for one in claimed[10:]])
        with self.store.ledger() as connection:
            outcomes.settle(connection, owner, now, [self.outcome(one, now) for one in ends])

    def outcome(self, delivery: int, now) -> DeliveryOutcome:
        state = self.random.choice([_S.ACCEPTED, _S.ACCEPTED, _S.DEFERRED, _S.UNCERTAIN,
                                    _S.REJECTED])  # fmt: skip
        later = now + HOUR / 20 if state is _S.DEFERRED else None
        untell = state is _S.REJECTED
        return DeliveryOutcome(delivery, state, "relay", "a@b.vn said so", later, untell=untell)

    def sweep(self) -> None:
        now = self.now
        with self.store.ledger() as connection:
            deliveries.expire(connection, now)
        with self.store.ledger() as connection:
            waiting = t.delivery.c.state == _S.UNCERTAIN.value
            resending.plan_those(connection, waiting, now=now)
        with self.store.ledger() as connection:
            resending.plan_again(connection, now, None, again=True)
        with self.store.ledger() as connection:
            outcomes.postpone(connection, now, now + HOUR / 60, "no relay")
        with self.store.read() as connection:
            lapsed = [one.id for one in outcomes.lapsed(connection, now)]
        with self.store.ledger() as connection:
            outcomes.settle_lapsed(connection, lapsed, now, _S.UNCERTAIN, "lost", again=True)

    def remake(self) -> None:
        with suppress(TemplateError):
            remake(self.store, self.desk.settings, self.desk.renderer, self.now)

    def correct(self) -> None:
        with self.store.write() as connection:
            connection.execute(t.correction.update().values(alone_at=MONDAY))
        plan_corrections(self.store, self.desk.settings, self.desk.renderer, self.now)

    def returned(self) -> None:
        """Bounces of any deliveries, some of them hard."""
        with self.store.read() as connection:
            rows = connection.execute(
                select(t.delivery.c.id, t.delivery.c.message_id, t.subscriber.c.address)
                .join(t.subscription, t.subscription.c.id == t.delivery.c.subscription_id)
                .join(t.subscriber, t.subscriber.c.id == t.subscription.c.subscriber_id)
                .where(t.subscriber.c.address.is_not(None))
            ).all()
        paths = ReturnPaths("tra@example.vn", self.secret)
        mails = []
        for row in self.random.sample(rows, min(4, len(rows))):
            said = ReturnedRecipient(
                row.address, failed=True, hard=False, status="4.2.2", reason="full"
            )
            path = paths.of(row.id, row.message_id, row.address)
            key = ReturnKey(row.id, path.partition("@")[0].rpartition("-")[2])
            mails.append(OpenedMail(ReturnedMail(ReturnedKind.BOUNCE, (said,)), (key,)))
        intake.take(self.store, self.now, mails)

    def review(self) -> None:
        with self.store.read() as connection:
            links = connection.execute(
                select(t.review_link.c.token, t.review.c.version, t.review_link.c.edition_id)
                .join(t.review, t.review.c.edition_id == t.review_link.c.edition_id)
                .order_by(t.review_link.c.edition_id.desc())
            ).all()
            if not links:
                return
            stories = list(connection.scalars(
                select(t.story.c.public_id)
                .join(t.edition_story, t.edition_story.c.story_id == t.story.c.id)
                .where(t.edition_story.c.edition_id == links[0].edition_id)
            ))  # fmt: skip
        for do in (ReviewAct.DROP, ReviewAct.RESTORE):
            wish = ReviewWish(links[0].version, do, self.random.choice([*stories, ""]))
            act(self.store, self.desk.settings, self.desk.renderer, self.now, links[0].token, wish)

    def forget(self) -> None:
        address = f"quen{next(self.numbers)}@example.vn"
        self.desk.subscribe(address, "ngay")
        number = self.random.randrange(READERS * 3)
        who = f"n{number}@example.vn" if number < READERS // 4 else address
        forget(self.store, self.now, who, Outbox(self.desk.root / "var" / "outbox"))
