"""The order of a run, and what each of its workers begins and ends with."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests import levels


def item(nodeid, *, quick=False, mark=None):
    return SimpleNamespace(
        nodeid=nodeid,
        get_closest_marker=lambda name: (quick and name == "quick") or name == mark or None,
    )


ITEMS = [
    *(item(f"tests/text/test_{n % 5}.py::test_{n}", quick=True) for n in range(40)),
    *(item(f"tests/contract/test_{n % 7}.py::test_{n}") for n in range(14)),
    *(item(f"tests/web/test_{n % 4}.py::test_{n}") for n in range(13)),
]
ATTACK, OTHER, QUICK = 2, 1, 0


def ranks(items):
    return [levels._rank(one) for one in items]


def test_one_worker_tries_the_quick_ones_first():
    assert ranks(levels.ordered(ITEMS, 1)) == [QUICK] * 40 + [OTHER] * 13 + [ATTACK] * 14


@pytest.mark.parametrize("workers", [2, 3, 4, 8])
def test_each_of_several_begins_with_what_waits_and_ends_with_what_is_quick(workers):
    items = levels.ordered(ITEMS, workers)
    assert sorted(map(id, items)) == sorted(map(id, ITEMS))
    for worker in range(workers):
        share = items[: len(items) // (workers - worker)]  # as xdist cuts it
        del items[: len(share)]
        assert ranks(share) == sorted(ranks(share), reverse=True)
        assert QUICK in ranks(share)
        assert workers > 7 or ATTACK in ranks(share)


def test_what_is_marked_soak_is_left_to_it_as_a_whole():
    left = item("tests/contract/test_many.py::test_it", mark="soak")
    assert levels.left_to_soak([*ITEMS, left]) == [left]


def test_all_that_needs_a_browser_is_done_by_one_worker():
    pages = [item(f"tests/browser/test_{n % 3}.py::test_{n}") for n in range(9)]
    items = levels.ordered([*ITEMS, *pages], 4)
    shares = [{one.nodeid for one in items[n * 19 : n * 19 + 19]} for n in range(4)]
    assert [share for share in shares if share & {one.nodeid for one in pages}] == [
        share for share in shares if share >= {one.nodeid for one in pages}
    ]


def test_a_table_tries_every_case_and_names_each_that_is_wrong():
    tried = []

    @levels.table(("one", "double"), [(1, 2), (2, 5), (3, 6), (4, 9)])
    def doubles(one, double):
        tried.append(one)
        assert one * 2 == double

    with pytest.raises(AssertionError, match=r"(?s)\(2, 5\): .*\(4, 9\): "):
        doubles()
    assert tried == [1, 2, 3, 4]


def test_what_breaks_in_a_table_says_with_what():
    @levels.table("text", ["1", "x"])
    def numbers(text):
        int(text)

    with pytest.raises(ValueError, match="invalid literal") as broken:
        numbers()
    assert broken.value.__notes__ == ["with ('x',)"]
