"""A running `bantin up` with a relay, and the store that it works on, filled before it starts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sqlalchemy import select

from service.store import tables as t
from service.store.database import Store
from service.store.migrate import migrate
from tests.mail import stock

ROOT = Path(__file__).parents[3]
MAIN = "from service.cli import main; main()"
ENVIRON = {name: value for name, value in os.environ.items() if not name.startswith("BANTIN_")}

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
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
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

    @asynccontextmanager
    async def up(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """The service, until the block ends; it may be dead by then."""
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAIN, "up", "--config", str(self.config), cwd=ROOT, env=ENVIRON,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield service
        finally:
            if service.returncode is None:
                service.send_signal(signal.SIGKILL)
            await service.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()


async def until(holds: Callable[[], bool], *, seconds: float) -> None:
    """Wait for another process to make it so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - it is another process that we wait for
            await asyncio.sleep(0.1)


def just_now() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)
