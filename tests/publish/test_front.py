"""The front page: what many outlets tell first, no topic alone, outlets in turn."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from lxml import html as markup

from service.publish.front import IN_SECTION, TOP, arrange
from service.publish.pages import Pages
from service.store.content import stories
from tests.builders import add_source, add_story, add_topic
from tests.publish.newsroom import TOPICS, configure, renderer_for
from tests.store.watching import statements

HOUR = timedelta(hours=1)
ORDER = tuple(TOPICS)


@pytest.fixture
def fill(any_store, now):
    """Stories as (title, hours old, topics, outlets), written in the order given."""

    def _fill(told, sources=None):
        with any_store.write() as connection:
            topics = {name: add_topic(connection, now, name, TOPICS[name]) for name in ORDER}
            names = sorted({outlet for _, _, _, outlets in told for outlet in outlets})
            ids = {name: add_source(connection, now, name) for name in names}
            for title, age, where, outlets in told:
                story = None
                for outlet in outlets:
                    story, _ = add_story(
                        connection, source=ids[outlet], topics=[topics[one] for one in where],
                        entered_at=now - age * HOUR, title=f"{title} ({outlet})", story=story,
                    )  # fmt: skip
        with any_store.read() as connection:
            page = arrange(connection, ORDER, configure(source=sources or {}).source)
            loaded = stories.by_ids(connection, page.ids)
        titles = {one: story.title.partition(" (")[0] for one, story in loaded.items()}
        top = [titles[one.story_id] for one in page.top]
        sections = {name: [titles[one.story_id] for one in some] for name, some in page.sections}
        return page, top, sections

    return _fill


def one(title, age, topic="giao-duc", *outlets):
    return (title, age, [topic], outlets or ("bao-a",))


def test_what_many_outlets_tell_stands_first_though_it_is_older(fill, now):
    told = [one(f"Tin {n}", n, "giao-duc", f"bao-{n}") for n in range(5)]
    told.append(one("Lũ", 16, "y-te", "a", "b", "c", "d", "e", "f"))
    page, top, _ = fill(told)
    assert top[:2] == ["Lũ", "Tin 0"]
    assert page.newest == now
    first = page.top[0].score
    assert first.outlets == pytest.approx(3.585, abs=1e-3)
    assert first.new == pytest.approx(2 ** (-16 / 12))
    assert first.total == pytest.approx(first.outlets * first.new)


def test_a_topic_with_sixteen_of_twenty_stories_does_not_drown_the_others(fill):
    told = [one(f"Trường {n}", n / 10, "giao-duc", f"bao-{n}") for n in range(16)]
    told += [one(f"Thuốc {n}", 2 + n, "y-te", f"bao-{n}") for n in range(2)]
    told += [one(f"Gen {n}", 3 + n, "khoa-hoc", f"bao-{n}") for n in range(2)]
    _, top, sections = fill(told)
    assert Counter(title.split()[0] for title in top) == {"Trường": 3, "Thuốc": 2, "Gen": 2}
    assert top[0] == "Trường 0"
    assert len(sections["giao-duc"]) == IN_SECTION


def test_mirrors_of_one_owner_stand_no_higher_than_one_outlet(fill):
    mirrors = ("soi-1", "soi-2", "soi-3")
    told = [one("Ba bản", 5, "giao-duc", *mirrors), one("Hai báo", 8, "giao-duc", "bao-a", "bao-b")]
    written = {name: {"url": f"https://{name}.example/rss", "owner": "Một"} for name in mirrors}
    assert fill(told, written)[1] == ["Hai báo", "Ba bản"]


def test_outlets_take_turns(fill):
    told = [one(f"A{n}", n / 10, "giao-duc", "bao-a") for n in range(3)]
    told += [one(f"B{n}", 1 + n, "y-te", "bao-b") for n in range(2)]
    told += [one(f"C{n}", 40 + n / 10, "giao-duc", "bao-a") for n in range(9)]
    told += [one(f"D{n}", 41 + n, "giao-duc", "bao-b") for n in range(2)]
    _, top, sections = fill(told)
    assert top[:4] == ["A0", "B0", "A1", "B1"]
    assert top[4:] == ["A2", "D0", "C0"]
    assert sections["giao-duc"][:3] == ["C1", "D1", "C2"]


def test_no_story_stands_twice_and_a_section_has_no_old_one_before_a_new_one(fill):
    told = [(f"Tin {n}", n * 3, random.Random(n).sample(ORDER, 2), (f"bao-{n % 7}",))
            for n in range(40)]  # fmt: skip
    page, top, sections = fill(told)
    assert len(page.ids) == len(set(page.ids))
    assert len(top) == TOP
    assert all(len(some) <= IN_SECTION for some in sections.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_arrival_changes_nothing(fill, seed):
    told = [(f"Tin {n:02}", 1 + n % 4, [ORDER[n % 3]], (f"bao-{n % 5}",)) for n in range(30)]
    random.Random(seed).shuffle(told)
    _, top, sections = fill(told)
    assert (top, sections["y-te"]) == EXPECTED


EXPECTED = (
    ["Tin 16", "Tin 08", "Tin 24", "Tin 28", "Tin 20", "Tin 00", "Tin 04"],
    ["Tin 01", "Tin 13", "Tin 25", "Tin 22"],
)


def test_the_page_says_when_its_newest_story_came_out(fill, any_store, now):
    fill([one("Lũ", 9, "y-te", "a", "b", "c", "d"), one("Mới", 0, "y-te", "e")])
    settings = configure()
    with any_store.read() as connection:
        body = Pages(connection, settings, renderer_for(settings)).home()
    page = markup.document_fromstring(body.decode())
    assert page.cssselect(".headline")[0].text_content().startswith("Lũ")
    assert page.cssselect(".asof")[0].text_content() == "Tin mới nhất: 15:00 thứ Ba 24/11"


def test_a_topic_costs_a_few_statements_and_a_story_none(fill, any_store):
    counts = []
    fill([one(f"Tin {n}", n, ORDER[n % 3], f"bao-{n % 9}") for n in range(90)])
    for topics in (ORDER[:1], ORDER):
        with any_store.read() as connection, statements(any_store) as asked:
            arrange(connection, topics, {})
        counts.append(len(asked))
    assert counts[0] <= 12
    assert counts[1] - counts[0] <= 2 * 4
