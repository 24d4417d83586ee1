"""Promise 2 under attack: an outlet lists a story again under a new guid, and nobody is told twice.

`bantin up` runs as a process and collects from outlets on loopback; its readers have been mailed
each story once. Then every outlet lists its story a second time, each in another way, together with
one that is new. The next mail must have the new ones, and no old one.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.errors import StoreError
from service.store import tables as t
from service.store.core.database import Store
from tests.contract.way import Outlets, outlets, parsed, text_of
from tests.curate.stories.test_engine import strangers
from tests.running import eventually, run, unused_port, up

READERS = {"hang-gio@example.vn": "hourly", "hang-ngay@example.vn": "daily"}
OLD = "Tin cũ"
OTHER = "Cập nhật lúc 9 giờ"

CONFIG = """
[site]
title = "Tin"
language = "vi"
[web]
listen = "{address}"
[store]
url = "{store}"
[collect]
allow_networks = ["127.0.0.0/8"]
interval = {{ min = "1s", max = "1s" }}
[topic.tin]
title = "Tin"
[digest.tin]
cadence = "hourly"
cadences = ["hourly", "daily"]
stories = {{ max = 100 }}
"""


def item(title: str, link: str, guid: str | None = None) -> str:
    named = f"<guid isPermaLink='false'>{guid}</guid>" if guid else ""
    return f"<item>{named}<title>{title}</title><link>{link}</link></item>"


def feed(name: str, *items: str) -> bytes:
    channel = f"<title>{name}</title><link>https://{name}.example/</link>{''.join(items)}"
    return f"<rss version='2.0'><channel>{channel}</channel></rss>".encode()


HEADLINES = (title for title, _ in strangers(40))


class Paper:
    """An outlet with one story. `again`: how it is listed on the second day, the story as {}."""

    def __init__(self, name: str, again: str) -> None:
        self.name, self.again = name, again
        self.link = f"https://{name}.example/tin"
        # No two papers tell one story.
        self.title, self.news = next(HEADLINES), next(HEADLINES)

    def days(self) -> tuple[bytes, bytes, bytes]:
        old = item(OLD, f"https://{self.name}.example/cu", "cu")
        story = item(self.title, self.link, "g1")
        new = item(self.news, f"https://{self.name}.example/moi", "moi")
        again = self.again.format(story, title=self.title, link=self.link)
        return feed(self.name, old), feed(self.name, story, old), feed(self.name, new, again, old)


def twin(guid: str | None = "g2", title: str = "{title}", link: str = "{link}") -> str:
    return item(title, link, guid)


PAPERS = [
    Paper("tren", twin() + "{}"),
    Paper("duoi", "{}" + twin()),
    Paper("ba", twin() + twin("g4") + "{}"),
    Paper("khong-guid", twin(None) + "{}"),
    Paper("cung-guid", twin("g1", link="{link}?utm_source=rss") + "{}"),
    Paper("chien-dich", twin(link="{link}?utm_source=zalo") + "{}"),
    Paper("dau-cau", twin(title="  “{title}”! ") + "{}"),
    # The page is told under two headlines: the other one is news, the twin is not.
    Paper("truc-tiep", twin("g5", title=OTHER) + twin() + "{}"),
    Paper("truc-tiep-sau", "{}" + twin("g5", title=OTHER) + twin() + twin("g6")),
]


class Office:
    """`bantin up` in a folder of its own, and commands beside it."""

    def __init__(self, folder: Path, url: str, web: Outlets) -> None:
        self.folder, self.web = folder, web
        url = url or f"sqlite:///{folder}/var/bantin.db"
        self.store = Store(url)
        address = f"127.0.0.1:{unused_port()}"
        sources = "".join(
            f'[source.{one.name}]\nurl = "{web.url(f"/{one.name}")}"\ntopics = ["tin"]\n'
            for one in PAPERS
        )
        config = CONFIG.format(address=address, store=url) + sources
        self.config = folder / "bantin.toml"
        self.config.write_text(config)
        readers = [f"{address},tin,{cadence}" for address, cadence in READERS.items()]
        (folder / "readers.csv").write_text("\n".join(["address,digest,cadence", *readers, ""]))

    async def run(self, *arguments: str) -> None:
        await run(self.config, *arguments)

    async def collected(self, day: int) -> None:
        """Show the papers of a day, and wait until the service has taken in every entry."""
        for one in PAPERS:
            self.web.pages[f"/{one.name}"] = ("application/rss+xml", one.days()[day])
        # A document is taken in as a whole: what only this day has tells that it is there.
        wanted = {(one.name, (OLD, one.title, one.news)[day]) for one in PAPERS}
        await eventually(lambda: self._entries() >= wanted)

    def _entries(self) -> set[tuple[str, str]]:
        """The sources' names and the titles of their entries."""
        try:
            with self.store.read() as connection:
                stored = select(t.source.c.name, t.entry.c.title).join(t.entry)
                return {(row[0], row[1]) for row in connection.execute(stored)}
        except StoreError:  # nothing has been made yet
            return set()

    def articles(self) -> int:
        """How many there are, each once."""
        with self.store.read() as connection:
            own = t.article.c.merged_into.is_(None)
            return connection.scalar(select(func.count()).where(own)) or 0

    def told(self, reader: str) -> Counter[str]:
        """How many of the reader's mails name each headline."""
        paths = (self.folder / "var" / "outbox" / "new").iterdir()
        mails = [parsed(path.read_bytes()) for path in paths]
        texts = [text_of(mail) for mail in mails if mail["To"] == reader]
        names = [one.title for one in PAPERS] + [one.news for one in PAPERS] + [OTHER]
        return Counter(name for text in texts for name in names if name in " ".join(text.split()))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """Where the store is; "" = in the folder."""
    if request.param == "sqlite":
        return ""
    return str(request.getfixturevalue("postgres_database"))


async def test_a_story_that_is_listed_again_under_a_new_guid_is_mailed_once(tmp_path, url):
    begun = datetime.now(UTC)
    tomorrow, the_day_after = (begun + timedelta(hours=25 * day) for day in (1, 2))
    async with outlets() as web:
        office = Office(tmp_path, url, web)
        async with up(office.config, hasty=True):
            await office.collected(0)
            await office.run("subscribers", "import", "readers.csv")
            await office.collected(1)
            await office.run("digest", "send", "tin", "--at", tomorrow.isoformat())
            once = Counter(one.title for one in PAPERS)
            assert {reader: office.told(reader) for reader in READERS} == dict.fromkeys(
                READERS, once
            )
            await office.collected(2)
            await office.run("digest", "send", "tin", "--at", the_day_after.isoformat())
        # No twin is an article of its own, which only the likeness of stories would keep back.
        assert office.articles() == 3 * len(PAPERS) + 2
        office.store.close()
    once.update([*(one.news for one in PAPERS), OTHER])
    assert {reader: office.told(reader) for reader in READERS} == dict.fromkeys(READERS, once)
