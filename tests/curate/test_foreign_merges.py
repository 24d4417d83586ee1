"""What one source says makes no one article of two that others tell."""

from __future__ import annotations

from service.curate.lookup import find_article
from service.curate.stories import recalling
from service.store import tables as t
from tests.curate.desk import broken, entry


def addresses(desk):
    return sorted(one.link for one in desk.articles())


def test_a_list_whose_guids_are_ranks_makes_no_one_article_of_what_it_leads_to(desk):
    """ "Most read, 1": each hour the same guid leads to another article of other outlets."""
    for n in (1, 2, 3):
        desk.says("a", entry(f"{n}", f"https://a.vn/{n}", f"Học sinh {n}"))
    for n in (1, 2, 3, 1):
        desk.says("b", entry("top-1", f"https://a.vn/{n}", f"Học sinh {n}"))
        assert addresses(desk) == ["https://a.vn/1", "https://a.vn/2", "https://a.vn/3"]
        told = {one.link: len(one.others) for one in map(desk.story, addresses(desk))}
        assert told == {f"https://a.vn/{other}": int(other == n) for other in (1, 2, 3)}


def test_a_stranger_with_two_addresses_makes_no_one_article_of_them(desk):
    for n in (1, 2):
        desk.says("a", entry(f"{n}", f"https://a.vn/{n}", f"Học sinh {n}"))
    both = entry("x", "https://a.vn/1", "Khác", origin="https://a.vn/2", origin_is_key=True)
    desk.says("b", both)
    assert addresses(desk) == ["https://a.vn/1", "https://a.vn/2"]
    # It is the article of the publisher's address, as readers are led there.
    assert [len(desk.story(f"https://a.vn/{n}").others) for n in (1, 2)] == [0, 1]


def test_an_article_of_ones_own_becomes_one_with_anothers_as_before(desk):
    desk.says("b", entry("b1", "https://b.vn/~r/1", "Học sinh nghỉ học"))
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh nghỉ học"))
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh nghỉ học"))
    assert addresses(desk) == ["https://a.vn/1"]
    assert desk.count(t.article) == 2
    with desk.store.read() as connection:
        assert broken(connection) == []


def test_what_only_the_source_tells_joins_the_one_of_two_that_its_link_names(desk):
    """Its own two and another's two: its own go with it, the others' stay apart."""
    for n in (1, 2):
        desk.says("a", entry(f"{n}", f"https://a.vn/{n}", f"Học sinh {n}"))
    desk.says("b", entry("b1", "https://a.vn/1", "Học sinh 1"), entry("b2", "https://b.vn/2", "Lũ"))
    both = entry("b1", "https://b.vn/2", "Học sinh 2", origin="https://a.vn/2", origin_is_key=True)
    desk.says("b", both)
    assert len(addresses(desk)) == 2
    assert desk.story("https://b.vn/2").public_id == desk.story("https://a.vn/2").public_id
    assert desk.story("https://a.vn/1").public_id != desk.story("https://a.vn/2").public_id


def test_what_a_list_of_ranks_tells_before_its_outlet_is_an_article_when_that_tells_it(desk):
    """The list was quicker: its guid led the new address to what stood at that rank before."""
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh 1"))
    desk.says("b", entry("top-1", "https://a.vn/1", "Học sinh 1"))
    desk.says("b", entry("top-1", "https://a.vn/2", "Lũ về trong đêm"))
    told = desk.says("a", entry("2", "https://a.vn/2", "Lũ về trong đêm"))
    assert [len(told.news), *addresses(desk)] == [1, "https://a.vn/1", "https://a.vn/2"]
    assert {one.link: one.title for one in desk.articles()} == {
        "https://a.vn/1": "Học sinh 1", "https://a.vn/2": "Lũ về trong đêm",
    }  # fmt: skip
    desk.says("b", entry("top-1", "https://a.vn/2", "Lũ về trong đêm", summary="Ba xã"))
    assert [len(desk.story(f"https://a.vn/{n}").others) for n in (1, 2)] == [0, 1]


def test_an_address_that_moves_under_its_headline_is_known_whoever_says_so(desk):
    """Two lists of one outlet: the one that did not bring it is the first to say that it moved."""
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh 1"))
    desk.says("b", entry("1", "https://a.vn/1", "Học sinh 1"))
    desk.says("b", entry("1", "https://a.vn/moi", "Học sinh 1"))
    desk.says("a", entry("x", "https://a.vn/moi", "Học sinh 1"))
    assert len(desk.articles()) == 1


def test_what_was_recalled_with_its_headline_keeps_an_address_that_moves(desk):
    """Else who names the new one would bring it back."""
    desk.says("a", entry("1", "https://a.vn/1", "Học sinh 1"))
    desk.says("b", entry("1", "https://a.vn/1", "Học sinh 1"))
    with desk.store.write() as connection:
        recalling.recall(connection, "https://a.vn/1", "sai", "lan", desk.now, hides_title=True)
    desk.says("b", entry("1", "https://a.vn/moi", "Học sinh một"))
    desk.says("a", entry("x", "https://a.vn/moi", "Học sinh hai"))
    with desk.store.read() as connection:
        first, moved = (find_article(connection, f"https://a.vn/{n}") for n in ("1", "moi"))
    assert first == moved is not None
