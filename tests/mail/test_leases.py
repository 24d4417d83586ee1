"""A relay that answers late: what is in hand stays in hand, before the body and after it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from service.mail.drain import drain
from service.store.core.lease import LASTS, Term
from service.store.mailing import claims, outcomes
from tests.mail import stock
from tests.mail.relays import QUICK, SILENCE, Sink
from tests.mail.test_drain import Clock

OFTEN = Term(renew_every_s=0.02)


@pytest.fixture
def clock(now):
    return Clock(now)


@pytest.mark.parametrize(("step", "state"), [("rcpt", "claimed"), ("body", "sending")])
async def test_the_lease_of_a_mail_is_renewed_while_the_relay_thinks(
    any_store, clock, tmp_path, step, state
):
    """A minute and more passes in steps shorter than a lease; the relay says nothing meanwhile."""
    [one] = stock.fill(any_store, clock.at, ["an@example.vn"]).deliveries
    async with Sink(lambda at, _who: SILENCE if at == step else None) as sink:
        settings = stock.settings(tmp_path)
        patience = replace(QUICK, first=60.0, command=60.0, body=60.0)
        lines = [sink.line(connections=1, timeouts=patience)]
        running = asyncio.create_task(
            drain(any_store, settings, clock, owner="o", relays=lines, term=OFTEN)
        )
        await _until(lambda: stock.states(any_store) == {one: state})
        for _ in range(4):
            clock.at += timedelta(seconds=20)
            soon = clock.at + LASTS
            await _until(lambda soon=soon: stock.row(any_store, one).lease_until >= soon)
            with any_store.ledger() as connection:
                assert outcomes.lapsed(connection, clock.at) == []
                assert claims.claim(connection, "another", clock.at, 9).empty
        assert stock.states(any_store) == {one: state}
        running.cancel()
        await asyncio.wait([running])


async def _until(holds) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - rows are all that can be waited for
            await asyncio.sleep(0.01)
