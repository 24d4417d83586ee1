"""Whoever uses the pages of a service that may be dead at any moment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.contract.way import parsed, text_of
from tests.mail.relays import Sink

_PATIENCE = ClientTimeout(total=30)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str


class Visitor:
    """One browser."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> Answer | None:
        """None: nobody answers."""
        return await self._ask("GET", path, None)

    async def post(self, path: str, fields: Mapping[str, str]) -> Answer | None:
        """A form that is sent. None: nobody answers, and it may have been done all the same."""
        return await self._ask("POST", path, fields)

    async def _ask(self, method: str, path: str, fields: Mapping[str, str] | None) -> Answer | None:
        try:
            async with self._session.request(
                method, self._base + path, data=fields, allow_redirects=False, timeout=_PATIENCE
            ) as answer:
                return Answer(answer.status, await answer.text())
        except (ClientError, TimeoutError, OSError):
            return None


@cache
def text(mail: bytes) -> str:
    """Its text part, read once: there are thousands, and they are looked through each second."""
    return text_of(parsed(mail))


def links(relay: Sink, recipient: str, path: str, since: int = 0) -> Iterator[str]:
    """What follows `path` in links that a reader was mailed; the latest mail comes first."""
    pattern = re.compile(rf"http://127\.0\.0\.1:\d+{re.escape(path)}([0-9A-Za-z_.-]+)")
    for one in reversed(relay.received[since:]):
        if one.recipient == recipient:
            yield from pattern.findall(text(one.data))
