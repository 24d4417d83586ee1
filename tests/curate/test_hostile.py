"""Whatever stands in an entry: it becomes an article or is refused, and costs no other entry."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from service.model import Document, Enclosure, Entry, Image
from service.store import tables as t
from service.store.content import stories
from service.text.web.canonical import is_web
from tests.curate.desk import entry
from tests.levels import some

NASTY = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "\x00", "\ud800", "\ufdd0\uffff", "a" * 3000, "<" * 2000, "&" * 500, "%", "'; --",
            "<svg/onload=alert(1)>", "javascript:alert(1)", "http://[", "https://a.vn/\x00\ud800",
            "<p>" * 2000, "<!--", "<![CDATA[", "Học sinh", "İstanbul", "http://a.vn:99999/",
        ]
    ),
)  # fmt: skip
INSTANTS = st.none() | st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001 - the zone is another strategy
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))]),
)
ENTRIES = st.builds(
    Entry,
    key=NASTY,
    guid=st.none() | NASTY,
    link=st.none() | NASTY,
    link_is_key=st.booleans(),
    title=NASTY,
    published=INSTANTS,
    updated=INSTANTS,
    summary=NASTY,
    content=NASTY,
    base=NASTY,
    authors=st.lists(NASTY, max_size=2).map(tuple),
    categories=st.lists(NASTY, max_size=2).map(tuple),
    enclosures=st.lists(st.builds(Enclosure, NASTY, NASTY), max_size=2).map(tuple),
    image=st.none() | st.builds(Image, NASTY, NASTY),
    language=st.none() | NASTY,
)
NUMBERS = itertools.count()
DANGEROUS = re.compile(
    r"""<[^>]*\s(?:on\w+|(?:href|src)\s*=\s*["']?\s*javascript:)""", re.IGNORECASE
)


@pytest.mark.large
@settings(max_examples=some(60, 12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENTRIES, max_size=4), st.booleans())
def test_every_entry_is_linked_or_refused(desk, hostile, first):
    number = next(NUMBERS)
    good = entry(f"good {number}", f"https://a.vn/good/{number}")
    said = desk.says("a", *hostile, good, first=first)
    assert said.new >= 1
    with desk.store.read() as connection:
        rows = connection.execute(
            select(t.entry.c.article_id, t.entry.c.refused_reason, t.entry.c.entry_key)
        ).all()
        assert all((row.article_id is None) != (row.refused_reason is None) for row in rows)
        assert good.key in {row.entry_key for row in rows if row.article_id}
        for story in stories.everywhere(connection, 1000):
            assert story.link is None or is_web(story.link)
            assert story.image is None or is_web(story.image.url)
            assert "<svg" not in story.content
            assert not DANGEROUS.search(story.content)
        parted = (
            select(func.count())
            .select_from(t.article)
            .where(
                t.article.c.merged_into.is_(None),
                t.article.c.id.not_in(select(t.story_article.c.article_id)),
            )
        )
        assert connection.scalar(parted) == 0
    assert desk.says("a", *hostile, good).new == 0


def test_a_cleaner_that_breaks_refuses_the_entry_with_a_reason(desk):
    bad = entry("2", "https://a.vn/2", "Học sinh hai")
    object.__setattr__(bad, "enclosures", (None,))  # what no reader gives
    said = desk.says("a", entry(), bad, entry("3", "https://a.vn/3", "Học sinh ba"))
    assert (said.new, said.refused) == (3, 1)
    with desk.store.read() as connection:
        refused = connection.execute(
            select(t.entry.c.entry_key).where(t.entry.c.refused_reason == "unreadable")
        ).scalars()
        assert list(refused) == ["2"]


def test_an_entry_that_stands_twice_counts_once(desk):
    document = Document("", None, None, (entry(), entry(title="Học sinh khác")))
    said = desk.says("a", *document.entries)
    assert said.new == 1
    assert [one.title for one in desk.articles()] == ["Học sinh nghỉ học"]
