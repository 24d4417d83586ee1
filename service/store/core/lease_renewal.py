"""Keeping leases while work is in hand, and giving back what is left at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import structlog

from service.store.core.database import Store
from service.store.core.lease import TERM, Lease, Term
from service.store.core.threads import finished, in_thread


@asynccontextmanager
async def in_hand(
    store: Store,
    lease: Lease,
    owner: str,
    keys: Collection[Any],
    clock: Callable[[], datetime],
    term: Term = TERM,
) -> AsyncIterator[None]:
    """Keep these rows while the block goes on; at its end those that are left are given back.

    A row that is given back, or lost to another owner, within the block stays as it is.
    """

    def renew() -> None:
        if not keys:
            return
        with store.write() as connection:
            lease.renew(connection, owner, keys, clock() + term.lasts)

    def release() -> None:
        with store.write() as connection:
            lease.release(connection, owner, keys)

    try:
        async with renewed(renew, term):
            yield
    finally:
        if keys:
            await in_thread(release)


@asynccontextmanager
async def renewed(renew: Callable[[], None], term: Term = TERM) -> AsyncIterator[None]:
    """Call `renew` as often as the term says while the block goes on, in a thread of its own.

    Of its own, since the threads that all share may be busy for longer than a lease lasts. A
    renewal that fails is told and costs nothing but itself: the next one comes. None runs any more
    when the block is over.
    """
    over = asyncio.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="lease") as thread:
        beating = asyncio.create_task(_beat(renew, term.renew_every_s, over, thread))
        try:
            yield
        finally:
            over.set()
            await finished(beating)


async def _beat(
    renew: Callable[[], None], every_s: float, over: asyncio.Event, thread: ThreadPoolExecutor
) -> None:
    loop = asyncio.get_running_loop()
    while not over.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), every_s)
        if over.is_set():
            return
        try:
            await loop.run_in_executor(thread, renew)
        except Exception as error:  # noqa: BLE001 - the work that is in hand must not be lost for it
            log = structlog.get_logger("bantin")
            log.warning("leases not renewed", error=f"{type(error).__name__}: {error}")
