"""Stories as they are judged one by one: joins, splits, templates, bad input, floods."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count, islice

import pytest

from service.curate.stories.engine import FULL, Placed, Stories, StorySettings
from service.curate.stories.grouping import name_groups
from service.curate.stories.likeness import likeness
from service.curate.stories.terms import LONGEST_TEXT, read
from tests.curate.stories.traps import TRUE, Told, traps
from tests.levels import table

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)

FLOOD = (
    "Lũ quét ở Mường Pồn: 7 người mất tích",
    (
        "Rạng sáng 24/11, lũ quét tràn qua bản Lĩnh, xã Mường Pồn, tỉnh Điện Biên, cuốn trôi 12 "
        "ngôi nhà. Bộ đội Biên phòng và công an xã tìm kiếm 7 người mất tích."
    ),
)
AGAIN = (
    "Điện Biên tìm kiếm 7 người mất tích vì lũ quét",
    (
        "Lực lượng Bộ đội Biên phòng tỉnh Điện Biên đang tìm 7 người mất tích trong trận lũ quét "
        "ở bản Lĩnh, xã Mường Pồn sáng 24/11. Có 12 ngôi nhà bị cuốn trôi."
    ),
)
MUSEUM = (
    "Museum reopens after four years",
    (
        "The city museum of Port Ellery reopened on Tuesday after four years of works on its roof"
        " and on the halls for paintings. Entry is free until Sunday."
    ),
)


_read = cache(read)
"""Many tests begin with the same articles, and what is read of them is never changed."""


class Desk:
    """Stories, a supply of ids for articles and stories, and a clock that is moved by hand."""

    def __init__(self, settings: StorySettings | None = None) -> None:
        self.stories = Stories(settings or StorySettings())
        self.numbers = count(1)
        self.fresh: Iterator[int] = count(1001)
        self.at = NOW
        self.last = Placed(0, {})

    def add(self, told: Told, language: str | None = None) -> int:
        number = next(self.numbers)
        self.last = self.stories.add(number, _read(*told, language), self.at, self.fresh)
        return number

    def together(self, one: int, other: int) -> bool:
        return self.stories.story_of(one) == self.stories.story_of(other)


def strangers(size: int) -> list[Told]:
    """Articles that have nothing in common with one another, always the same."""
    known, more = _strangers()
    known.extend(islice(more, max(0, size - len(known))))
    return known[:size]


@cache
def _strangers() -> tuple[list[Told], Iterator[Told]]:
    """Those that were asked for already, and those that follow."""
    random_ = random.Random(7)
    first = ("b", "c", "d", "g", "h", "kh", "l", "m", "n", "ph", "t", "th", "tr", "v", "x")
    rest = ("an", "ang", "âu", "ay", "ông", "ênh", "ươi", "uyên", "át", "ôi", "ư", "ôn", "iêm")
    syllables = [one + other for one in first for other in rest]
    words = [random_.choice(syllables) + random_.choice(syllables) for _number in range(20_000)]
    return [], (
        (" ".join(random_.choices(words, k=9)), " ".join(random_.choices(words, k=120)))
        for _number in count()
    )


def _crowd(settings: StorySettings | None = None) -> Desk:
    desk = Desk(settings)
    for told in strangers(100):
        desk.add(told)
    return desk


def _joined(desk: Desk, one: Told, other: Told) -> bool:
    """Whether the two are one story where there is nothing else like them."""
    numbers = desk.add(one), desk.add(other)
    together = desk.together(*numbers)
    for number in numbers:
        desk.stories.remove(number)
    return together


def test_two_outlets_that_tell_one_event_are_one_story() -> None:
    desk = Desk()
    one, museum, other = desk.add(FLOOD), desk.add(MUSEUM), desk.add(AGAIN)
    assert desk.together(one, other)
    assert not desk.together(one, museum)
    assert desk.last == Placed(desk.stories.story_of(one), {})


def test_what_is_alike_by_template_only_stays_apart() -> None:
    pairs, desk = list(traps()), _crowd()
    assert len(pairs) == 30
    joined = [one[0] for one, other in pairs if _joined(desk, one, other)]
    assert len(joined) <= 2, joined


def test_the_traps_are_traps() -> None:
    """Without the guard nearly all of them are joined: it is the guard that keeps them apart."""
    desk = _crowd(StorySettings(guard=1))
    assert sum(_joined(desk, *pair) for pair in traps()) >= 25


def test_one_event_in_other_words_or_with_news_of_it_is_one_story() -> None:
    assert len(TRUE) == 10
    desk = _crowd()
    split = [one[0] for one, other in TRUE if not _joined(desk, one, other)]
    assert len(split) <= 1, split


def test_two_languages_stay_apart() -> None:
    desk = Desk()
    names = "Port Ellery 140 Maid of Orran 12/5 Halbrook 2026 Tessaly Bay 33 Cape Norvane 77"
    english = desk.add((names, f"The ferry of the city was at the pier for {names}."), "en")
    german = desk.add((names, f"Die Fähre der Stadt lag am Pier für {names}."), "de")
    again = desk.add((names, f"The ferry of the city was at the pier: {names}."), "en")
    assert not desk.together(english, german)
    assert desk.together(english, again)


def test_what_left_the_window_is_not_joined_and_costs_nothing() -> None:
    desk = Desk()
    old = desk.add(FLOOD)
    desk.at += timedelta(days=4)
    assert desk.together(old, desk.add(AGAIN))
    desk.at += timedelta(days=6)
    desk.add(FLOOD)
    assert len(desk.stories) == 1
    assert old not in desk.stories


def test_the_same_arrivals_give_the_same_stories() -> None:
    articles = _stream()
    runs = []
    for _run in range(2):
        desk = Desk()
        numbers = [desk.add(told) for told in articles]
        runs.append([desk.stories.story_of(number) for number in numbers])
    assert runs[0] == runs[1]


def test_rows_alone_bring_the_state_back() -> None:
    articles = _stream()
    through, half = Desk(), len(articles) // 2
    for told in articles[:half]:
        through.add(told)
    again = Desk()
    for number, told in enumerate(articles[:half], 1):
        again.stories.restore(number, through.stories.story_of(number), read(*told), NOW)
    again.numbers, again.fresh = count(half + 1), through.fresh
    for told in articles[half:]:
        number = again.add(told)
        after = [again.stories.story_of(one) for one in range(1, number + 1)]
    through.fresh = count(10_000)
    for told in articles[half:]:
        through.add(told)
    before = [through.stories.story_of(one) for one in range(1, number + 1)]
    assert _partition(before) == _partition(after)


def test_a_late_article_brings_two_stories_together_under_the_larger_ones_id() -> None:
    desk = Desk(StorySettings(threshold=0.25, touching=0.3, cohesion=0))
    left = ("a1 a2 a3 a4 a5 a6", "")
    right = ("b1 b2 b3 b4 b5 b6", "")
    both = ("a1 a2 a3 a4 a5 a6 b1 b2 b3 b4 b5 b6", "")
    ones = [desk.add(left) for _time in range(3)]
    others = [desk.add(right) for _time in range(2)]
    keeps = desk.stories.story_of(ones[0])
    for _time in range(9):
        desk.add(both)
        if desk.last.moved:
            break
    assert desk.last.moved.items() >= dict.fromkeys(others, keeps).items()
    assert {desk.stories.story_of(one) for one in ones + others} == {keeps}


@table(
    "told",
    [
        ("", ""),
        ("", "Rạng sáng 24/11, lũ quét tràn qua bản Lĩnh."),
        ("Lũ quét", ""),
        ("😀🎉", "🔥🔥🔥"),
        ("LŨ QUÉT Ở MƯỜNG PỒN", "RẠNG SÁNG 24/11, LŨ QUÉT TRÀN QUA BẢN LĨNH."),
        ("\x00\ud800", "&#0;&bogus;<p>&nbsp;"),
        ("东京发生地震", "东京今天上午发生地震, 没有人员伤亡."),
        ("Lũ quét và flash floods", "Hai thứ tiếng: the flood of the year, lũ quét tràn qua."),
    ],
)
def test_bad_input_is_a_story_of_its_own(told: Told) -> None:
    desk = _crowd()
    one = desk.add(told)
    assert len({desk.stories.story_of(number) for number in range(1, one + 1)}) == one
    assert desk.last.moved == {}


def test_articles_without_words_are_not_one_story() -> None:
    desk = Desk()
    assert not desk.together(desk.add(("😀🎉", "")), desk.add(("😀🎉", "")))


def test_of_a_huge_text_only_the_beginning_is_read() -> None:
    whole = read("Tiêu đề", "từ ngữ " * 800_000)
    cut = read("Tiêu đề", "từ ngữ " * LONGEST_TEXT)
    for (ids, times), (others, often) in zip(whole.blocks, cut.blocks, strict=True):
        assert ids.tolist() == others.tolist()
        assert times.tolist() == often.tolist()


def test_entities_are_letters() -> None:
    assert (
        read("Hàng hóa", "").blocks[0][0].tolist()
        == read("H&agrave;ng h&oacute;a", "").blocks[0][0].tolist()
    )


@pytest.mark.large
def test_many_articles_with_one_title_are_one_story_and_are_compared_with_few() -> None:
    """The number of comparisons does not grow with the story."""
    desk = Desk()
    looked: list[int] = []
    window = desk.stories._window

    class Counting(type(window)):
        def like(self, slot, others):
            looked.append(len(others))
            return super().like(slot, others)

    window.__class__ = Counting
    sums = []
    for _part in range(4):
        looked.clear()
        numbers = [desk.add(FLOOD) for _time in range(80)]
        sums.append(sum(looked))
    assert {desk.stories.story_of(number) for number in numbers} == {1001}
    assert sums[3] <= sums[1]


@pytest.mark.large
def test_a_story_that_is_full_takes_no_more_and_others_tell_the_rest() -> None:
    desk = Desk()
    numbers = [desk.add(FLOOD) for _time in range(FULL + 20)]
    sizes = Counter(desk.stories.story_of(number) for number in numbers)
    assert sorted(sizes.values()) == [20, FULL]


@pytest.mark.parametrize(
    ("title", "text", "names"),
    [
        ("Lũ về {} đêm qua", "", ["Mường Lay", "Kỳ Sơn", "Cẩm Thủy", "Bắc Hà"]),
        ("Trường {} khai giảng", "Thầy trò trường {} đón năm học.", ["Kim Đồng", "Lê Lợi", "Huế"]),
        ("UBND xã {} họp", "", ["Tân Mộc", "Yên Thắng"]),
    ],
)
def test_one_formula_with_other_names_is_another_story_even_where_nothing_else_is_known(
    title: str, text: str, names: list[str]
) -> None:
    desk = Desk()
    numbers = [desk.add((title.format(name), text.format(name))) for name in names]
    assert len({desk.stories.story_of(number) for number in numbers}) == len(names)
    again = desk.add((title.format(names[0]), text.format(names[0])))
    assert desk.together(numbers[0], again)


def test_the_shorter_the_text_the_less_its_likeness_counts() -> None:
    background = [read(*told) for told in strangers(100)]
    title = f"{strangers(100)[0][0]} 1954 1975 2026"  # by words alone they could be a template
    words = " ".join(text for _title, text in strangers(100)[:3]).split()

    def alike(number: int) -> float:
        terms = read(title, " ".join(words[:number]))
        pair = [(terms, NOW), (terms, NOW)]
        return float(likeness(pair, background, StorySettings())[0, 1])

    assert alike(len(words)) == pytest.approx(1)
    assert alike(0) < alike(40) < alike(120) < 0.95
    assert alike(0) > 0.75


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Giáo dục theo Chỉ thị số 38/CT-TW", "Giáo dục vùng cao"),
        ("Giá vàng hôm nay 12/5", "Giá vàng hôm nay 13/5"),
        ("Thông báo", "Thông báo"),
        ("Lịch tiếp công dân tháng 3", "Lịch tiếp công dân tháng 4"),
    ],
)
def test_titles_of_one_subject_are_no_story_where_nothing_else_is_known(
    one: str, other: str
) -> None:
    desk = Desk()
    assert not desk.together(desk.add((one, "")), desk.add((other, "")))


def test_a_flood_that_repeats_everybodys_words_does_not_make_everything_one_story() -> None:
    desk, told = Desk(), _stream(outlets=2)
    numbers = [desk.add(one) for one in told]
    before = _partition([desk.stories.story_of(number) for number in numbers])
    random_ = random.Random(3)
    for _time in range(60):
        mixed = random_.sample(told, 8)
        desk.add((mixed[0][0], " ".join(text for _title, text in mixed)))
    after = _partition([desk.stories.story_of(number) for number in numbers])
    assert len(set(after)) >= 0.8 * len(set(before))


def _stream(outlets: int = 3) -> list[Told]:
    """Events, each told by several outlets in words that they share in part, mixed."""
    random_ = random.Random(11)
    told = []
    for title, text in strangers(40):
        words = text.split()
        for _outlet in range(outlets):
            own = [word if random_.random() < 0.7 else "khác" for word in words]
            told.append((title, " ".join(own)))
    random_.shuffle(told)
    return told


def _partition(stories: list[int]) -> list[int]:
    """The same for two lists that put the same ones together, whatever the ids."""
    first: dict[int, int] = {}
    return [first.setdefault(story, number) for number, story in enumerate(stories)]


def test_the_id_that_most_articles_have_stays_however_they_are_held() -> None:
    groups, stories = [[0, 1, 2]], [7, 7, 9]
    assert name_groups(groups, stories) == [7]
    assert name_groups(groups, stories, sizes=[1, 1, 30]) == [9]  # one unit, of 30 articles
    assert name_groups(groups, stories, frozenset({7}), [1, 1, 30]) == [7]
