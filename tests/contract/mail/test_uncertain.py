"""The message is held, its reader is not: a running service whose relay loses its last answers."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from service.config.loading import load
from service.model import CadenceRule
from service.newsletter.rules import Schedule
from service.store import tables as t
from service.store.mailing import uncertain_deliveries
from tests import builders
from tests.contract.mail.office import Office, just_now
from tests.mail import stock
from tests.mail.relays import DROP, Sink
from tests.running import PATIENCE_S, eventually, run_json

READERS = [f"ban-doc-{n:02}@example.vn" for n in range(12)]
UNLUCKY = READERS[::3]
AT_ONCE = Schedule(CadenceRule("immediate"), "UTC").text
"""Whoever has this rule already is cut when `next_cut_at` says so, or at the next five minutes."""

EACH_MINUTE = "* * * * *"
DIGEST = f'cadences = ["immediate", "{EACH_MINUTE}", "weekly"]'


def next_cut_comes(office: Office, title: str, source: str) -> int:
    """News come in, and the hour of everybody's next edition. The article.

    It is one of another cadence, which has none yet: one that was frozen at a mark of five minutes
    a moment ago would be that of an immediate cut now.
    """
    now = datetime.now(UTC)
    zone = load(office.config, {}).settings.zone
    due = {
        "cadence": EACH_MINUTE,
        "rule": Schedule(CadenceRule(EACH_MINUTE), zone).text,
        "next_cut_at": now - timedelta(seconds=1),
    }
    with office.store.write() as connection:
        topic = connection.execute(
            select(t.topic.c.id).where(t.topic.c.name == "chu-de-tuan")
        ).scalar_one()
        one = builders.add_source(connection, now, source, retired_at=now)
        _, article = builders.add_story(
            connection, source=one, topics=[topic], title=title,
            entered_at=now - timedelta(minutes=20),
        )  # fmt: skip
        connection.execute(update(t.subscription).values(due))
    return article


def told(office: Office, article: int) -> set[str]:
    """The subscribers who were told the article."""
    with office.store.read() as connection:
        rows = connection.execute(
            select(t.subscriber.c.address)
            .join(t.told, t.told.c.subscriber_id == t.subscriber.c.id)
            .where(t.told.c.article_id == article)
        )
        return set(rows.scalars())


def count(office: Office, state: str) -> int:
    return list(office.states().values()).count(state)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_readers_whose_mail_is_uncertain_get_the_next_edition(tmp_path, database, request):
    url = request.getfixturevalue("postgres_database") if database == "postgres" else None

    def script(step: str, who: str) -> str | None:
        return DROP if step == "after" and who in UNLUCKY and len(seen) < len(UNLUCKY) else None

    seen: set[str] = set()
    async with Sink(lambda step, who: _once(script, seen, step, who)) as relay:
        with Office(tmp_path, relay.port, url=url, digest=DIGEST) as office:
            now = just_now()
            stock.fill(office.store, now, READERS)
            with office.store.write() as connection:
                connection.execute(
                    update(t.subscription).values(
                        cadence="immediate", rule=AT_ONCE, next_cut_at=now + timedelta(hours=1)
                    )
                )
            async with office.up():
                await eventually(lambda: count(office, "uncertain") == len(UNLUCKY))
                await eventually(lambda: count(office, "accepted") == 8)
                article = next_cut_comes(office, "Cầu mới", "bao-moi")
                await eventually(lambda: told(office, article) == set(READERS))
                await eventually(lambda: count(office, "accepted") == 8 + len(READERS))
                standing = await run_json(office.config, "status")
            [uncertain] = [one for one in standing["troubles"] if one["kind"] == "uncertain"]
            assert uncertain["n"] == len(UNLUCKY)
            assert uncertain["editions"].startswith("tuan ")
            got = [one.recipient for one in relay.received]
            assert sorted(got) == sorted(READERS * 2)  # each edition once; of the first nobody knew
            # Settled by hand: two are left, one is sent again, of one nothing has come.
            with office.store.read() as connection:
                keys = [one.key for one in uncertain_deliveries.unsettled(connection)]
            dropped = await run_json(office.config, "deliveries", "drop", *keys[:2])
            assert sorted(dropped["dropped"]) == sorted(keys[:2])
            again = await run_json(office.config, "deliveries", "resend", keys[2])
            assert again["resent"] == keys[2:3]
            untold = await run_json(office.config, "deliveries", "drop", keys[3], "--untold")
            assert untold["dropped"]
            async with office.up():
                await eventually(lambda: count(office, "accepted") == 9 + len(READERS))
            assert (count(office, "dropped"), count(office, "uncertain")) == (3, 0)


def _once(script, seen: set[str], step: str, who: str) -> str | None:
    answer = script(step, who)
    if answer is not None:
        if who in seen:
            return None
        seen.add(who)
    return answer


async def test_killed_in_the_middle_of_a_body_its_reader_gets_the_next_edition(tmp_path):
    running = []

    def script(step: str, _who: str) -> str | None:
        if step == "body" and len(relay.received) == 5 and running:
            running.pop().send_signal(signal.SIGKILL)
        return None

    async with Sink(script) as relay:
        with Office(tmp_path, relay.port, connections=1, digest=DIGEST) as office:
            now = just_now()
            stock.fill(office.store, now, READERS)
            with office.store.write() as connection:
                connection.execute(
                    update(t.subscription).values(
                        cadence="immediate", rule=AT_ONCE, next_cut_at=now + timedelta(hours=1)
                    )
                )
            async with office.up() as service:
                running.append(service)
                await asyncio.to_thread(service.wait, PATIENCE_S)
            assert count(office, "sending") == 1
            with office.store.write() as connection:  # its lease runs out: thirty seconds later
                connection.execute(
                    update(t.delivery)
                    .where(t.delivery.c.lease_until.is_not(None))
                    .values(lease_until=now - timedelta(minutes=1))
                )
            async with office.up():
                await eventually(lambda: count(office, "uncertain") == 1)
                await eventually(lambda: count(office, "accepted") == len(READERS) - 1)
                article = next_cut_comes(office, "Cầu mới", "bao-moi")
                await eventually(lambda: told(office, article) == set(READERS))
                await eventually(lambda: count(office, "accepted") == 2 * len(READERS) - 1)
            assert len(relay.received) in {2 * len(READERS) - 1, 2 * len(READERS)}
