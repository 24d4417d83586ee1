"""A service whose plug is pulled: SIGKILL at one exact moment of planning and sending.

Run in a process of its own, forked from a clean server so that each case costs a tenth of a second.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import forkserver
from pathlib import Path

import structlog

from service.config.schema import Settings
from service.curate.judging import Judge
from service.mail.drain import drain
from service.mail.relays import Line
from service.newsletter.run import plan_due
from service.render.engine import Renderer
from service.render.site_facts import site_view
from service.store.core.database import Store
from tests.mail import stock
from tests.mail.relays import QUICK, relay_line, relay_of


@dataclass(frozen=True)
class Moment:
    """When to die: at the `n`th time that `what` happens; `what` "" = never.

    "before a commit" and "after a commit" count transactions of the ledger, "before a judgement"
    and "after a judgement" the others, of which the first are batches of articles that are put into
    stories. Other names are the checkpoints of sending.
    """

    what: str = ""
    n: int = 0


NEVER = Moment()


@dataclass(frozen=True)
class Case:
    """One start of the service. `port` None: no relay, so the outbox."""

    url: str
    root: Path
    now: datetime
    owner: str
    port: int | None
    connections: int = 1
    moment: Moment = NEVER
    uncertain: str = "hold"
    judges: bool = False


class DyingStore(Store):
    """A store that pulls the plug around its commits."""

    def __init__(self, url: str, tick) -> None:
        super().__init__(url)
        self._tick = tick

    @contextmanager
    def ledger(self):
        with super().ledger() as connection:
            yield connection
            self._tick("before a commit")
        self._tick("after a commit")

    @contextmanager
    def write(self):
        with super().write() as connection:
            yield connection
            self._tick("before a judgement")
        self._tick("after a judgement")


def settings_of(root: Path, uncertain: str = "hold") -> Settings:
    """A weekly digest of two topics, Monday 07:00 in Viet Nam."""
    return stock.settings(root, uncertain=uncertain)


def serve_once(case: Case) -> None:
    """Judge if wanted, plan what is due, then send it: `digest send`. The target of a process."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    seen: Counter[str] = Counter()

    def tick(what: str) -> None:
        seen[what] += 1
        if case.moment == Moment(what, seen[what]):
            os.kill(os.getpid(), signal.SIGKILL)

    store = DyingStore(case.url, tick)
    settings = settings_of(case.root, case.uncertain)
    renderer = Renderer(site_view(settings), None)
    if case.judges:
        Judge().run(store, settings.stories.window, case.now)
    plan_due(store, settings, renderer, case.now)
    lines = None if case.port is None else [_line(case.port, case.connections)]
    asyncio.run(
        drain(store, settings, lambda: case.now, owner=case.owner, relays=lines, checkpoint=tick)
    )
    store.close()


def _line(port: int, connections: int) -> Line:
    relay = relay_of({"host": "127.0.0.1", "port": port, "connections": connections})
    return relay_line(relay, "tin.example.vn", QUICK)


@contextmanager
def fork_server() -> Iterator[None]:
    """A clean server with the whole service loaded and warm, so that a start costs no import.

    A process has one fork server; one that other tests had left has less loaded, or more.
    """
    server = forkserver._forkserver  # as CPython's own tests stop it
    server._stop()
    server.set_forkserver_preload(["tests.contract.warm"])
    try:
        yield
    finally:
        server._stop()


def start(case: Case) -> multiprocessing.process.BaseProcess:
    """Start the service in a process of its own."""
    process = multiprocessing.get_context("forkserver").Process(target=serve_once, args=(case,))
    process.start()
    return process


async def run(case: Case) -> int:
    """Its exit code: 0, or minus the signal that ended it."""
    process = start(case)
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode is not None
    return process.exitcode
