"""A story split or merged by hand stays so: through more articles, restarts, other processes."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from service.curate.judging import Judge
from service.curate.lookup import find_article
from service.curate.stories import acting
from service.curate.stories.engine import StorySettings
from service.errors import StoryError
from service.store import tables as t
from service.store.content import versions
from tests.curate.desk import broken
from tests.curate.stories.test_by_hand import told as words
from tests.curate.stories.test_engine import FLOOD, MUSEUM
from tests.curate.test_judging import told


def link(number, host="a"):
    return f"https://{host}.vn/{number}"


class Hand:
    """The desk, an admin at it, and a judge that is made anew from rows each time."""

    def __init__(self, desk, now):
        self.desk, self.store, self.now = desk, desk.store, now

    def come(self, *numbers, host="a"):
        self.desk.says(host, *(told(number, words(number), host) for number in numbers))
        self.judge()

    def judge(self):
        Judge().run(self.store, StorySettings().window, self.now)
        with self.store.read() as connection:
            assert broken(connection) == []

    def split(self, *asked, **options):
        with self.store.write() as connection:
            return acting.split(connection, asked[0], asked[1:], "lan", self.now, **options)

    def merge(self, *asked):
        with self.store.write() as connection:
            return acting.merge(connection, asked, "lan", self.now)

    def story(self, number, host="a"):
        return self.desk.story(link(number, host)).public_id

    def found(self, asked):
        with self.store.read() as connection:
            return find_article(connection, asked)

    def act(self, number):
        with self.store.read() as connection:
            return connection.execute(
                select(t.story_act.c.kind, t.story_act.c.actor).where(t.story_act.c.id == number)
            ).one()

    def acts(self):
        with self.store.read() as connection:
            return connection.scalar(select(func.max(t.story_act.c.id))) or 0


@pytest.fixture
def hand(desk, now):
    return Hand(desk, now)


def test_a_split_is_still_one_after_ten_more_articles_and_a_restart_each(hand):
    hand.come(0, 1)
    hand.come(2, host="b")
    assert hand.story(0) == hand.story(1) == hand.story(2, "b")
    hand.desk.unmark()
    with hand.store.read() as connection:
        before = versions.every(connection)[versions.STORIES]
    done = hand.split(link(0), link(2, "b"))
    assert done.changed
    assert done.stories == (hand.story(0), hand.story(2, "b"))
    assert {"tat-ca", "all"} <= hand.desk.marked()
    with hand.store.read() as connection:
        assert versions.every(connection)[versions.STORIES] > before
    assert hand.act(hand.acts()) == ("apart", "lan")
    for number in range(3, 13):
        hand.come(number, host="ab"[number % 2])
        assert hand.story(0) == hand.story(1) != hand.story(2, "b")
    homes = {hand.story(number, "ab"[number % 2]) for number in range(3, 13)}
    assert homes <= {hand.story(0), hand.story(2, "b")}


def test_a_merge_is_still_one_after_ten_more_articles_and_a_restart_each(hand):
    hand.desk.says("a", told(0, FLOOD, "a"), told(1, MUSEUM, "a"))
    hand.judge()
    lost, kept = hand.story(0), hand.story(1)
    assert hand.merge(kept, link(0)).stories == (kept,)
    assert hand.desk.story(link(0)).public_id == kept
    for number in range(2, 12):
        hand.come(number, host="b")
        assert hand.story(0) == hand.story(1) == hand.story(number, "b") == kept
    with hand.store.read() as connection:
        merged = select(t.story.c.merged_into).where(t.story.c.public_id == lost)
        assert connection.scalar(merged) is not None


def test_the_address_of_a_page_means_what_readers_see_there(hand):
    """The first article leaves the story that has its id; its own id and address still find it."""
    hand.come(0, 1, 2)
    page, first, second = hand.story(0), hand.found(link(0)), hand.found(link(1))
    hand.split(page, link(0))
    assert hand.story(0) != hand.story(1) == page
    assert hand.found(f"/stories/{page}/") == second
    assert hand.found(page) == hand.found(link(0)) == first
    assert hand.found(f"/stories/{hand.story(0)}/") == first
    hand.merge(link(0), link(1))
    assert hand.found(f"/stories/{page}/") == first, "it is in the story which that has become"


def test_the_same_again_changes_nothing(hand):
    hand.come(0, 1, 2)
    hand.split(link(0), link(2))
    first, again = hand.acts(), hand.split(link(0), link(2))
    assert again == acting.Acted((hand.story(0), hand.story(2)), changed=False)
    hand.merge(link(0), link(2))
    second, again = hand.acts(), hand.merge(link(2), link(0))
    assert again == acting.Acted((hand.story(0),), changed=False)
    assert (first, second, hand.acts()) == (1, 2, 2)


def test_the_newest_act_counts_and_says_which_one_it_overrules(hand):
    hand.come(0, 1)
    assert hand.split(link(0), link(1)).overruled is None
    joined = hand.merge(link(0), link(1))
    assert joined.overruled.id == 1
    parted = hand.split(link(0), link(1))
    assert parted.overruled.id == 2
    hand.come(2)
    assert hand.story(0) != hand.story(1)
    assert hand.merge(link(0), link(1)).overruled.id == 3
    hand.come(3)
    assert hand.story(0) == hand.story(1)


def test_of_three_that_were_put_together_one_leaves(hand):
    """A with B, B with C by hand; C leaves: A and B are together still."""
    hand.desk.says(
        "a", told(0, FLOOD, "a"), told(1, MUSEUM, "a"), told(2, ("Xổ số", "Kết quả"), "a")
    )
    hand.judge()
    hand.merge(link(0), link(1))
    hand.merge(link(1), link(2))
    assert hand.split(link(0), link(2)).overruled.id == 2
    hand.come(3, 4)
    assert hand.story(0) == hand.story(1) == hand.story(3) != hand.story(2)


def test_each_article_that_leaves_may_get_a_story_of_its_own(hand):
    hand.come(0, 1, 2)
    done = hand.split(link(0), link(1), link(2), each=True)
    assert len(set(done.stories)) == 3
    hand.come(3)
    assert len({hand.story(number) for number in range(3)}) == 3


def test_what_an_admin_places_before_it_was_judged_stays_there(hand):
    hand.come(0)
    hand.desk.says("b", told(1, words(1), "b"), told(2, MUSEUM, "b"))
    hand.merge(link(0), link(2, "b"))
    hand.split(link(0), link(2, "b"))
    hand.judge()
    assert hand.story(0) == hand.story(1, "b") != hand.story(2, "b")


def test_a_story_that_is_one_already_may_be_kept_so(hand):
    hand.come(0, 1)
    assert hand.merge(link(0), link(1)).changed
    assert not hand.merge(link(0)).changed


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("https://a.vn/99", "https://a.vn/0"), "no story 'https://a.vn/99' is known"),
        (("https://a.vn/0", "https://a.vn/99"), "no article 'https://a.vn/99' is known"),
        (("https://a.vn/0", "https://a.vn/5"), "'https://a.vn/5' is in the story "),
        (("https://a.vn/0", "https://a.vn/0", "https://a.vn/1"), "no article would stay in the "),
    ],
)
def test_what_cannot_be_split_is_named_and_nothing_is_changed(hand, asked, said):
    hand.come(0, 1)
    hand.desk.says("a", told(5, MUSEUM, "a"))
    with pytest.raises(StoryError, match=said):
        hand.split(*asked)
    assert hand.acts() == 0
    with pytest.raises(StoryError, match="no story '404' is known"):
        hand.merge(link(0), "404")
