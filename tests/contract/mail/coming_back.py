"""A mailbox into which all mail comes back as it is taken, while other things happen."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import Self

from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store
from tests.contract.mail.office import Office
from tests.mail.relays import Sink
from tests.mail.returned.imap_server import ImapServer, Stored
from tests.mail.returned.samples import RETURN_PATH, dsn

_BOUNCES = """
bounces.address = "{address}"
bounces.imap = {{ host = "127.0.0.1", port = {port}, username = "tra-ve", password = "bi-mat" }}
"""


class ComingBack:
    """`async with ComingBack(office, relay) as mailbox`: soft bounces, which end no mail.

    To be entered before the service starts: it is written into the configuration.
    """

    def __init__(self, office: Office, relay: Sink) -> None:
        self._relay = relay
        self._stack = ExitStack()
        self._box = self._stack.enter_context(ImapServer())
        bounces = _BOUNCES.format(address=RETURN_PATH, port=self._box.port)
        text = office.config.read_text("utf-8").replace("\n[mail.relay", f"{bounces}[mail.relay")
        office.config.write_text(text, "utf-8")
        self._paths: set[str] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send_back())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._stack.close()

    @property
    def number(self) -> int:
        """How many mails have come back; one that was taken twice is one."""
        return len(self._paths)

    def is_read(self) -> bool:
        """Whether all that has come back is read."""
        return not self._box.unread()

    def unknown(self, store: Store) -> set[int]:
        """Deliveries that came back and have no row of it, or not one row alone."""
        back = {int(path.partition("+")[2].partition("-")[0]) for path in self._paths}
        with store.read() as connection:
            rows = list(connection.scalars(select(t.returned_mail.c.delivery_id)))
        assert len(rows) == len(set(rows)), "one row a delivery"
        return back ^ set(rows)

    async def _send_back(self) -> None:
        seen = 0
        while True:
            new, seen = self._relay.received[seen:], len(self._relay.received)
            for one in new:
                full = dsn(one.sender, one.recipient, status="4.2.2", said="452 4.2.2 full")
                self._box.mails.append(Stored(full))
                self._paths.add(one.sender)
            await asyncio.sleep(0.05)
