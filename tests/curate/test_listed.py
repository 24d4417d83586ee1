"""Entries that wait for their own pages: packed and unpacked, and which they are."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from service.curate.admit import AdmitSource, Submission, admit_prepared
from service.curate.arriving import MOST_OLD
from service.curate.listed import Visits, pack, unpack, wanted
from service.curate.prepare import Told, prepare
from service.model import Document, Enclosure, Image
from service.store.sources import article_page_queue
from tests.curate.desk import entry
from tests.levels import table

LISTED = Visits(all=False, dates_count=False, most=50)


def test_what_is_packed_comes_back_whole(now):
    full = entry(
        published=now, updated=now, summary="<p>Tóm tắt</p>", content="\ud800 x", language="vi",
        base="https://a.vn/1", authors=("Minh",), categories=("Giáo dục", "Thi"),
        enclosures=(Enclosure("https://a.vn/a.mp3", "audio/mpeg", 7),), origin_is_key=True,
        image=Image("https://a.vn/i.jpg", "Ảnh", 640, None), origin="https://b.vn/1",
        twins=("2",),
    )  # fmt: skip
    assert all(getattr(full, one.name) for one in fields(full)), "a field is not tried"
    assert unpack(pack(full)) == full
    assert unpack(pack(entry())) == entry()


@table(
    ("link", "origin", "is_wanted"),
    [
        ("https://a.vn/1", None, True),
        ("https://a.vn/", None, False),
        (None, None, False),
        ("https://proxy.example/", "https://a.vn/1", True),  # the page is the publisher's
        (None, "https://a.vn/1", True),
    ],
)
def test_pages_are_read_where_the_entry_has_one(link, origin, is_wanted):
    one = entry(link=link, origin=origin)
    assert wanted({"1": one}, LISTED) == ({"1"} if is_wanted else set())


@pytest.mark.parametrize(("first", "waiting"), [(True, MOST_OLD), (False, MOST_OLD + 10)])
def test_of_what_a_source_had_at_first_only_some_wait_for_their_pages(desk, first, waiting):
    """The rest stays as its list told it."""
    source = AdmitSource(
        id=desk.ids["a"], name="a", title="a", weight=1, language="vi", topics=(),
        first_collection=first, first_fetch_at=desk.now,
    )  # fmt: skip
    many = tuple(entry(f"{n}", f"https://a.vn/{n}") for n in range(MOST_OLD + 10))
    told = Told(1, "a", visits=replace(LISTED, most=len(many)))
    made, _ = prepare(Document("", None, "vi", many), told, desk.matcher)
    assert all(one.listed for one in made)
    with desk.store.write() as connection:
        admit_prepared(connection, [Submission(source, made)], desk.now, desk.matcher)
        assert article_page_queue.number(connection, source.id) == waiting
    assert len(desk.articles()) == len(many) - waiting
