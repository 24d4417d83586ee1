"""Real feeds through reading and curating: every entry accounted for, twice the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.config.schema import Settings
from service.curate.admit import AdmitSource, admit
from service.curate.rules.matcher import compile_rules
from service.errors import ParseError
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.store import tables as t
from service.store.content import stories
from service.store.sources import registry
from service.text.web.canonical import is_web
from tests.levels import sample, some

FOLDERS = ("rss-parser/input", "feedjira", "miniflux", "reader", "vi")


def read_all(corpus, now):
    for folder in FOLDERS:
        every = sorted((corpus / "feeds" / folder).rglob("*"))
        for path in sample(every, 6, lambda one: one.name):
            if path.is_file() and path.suffix in {".xml", ".rss", ".atom", ".json"}:
                try:
                    yield (
                        path,
                        parse_document(
                            path.read_bytes(),
                            {},
                            f"https://{path.stem}.example/feed",
                            ParseOptions(),
                            now,
                        ),
                    )
                except ParseError:
                    continue  # said to the admin by collect; its own tests hold that


@pytest.mark.sampled
def test_every_entry_of_every_real_feed_is_linked_or_refused(corpus: Path, any_store, now):
    read = [(path, document) for path, document in read_all(corpus, now) if document.entries]
    assert len(read) > some(80, 12)
    settings = Settings.model_validate(
        {
            "source": {f"s{n}": {"url": f"https://s{n}.vn/rss"} for n in range(len(read))},
            "topic": {"moi": {"sources": [f"s{n}" for n in range(len(read))]}},
        }
    )
    matcher = compile_rules(settings.topic)
    with any_store.write() as connection:
        registry.register(connection, settings, now, retire=True)
        ids = {row.name: row.id for row in connection.execute(select(t.source))}
    for again in range(2):
        for number, (path, document) in enumerate(read):
            name = f"s{number}"
            source = AdmitSource(
                id=ids[name], name=name, title=document.title, weight=1, language=None,
                topics=(), first_collection=not again, first_fetch_at=now,
            )  # fmt: skip
            with any_store.write() as connection:
                said = admit(connection, source, document, now, matcher)
                kept = connection.execute(
                    select(
                        func.count(),
                        func.count(t.entry.c.article_id),
                        func.count(t.entry.c.refused_reason),
                    ).where(t.entry.c.source_id == ids[name])
                ).one()
            assert kept[0] == len(document.entries) == kept[1] + kept[2], path
            if again:
                assert (said.new, said.changed, said.topics) == (0, 0, frozenset()), path
            else:
                assert (said.new, said.refused) == (kept[0], kept[2]), path
    with any_store.read() as connection:
        listed = stories.everywhere(connection, 10_000)
        entries = connection.scalar(select(func.count(t.entry.c.article_id)))
        assert connection.scalar(select(func.count(t.article.c.id.distinct()))) <= entries
    assert len(listed) > some(1000, 150)
    for story in listed:
        assert story.title
        assert story.link is None or is_web(story.link)
        assert "utm_source" not in (story.link or "")
        assert "<script" not in story.content
