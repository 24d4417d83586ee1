"""A real hub on a real socket, as honest or as hostile as a test wants it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
from aiohttp import web


@dataclass
class Hub:
    """What it was asked, what it verified, whom it delivers to.

    `answer`: the status of its next answers. `verifies` False: it takes requests and never checks.
    `at_once`: it verifies before it answers. `lease_s`: what it grants, None = what was asked.
    """

    port: int = 0
    answer: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    verifies: bool = True
    at_once: bool = False
    lease_s: int | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    checks: list[tuple[str, int, str]] = field(default_factory=list)  # mode, status, body
    subscribed: dict[tuple[str, str], str | None] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    session: aiohttp.ClientSession = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        self.types.append(request.headers.get("Content-Type", ""))
        if self.answer // 100 == 2 and self.verifies:
            if self.at_once:
                await self.verify(form)
            else:
                task = asyncio.create_task(self.verify(form))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        return web.Response(status=self.answer, headers=self.headers)

    async def verify(self, form: dict[str, str]) -> None:
        lease = self.lease_s if self.lease_s is not None else form.get("hub.lease_seconds", "1")
        status, body, _ = await self.call(
            form["hub.callback"],
            mode=form["hub.mode"],
            topic=form["hub.topic"],
            challenge="a challenge/+=&?",
            lease_seconds=lease,
        )
        self.checks.append((form["hub.mode"], status, body))
        if (status // 100, body) == (2, "a challenge/+=&?"):
            key = form["hub.callback"], form["hub.topic"]
            if form["hub.mode"] == "subscribe":
                self.subscribed[key] = form.get("hub.secret")
            else:
                self.subscribed.pop(key, None)

    async def call(self, callback: str, **said: object) -> tuple[int, str, dict[str, str]]:
        """A GET at a callback with these `hub.*`: status, body, headers."""
        query = urlencode({f"hub.{name}": str(value) for name, value in said.items()})
        url = f"{callback}{'&' if '?' in callback else '?'}{query}"
        async with self.session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def settled(self) -> None:
        """Once every check that it has begun is done."""
        while self.tasks:
            await asyncio.gather(*self.tasks)
            await asyncio.sleep(0)  # else those that are done already are never let go of

    async def deliver(
        self,
        body: bytes,
        *,
        callback: str | None = None,
        method: str = "sha256",
        signature: str | None = None,
        media_type: str = "application/rss+xml",
    ) -> int:
        """Content distribution to who is subscribed (or that callback); the last status."""
        status = 0
        for (where, topic), secret in self.subscribed.items():
            headers = {
                "Content-Type": media_type,
                "Link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"',
            }
            if signature is not None:
                headers |= {"X-Hub-Signature": signature} if signature else {}
            elif secret is not None:
                digest = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
                headers["X-Hub-Signature"] = f"{method}={digest}"
            async with self.session.post(
                callback or where, data=io.BytesIO(body), headers=headers
            ) as answer:
                status = answer.status
        return status


@asynccontextmanager
async def running_hub() -> AsyncIterator[Hub]:
    hub = Hub()
    app = web.Application()
    app.router.add_post("/hub", hub.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert isinstance(server, asyncio.Server)
    hub.port = server.sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as hub.session:
            yield hub
            await hub.settled()
    finally:
        await runner.cleanup()
