"""A crowd that searches holds up nobody who reads a feed."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, defaultdict

import httpx2
import pytest
from sqlalchemy import Engine, event

from service.publish.build import publish
from service.web.search_limits import AT_ONCE, MOST_WAITING

CROWD = 100
WORST = "/search?q=một hai ba bốn năm sáu bảy tám chín mười topic:giao-duc since:365d"


@pytest.fixture
def site(web):
    publish(web.store, web.settings, web.renderer, web.now)
    return web


async def get(site, path, peer=1):
    transport = httpx2.ASGITransport(site.app, client=(f"192.0.2.{peer}", 50000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        return await client.get(path)


async def crowd(site):
    """What a hundred visitors are told who search at once."""
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(get(site, WORST, peer) for peer in range(CROWD)))
    return Counter(one.status_code for one in answers)


async def test_a_feed_is_served_while_all_searches_are_stuck_and_others_are_refused(site):
    """Neither of the threads that search ends, and the queue behind them is full."""
    searches, go = site.app.state.context.searches, threading.Event()
    stuck = [asyncio.ensure_future(searches.run(go.wait)) for _ in range(MOST_WAITING)]
    try:
        await asyncio.sleep(0)
        assert await crowd(site) == {503: CROWD}
        for path in ("/feeds/all.atom", "/feeds/giao-duc.json", "/topics/giao-duc/", "/"):
            assert (await get(site, path)).status_code == 200, path
        assert not any(one.done() for one in stuck)
    finally:
        go.set()
    assert await asyncio.gather(*stuck) == [True] * MOST_WAITING
    assert (await get(site, WORST)).status_code == 200


async def test_searches_have_their_own_threads_and_each_asks_little(site):
    """The others of the crowd are answered too, by a refusal; nothing else waits for a search."""
    asked = defaultdict(int)

    def note(*told):
        asked[threading.current_thread().name] += "article_search" in told[2]

    event.listen(Engine, "before_cursor_execute", note)
    try:
        answers = await crowd(site)
        assert (await get(site, "/feeds/all.atom")).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert answers[200] >= MOST_WAITING
    assert answers[200] + answers[503] == CROWD
    searching = {name: number for name, number in asked.items() if number}
    assert 1 <= len(searching) <= AT_ONCE
    assert sum(searching.values()) <= 2 * answers[200]  # with the question's marks, and without
