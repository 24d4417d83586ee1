"""Promise 4 under attack: whatever a visitor signs up with, everybody else's mail goes out.

A running `bantin up`, a real relay, and sixty sign-ups that stand first in the queue.
"""

from __future__ import annotations

import pytest

from tests import levels
from tests.contract.mail.office import Office, just_now
from tests.mail import stock
from tests.mail.relays import DROP, Sink
from tests.running import eventually

READERS = [f"ban-doc-{n:02}@example.vn" for n in range(20)]
ONE_DOMAIN = [f"la-{n:02}@xau.example" for n in range(60)]
MANY_DOMAINS = [f"la@xau-{n:02}.example" for n in range(60)]

ATTACKS = {
    "450 at RCPT, one domain": (1, "450 4.1.2 <{who}>: domain not found", ONE_DOMAIN),
    "450 at RCPT, many domains": (4, "450 4.1.2 <{who}>: domain not found", MANY_DOMAINS),
    "5.7.1 at RCPT": (4, "554 5.7.1 <{who}>: relay access denied", MANY_DOMAINS),
    "closed at RCPT": (1, DROP, MANY_DOMAINS),
}


@pytest.mark.sampled
@pytest.mark.parametrize("attack", levels.each(list(ATTACKS), "one visitor"))
async def test_sixty_sign_ups_delay_no_edition(tmp_path, attack):
    """In a sample one of the attacks: tests/mail/test_fairness.py has every answer."""
    connections, answer, strangers = ATTACKS[attack]

    def script(step: str, who: str) -> str | None:
        address = who.removeprefix("TO:<").removesuffix(">")
        return answer.format(who=address) if step == "rcpt" and address in strangers else None

    async with Sink(script) as relay:
        with Office(tmp_path, relay.port, connections=connections) as office:
            now = just_now()
            made = stock.fill(office.store, now, READERS)
            letters = stock.ask_to_confirm(office.store, now, strangers, made.digest)
            async with office.up():
                await eventually(lambda: relay.connections > 0)
                # No edition is delayed by more than a minute.
                await eventually(lambda: len(relay.received) == len(READERS), 60)
            assert sorted(one.recipient for one in relay.received) == READERS
            assert not {"accepted", "uncertain"} & {office.states()[one] for one in letters}
