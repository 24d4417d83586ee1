"""Documents admitted in one go become what they would have become one after the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from service.config.schema import Settings
from service.curate.admit import AdmitSource, Submission, admit_prepared
from service.curate.prepare import Told, prepare
from service.model import Document
from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.curate.desk import Desk, broken, entry
from tests.levels import some

NAMES = ("a", "b", "c", "d")
DESK = Settings.model_validate(
    {
        "source": {name: {"url": f"https://{name}.vn/rss"} for name in NAMES},
        "topic": {"giao-duc": {"any": ["giáo dục", "học sinh"]}, "y-te": {"any": ["bệnh viện"]}},
    }
)
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)

# Few guids and links, so that sources share articles, and one entry can make two of them one.
ENTRIES = st.builds(
    entry,
    key=st.sampled_from("123"),
    link=st.sampled_from([f"https://x.vn/{n}" for n in range(5)]),
    title=st.sampled_from(["Học sinh nghỉ học", "Bệnh viện mới", "Bóng đá", ""]),
    published=st.sampled_from([None, NOW - timedelta(days=1)]),
)
SAID = st.tuples(st.sampled_from(NAMES), st.booleans(), st.lists(ENTRIES, max_size=3))
ROUND = st.lists(SAID, min_size=1, max_size=4, unique_by=lambda said: said[0])


def _submission(desk, said):
    name, first, entries = said
    source = AdmitSource(
        id=desk.ids[name], name=name, title=name, weight=1, language="vi", topics=(),
        first_collection=first, first_fetch_at=NOW - timedelta(hours=1),
    )  # fmt: skip
    document = Document("", None, "vi", entries)
    made, _ = prepare(document, Told(desk.ids[name], name, name, "vi"), desk.matcher)
    return Submission(source, made)


def _rows(connection):
    """Everything that was stored, whatever numbers the rows have."""
    names = dict(tuple(row) for row in connection.execute(select(t.article.c.id, t.article.c.link)))
    topics = dict(tuple(row) for row in connection.execute(select(t.topic.c.id, t.topic.c.name)))
    articles = [
        (row.public_id, row.title, row.source_id, names.get(row.merged_into), row.updated_at)
        for row in connection.execute(select(t.article))
    ]
    entries = [
        (row.source_id, row.entry_key, row.title, row.hash, names.get(row.article_id),
         row.refused_reason, row.quiet)
        for row in connection.execute(select(t.entry))
    ]  # fmt: skip
    placed = [
        (names[row.article_id], topics[row.topic_id], row.quiet, row.entered_at, str(row.reason))
        for row in connection.execute(select(t.article_topic))
    ]
    keys = [(row.key, names[row.article_id]) for row in connection.execute(select(t.article_key))]
    stories = [
        (names[row.article_id], row.public_id, names[row.head], row.merged_into is None)
        for row in connection.execute(
            select(
                t.story_article.c.article_id,
                t.story.c.public_id,
                t.story.c.article_id.label("head"),
                t.story.c.merged_into,
            ).join(t.story, t.story.c.id == t.story_article.c.story_id)
        )
    ]
    marks = connection.scalars(select(t.stale_feed.c.feed)).all()  # their instants count them
    return [sorted(map(repr, some)) for some in (articles, entries, placed, keys, stories, marks)]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """The file of a store in which the desk stands ready."""
    path = tmp_path_factory.mktemp("together") / "empty.db"
    store = Store(f"sqlite:///{path}")
    migrate(store)
    Desk(store, NOW, DESK)
    store.close()
    return path


def _desk(folder, name, empty):
    path = folder / f"{name}.db"
    for stale in folder.glob(f"{name}.db*"):
        stale.unlink()
    path.write_bytes(empty.read_bytes())
    return Desk(Store(f"sqlite:///{path}"), NOW, DESK)


@settings(max_examples=some(25, 12), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(ROUND, min_size=1, max_size=3))
def test_documents_together_become_what_they_become_one_by_one(tmp_path, empty, rounds):
    together, single = _desk(tmp_path, "together", empty), _desk(tmp_path, "single", empty)
    for number, said in enumerate(rounds):
        now = NOW + timedelta(minutes=number)
        with together.store.write() as one, single.store.write() as other:
            of_one = admit_prepared(
                one, [_submission(together, some) for some in said], now, together.matcher
            )
            of_other = [
                admit_prepared(other, [_submission(single, some)], now, single.matcher)[0]
                for some in said
            ]
            assert of_one == of_other
            assert _rows(one) == _rows(other)
            assert broken(one) == []
    together.store.close()
    single.store.close()


def test_twice_as_many_that_all_share_cost_twice_as_much_to_compare(store):
    """Each waits for the one before it: what the others say is not read anew with each of them."""
    names = [f"s{n}" for n in range(24)]
    source = {name: {"url": f"https://{name}.vn/rss"} for name in names}
    desk = Desk(store, NOW, Settings.model_validate({"source": source, "topic": {}}))
    read = []

    def note(_connection, _cursor, statement, *_rest):
        if statement.startswith("SELECT"):
            read.append(statement)

    def reads(some):
        submissions = [
            _submission(desk, (name, False, [entry(f"{len(some)}", f"https://x.vn/{len(some)}")]))
            for name in some
        ]
        read.clear()
        with store.write() as connection:
            admitted = admit_prepared(connection, submissions, NOW, desk.matcher)
        assert [one.new for one in admitted] == [1] * len(some)
        return len(read)

    event.listen(store.engine, "before_cursor_execute", note)
    few, many = reads(names[:12]), reads(names)
    event.remove(store.engine, "before_cursor_execute", note)
    assert many <= 2 * few + 2


def test_who_comes_first_stays_first_where_three_share_by_two(any_store):
    desk = Desk(any_store, NOW, DESK)
    said = [
        ("a", False, [entry("1", "https://x.vn/1")]),
        ("b", False, [entry("1", "https://x.vn/1"), entry("2", "https://x.vn/2")]),
        ("c", False, [entry("1", "https://x.vn/2")]),
    ]
    with any_store.write() as connection:
        submissions = [_submission(desk, some) for some in said]
        admitted = admit_prepared(connection, submissions, NOW, desk.matcher)
        owner = select(t.article.c.source_id).where(t.article.c.link == "https://x.vn/2")
        assert connection.scalar(owner) == desk.ids["b"]
        assert broken(connection) == []
    assert [one.new for one in admitted] == [1, 2, 1]
    assert desk.count(t.article) == 2
