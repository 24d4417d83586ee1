"""A running `bantin up` with a relay, and the store that it works on, filled before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.mail import stock
from tests.running import Process, unused_port, up

SITE = """\
[site]
title = "Tin"
base_url = "http://127.0.0.1:{web}"
language = "vi"
[web]
listen = "127.0.0.1:{web}"
[store]
url = "{url}"
[topic.chu-de-tuan]
title = "Chủ đề"
any = ["giáo dục"]
[digest.tuan]
title = "Điểm tin tuần"
cadence = "weekly"
{digest}
[mail]
from = "Tin <tin@example.vn>"
[mail.relay.chinh]
host = "127.0.0.1"
port = {relay}
connections = {connections}
"""


class Office:
    """A configuration and its store; `up` runs it as a process of its own."""

    def __init__(
        self, folder: Path, relay: int, *, url: str | None = None, connections: int = 4,
        digest: str = "",
    ) -> None:  # fmt: skip
        self.port = unused_port()
        (folder / "var").mkdir()
        self.url = url or f"sqlite:///{folder}/var/bantin.db"
        self.config = folder / "bantin.toml"
        self.config.write_text(
            SITE.format(
                web=self.port, url=self.url, relay=relay, connections=connections, digest=digest
            ),
            encoding="utf-8",
        )
        self.store = Store(self.url)
        if url is None:
            migrate(self.store)

    def states(self) -> dict[int, str]:
        return stock.states(self.store)

    def waits(self, ids: Sequence[int]) -> dict[int, datetime]:
        """Delivery id -> when it is tried next."""
        with self.store.read() as connection:
            rows = connection.execute(select(t.delivery.c.id, t.delivery.c.next_try_at))
            return {row.id: row.next_try_at for row in rows if row.id in ids}

    def up(self) -> AbstractAsyncContextManager[Process]:
        """The service, until the block ends; it may be dead by then."""
        return up(self.config, hasty=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)
