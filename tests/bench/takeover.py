"""Kill one of several processes while it has work in hand, and record how another takes it over.

By hand: `python -m tests.bench.takeover`, with BANTIN_TEST_POSTGRES as in tests. It prints what a
terminal shows, other tables of `bantin status` left out. docs/operating.md has such a
recording.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import tempfile
from pathlib import Path

from sqlalchemy import func, select

from service.store import tables as t
from service.store.core.database import Store
from service.store.core.lease import LASTS
from service.store.core.migrate import migrate
from service.store.core.processes import GONE_AFTER
from tests.bench.own_database import own_database
from tests.cli.test_terminal import on_terminal
from tests.contract.mail.office import Office
from tests.contract.way import rss
from tests.mail.relays import Sink
from tests.net.wire import Talk, raw_server
from tests.running import BANTIN, Process, eventually, started

ROLES = {"web": "web", "collect-1": "collect", "collect-2": "collect", "mail": "mail"}
KILLED = "collect-1"
SOURCES = 8
COLUMNS = 80


class Outlet:
    """Answers one word after another, and ends no answer before it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = asyncio.Event()

    async def script(self, talk: Talk) -> None:
        self.asked += 1
        name = talk.target.strip("/")
        while not self.go.is_set() and not talk.closed:
            await talk.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.go.wait(), 2)
        await talk.answer(rss(f"Tin của {name}", link=f"https://{name}.example"))


class Recording:
    """Processes of one site, and a terminal."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.folder = office.config.parent
        self.processes: dict[str, Process] = {}

    def start(self, name: str) -> None:
        """`bantin up` in its role."""
        role = ROLES[name]
        self.say(f"$ bantin up --role {role}{'' if name == role else f' --name {name}'} &")
        with (self.folder / f"{name}.err").open("wb") as err:
            self.processes[name] = started(
                [str(BANTIN), "up", "--role", role, "--name", name, "--config", "bantin.toml"],
                cwd=self.folder, err=err.fileno(),
            )  # fmt: skip

    async def status(self) -> None:
        """What `bantin status` says of the processes."""
        code, shown = await asyncio.to_thread(
            on_terminal, "status", cwd=self.folder, columns=COLUMNS
        )
        assert code == 0, shown
        plain = re.sub(r"\x1b\[[\d;]*m", "", shown).replace("\r", "").splitlines()
        table = plain[next(at for at, line in enumerate(plain) if line.strip() == "Processes") :]
        self.say("\n$ bantin status")
        self.say("\n".join(line.rstrip() for line in table if line.strip()))

    def say(self, text: str) -> None:
        print(text.replace(socket.gethostname(), _neutral()), flush=True)

    async def pause(self, seconds: float) -> None:
        self.say(f"\n$ sleep {seconds:.0f}")
        await asyncio.sleep(seconds)

    async def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        self.say(f"\n$ kill -9 {process.pid}          # {name}")
        process.send_signal(9)
        await asyncio.to_thread(process.wait)

    def shown(self) -> int:
        """How many processes have shown themselves."""
        return self._number(t.running_process)

    def collected(self) -> bool:
        """Whether each source has brought its article."""
        return self._number(t.article) == SOURCES

    def _number(self, table: object) -> int:
        with self.office.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0  # type: ignore[arg-type]

    async def end(self) -> None:
        for process in self.processes.values():
            process.send_signal(15)
        for process in self.processes.values():
            await asyncio.to_thread(process.wait)


async def record(url: str, folder: Path) -> None:
    """Print it."""
    outlet = Outlet()
    async with raw_server(outlet.script) as wire, Sink() as relay:
        with Office(folder, relay.port, url=url) as office:
            with office.config.open("a") as file:
                file.write('[collect]\nallow_networks = ["127.0.0.0/8"]\n')
                for number in range(SOURCES):
                    file.write(f'[source.bao-{number}]\nurl = "{wire.url()}bao-{number}"\n')
            recording = Recording(office)
            try:
                recording.start(KILLED)
                await eventually(lambda: outlet.asked == SOURCES)
                for name in [name for name in ROLES if name != KILLED]:
                    recording.start(name)
                await eventually(lambda: recording.shown() == len(ROLES))
                await asyncio.sleep(11)  # each has said once more what it does
                await recording.status()
                await recording.kill(KILLED)
                await recording.status()
                before = outlet.asked
                await recording.pause(LASTS.total_seconds() + 5)
                await eventually(lambda: outlet.asked == before + SOURCES)
                await asyncio.sleep(11)
                await recording.status()
                outlet.go.set()
                await eventually(recording.collected)
                await recording.pause(GONE_AFTER.total_seconds())
                await recording.status()
                recording.say(
                    f"\n# {SOURCES} sources, {SOURCES} articles: nothing is lost or doubled"
                )
                assert recording.collected()
            finally:
                await recording.end()


def _neutral() -> str:
    """A name for this machine that tells nothing, as long as its own: tables stay as they are."""
    return ("server-" * 20)[: len(socket.gethostname())]


def main() -> None:
    with own_database("takeover") as url, tempfile.TemporaryDirectory() as folder:
        store = Store(url)
        migrate(store)
        store.close()
        asyncio.run(record(url, Path(folder)))


if __name__ == "__main__":
    main()
