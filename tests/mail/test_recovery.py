"""A relay takes mail again: what waited for it goes at once, and what waits for itself does not."""

from __future__ import annotations

from itertools import count

import pytest

from service.mail.drain import drain
from service.mail.relay_notes import retry_now
from service.report import mailing
from service.store.mailing.outcomes import BEHIND
from tests.mail import stock
from tests.mail.relays import Sink
from tests.mail.test_drain import MINUTE, PEOPLE, Clock, recipients
from tests.mail.test_fairness import refusing, waits

FULL, *OTHERS = PEOPLE[:5]
FULL_SAYS = "452 4.2.2 full"


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.fixture
def run(any_store, clock, tmp_path):
    """One pass of sending through a relay, with the longest back-offs."""
    settings = stock.settings(tmp_path)

    async def send(sink: Sink) -> None:
        lines = [sink.line(connections=1)]
        await drain(any_store, settings, clock, owner="o", relays=lines, random=lambda: 0.0)

    return send


def recovered(store, clock) -> int:
    with store.ledger() as connection:
        return retry_now(connection, "chinh", clock.at)


async def test_a_mailbox_that_was_full_before_keeps_its_own_hour(any_store, clock, run):
    stock.fill(any_store, clock.at, [FULL])
    async with Sink(refusing([FULL], FULL_SAYS)) as sink:
        for wait in (1, 2, 4):
            await run(sink)
            tried_at, hour = clock.at, clock.at + wait * MINUTE
            assert waits(any_store)[FULL].next_try_at == hour
            if wait < 4:
                clock.at = hour
        clock.at += MINUTE
        stock.fill(any_store, clock.at, OTHERS, digest="ngay")
        sink.script = lambda step, _who: "535 5.7.8 wrong password" if step == "mail" else None
        await run(sink)
        probed_again = clock.at + 15 * MINUTE
        assert {one.state for one in waits(any_store).values()} == {"deferred"}
        assert waits(any_store)[FULL].next_try_at == probed_again + BEHIND, "no probe before"

        sink.script = lambda _step, _who: None
        clock.at += MINUTE
        assert recovered(any_store, clock) == len(OTHERS)
        full = waits(any_store)[FULL]
        assert (full.next_try_at, full.reply) == (tried_at + 4 * MINUTE, f"rcpt: {FULL_SAYS}")
        await run(sink)
        assert sorted(recipients(sink)) == sorted(OTHERS)
        assert recovered(any_store, clock) == 0, "it does not fail any more"
        clock.at = hour
        await run(sink)
        assert sorted(recipients(sink)) == sorted([FULL, *OTHERS])


async def test_its_hour_that_has_passed_meanwhile_is_now(any_store, clock, run):
    stock.fill(any_store, clock.at, [FULL])
    async with Sink(refusing([FULL], FULL_SAYS)) as sink:
        await run(sink)
        stock.fill(any_store, clock.at, OTHERS, digest="ngay")
        sink.script = lambda step, _who: "535 5.7.8 wrong password" if step == "mail" else None
        await run(sink)
        clock.at += 2 * MINUTE
        assert recovered(any_store, clock) == len(PEOPLE[:5])
        # The probe fails once more, and puts off all again.
        await run(sink)
        assert waits(any_store)[FULL].next_try_at >= clock.at + 15 * MINUTE
        sink.script = lambda _step, _who: None
        assert recovered(any_store, clock) == len(PEOPLE[:5])
        await run(sink)
        assert sorted(recipients(sink)) == sorted(PEOPLE[:5])


async def test_all_who_met_the_refusal_go_though_each_was_told_other_words(any_store, clock, run):
    made = stock.fill(any_store, clock.at, [FULL, *OTHERS])
    stock.had_news_before(any_store, made, clock.at)
    ticket = count(1)

    def script(step: str, who: str) -> str | None:
        if step != "rcpt":
            return None
        return FULL_SAYS if FULL in who else f"554 5.7.1 relay access denied, ticket {next(ticket)}"

    async with Sink(script) as sink:
        await run(sink)
        with any_store.read() as connection:
            found = mailing.mailing(connection, clock.at, ["chinh"])
        assert (found.blocked, found.waiting) == (True, 5)
        assert found.relays[0].answer == "rcpt: 554 5.7.1 relay access denied, ticket 3"
        sink.script = lambda _step, _who: None
        assert recovered(any_store, clock) == len(OTHERS)
        assert stock.row(any_store, made.deliveries[0]).next_try_at == clock.at + MINUTE
        await run(sink)
        assert sorted(recipients(sink)) == sorted(OTHERS)
