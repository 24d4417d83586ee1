"""How a relay fares is noted by whichever sender hears of it first."""

from __future__ import annotations

import threading

from service.store.mailing.relays.relay_states import note_failure, note_success, states


def test_two_senders_may_note_a_relay_for_the_first_time_at_once(any_store, now):
    """The second waits for the first one's commit, and then it is no longer the first time."""
    begun = threading.Event()

    def second() -> None:
        begun.set()
        with any_store.ledger() as connection:
            note_failure(connection, "chinh", now, "421 later", now)

    other = threading.Thread(target=second)
    with any_store.ledger() as connection:
        note_success(connection, "chinh", now, "250 ok")
        other.start()
        begun.wait(10)
        other.join(0.2)
    other.join(10)
    with any_store.read() as connection:
        (found,) = states(connection, ["chinh"])
    assert (found.answer, found.failing_since) == ("421 later", now)
