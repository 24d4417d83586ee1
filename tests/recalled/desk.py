"""A site whose story is taken back: what its pages, feeds, search and mails show of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

from sqlalchemy import select

from service.curate.search.answers import find_stories
from service.curate.search.question import parse
from service.curate.stories import recalling
from service.newsletter.recalled.corrections import plan_corrections
from service.newsletter.recalled.remaking import remake
from service.publish.build import publish
from service.publish.pages import Pages
from service.store import tables as t
from service.store.content import feed_documents
from tests.newsletter.newsroom import Newsroom
from tests.publish.validity import atom_faults, json_faults, rss_faults

ATOM = "{http://www.w3.org/2005/Atom}"


class Desk(Newsroom):
    """A newsroom with an admin's hand on what went out."""

    def link(self, article: int) -> str:
        with self.store.read() as connection:
            return connection.scalar(select(t.article.c.link).where(t.article.c.id == article))

    def public_id(self, story: int) -> str:
        with self.store.read() as connection:
            return connection.scalar(select(t.story.c.public_id).where(t.story.c.id == story))

    def home(self, article: int) -> int:
        with self.store.read() as connection:
            own = t.story_article.c.article_id == article
            return connection.scalar(select(t.story_article.c.story_id).where(own))

    def recall(self, article: int, reason: str = "sai ngày", **options: Any) -> recalling.Recalled:
        with self.store.ledger() as connection:
            return recalling.recall(
                connection, self.link(article), reason, "lan", self.now, **options
            )

    def undo(self, article: int) -> recalling.Recalled:
        with self.store.ledger() as connection:
            return recalling.undo(connection, self.link(article), "minh", self.now)

    def remake(self):
        return remake(self.store, self.settings, self.renderer, self.now)

    def correct(self, after: timedelta = timedelta()) -> int:
        self.now += after
        done = plan_corrections(self.store, self.settings, self.renderer, self.now)
        self.send()
        return done.planned

    def publish(self) -> None:
        done = publish(self.store, self.settings, self.renderer, self.now)
        assert not done.failed, done.failed

    def feed(self, name: str = "giao-duc") -> dict[str, dict[str, Any]]:
        """Entry id -> title, text, updated, as the three formats say alike."""
        self.publish()
        with self.store.read() as connection:
            bodies = {
                kind: feed_documents.get(connection, name, kind).body
                for kind in ("atom", "rss", "json")
            }
        found = {
            one["id"]: {"title": one["title"], "updated": one["date_modified"],
                        "text": one["content_html"], "url": one["url"]}
            for one in json.loads(bodies["json"])["items"]
        }  # fmt: skip
        faults = atom_faults(bodies["atom"]), rss_faults(bodies["rss"]), json_faults(bodies["json"])
        assert not any(faults), faults
        atom = ET.fromstring(bodies["atom"])
        assert [one.findtext(f"{ATOM}id") for one in atom.iter(f"{ATOM}entry")] == list(found)
        rss = ET.fromstring(bodies["rss"])
        assert [one.findtext("guid") for one in rss.iter("item")] == list(found)
        titles = [one["title"] for one in found.values()]
        assert [one.findtext(f"{ATOM}title") for one in atom.iter(f"{ATOM}entry")] == titles
        assert [one.findtext("title") for one in rss.iter("item")] == titles
        self.bodies = b"\n".join(bodies.values()).decode()
        return found

    def pages(self, connection: Any) -> Pages:
        return Pages(connection, self.settings, self.renderer)

    def page(self, what: str, *at: str) -> str:
        with self.store.read() as connection:
            return (getattr(self.pages(connection), what)(*at) or b"").decode()

    def story_page(self, story: int) -> str:
        return self.page("story", self.public_id(story))

    def found(self, words: str) -> list[str]:
        settings = self.settings
        with self.store.read() as connection:
            question = parse(words, settings.topic, ("bao-a",), settings.zone, self.now)
            return [one.title for one in find_stories(connection, question, 100).stories]

    def texts(self, address: str = "minh@example.vn") -> list[str]:
        """The plain text of each mail to an address."""
        return [
            " ".join(one.get_body(("plain",)).get_content().split()) for one in self.outbox(address)
        ]

    def sent(self) -> list[bytes]:
        """Each mail, byte for byte."""
        found = (self.root / "var" / "outbox" / "new").glob("*")
        return [path.read_bytes() for path in found]

    def rows(self, table: Any) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(select(table)).all())
