"""Commands that somebody runs beside a service, and that are killed as well now and then."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

from tests.mail.relays import Sink
from tests.mail.returned.samples import dsn
from tests.running import BANTIN, PATIENCE_S, started

_TRY_AGAIN = 75
"""What a mail server is told by who cannot write the store."""


@dataclass
class Commands:
    """`bantin` with arguments, killed with this likelihood within its first second or so."""

    config: Path
    chance: random.Random
    kills: int = 0
    running: set[str] = field(default_factory=set)

    async def run(self, *args: str, given: bytes = b"", killed: float = 0.0) -> int:
        """Its exit code, negative where it was killed."""
        with tempfile.TemporaryFile() as standard, self._err().open("ab") as err:
            standard.write(given)
            standard.seek(0)
            process = started(
                [str(BANTIN), *args, "--config", str(self.config)], cwd=self.config.parent,
                stdin=standard.fileno(), err=err.fileno(),
            )  # fmt: skip
        name = " ".join(args[:2]) if args[0] == "bounces" else args[0]
        self.running.add(name)
        try:
            if self.chance.random() < killed:
                await asyncio.sleep(self.chance.uniform(0.05, 1.5))
                if process.poll() is None:
                    process.send_signal(9)
                    self.kills += 1
            return await asyncio.to_thread(process.wait, PATIENCE_S)
        finally:
            self.running.discard(name)

    def _err(self) -> Path:
        return self.config.parent / "commands.err"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A recall that was ended by the last of its commands. `number`: of the article's headline."""

    number: str
    reason: str
    begun: datetime
    ended: datetime
    tries: int


@dataclass
class Recalls:
    """An admin who takes stories back, and does so again where the command was killed."""

    commands: Commands
    before: Callable[[str], None]
    done: list[TakenBack] = field(default_factory=list)

    async def take_back(self, title: str, number: str) -> None:
        reason = f"sai-ngay-{number}-het"
        link = f"https://bao.example/{crc32(title.encode())}"
        begun, tries = datetime.now(UTC), 0
        while True:
            tries += 1
            self.before("recall")
            code = await self.commands.run("recall", link, "--reason", reason, killed=0.5)
            if code == 0:
                break
            assert code < 0, f"bantin recall {link} ended with {code}"
        self.done.append(TakenBack(number, reason, begun, datetime.now(UTC), tries))


async def pipe_returned(relay: Sink, commands: Commands) -> None:
    """A mail server that gives each mail that comes back to a process; the mailbox has it too."""
    seen = 0
    while True:
        await asyncio.sleep(commands.chance.uniform(2, 6))
        if len(relay.received) == seen:
            continue
        one = relay.received[commands.chance.randrange(seen, len(relay.received))]
        seen = len(relay.received)
        full = dsn(one.sender, one.recipient, status="4.2.2", said="452 4.2.2 full")
        code = await commands.run("bounces", "read", given=full, killed=0.3)
        assert code in (0, _TRY_AGAIN, -9), f"bantin bounces read ended with {code}"
