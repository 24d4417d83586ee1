"""Readers of two addresses who make them one, page by page and mail by mail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.killing.visitor import Answer, Visitor, links
from tests.mail.relays import Sink


@dataclass
class Movers:
    """`pairs`: (old address, new address), both of them readers. `done`: those that are one now."""

    relay: Sink
    visitor: Visitor
    chance: random.Random
    before: Callable[[str], None]
    pairs: list[tuple[str, str]]
    done: list[tuple[str, str]] = field(default_factory=list)
    begun: list[tuple[str, str]] = field(default_factory=list)
    under_way: bool = False

    async def move(self) -> None:
        """One pair after another, until it is cancelled or all are one."""
        for old, new in self.pairs:
            await asyncio.sleep(self.chance.uniform(5, 20))
            self.begun.append((old, new))
            own = await self._link(old, "/preferences/")
            await self._until(f"/preferences/{own}/link", {}, (200,))
            me = await self._link(old, "/me/")
            await self._until(f"/me/{me}", {"do": "move", "address": new}, (200, 503))
            asked = await self._link(new, "/move/")
            self.under_way = True
            self.before("move")
            await self._until(f"/move/{asked}", {}, (200,))
            self.under_way = False
            self.done.append((old, new))

    async def _link(self, who: str, path: str) -> str:
        while True:
            found = next(links(self.relay, who, path), None)
            if found is not None:
                return found
            await asyncio.sleep(0.3)

    async def _until(self, path: str, fields: dict[str, str], right: tuple[int, ...]) -> Answer:
        """Press until there is an answer; what was done without one is not done again."""
        while True:
            answer = await self.visitor.post(path, fields)
            if answer is not None:
                assert answer.status in right, (path, answer)
                if answer.status == right[0]:
                    return answer
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
