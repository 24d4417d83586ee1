"""One question, the same answer on both databases, indexed or not yet."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import chain, repeat

import pytest
from sqlalchemy import event, text, update

from service.config.schema import Settings
from service.curate.rematch import rematch
from service.curate.search.indexing import index_stored
from service.errors import UsageError
from service.store import tables as t
from service.store.content import search_index, search_queries
from service.store.content.search_index import RANGE
from service.store.core import facts
from tests.builders import add_source, add_story
from tests.curate.desk import entry
from tests.store.watching import written

pytestmark = pytest.mark.both_engines

ARTICLES = {
    "1": ("Chính phủ họp phiên thường kỳ", "Bộ Tài chính báo cáo về ngân sách."),
    "2": ("Chinh phu hop bat thuong", "Tin khong dau."),
    "3": ("Chỉnh trang phủ đệ", "Di tích của Huế, không phải chính sách phủ định."),
    "4": ("Uỷ ban tỉnh Đắk Lắk ban hành kế hoạch", "Theo Chỉ thị số 38-CT/TW ngày 30/7."),
    "5": ("Ủy ban xã họp dân", "Họp lúc 10:30 tại Đà Nẵng."),
    "6": ("Học sinh nghỉ học", "Trường học ở Đà Nẵng cho học sinh nghỉ."),
    "7": ("Bạn đọc viết", "Bán hàng_rong trên phố; bàn về chợ 100% mới"),
    "8": ("Bàn về bán hàng", "Ý kiến bạn đọc: it's \"OK\" \\ 50_000 đồng"),
    "9": ("Đồng phủ xanh, chính quyền vui", "Không có hai chữ ấy cạnh nhau."),
}  # fmt: skip

ANSWERS = [
    ("chính phủ", "1 3 9 2"),
    ("chinh phu", "1 2 3 9"),
    ("CHÍNH PHỦ", "1 3 9 2"),
    ('"chính phủ"', "1 2"),
    ("“chinh phu” họp", "1 2"),
    ("uỷ ban", "4 5"),
    ("ủy ban", "4 5"),
    ("uy ban hop", "5"),
    ("đắk lắk", "4"),
    ("dak lak", "4"),
    ("Ðắk", "4"),
    ("đà nẵng", "5 6"),
    ("bàn", "7 8 4 5"),
    ("ban", "4 5 7 8"),
    ("bạn đọc", "7 8"),
    ('"bán hàng"', "8"),
    ('"ban hang"', "8"),
    ("38-CT/TW", "4"),
    ("38 ct tw", "4"),
    ('"tw ct"', ""),
    ("10:30", "5"),
    ('"học sinh nghỉ"', "6"),
    ('"học sinh họp"', ""),
    ('"dân họp lúc"', ""),
    ('"nghi truong"', ""),
    ("hang_rong", "7"),
    ("hangxrong", ""),
    ("100%", "7"),
    ("100%mới", "7"),
    ("it's", "8"),
    ("50_000", "8"),
    ("50x000", ""),
    ("chin*", ""),
    ("chính NOT phủ", ""),
    ("phủ -chính", "1 3 9 2"),
    ("họp OR dân", ""),
    ("topic:giao-duc", "6"),
    ("topic:giao-duc source:a học", "6"),
    ("họp source:b", "5"),
    ("source:b", "5"),
    ("source:a source:b ủy", "4 5"),
    ("ủy since:2h", ""),
    ("source:a since:3h", "1 2 3"),
    ("họp since:2026-11-24T05:30", "1 2"),
    ("không có từ này", ""),
]

COUNT_TO_A_MILLION = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
    " SELECT max(i) FROM n"
)
BUSY = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
)


@pytest.fixture
def told(desk):
    """The articles, each an hour older than the one before."""

    def of(number, title, summary):
        at = desk.now - timedelta(hours=int(number))
        link = f"https://a.vn/{number}"
        return entry(number, link, f"{number} {title}", summary=summary, published=at)

    entries = {number: of(number, *texts) for number, texts in ARTICLES.items()}
    for name, ones in (("a", "1234"), ("b", "5"), ("a", "6789")):
        desk.says(name, *(entries[number] for number in ones))
    return desk


def numbers(titles):
    return " ".join(one.partition(" ")[0] for one in titles)


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "new"])
def test_each_question_has_one_answer(told, indexed):
    if indexed:
        told.indexed()
        with told.store.read() as connection:
            assert search_index.waiting(connection) == 0
    for question, expected in ANSWERS:
        assert numbers(told.finds(question)) == expected, question


def test_of_many_the_latest_are_found_and_those_with_marks_before_the_others(told):
    for indexed in (False, True):
        assert numbers(told.finds("chính phủ", most=2)) == "1 3"
        assert numbers(told.finds("bàn", most=3)) == "7 8 4"
        assert told.asks("chính phủ").marked == 3
        assert told.asks("chinh phu").marked == 0
        if not indexed:
            told.indexed()


def test_an_answer_is_put_together_from_what_is_indexed_and_what_is_not(told):
    told.indexed()
    told.says("a", entry("10", "https://a.vn/10", "10 Chinh phu moi", published=told.now))
    told.says("a", entry("11", "https://a.vn/11", "11 Chính phủ mới", published=told.now))
    assert numbers(told.finds("chính phủ")) == "11 1 3 9 10 2"
    told.indexed()
    assert numbers(told.finds("chính phủ")) == "11 1 3 9 10 2"


def test_an_edit_is_found_by_its_new_words_alone(told):
    told.indexed()
    told.says("a", entry("6", "https://a.vn/6", "6 Thầy cô đi học", summary="Ở Huế."))
    assert told.finds("đà nẵng") == ["5 Ủy ban xã họp dân"]
    told.indexed()
    assert told.finds("thầy cô") == ["6 Thầy cô đi học"]
    assert told.finds("đà nẵng") == ["5 Ủy ban xã họp dân"]
    assert told.finds("topic:giao-duc") == []


def test_what_is_edited_while_it_is_indexed_is_found_by_its_new_words(told):
    edits = ["6 Thầy cô đi học"]

    def edit(_connection, _cursor, statement, *_):
        if "article.title" in statement and edits:  # its words have just been read
            told.says("a", entry("6", "https://a.vn/6", edits.pop(), summary="Ở Huế."))

    event.listen(told.store._readers, "after_cursor_execute", edit)
    told.indexed()
    event.remove(told.store._readers, "after_cursor_execute", edit)
    assert not edits
    assert waiting(told) == 0
    assert told.finds("thầy cô") == ["6 Thầy cô đi học"]


def test_who_tells_it_too_and_what_it_became_one_with_count(told):
    told.indexed()
    told.says("b", entry("x", "https://a.vn/1", "Chính phủ họp"))
    told.indexed()
    assert numbers(told.finds("họp source:b")) == "1 5"
    assert numbers(told.finds("topic:tat-ca họp")) == "1 5"
    told.says("a", entry("2", "https://a.vn/1", "1 Chính phủ họp"))  # two that turn out to be one
    for indexed in (False, True):
        assert numbers(told.finds('"chinh phu" hop')) == "1", indexed
        told.indexed()


def test_a_changed_rule_takes_articles_in_and_out(told):
    told.indexed()
    rules = {"giao-duc": {"any": ["ủy ban"]}, "tat-ca": {}}
    sources = {name: {"url": f"https://{name}.vn/rss"} for name in told.settings.source}
    settings = Settings.model_validate({"source": sources, "topic": rules})
    rematch(told.store, settings, told.now)
    told.indexed()
    assert numbers(told.finds("topic:giao-duc")) == "4 5"


def test_what_is_no_article_any_more_is_not_found(told):
    told.indexed()
    with told.store.write() as connection:
        connection.execute(update(t.article).where(t.article.c.id == 2).values(merged_into=1))
    assert numbers(told.finds("chinh phu")) == "1 3 9"


def test_stored_articles_are_indexed_in_steps_that_a_kill_does_not_undo(told):
    def step():
        return index_stored(told.store, batches=1, most=4), waiting(told)

    assert step() == (True, 5)
    assert numbers(told.finds("họp")) == "1 5 2"
    assert step() == (True, 1)
    assert step() == (False, 0)
    assert step() == (False, 0)
    with told.store.write() as connection:  # it was made of other tokens
        facts.put(connection, "search_indexed", f"{search_index.FORM - 1} 9")
    assert step() == (True, 5)
    assert numbers(told.finds("họp")) == "1 5 2"


def waiting(desk):
    with desk.store.read() as connection:
        return search_index.waiting(connection)


def test_more_than_the_latest_of_what_is_not_indexed_waits_for_the_index(desk):
    """And that is said, unless there are enough of those that come first."""
    for n in range(5):
        desk.says("a", entry(str(n), f"https://a.vn/{n}", f"{n} Tin"))

    def asked(most=50, since=None, tail=3):
        terms = search_queries.IndexTerms((("tin",),), frozenset({"tin"}), since=since)
        with desk.store.read() as connection:
            return search_queries.search(connection, terms, most, time.monotonic() + 60, tail=tail)

    found = asked()
    assert len(found.ids) == 3
    assert (found.complete, found.indexing) == (False, True)
    assert asked(tail=5).complete
    assert asked(most=3).complete, "of these there were only the newest to find"
    desk.indexed()
    assert asked().complete
    assert numbers(desk.finds("tin")) == "4 3 2 1 0"


def test_so_does_more_of_what_was_edited(desk):
    """As many as a changed rule may take in at once; some edits are indexed within seconds."""
    for n in range(4):
        desk.says("a", entry(str(n), f"https://a.vn/{n}", f"{n} Tin"))
    desk.indexed()
    terms = search_queries.IndexTerms((("tin",),), frozenset({"tin"}))
    with desk.store.write() as connection:
        search_index.mark(connection, [1, 2, 3])
    with desk.store.read() as connection:
        whole = [
            search_queries.search(connection, terms, 50, time.monotonic() + 60, tail=tail)
            for tail in (2, 3)
        ]
    assert [(one.complete, one.indexing) for one in whole] == [(False, True), (True, False)]
    assert len(whole[0].ids) == 4


def test_ranges_of_articles_are_asked_one_after_the_other(desk):
    """Each article in a range of its own: there are more than are asked at a time."""
    in_ranges(desk, range(120))
    assert numbers(desk.finds("hiem")) == "80 40 0"
    assert numbers(desk.finds("hiếm", most=2)) == "80 40"
    assert numbers(desk.finds("hiếm since:2026-11-24T08:30")) == "80 40"
    assert numbers(desk.finds("tin", most=7)) == "119 118 117 116 115 114 113"
    assert len(desk.finds("tin", most=200)) == 120


def in_ranges(desk, which):
    with desk.store.write() as connection:
        source = add_source(connection, desk.now, f"c{which.start}")
        for n in which:
            add_story(
                connection, source=source, topics=[], entered_at=desk.now + timedelta(minutes=n),
                title=f"{n} Tin {'hiếm' if n % 40 == 0 else 'thường'}", id=1 + n * RANGE,
            )  # fmt: skip
    desk.indexed()


def test_a_question_takes_a_few_statements_however_large_the_archive_is(desk):
    """On PostgreSQL each costs more than it takes the index to answer."""
    asked = []
    for some in (range(1), range(1, 20), range(20, 120)):
        in_ranges(desk, some)
        with written(desk.store, desk.store._readers) as seen:
            desk.asks("hiếm nhất")
            desk.asks("hiem nhat")
        asked.append(len(seen))
    assert asked[0] <= 12
    assert max(asked) <= asked[0] + 3  # the newest ranges and all others, with marks and without


def test_when_the_time_is_up_what_was_found_is_the_answer(told):
    """Between two statements by our clock, within one by the database's own."""
    assert not told.asks("chinh phu", patience_s=0.0).complete
    times = chain([0.0, 0.5], repeat(2.0))
    if told.store.is_sqlite:
        with told.store.write() as connection:
            source = add_source(connection, told.now, "c")
            for n in range(100):
                add_story(connection, source=source, topics=[], entered_at=told.now, title=f"{n}")
        found = told.asks("sapo", patience_s=1.0, clock=lambda: next(times))
    else:
        with told.store.write() as connection:
            connection.execute(text("LOCK TABLE article IN ACCESS EXCLUSIVE MODE"))
            found = told.asks("tin", patience_s=0.2)
    assert not found.complete
    assert told.finds("chính phủ")  # by the connection that was used


def test_long_articles_that_are_not_indexed_do_not_take_longer_than_a_question_may(desk):
    """Each is parted into words by us, where no database looks at the clock."""
    for n in range(9):
        desk.says("a", entry(str(n), f"https://a.vn/{n}", f"{n} Tin"))
    times = chain([0.0] * 5, repeat(2.0))
    found = desk.asks("tin", patience_s=1.0, clock=lambda: next(times))
    assert not found.complete
    assert 0 < len(found.ids) < 9


def test_a_question_that_was_given_up_leaves_nothing_behind(told):
    """Neither a statement nor a limit for who uses the connection next."""
    if told.store.is_sqlite:
        times = chain([0.0] * 2, repeat(2.0))
        assert not told.asks("hop", patience_s=1.0, clock=lambda: next(times)).complete
        with told.store.read() as connection:  # many more steps than between two looks at the clock
            connection.execute(text(COUNT_TO_A_MILLION))
        return
    with told.store.write() as connection:
        connection.execute(text("LOCK TABLE article IN ACCESS EXCLUSIVE MODE"))
        assert not told.asks("tin", patience_s=0.2).complete
        assert connection.scalar(text(BUSY)) == 0
    with told.store.read() as connection:
        for name, usual in (("statement_timeout", "0"), ("enable_seqscan", "on")):
            assert connection.scalar(text(f"SHOW {name}")) == usual


def test_nothing_that_is_asked_is_an_order_to_the_database(told):
    told.indexed()
    for nasty in (
        "x'); DROP TABLE article; --", '" OR 1=1 --', "' | 'tin", "a & !b", "họp:*", "<->", "\\",
        '"họp" NEAR/2 "phủ"', "^họp", "{tokens}: họp", "họp + phủ", "%", "_", "họp%",
    ):  # fmt: skip
        try:
            told.asks(nasty)
        except UsageError:
            continue
    assert numbers(told.finds("họp")) == "1 5 2"


def test_an_article_without_words_and_one_word_without_end_are_indexed(desk):
    desk.says("a", entry("1", "https://a.vn/1", "!!!"))
    desk.says("a", entry("2", "https://a.vn/2", "Tin", summary="x" * 5000 + " dài"))
    desk.says("a", entry("3", "https://a.vn/3", "2 Tin", summary="\U0001f600 ½ ﬁ ß İ ١٢ 中文字"))
    desk.indexed()
    assert len(desk.finds("dài")) == 1
    for word in ("½", "ﬁ", "ß", "İ", "١٢", "中文字", "SS"):
        assert desk.finds(word) == ["2 Tin"], word
