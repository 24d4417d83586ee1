"""Of an article of megabytes only the beginning is read where no more of it counts."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest
from sqlalchemy import update

from service.curate.articles import matched_text
from service.curate.search.answers import find_articles
from service.curate.search.question import parse
from service.curate.stories import terms
from service.store import tables as t
from service.store.content import search_index, story_rows
from service.store.content.articles import BEGINNING
from service.text.search_tokens import article_tokens
from tests import builders

PARAGRAPH = (
    '<p style="width:10px">Sáng 24/11, <a href="https://a.vn/{0}" rel="noopener noreferrer">xã số '
    "{0}</a> của tỉnh Điện Biên tìm thấy {0} người &amp; 12 ngôi nhà bị cuốn trôi.</p>"
)


@pytest.fixture
def huge(any_store, now):
    """An article of 5 MB, as it is stored."""
    content = "".join(PARAGRAPH.format(number) for number in range(30_000))
    assert len(content) > 5_000_000
    with any_store.write() as connection:
        source = builders.add_source(connection, now)
        builders.add_story(connection, source=source, topics=[], entered_at=now, title="Lũ quét")
        connection.execute(update(t.article).values(content=content, folded="lu quet"))
    return any_store, content


def test_what_is_judged_and_indexed_of_five_megabytes_is_as_of_the_whole(huge, now):
    store, content = huge
    with store.read() as connection:
        tracemalloc.start()
        (judged,) = story_rows.after(connection, 0, 20)
        (again,) = story_rows.within(connection, now, 0, judged.id, 20)
        (indexed,) = search_index.words(connection, [judged.id])
        asked = parse('"lũ quét"', (), (), "UTC", now)
        assert find_articles(connection, asked, 10).ids == (judged.id,)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 6_000_000  # of the whole one a single copy takes 10 MB
    assert judged == again
    assert judged.content == indexed.content == content[:BEGINNING]
    own = article_tokens(judged.title, judged.lead, content)
    assert article_tokens(indexed.title, indexed.lead, indexed.content) == own
    read = [
        terms.read(judged.title, matched_text(judged.lead, one), "vi")
        for one in (judged.content, content)
    ]
    assert pickle.dumps(read[0]) == pickle.dumps(read[1])
