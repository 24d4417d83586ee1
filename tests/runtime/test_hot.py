"""Whatever publishes or plans marks hot stories first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service.newsletter.run import Planned
from service.publish.build import Published
from service.runtime import pipeline
from service.runtime.composition import open_service
from service.store import tables as t
from service.store.content import feed_documents, stale_feeds
from tests.builders import add_story
from tests.store.content.test_story_facts import sighting

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
OUTLETS = ("bao-a", "bao-b")
CONFIG = """
[hot]
outlets = 2
[topic.y-te]
any = ["sởi"]
[digest.nong]
cadence = "immediate"
hot = true
""" + "".join(f'[source.{one}]\nurl = "https://{one}.example/rss"\n' for one in OUTLETS)


@pytest.fixture
def service(tmp_path):
    (tmp_path / "bantin.toml").write_text(CONFIG, encoding="utf-8")
    opened = open_service(tmp_path / "bantin.toml", {}, lambda: NOON)
    with opened.store.write() as connection:
        topic = connection.scalar(select(t.topic.c.id))
        story = None
        for number, name in enumerate(OUTLETS):
            source = connection.scalar(select(t.source.c.id).where(t.source.c.name == name))
            at = NOON - timedelta(hours=number)
            story, article = add_story(
                connection, source=source, topics=[topic], entered_at=at, title=f"Sởi {number}",
                story=story,
            )  # fmt: skip
            sighting(connection, source, article, at)
        stale_feeds.mark(connection, ["y-te", stale_feeds.EVERYTHING], NOON)
    yield opened
    opened.close()


async def test_what_is_published_is_marked_before(service):
    done = await pipeline.publish_stale(service)
    assert "hot" in done.written
    with service.store.read() as connection:
        assert b"S\xe1\xbb\x9fi 0" in feed_documents.get(connection, "hot", "atom").body


async def test_what_is_planned_is_marked_before(service):
    await pipeline.plan(service)
    with service.store.read() as connection:
        assert connection.scalar(select(t.hot_story.c.hot_at)) == NOON


async def test_nothing_is_published_or_planned_while_articles_wait_for_a_closed_judge(service):
    service.judge.close()
    assert await pipeline.publish_stale(service) == Published()
    assert await pipeline.plan(service) == Planned()
    with service.store.read() as connection:
        assert connection.scalar(select(t.edition.c.id)) is None
        assert stale_feeds.marked(connection)
