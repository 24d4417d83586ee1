"""The newest entries of a huge document are taken, in its order; the others are counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.model import Document, Entry
from service.parse.entry_limits import bounded


def document(*days: int | None, now, updated=False) -> Document:
    which = "updated" if updated else "published"
    entries = tuple(
        Entry(key=str(n), guid=None, link=None, link_is_key=False, title=str(n),
              **({} if day is None else {which: now + timedelta(days=day)}))
        for n, day in enumerate(days)
    )  # fmt: skip
    return Document(title="T", link=None, language=None, entries=entries)


def keys(document: Document) -> str:
    return "".join(entry.key for entry in document.entries)


@pytest.mark.parametrize(
    ("days", "most", "kept"),
    [
        ((3, 2, 1, 0), 2, "01"),  # newest first, as most are
        ((0, 1, 2, 3), 2, "23"),  # oldest first: its news stand at the end
        ((0, 5, 1, 4), 3, "123"),
        ((None, None, None), 2, "01"),
        ((None, 1, None, 2), 2, "13"),
        ((None, 1, None, 2), 3, "013"),
        ((1, 1, 1), 2, "01"),
    ],
)
def test_the_newest_stay_in_the_order_of_the_document(now, days, most, kept):
    whole = document(*days, now=now)
    found = bounded(whole, most)
    assert (keys(found), found.beyond) == (kept, len(days) - most)
    assert keys(bounded(document(*days, now=now, updated=True), most)) == kept


def test_what_is_within_the_bound_is_left_as_it_is(now):
    whole = document(1, 2, now=now)
    assert bounded(whole, 2) is whole
    assert bounded(whole) is whole
