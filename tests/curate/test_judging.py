"""Stories across outlets as rows: one event is one story, whichever process judges it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from sqlalchemy import event, func, select

from service.curate.judging import FEW, Judge, begun, stop
from service.curate.search.answers import find_stories
from service.curate.search.question import parse as parse_question
from service.curate.stories.terms import read
from service.errors import StoreError
from service.store import tables as t
from service.store.content import references, stories, story_rows, versions
from tests.curate.desk import broken, entry
from tests.curate.stories.test_engine import AGAIN, FLOOD, MUSEUM, strangers

CROWD = [
    ("Cầu Bạch Hổ thông xe", "Sau hai năm thi công, xe cộ qua sông Hương theo cây cầu thép mới."),
    ("Giá cà phê lập đỉnh", "Nông dân Đắk Lắk bán được 120.000 đồng mỗi kilôgam, cao nhất 30 năm."),
    ("Tuyển nữ vào chung kết", "Bàn thắng phút 89 của Huỳnh Như hạ Thái Lan tại sân Lạch Tray."),
]

WINDOW = timedelta(days=5)

THIRD = (
    "Lũ quét Mường Pồn: thêm 2 thi thể được tìm thấy",
    (
        "Trong số 7 người mất tích vì lũ quét ở bản Lĩnh, xã Mường Pồn, tỉnh Điện Biên, Bộ đội "
        "Biên phòng đã tìm thấy 2 thi thể. 12 ngôi nhà bị cuốn trôi sáng 24/11."
    ),
)


def told(number, event, host):
    title, text = event
    link = f"https://{host}.vn/{number}"
    return entry(str(number), link, title, summary=text)


@pytest.fixture
def judge():
    return Judge()


def test_two_outlets_are_one_story_that_names_both_with_links(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    judge.run(desk.store, WINDOW, now)
    desk.unmark()
    desk.says("b", told(3, AGAIN, "b"))
    done = judge.run(desk.store, WINDOW, now)
    assert (done.articles, done.moved) == (1, 1)
    first, second = desk.story("https://a.vn/1"), desk.story("https://b.vn/3")
    assert first == second
    assert first.title == FLOOD[0]
    assert [(one.title, one.link) for one in first.others] == [("Báo B", "https://b.vn/3")]
    assert desk.story("https://a.vn/2") != first
    assert {"tat-ca", "all"} <= desk.marked()
    with desk.store.read() as connection:
        assert broken(connection) == []


def test_the_id_of_a_story_stays_and_the_lost_one_leads_to_it(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    before = desk.story("https://a.vn/1").public_id
    desk.says("b", told(3, AGAIN, "b"))
    lost = desk.story("https://b.vn/3").public_id
    judge.run(desk.store, WINDOW, now)
    assert desk.story("https://b.vn/3").public_id == before
    with desk.store.read() as connection:
        rows = connection.execute(select(t.story.c.public_id, t.story.c.merged_into)).all()
        ids = {row.public_id: row.id for row in connection.execute(select(t.story))}
    assert dict(tuple(row) for row in rows) == {before: None, lost: ids[before]}


def test_what_a_process_knew_is_read_again_from_the_rows(desk, now):
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    Judge().run(desk.store, WINDOW, now)
    desk.says("b", told(3, AGAIN, "b"))
    Judge().run(desk.store, WINDOW, now)  # another start
    desk.says("b", told(4, THIRD, "b"))
    Judge().run(desk.store, WINDOW, now)
    assert len(desk.story("https://a.vn/1").article_ids) == 3


def test_two_processes_in_turn_judge_each_article_once(desk, judge, now):
    other, judged = Judge(), 0
    for number, (what, who) in enumerate([(FLOOD, judge), (AGAIN, other), (THIRD, judge)]):
        desk.says("ab"[number % 2], told(number, what, "ab"[number % 2]))
        judged += who.run(desk.store, WINDOW, now).articles
        assert (other if who is judge else judge).run(desk.store, WINDOW, now).articles == 0
    assert judged == 3
    assert len(desk.story("https://a.vn/0").article_ids) == 3


REFUSES = {
    "sqlite": (
        """CREATE TRIGGER refuses BEFORE UPDATE ON fact WHEN OLD.name = 'stories_judged_to'
           BEGIN SELECT RAISE(ABORT, 'no'); END""",
        "DROP TRIGGER refuses",
    ),
    "postgresql": (
        """CREATE FUNCTION refuses() RETURNS trigger AS 'BEGIN RAISE ''no''; END' LANGUAGE plpgsql;
           CREATE TRIGGER refuses BEFORE UPDATE ON fact
           FOR EACH ROW WHEN (OLD.name = 'stories_judged_to') EXECUTE FUNCTION refuses()""",
        "DROP FUNCTION refuses CASCADE",
    ),
}


def test_a_judge_whose_batch_is_refused_begins_again_with_the_rows(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(3, AGAIN, "b"))
    refuse, again = REFUSES[desk.store.engine.dialect.name]
    with desk.store.engine.begin() as connection:
        connection.exec_driver_sql(refuse)
    with pytest.raises(StoreError):  # at the end of the batch: all its moves are undone
        judge.run(desk.store, WINDOW, now)
    with desk.store.engine.begin() as connection:
        connection.exec_driver_sql(again)
    assert len(desk.story("https://a.vn/1").article_ids) == 1
    judge.run(desk.store, WINDOW, now)
    assert len(desk.story("https://a.vn/1").article_ids) == 2


def test_articles_that_turn_out_to_be_one_meanwhile_are_one_here_too(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    desk.says("b", told(3, AGAIN, "b"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(3, AGAIN, "b"), entry("9", "https://a.vn/1", FLOOD[0], summary=FLOOD[1]))
    desk.says("a", told(4, THIRD, "a"))
    judge.run(desk.store, WINDOW, now)
    assert desk.story("https://a.vn/4") == desk.story("https://a.vn/1")
    with desk.store.read() as connection:
        assert broken(connection) == []


def test_it_is_noted_when_stories_that_were_there_become_one(desk, judge, now):
    """By this hot stories are looked for anew; an article that joins a story is new by itself."""
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    judge.run(desk.store, WINDOW, now)
    before = regrouped(desk)
    desk.says("b", told(3, AGAIN, "b"))
    assert judge.run(desk.store, WINDOW, now).moved == 1
    assert regrouped(desk) == before
    with desk.store.write() as connection:  # as if they had been no more alike than that
        story_rows.place(connection, {3: story_rows.begin(connection, "x" * 24, 3, now)})
    before = regrouped(desk)
    desk.says("a", told(4, THIRD, "a"))
    assert judge.run(desk.store, WINDOW, now).moved > 1
    assert len(desk.story("https://a.vn/1").article_ids) == 3
    assert regrouped(desk) > before


def regrouped(desk):
    with desk.store.read() as connection:
        return versions.one(connection, versions.REGROUPED)


def test_what_is_older_than_the_window_keeps_its_own_story(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    judge.run(desk.store, WINDOW, now)
    later = now + timedelta(days=6)
    desk.says("b", told(3, AGAIN, "b"), at=later)
    assert judge.run(desk.store, WINDOW, later).moved == 0


def test_stored_articles_outside_the_window_are_never_judged(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    later = now + timedelta(days=30)
    desk.says("b", told(3, MUSEUM, "b"), at=later)
    assert judge.run(desk.store, WINDOW, later).articles == 1


def listed(desk):
    with desk.store.read() as connection:
        found = stories.everywhere(connection)
        assert [one.id for one in found] == [
            one.id for one in stories.in_topic(connection, "tat-ca")
        ]
    return [one.title for one in found]


def test_what_waits_for_a_judge_is_in_no_list_and_its_feeds_are_built_once_more(desk, judge, now):
    desk.says("b", told(1, FLOOD, "b"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(2, MUSEUM, "b"))
    desk.unmark()  # a feed that is built meanwhile
    assert listed(desk) == [FLOOD[0]]
    judge.run(desk.store, WINDOW, now)
    assert desk.marked() == {"tat-ca", "all"}
    assert set(listed(desk)) == {FLOOD[0], MUSEUM[0]}


def test_where_nobody_judges_any_more_nothing_waits_for_it(desk, judge, now):
    desk.says("b", told(1, FLOOD, "b"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(3, AGAIN, "b"))
    desk.unmark()
    stop(desk.store, now)
    assert desk.marked() == {"tat-ca", "all"}
    assert set(listed(desk)) == {FLOOD[0], AGAIN[0]}
    judge.run(desk.store, WINDOW, now)  # switched on again
    assert listed(desk) == [FLOOD[0]]


def stopping(judge):
    """Let it end after its first batch, as a process does that is stopped meanwhile."""

    def last_batch(title, text, language):
        judge.close()
        return read(title, text, language)

    judge._read = last_batch
    return judge


def test_what_was_listed_before_stories_were_judged_stays_so_while_it_waits(desk, judge, now):
    again = (AGAIN[0], f"{AGAIN[1]} Theo Quyết định số 412/QĐ-UBND.")
    crowd = [told(number, one, "b") for number, one in enumerate(strangers(100)[:20])]
    desk.says("b", told("flood", FLOOD, "b"), *crowd, told("again", again, "b"))
    before, ids = listed(desk), _ids(desk)
    stopping(judge).run(desk.store, WINDOW, now)
    desk.says("b", told("third", THIRD, "b"))
    assert listed(desk) == before
    assert _ids(desk).items() > ids.items()
    assert set(_found(desk, now)[0]) == {FLOOD[0], AGAIN[0]}
    assert _found(desk, now)[1] == [AGAIN[0]]
    other = Judge()
    other.run(desk.store, WINDOW, now)
    assert set(listed(desk)) == set(before) - {AGAIN[0]}
    assert _found(desk, now) == [[FLOOD[0]], [FLOOD[0]]]
    assert _ids(desk) == ids | {AGAIN[0]: ids[FLOOD[0]], THIRD[0]: ids[FLOOD[0]]}
    stop(desk.store, now)  # and switched on again
    before = listed(desk)
    stopping(Judge()).run(desk.store, WINDOW, now)
    assert listed(desk) == before
    desk.says("b", told("museum", MUSEUM, "b"))
    assert listed(desk) == before


def _ids(desk):
    """Title of an article -> the public id of its story."""
    return {one.title: desk.story(one.link).public_id for one in desk.articles()}


def test_a_story_may_be_split_off_by_an_article_that_is_judged_again(desk, now):
    desk.says("a", told(1, FLOOD, "a"))
    with desk.store.write() as connection:
        (article,) = connection.scalars(select(t.article.c.id))
        first = next(begun(connection, article, now, []))
        assert next(begun(connection, article, now, [])) != first


def test_an_article_that_cannot_be_read_stops_no_other(desk, now):
    def hostile(title, text, language):
        if title == MUSEUM[0]:
            raise ValueError("not a text")
        return read(title, text, language)

    judge = Judge(hostile)
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    desk.says("b", told(3, AGAIN, "b"))
    done = judge.run(desk.store, WINDOW, now)
    assert list(done.unread.values()) == ["ValueError: not a text"]
    assert (done.articles, done.moved) == (3, 1)
    desk.says("a", told(4, THIRD, "a"))
    assert Judge(hostile).run(desk.store, WINDOW, now).moved == 1  # it is read again by another


def test_an_article_that_breaks_the_judge_stays_alone_and_stops_no_other(desk, now):
    def broken_terms(title, text, language):
        terms = read(title, text, language)
        return replace(terms, blocks=()) if title == MUSEUM[0] else terms

    judge = Judge(broken_terms)
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    desk.unmark()
    desk.says("b", told(3, AGAIN, "b"))
    done = judge.run(desk.store, WINDOW, now)
    assert (done.articles, done.moved, len(done.unread)) == (2, 1, 1)
    assert desk.story("https://a.vn/1") == desk.story("https://b.vn/3")
    assert desk.story("https://a.vn/2").article_ids != desk.story("https://a.vn/1").article_ids
    assert "tat-ca" in desk.marked()
    with desk.store.read() as connection:
        assert not story_rows.has_unjudged(connection)
        assert broken(connection) == []


def test_behind_a_batch_that_failed_each_article_comes_alone_and_is_read_a_few_times(desk, now):
    times = Counter()

    def broken_terms(title, text, language):
        times[title] += 1
        terms = read(title, text, language)
        return replace(terms, blocks=()) if title == MUSEUM[0] else terms

    background = [told(number, one, "a") for number, one in enumerate(strangers(100)[:12])]
    desk.says("a", *background, told(99, MUSEUM, "a"))
    done = Judge(broken_terms).run(desk.store, WINDOW, now)
    assert (done.articles, len(done.unread)) == (12, 1)
    assert max(times.values()) <= 4


def test_a_search_and_a_document_list_nothing_that_waits_for_a_judge(desk, judge, now):
    told_by_b = (AGAIN[0], f"{AGAIN[1]} Theo Quyết định số 412/QĐ-UBND.")
    desk.says("a", told(1, FLOOD, "a"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(3, told_by_b, "b"))
    assert _found(desk, now) == ([[FLOOD[0]], []])
    judge.run(desk.store, WINDOW, now)
    assert _found(desk, now) == ([[FLOOD[0]], [FLOOD[0]]])


def _found(desk, now):
    """The stories that a search for the flood finds, and those that cite the decision."""
    question = parse_question("mường pồn", (), (), "UTC", now)
    with desk.store.read() as connection:
        searched = find_stories(connection, question, 10).stories
        citing = references.citing(connection, "412/QĐ-UBND", 10)
    return [[story.title for story in some] for some in (searched, citing)]


def test_what_came_while_the_clock_was_ahead_leaves_the_window(desk, judge, now):
    ahead = now + timedelta(days=400)
    desk.says("a", told(1, FLOOD, "a"), at=ahead)
    judge.run(desk.store, WINDOW, ahead)
    later = now + timedelta(days=6)
    desk.says("a", told(2, MUSEUM, "a"))
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(3, AGAIN, "b"), at=later)
    assert judge.run(desk.store, WINDOW, later).moved == 0


def test_two_processes_at_once_judge_each_article_once_and_agree(desk, now):
    """Both bring articles and judge at the same time; each then holds what the rows say."""
    barrier = Barrier(2)

    def process(name):
        judge, judged = Judge(), 0
        barrier.wait()
        for number, what in enumerate((FLOOD, MUSEUM, AGAIN, THIRD, *CROWD)):
            desk.says(name, told(f"{name}{number}", what, name))
            judged += judge.run(desk.store, WINDOW, now).articles
        return judge, judged

    desk.checks = False  # between the documents of the other one nothing is at rest
    with ThreadPoolExecutor(2) as pool:
        ((one, first), (two, second)) = pool.map(process, "ab")
    assert first + second == 2 * (4 + len(CROWD))
    assert desk.story("https://a.vn/a0") == desk.story("https://b.vn/b3")
    assert desk.story("https://a.vn/a1") == desk.story("https://b.vn/b1")
    with desk.store.read() as connection:
        assert broken(connection) == []
        heads = select(func.count()).select_from(t.story).where(t.story.c.merged_into.is_(None))
        assert connection.scalar(heads) == 2 + len(CROWD)
    desk.says("a", told("last", THIRD, "a"))
    for judge in (one, two):
        judge.run(desk.store, WINDOW, now)
    assert len(desk.story("https://a.vn/a0").article_ids) == 7


def test_a_story_is_never_told_by_an_article_that_became_another(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"), told(2, MUSEUM, "a"))
    with desk.store.write() as connection:
        homes = connection.execute(select(t.story_article).order_by(t.story_article.c.article_id))
        (first, _), (_, second) = homes.all()
        story_rows.place(connection, {first: second})  # the second article stands for both
    desk.says("a", told(1, FLOOD, "a"), entry("2", "https://a.vn/1", FLOOD[0], summary=FLOOD[1]))
    with desk.store.read() as connection:
        assert broken(connection) == []
    assert desk.story("https://a.vn/2").title == FLOOD[0]


def statements(desk, what):
    """How many statements it takes."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    engines = {desk.store.engine, desk.store._readers}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        what()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    return len(asked)


@pytest.mark.large
def test_a_flood_with_one_title_costs_no_more_as_it_grows_and_other_news_is_judged(
    desk, judge, now
):
    """Half of it has a text, and is one story; with the bare title nobody can say that it is."""
    number, costs = count(), []
    for _part in range(3):
        for name in "ab":
            desk.says(
                name,
                *(told(f"{name}{next(number)}", FLOOD, name) for _ in range(30)),
                *(told(f"{name}{next(number)}", ("Thông báo", "🔥"), name) for _ in range(10)),
                told(f"{name}{next(number)}", ("", "😀🎉"), name),
            )
        costs.append(statements(desk, lambda: judge.run(desk.store, WINDOW, now)))
    assert costs[2] <= 1.1 * costs[1]
    with desk.store.read() as connection:
        heads = select(t.article.c.title, func.count()).join(
            t.story, t.story.c.article_id == t.article.c.id
        )
        living = heads.where(t.story.c.merged_into.is_(None)).group_by(t.article.c.title)
        titles = dict(map(tuple, connection.execute(living)))
    assert titles[FLOOD[0]] == 1
    assert titles["Thông báo"] == 60
    desk.says("a", told("last", MUSEUM, "a"))
    desk.says("b", told("last", (MUSEUM[0], MUSEUM[1] + " It rained."), "b"))
    assert judge.run(desk.store, WINDOW, now).moved == 1


def test_a_judge_that_is_closed_leaves_the_rest_to_the_next_process(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    judge.close()
    assert judge.run(desk.store, WINDOW, now).articles == 0
    assert Judge().run(desk.store, WINDOW, now).articles == 1


def test_words_are_read_while_others_may_write_and_again_where_they_changed_since(desk, now):
    said, locked = Counter(), set()

    def edited(title, text, language):
        said[title] += 1
        locked.add(desk.store._write_lock.locked())
        if title == MUSEUM[0]:  # meanwhile its outlet says something else
            desk.says("b", told(3, AGAIN, "b"))
        return read(title, text, language)

    judge = Judge(edited)
    judge.run(desk.store, WINDOW, now)
    desk.says("b", told(1, FLOOD, "b"), told(3, MUSEUM, "b"))
    assert judge.run(desk.store, WINDOW, now).moved == 1
    assert said == {FLOOD[0]: 1, MUSEUM[0]: 1, AGAIN[0]: 1}
    assert len(desk.story("https://b.vn/1").article_ids) == 2
    desk.says("b", told(4, THIRD, "b"))
    locked.clear()
    judge.run(desk.store, WINDOW, now)
    assert locked == {False}


def resting():
    """A judge whose batches take an hour, as its rests do."""
    hours = count(step=3600)
    return Judge(clock=lambda: next(hours), longest_rest_s=3600)


def test_while_a_pass_runs_a_judge_rests_between_its_batches(desk, now):
    judge = resting()
    desk.says("a", *(told(number, one, "a") for number, one in enumerate(strangers(25))))
    with ThreadPoolExecutor(1) as pool:
        with judge.yielding():
            running = pool.submit(judge.run, desk.store, WINDOW, now)
            with pytest.raises(TimeoutError):
                running.result(0.5)
        assert running.result(60).articles == 25


def test_a_judge_that_is_closed_while_it_rests_begins_no_batch(desk, now):
    judge = stopping(resting())
    desk.says("a", *(told(number, one, "a") for number, one in enumerate(strangers(25))))
    with judge.yielding():
        assert judge.run(desk.store, WINDOW, now).articles == FEW


def test_an_idle_judge_asks_two_questions_and_writes_nothing(desk, judge, now):
    desk.says("a", told(1, FLOOD, "a"))
    judge.run(desk.store, WINDOW, now)
    desk.unmark()
    assert judge.run(desk.store, WINDOW, now).articles == 0
    assert desk.marked() == set()


def test_a_split_is_a_new_story_and_what_is_empty_has_become_another(desk, now):
    for number in range(4):
        desk.says("a", told(number, (f"Tin {number}", f"Chuyện {number}"), "a"))
    with desk.store.write() as connection:
        ids = list(connection.scalars(select(t.article.c.id).order_by(t.article.c.id)))
        stories = dict(
            tuple(row)
            for row in connection.execute(
                select(t.story_article.c.article_id, t.story_article.c.story_id)
            )
        )
        one, two, three, four = ids
        story_rows.place(connection, {two: stories[one], three: stories[one]})
        fresh = story_rows.begin(connection, "x" * 24, four, now)
        story_rows.place(connection, {one: fresh, two: fresh})
        assert broken(connection) == []
        heads = {row.id: row for row in connection.execute(select(t.story))}
        assert heads[fresh].article_id == one
        assert heads[stories[one]].article_id == three
        assert heads[stories[two]].merged_into == stories[one]
        count = select(func.count()).select_from(t.story_article)
        assert connection.scalar(count) == 4
