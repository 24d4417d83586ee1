"""The desk on each database, and what it is asked."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from service.curate.search.answers import find_articles
from service.curate.search.indexing import index_stored
from service.curate.search.question import parse
from service.store import tables as t
from tests.curate.desk import Desk


class SearchDesk(Desk):
    """A desk whose articles can be searched; `finds` gives their titles in order."""

    def indexed(self):
        while index_stored(self.store):
            pass

    def asks(self, text, most=50, **limits):
        question = parse(
            text, self.settings.topic, self.settings.source, self.settings.zone, self.now
        )
        with self.store.read() as connection:
            return find_articles(connection, question, most, **{"patience_s": 60.0, **limits})

    def finds(self, text, most=50):
        with self.store.read() as connection:
            titles = dict(connection.execute(select(t.article.c.id, t.article.c.title)).all())
        found = self.asks(text, most)
        assert found.complete
        return [titles[one] for one in found.ids]


@pytest.fixture
def desk(any_store, now):
    return SearchDesk(any_store, now)
