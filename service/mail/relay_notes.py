"""Notes in the store of how each line fares: `status`, `/readyz` and the admin page read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from service.errors import StoreError
from service.mail.relays import Line
from service.mail.retry_policy import wait_after
from service.store.core.database import Connection, Store
from service.store.mailing.relays import relay_states


def retry_now(connection: Connection, name: str, now: datetime) -> int:
    """Make due what waited for this relay, which is known to take mail again. Returns how many."""
    return relay_states.retry_now(connection, name, now, lambda tries: wait_after(tries, luck=0.0))


def remember(store: Store, lines: Sequence[Line], clock: Callable[[], datetime]) -> None:
    """A relay that failed in an earlier run keeps nobody waiting while another one takes mail."""
    if len(lines) == 1:
        return
    with store.read() as connection:
        found = relay_states.states(connection, [line.name for line in lines])
    known = {one.name: one for one in found}
    serves = any(line.name not in known or known[line.name].failing_since is None for line in lines)
    for line in lines:
        if line.name in known:
            line.remember(known[line.name], clock(), wait=serves)


class RelayNotes:
    """Writes a line's row when it begins to fail, answers otherwise, or takes mail again.

    A line that only rests does not fail.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, str | None] = {}  # line -> its failure; None: it takes mail
        self._log: structlog.typing.FilteringBoundLogger = structlog.get_logger("bantin")

    async def note(self, line: Line, answer: str, now: datetime) -> None:
        """After each handover. A message costs nothing more while nothing changes.

        `answer`: what the relay said last. Never raises StoreError: a note that could not be
        written is written after the next message.
        """
        if line.failure is None and not line.proven:
            return  # it has not shown yet
        if line.rests:
            return  # who signs up with such addresses must not make the service look broken
        if self._noted.get(line.name, "") == line.failure:
            return
        self._noted[line.name] = line.failure
        try:
            await asyncio.to_thread(
                self._write, line.name, line.failure, line.retry_at, answer, now
            )
        except StoreError as error:
            del self._noted[line.name]
            self._log.warning("relay state not noted yet", relay=line.name, error=str(error))

    def _write(
        self, name: str, failure: str | None, retry_at: datetime | None, answer: str, now: datetime
    ) -> None:
        with self._store.write() as connection:
            if failure is None:
                relay_states.note_success(connection, name, now, answer)
            else:
                relay_states.note_failure(connection, name, now, failure, retry_at)
