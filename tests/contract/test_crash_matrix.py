"""Promise 3: every delivery is accounted for, after `kill -9` at any point.

The service is killed at every commit of planning and sending, between any two steps of sending, and
at every reply of the relay. A second start, after the lease of the first has lapsed, finishes.
By default each commit, step and reply has its turn once; the whole matrix has each on both sides
and several times.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.curate.judging import BATCH
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS
from service.store.mailing import resending
from service.store.sources import registry
from tests import builders, levels
from tests.contract.plug import NEVER, Case, Moment, fork_server, run, settings_of, start
from tests.curate.stories.test_engine import FLOOD, MUSEUM
from tests.mail.relays import Sink

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # Tuesday; the cut was Monday 07:00 in Viet Nam
CUT = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
PEOPLE = [f"nguoi-{n}@example.vn" for n in range(4)]
NO_NEWS = "y-te-thoi@example.vn"
NEWS = 3
LATER = LASTS + timedelta(seconds=1)


def prepare(url: str, root: Path) -> None:
    """Readers of a weekly digest, news of last week in one of its topics, nothing planned yet."""
    store = Store(url)
    with store.write() as connection:
        long_ago = NOW - timedelta(days=30)
        registry.register(connection, settings_of(root), long_ago, retire=True)
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "giao-duc")
        ).scalar()
        digest = connection.execute(select(t.digest.c.id)).scalar()
        source = builders.add_source(connection, long_ago)
        for n in range(NEWS):
            builders.add_story(
                connection, source=source, topics=[topic], title=f"Tin {n}",
                entered_at=CUT - timedelta(days=2, hours=n),
            )  # fmt: skip
        for address in PEOPLE:
            builders.add_subscription(
                connection, digest=digest, starts_at=CUT - timedelta(days=10), address=address
            )
        builders.add_subscription(
            connection, digest=digest, starts_at=CUT - timedelta(days=10), address=NO_NEWS,
            topics=["y-te"],
        )  # fmt: skip
    store.close()


pytestmark = pytest.mark.sampled


@pytest.fixture(scope="module", autouse=True)
def server():
    with fork_server():
        yield


@pytest.fixture(scope="module")
def pattern(tmp_path_factory, sqlite_pattern):
    """A prepared SQLite database to copy."""
    folder = tmp_path_factory.mktemp("crash")
    url = f"sqlite:///{folder}/pattern.db"
    shutil.copy(sqlite_pattern, folder / "pattern.db")
    prepare(url, folder)
    store = Store(url)
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return folder / "pattern.db"


@pytest.fixture
def case(tmp_path, pattern):
    shutil.copy(pattern, tmp_path / "bantin.db")
    return Case(f"sqlite:///{tmp_path}/bantin.db", tmp_path, NOW, "first", None)


@dataclass
class Rows:
    """What the store says."""

    deliveries: dict[str, str]  # message id -> state
    told: dict[int, set[int]]  # delivery id -> articles
    ids: dict[str, int]
    windows: dict[str, tuple[datetime, datetime]]  # address -> covered_to, next_cut_at
    owner_of: dict[str, str]  # message id -> address


def rows(url: str) -> Rows:
    store = Store(url)
    with store.read() as connection:
        people = connection.execute(
            select(t.subscription.c.id, t.subscriber.c.address, t.subscription.c.covered_to,
                   t.subscription.c.next_cut_at)
            .join(t.subscriber)
        ).all()  # fmt: skip
        found = connection.execute(select(t.delivery)).all()
        told = connection.execute(select(t.told)).all()
    store.close()
    address = {row.id: row.address for row in people}
    by_delivery: dict[int, set[int]] = {}
    for row in told:
        by_delivery.setdefault(row.delivery_id, set()).add(row.article_id)
    return Rows(
        deliveries={row.message_id: row.state for row in found},
        told=by_delivery,
        ids={row.message_id: row.id for row in found},
        windows={row.address: (row.covered_to, row.next_cut_at) for row in people},
        owner_of={row.message_id: address[row.subscription_id] for row in found},
    )


def handed_over(sink: Sink) -> Counter[str]:
    """Message id -> how often the relay has recorded it."""
    return Counter(message_from_bytes(one.data)["Message-ID"].strip("<>") for one in sink.received)


def written(root: Path) -> Counter[str]:
    """The same for the outbox."""
    return Counter(
        message_from_bytes(path.read_bytes())["Message-ID"].strip("<>")
        for folder in ("new", "cur")
        for path in (root / "var" / "outbox" / folder).glob("*")
    )


def every_record_has_its_row(url: str, recorded: Counter[str]) -> None:
    """Promise 3(b), which holds at every instant, dead or alive."""
    found = rows(url)
    for message_id in recorded:
        assert found.deliveries[message_id] in {"accepted", "sending", "uncertain"}


def all_is_accounted_for(url: str, recorded: Counter[str], *, uncertain: int) -> None:
    """Promise 3 and 2 once a second start has finished."""
    found = rows(url)
    assert sorted(found.owner_of.values()) == PEOPLE  # (a) everyone with news has one delivery
    covered, _ = found.windows[NO_NEWS]  # (a) or has moved on with nothing to tell
    assert covered >= CUT
    assert all(next_cut > NOW for _, next_cut in found.windows.values())
    states = Counter(found.deliveries.values())
    assert states["uncertain"] <= uncertain
    assert states["accepted"] + states["uncertain"] == len(PEOPLE)
    for message_id, state in found.deliveries.items():
        if state == "accepted":
            assert recorded[message_id] == 1  # (c)
        else:
            assert recorded[message_id] <= 1
        assert len(found.told[found.ids[message_id]]) == NEWS
    assert set(found.told) == set(found.ids.values())  # nothing is told without a delivery
    every_record_has_its_row(url, recorded)


async def through_a_relay(
    case: Case, *, script=lambda _s, _w: None, uncertain: int = 2, third: bool = levels.WHOLE
) -> bool:
    """Kill and finish; whether the moment ever came. `third`: start once more, for nothing."""
    async with Sink() as sink:
        process = None

        def at(step: str, who: str) -> None:
            if process is not None and script(step, who):
                os.kill(process.pid, signal.SIGKILL)

        sink.script = at
        process = start(replace(case, port=sink.port))
        await asyncio.to_thread(process.join, 60)
        killed = process.exitcode == -signal.SIGKILL
        assert killed or process.exitcode == 0
        await sink.all_have_left()
        process = None
        every_record_has_its_row(case.url, handed_over(sink))
        second = replace(case, owner="second", now=NOW + LATER, port=sink.port, moment=NEVER)
        assert await run(second) == 0
        all_is_accounted_for(case.url, handed_over(sink), uncertain=uncertain if killed else 0)
        if not third:
            return killed
        before = handed_over(sink)
        assert await run(replace(second, owner="third")) == 0
        assert handed_over(sink) == before
    return killed


COMMITS = 18
"""Of one run through a relay: all of them are tried, and a test says that there are no more."""

SIDES = ("before a commit", "after a commit")


def commits(numbers: Iterable[int], sides: tuple[str, str] = SIDES) -> list[tuple[str, int]]:
    """Both sides of each; in a sample one side of every ninth, the last one always."""
    every = list(numbers)
    taken = every if levels.WHOLE else every[::-1][::9][::-1]
    return [(side, n) for n in taken for side in (sides if levels.WHOLE else (sides[n // 9 % 2],))]


@pytest.mark.parametrize(("side", "n"), commits(range(1, COMMITS + 1)))
async def test_killed_at_any_commit(case, side, n):
    assert await through_a_relay(replace(case, moment=Moment(side, n)))


async def test_the_commits_above_are_all_there_are(case):
    assert not await through_a_relay(replace(case, moment=Moment("before a commit", COMMITS + 1)))


EVENTS = [FLOOD, MUSEUM]
OUTLETS = 22
OTHER_NEWS = [
    ("Cầu Bạch Hổ thông xe", "Sau hai năm thi công, xe cộ qua sông Hương theo cây cầu thép mới."),
    ("Giá cà phê lập đỉnh", "Nông dân Đắk Lắk bán được 120.000 đồng mỗi kilôgam, cao nhất 30 năm."),
    ("Tuyển nữ vào chung kết", "Bàn thắng phút 89 của Huỳnh Như hạ Thái Lan tại sân Lạch Tray."),
]
JUDGEMENTS = -(-(len(EVENTS) * OUTLETS + len(OTHER_NEWS)) // BATCH)
JUDGEMENT_SIDES = ("before a judgement", "after a judgement")


@pytest.fixture
def case_of_outlets(case):
    """In place of its news: events that many outlets tell, in turn, and some that one tells."""
    store = Store(case.url)
    told = [event for _ in range(OUTLETS) for event in EVENTS] + OTHER_NEWS
    with store.write() as connection:
        connection.execute(update(t.article_topic).values(quiet=True))
        topic = connection.scalar(select(t.topic.c.id).where(t.topic.c.name == "giao-duc"))
        for n, (title, text) in enumerate(told):
            at = CUT - timedelta(days=2) + timedelta(minutes=n)
            source = builders.add_source(connection, at, f"bao-{n}")
            _, article = builders.add_story(
                connection, source=source, topics=[topic], title=title, entered_at=at
            )
            as_told = update(t.article).where(t.article.c.id == article)
            connection.execute(as_told.values(lead=text, language=None))
    store.close()
    return replace(case, judges=True)


async def told_once_across_outlets(case: Case) -> bool:
    """Killed while stories merge, and finished: one mail a reader, each event in it once."""
    killed = await run(case) == -signal.SIGKILL
    for owner in ("second", "third"):
        later = replace(case, owner=owner, now=NOW + LATER, moment=NEVER)
        assert await run(later) == 0
    store = Store(case.url)
    with store.read() as connection:
        shown = connection.scalars(
            select(t.article.c.title)
            .join(t.story, t.story.c.article_id == t.article.c.id)
            .join(t.edition_story, t.edition_story.c.story_id == t.story.c.id)
        ).all()
        living = t.story.c.merged_into.is_(None)
        gone = connection.scalars(
            select(t.story_article.c.article_id).join(t.story).where(~living)
        ).all()
    store.close()
    assert sorted(shown) == sorted({title for title, _text in (*EVENTS, *OTHER_NEWS)})
    assert gone == []
    mails = (case.root / "var" / "outbox" / "new").glob("*")
    texts = [message_from_bytes(path.read_bytes()).get_payload(0).get_payload() for path in mails]
    assert len(texts) == len(PEOPLE)
    told = rows(case.url).told
    every = len(EVENTS) * OUTLETS + len(OTHER_NEWS)
    assert [len(articles) for articles in told.values()] == [every] * len(PEOPLE)
    return killed


@pytest.mark.parametrize(("side", "n"), commits(range(1, JUDGEMENTS + 1), JUDGEMENT_SIDES))
async def test_killed_while_stories_merge(case_of_outlets, side, n):
    assert await told_once_across_outlets(replace(case_of_outlets, moment=Moment(side, n)))


STEPS = ["claimed", "composed", "at 354", "sending", "answered", "recorded"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("n", [1, 2, 4] if levels.WHOLE else [2])
async def test_killed_between_any_two_steps_of_sending(case, step, n):
    assert await through_a_relay(replace(case, moment=Moment(step, n)), third=True)


@pytest.mark.parametrize("step", levels.each(STEPS, "several connections"))
@pytest.mark.parametrize("n", [1, 2, 3, 4] if levels.WHOLE else [3])
async def test_killed_with_several_connections_each_leaves_one_uncertain_at_most(case, step, n):
    """What a relay took is recorded while its connection goes on, before the next body leaves."""
    several = replace(case, connections=2, moment=Moment(step, n))
    assert await through_a_relay(several, uncertain=2)


REPLIES = [
    ("helo", 1),
    *((s, n) for s in ("mail", "rcpt", "data", "body", "after") for n in levels.each((1, 3), s)),
]


@pytest.mark.parametrize(("step", "n"), levels.sample(REPLIES, 3))
async def test_killed_while_waiting_for_any_reply(case, step, n):
    """`body`: the relay has the message and drops it; `after`: it has recorded it."""
    seen = Counter()

    def script(at: str, _who: str) -> bool:
        seen[at] += 1
        return at == step and seen[at] == n

    assert await through_a_relay(case, script=script)


@pytest.mark.parametrize(("side", "n"), commits(range(1, 14)))
async def test_the_outbox_is_never_uncertain(case, side, n):
    await into_the_outbox(replace(case, moment=Moment(side, n)))


@pytest.mark.parametrize("step", levels.each(STEPS, "outbox"))
async def test_the_outbox_killed_between_any_two_steps(case, step):
    assert await into_the_outbox(replace(case, moment=Moment(step, 2)))


async def into_the_outbox(case: Case) -> bool:
    code = await run(case)
    assert code in {0, -signal.SIGKILL}
    every_record_has_its_row(case.url, written(case.root))
    files = sorted(path.name for path in (case.root / "var" / "outbox" / "new").glob("*"))
    second = replace(case, owner="second", now=NOW + LATER, moment=NEVER)
    assert await run(second) == 0
    all_is_accounted_for(case.url, written(case.root), uncertain=0)
    assert set(files) <= {path.name for path in (case.root / "var" / "outbox" / "new").glob("*")}
    return code != 0


@pytest.mark.parametrize("seed", range(levels.some(4, 1)))
async def test_killed_again_and_again_at_random(case, seed):
    """Each start lives a while longer than the one before; in the end one comes through."""
    chance = random.Random(seed)
    lives, kills = 0, 0
    async with Sink() as sink:
        for life in range(40):
            one = replace(
                case, owner=f"life-{life}", now=NOW + life * LATER, port=sink.port, connections=4
            )
            process = start(one)
            await asyncio.to_thread(process.join, 0.02 * life + chance.random() * 0.1)
            if process.exitcode is None:
                process.kill()
                kills += 1
            await asyncio.to_thread(process.join, 60)
            every_record_has_its_row(case.url, handed_over(sink))
            lives += 1
            if process.exitcode == 0:
                break
        assert kills >= 1
        last = replace(case, owner="last", now=NOW + (lives + 1) * LATER, port=sink.port)
        assert await run(last) == 0
        all_is_accounted_for(case.url, handed_over(sink), uncertain=len(PEOPLE))


async def sent_again_after_a_kill(case: Case) -> Counter[str]:
    """With `uncertain = "resend"`: killed once, finished by later starts. What the relay has."""
    async with Sink() as sink:
        case = replace(case, port=sink.port, uncertain="resend")
        assert await run(case) == -signal.SIGKILL
        await sink.all_have_left()
        second = replace(case, owner="second", now=NOW + LATER, moment=NEVER)
        assert await run(second) == 0
        assert Counter(rows(case.url).deliveries.values()) == {"accepted": 3, "uncertain": 1}
        before = handed_over(sink)
        early = NOW + LATER + resending.AFTER - timedelta(seconds=1)
        assert await run(replace(second, owner="third", now=early)) == 0
        assert handed_over(sink) == before
        due = NOW + LATER + resending.AFTER
        for owner in ("fourth", "fifth"):
            assert await run(replace(second, owner=owner, now=due)) == 0
        by_id: dict[str, set[bytes]] = {}
        for one in sink.received:
            message_id = message_from_bytes(one.data)["Message-ID"].strip("<>")
            by_id.setdefault(message_id, set()).add(one.data)
        assert all(len(bytes_) == 1 for bytes_ in by_id.values())
        found = rows(case.url)
        assert Counter(found.deliveries.values()) == {"accepted": len(PEOPLE)}
        assert all(len(found.told[row]) == NEWS for row in found.ids.values())
        return handed_over(sink)


RESENT = [
    ("sending", [1, 1, 1, 1]),  # not a byte of its body had left: nothing is lost
    ("answered", [1, 1, 1, 2]),  # the relay had it, and its 250 died with us: one is doubled
]


@pytest.mark.parametrize(("step", "copies"), RESENT)
async def test_killed_while_sending_it_is_sent_again_by_itself(case, step, copies):
    recorded = await sent_again_after_a_kill(replace(case, moment=Moment(step, 2)))
    assert sorted(recorded.values()) == copies


@pytest.mark.parametrize(("step", "copies"), levels.each(RESENT, "postgresql"))
async def test_the_same_is_sent_again_on_postgresql(postgres_case, step, copies):
    recorded = await sent_again_after_a_kill(replace(postgres_case, moment=Moment(step, 2)))
    assert sorted(recorded.values()) == copies


@pytest.fixture
def postgres_case(tmp_path, postgres_database):
    prepare(postgres_database, tmp_path)
    return Case(postgres_database, tmp_path, NOW, "first", None)


@pytest.mark.parametrize(
    "moment",
    [*(Moment(side, n) for side, n in commits((2, 3, 4, 7, 9))),
     *(Moment(step, 2) for step in (STEPS if levels.WHOLE else ["answered"]))],
    ids=lambda moment: f"{moment.what} {moment.n}",
)  # fmt: skip
async def test_the_same_on_postgresql(postgres_case, moment):
    await through_a_relay(replace(postgres_case, moment=moment))
