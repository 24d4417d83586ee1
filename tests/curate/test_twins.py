"""A story that its outlet lists again is one article.

Documents are settled whole, as `collect` does; what stands in them as it stood in the last one is
not brought to the store again.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from service.curate.articles import entry_hash
from service.model import Entry
from service.parse.feed.entry_keys import Draft, settle
from service.store import tables as t

HOME = "https://a.vn/"
A = ("1", "tin", "Học sinh nghỉ học")
TWIN = ("2", "tin", "Học sinh nghỉ học!")
OTHER = ("3", "tin", "Học sinh đi học lại")
FAR = ("4", "khac", "Học sinh nghỉ học")


def document(*listed):
    """Entries of (guid, path, headline), settled."""
    drafts = [
        Draft(Entry("", guid, f"https://a.vn/{path}", False, title), "")
        for guid, path, title in listed
    ]
    return settle(drafts, (HOME,))


def read(desk, days, *, first=False):
    """Take in one document a day; entry key -> its article."""
    known: set[bytes] = set()
    for number, listed in enumerate(days):
        entries = document(*listed)
        fresh = [one for one in entries if entry_hash(one) not in known]
        known = {entry_hash(one) for one in entries}
        at = desk.now + timedelta(days=number)
        desk.says("a", *fresh, first=first and number == 0, at=at)
    with desk.store.read() as connection:
        rows = connection.execute(select(t.entry.c.entry_key, t.entry.c.article_id))
        return {row.entry_key: row.article_id for row in rows}


@pytest.mark.parametrize(
    ("days", "articles"),
    [
        pytest.param([[A], [TWIN, A]], [{"1", "2"}], id="on top"),
        pytest.param([[A], [A, TWIN]], [{"1", "2"}], id="below"),
        pytest.param([[A], [TWIN], [TWIN, A]], [{"1", "2"}], id="the first one was gone"),
        pytest.param([[TWIN, A]], [{"1", "2"}], id="both at once"),
        pytest.param([[A], [OTHER, A]], [{"1"}, {"3"}], id="another headline"),
        pytest.param([[A], [OTHER, TWIN, A]], [{"1", "2"}, {"3"}], id="live, both at once"),
        pytest.param(
            [[A], [OTHER, A], [OTHER, TWIN, A]], [{"1", "2"}, {"3"}], id="live, one by one"
        ),
        pytest.param([[A, OTHER], [TWIN, A, OTHER]], [{"1", "2"}, {"3"}], id="never a key"),
        pytest.param([[A, OTHER], [TWIN, A]], [{"1", "2"}, {"3"}], id="a key from now on"),
        pytest.param([[A], [FAR, A]], [{"1"}, {"4"}], id="another address"),
        pytest.param(
            [[A, OTHER], [*((str(n), *A[1:]) for n in range(9, 5, -1)), A, OTHER]],
            [{"1", "6", "7", "8", "9"}, {"3"}],
            id="a chain",
        ),
    ],
)
def test_which_entries_are_one_article(desk, days, articles):
    led = read(desk, days)
    found = [{key for key in led if led[key] == one} for one in sorted(set(led.values()))]
    assert found == articles


def test_a_story_that_is_listed_again_is_no_news(desk):
    """Neither where it was told as news nor where it was old when its source was first read."""
    read(desk, [[A], [TWIN, A]], first=True)
    assert desk.quiet("https://a.vn/tin") == {"giao-duc": True}
    with desk.store.read() as connection:
        entered = connection.execute(select(t.article_topic.c.entered_at)).scalars().all()
    assert entered == [desk.now]


def test_what_was_two_articles_before_becomes_one(desk):
    """As an earlier release had stored it, where a repeated address was not a key."""
    one, two = (entry for entry in document(A, TWIN))
    apart = [Entry(e.key, e.guid, e.link, link_is_key=False, title=e.title) for e in (one, two)]
    desk.says("a", apart[0])
    desk.says("a", *apart[::-1])
    assert desk.count(t.article) == 2
    desk.says("a", two, one)
    assert len(desk.articles()) == 1
