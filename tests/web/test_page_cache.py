"""What is kept of public pages: made once, bounded, and let go when what they show has changed."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from service.store.content import versions
from service.store.core.database import Store
from service.web.documents import Served
from service.web.page_cache import LOOK_S, TRUST_S, PageCache

BODY = b"x" * 1000


class Renderer(SimpleNamespace):
    """All that the cache wants of one."""

    def page_stamps(self):
        return self.stamps


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(store, clock):
    site = SimpleNamespace(base_url="https://tin.example.vn/tin")
    parts = SimpleNamespace(settings=object(), renderer=Renderer(site=site, stamps=()))
    cache = PageCache(store, lambda: parts.settings, lambda: parts.renderer, clock)
    cache.parts = parts
    return cache


def page(body: bytes = BODY):
    return lambda _connection: Served(body, body[:5].hex(), "text/html", "public")


async def fetch(cache, path="/", scopes=(versions.SITE,), make=None):
    return await cache.fetch(path, scopes, make or page())


def raised(store, *scopes):
    with store.write() as connection:
        versions.raise_(connection, scopes)


async def test_a_page_is_made_once_until_what_it_shows_has_changed(kept, store):
    await fetch(kept, "/", ("all",))
    await fetch(kept, "/topics/a/", ("a",))
    await fetch(kept, "/", ("all",))
    assert kept.made == 2
    raised(store, "a", "b")
    await fetch(kept, "/", ("all",))
    assert kept.made == 2
    await fetch(kept, "/topics/a/", ("a",))
    assert kept.made == 3


async def test_another_process_raises_a_version_and_the_page_is_found_no_more(
    kept, store, sqlite_url
):
    await fetch(kept)
    watching = asyncio.create_task(kept.watch())
    assert kept.find(b"/") is not None
    other = Store(sqlite_url)
    raised(other, versions.SITE)
    other.close()
    async with asyncio.timeout(60):
        while kept.find(b"/") is not None:  # noqa: ASYNC110 - it is the watch that we wait for
            await asyncio.sleep(LOOK_S / 5)
    watching.cancel()
    assert len(kept) == 0
    assert kept.size == 0


async def test_many_who_wait_for_one_page_have_it_made_once(kept):
    begun, go = threading.Event(), threading.Event()

    def make(_connection):
        begun.set()
        go.wait(60)
        return page()(None)

    waiting = [asyncio.create_task(fetch(kept, make=make)) for _ in range(50)]
    await asyncio.to_thread(begun.wait, 30)
    waiting[0].cancel()  # one who leaves takes it from nobody
    go.set()
    found = await asyncio.gather(*waiting[1:])
    assert {one.body for one in found} == {BODY}
    assert kept.made == 1


async def test_what_fails_fails_for_all_and_is_tried_again(kept):
    def make(_connection):
        raise OSError("no template")

    for result in await asyncio.gather(*(fetch(kept, make=make) for _ in range(3)),
                                       return_exceptions=True):  # fmt: skip
        assert isinstance(result, OSError)
    assert (await fetch(kept)).body == BODY


@pytest.mark.parametrize("nothing", [None, "/topics/moved/"])
async def test_what_is_no_page_takes_no_place(kept, nothing):
    for number in range(50):
        assert await fetch(kept, f"/stories/{number}/", make=lambda _: nothing) == nothing
    assert (len(kept), kept.size, kept.made) == (0, 0, 0)


async def test_what_is_kept_is_bounded_and_the_longest_unasked_goes_first(kept):
    await fetch(kept, "/0/")
    kept.most_bytes = 5 * kept.size
    for number in range(1, 8):
        await fetch(kept, f"/{number}/")
        assert kept.size <= kept.most_bytes
        assert kept.find(b"/0/") is not None, "it is asked for all the time"
    assert kept.find(b"/1/") is None
    assert kept.find(b"/7/") is not None
    await fetch(kept, "/large/", make=page(b"y" * kept.most_bytes))
    assert kept.find(b"/large/") is None
    assert kept.find(b"/7/") is not None, "it would have pushed out all else"


@pytest.mark.parametrize("change", ["settings", "renderer", "templates"])
async def test_another_configuration_or_template_lets_all_go(kept, change):
    await fetch(kept)
    if change == "settings":
        kept.parts.settings = object()
    elif change == "renderer":
        kept.parts.renderer = Renderer(**vars(kept.parts.renderer))
    else:
        kept.parts.renderer.stamps = (("web/home.html.j2", 1, 2),)
    await fetch(kept)
    assert kept.made == 2


async def test_a_page_that_was_made_of_older_rows_is_not_kept(kept, store):
    def make(_connection):
        raised(store, "all")  # behind the view of the store that it is made of
        return page()(None)

    await fetch(kept, "/", ("all",), make)
    await fetch(kept, "/", ("all",))
    assert kept.made == 2


async def test_without_the_store_pages_are_served_for_a_while(kept, clock):
    await fetch(kept)
    clock.now += TRUST_S - 0.1
    assert kept.find(b"/") is not None
    clock.now += 0.2
    assert kept.find(b"/") is None
    await fetch(kept)
    assert kept.find(b"/") is not None
    assert kept.made == 1


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (b"/topics/a/", True),
        (b"/topics/a/?utm_source=mail", True),
        (b"/tin/topics/a/", True),
        (b"/tin/topics/a/?x", True),
        (b"/tin/tin/topics/a/", False),
        (b"/topics/a", False),
        (b"/topics/%61/", False),
        (b"/assets/site.css", True),
        (b"/assets/site.css?v=1", True),
        (b"/assets/site.css?v=2", False),
        (b"*", False),
        (b"", False),
    ],
)
async def test_targets_that_lead_to_what_is_kept(kept, target, found):
    for key in ("/topics/a/", "/assets/site.css", "/assets/site.css?v=1"):
        await fetch(kept, key)
    assert (kept.find(target) is not None) is found
