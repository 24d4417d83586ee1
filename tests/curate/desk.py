"""A desk: registered sources on a store, and a short way to let one of them say something."""

from __future__ import annotations

from functools import cache

from sqlalchemy import and_, exists, func, literal, or_, select, union_all

from service.config.schema import Settings
from service.curate.admit import AdmitSource, admit
from service.curate.lookup import find_article
from service.curate.rules.matcher import compile_rules
from service.model import Document, Entry
from service.runtime.model_in_use import ModelInUse
from service.store import tables as t
from service.store.content import admin_queries, stale_feeds, stories
from service.store.sources import registry

SETTINGS = Settings.model_validate(
    {
        "source": {
            "a": {"url": "https://a.vn/rss", "title": "Báo A"},
            "b": {"url": "https://b.vn/rss", "title": "Báo B", "topics": ["tat-ca"]},
        },
        "topic": {"giao-duc": {"any": ["giáo dục", "học sinh"]}, "tat-ca": {}},
    }
)


def broken(connection):
    """What must never be, whatever was said: rows that hang on an article that was merged away."""
    return connection.scalars(_broken()).all()


@cache
def _broken():
    """One statement for all rules: it is asked after every document."""
    merged = select(t.article.c.id).where(t.article.c.merged_into.is_not(None))
    gone = select(t.story.c.id).where(t.story.c.merged_into.is_not(None))
    homes = select(t.story_article.c.article_id)
    rules = {
        "an entry": t.entry.c.article_id.in_(merged),
        "a key": t.article_key.c.article_id.in_(merged),
        "a topic": t.article_topic.c.article_id.in_(merged),
        "a merge into what was merged": t.article.c.merged_into.in_(merged),
        "a story merged into what was merged": t.story.c.merged_into.in_(gone),
        "an article in a story that is gone": t.story_article.c.story_id.in_(gone),
        "an article without a story": t.article.c.id.not_in(homes),
        "a row that lists older than its story": and_(
            t.article_topic.c.listed_at < first_entered(),
            or_(came_out().is_(None), t.article_topic.c.listed_at < came_out()),
        ),
        "a story told by a merged article": and_(
            t.story.c.merged_into.is_(None), t.story.c.article_id.in_(merged)
        ),
    }
    return union_all(
        *(select(literal(name)).where(exists().where(one)) for name, one in rules.items())
    )


def first_entered():
    """When the first article of a row's story entered any topic."""
    row, own = t.article_topic.alias(), t.story_article.alias()
    return (
        select(func.min(row.c.entered_at))
        .join(t.story_article, t.story_article.c.article_id == row.c.article_id)
        .join(own, own.c.story_id == t.story_article.c.story_id)
        .where(own.c.article_id == t.article_topic.c.article_id)
        .scalar_subquery()
    )


def came_out():
    """When the article that represents a row's story was published."""
    return (
        select(t.article.c.published_at)
        .join(t.story, t.story.c.article_id == t.article.c.id)
        .join(t.story_article, t.story_article.c.story_id == t.story.c.id)
        .where(t.story_article.c.article_id == t.article_topic.c.article_id)
        .scalar_subquery()
    )


class Desk:
    """`settings` are registered; the short way is `says`."""

    checks = True  # what must never be, after every document

    def __init__(self, store, now, settings=SETTINGS):
        self.store, self.now, self.settings = store, now, settings
        self.matcher = compile_rules(settings.topic, ModelInUse().current(settings))
        with store.write() as connection:
            registry.register(connection, settings, now, retire=True)
            rows = connection.execute(select(t.source.c.name, t.source.c.id))
            self.ids = {row.name: row.id for row in rows}

    def says(self, name, *entries, first=False, at=None, home=None):
        at = at or self.now
        source = AdmitSource(
            id=self.ids[name], name=name, title=name, weight=1, language="vi",
            topics=self.settings.source[name].topics, first_collection=first, first_fetch_at=at,
            home=home,
        )  # fmt: skip
        with self.store.write() as connection:
            document = Document("", None, "vi", entries)
            admitted = admit(connection, source, document, at, self.matcher)
            assert not self.checks or broken(connection) == []
            return admitted

    def explained(self, link):
        with self.store.read() as connection:
            return admin_queries.explained(connection, find_article(connection, link))

    def quiet(self, link):
        """Topic -> whether the article is quiet in it."""
        return {topic.topic: topic.quiet for topic in self.explained(link).topics}

    def marked(self):
        with self.store.read() as connection:
            return set(stale_feeds.marked(connection))

    def unmark(self):
        with self.store.write() as connection:
            for feed, since in stale_feeds.marked(connection).items():
                stale_feeds.clear(connection, feed, since)

    def count(self, table):
        with self.store.read() as connection:
            return connection.scalar(select(func.count()).select_from(table))

    def articles(self):
        with self.store.read() as connection:
            return admin_queries.listed(connection)

    def story(self, link):
        with self.store.read() as connection:
            article = find_article(connection, link)
            found = admin_queries.explained(connection, article)
            return stories.by_public_id(connection, found.story_public_id)


def entry(key="1", link="https://a.vn/1", title="Học sinh nghỉ học", **values):
    return Entry(
        **{"key": key, "guid": key, "link": link, "link_is_key": True, "title": title, **values}
    )
