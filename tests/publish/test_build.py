"""The job that brings feeds up to date: what it builds, what it leaves, what does not stop it."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, insert, select, update

from service.publish.build import NEWEST, SHAPE, publish
from service.store import tables as t
from service.store.content import feed_documents, stale_feeds
from service.store.core import facts
from tests.publish.newsroom import configure, fill, renderer_for, tell
from tests.publish.validity import CHECKS

LATER = timedelta(hours=1)


@pytest.fixture
def newsroom(any_store, now):
    with any_store.write() as connection:
        ids = fill(connection, now)
        tell(connection, ids, now, "Khai giảng")
        tell(connection, ids, now, "Tiêm chủng", ["y-te"])
    return any_store, ids


def _publish(store, now, **sections):
    settings = configure(**sections)
    return publish(store, settings, renderer_for(settings), now)


def _document(store, feed="giao-duc", format_="atom"):
    with store.read() as connection:
        found = feed_documents.get(connection, feed, format_)
    assert found is not None
    return found


def _titles(store, feed):
    return [one["title"] for one in json.loads(_document(store, feed, "json").body)["items"]]


def test_the_first_pass_builds_a_feed_per_topic_and_one_of_everything(newsroom, now):
    store, _ids = newsroom
    done = _publish(store, now)
    assert set(done.written) == {"all", "giao-duc", "y-te", "khoa-hoc"}
    assert (done.unchanged, done.failed) == ((), {})
    assert _titles(store, "giao-duc") == ["Khai giảng"]
    assert sorted(_titles(store, "all")) == ["Khai giảng", "Tiêm chủng"]
    assert _titles(store, "khoa-hoc") == []
    for feed in done.written:
        for format_, check in CHECKS.items():
            found = _document(store, feed, format_)
            assert check(found.body) == []
            assert gzip.decompress(found.gzip) == found.body
            assert found.gzip[4:8] == bytes(4), "it says when it was packed (RFC 1952: MTIME)"
            assert found.changed_at == now


def test_a_second_pass_builds_nothing(newsroom, now):
    store, _ids = newsroom
    _publish(store, now)
    done = _publish(store, now + LATER)
    assert (done.written, done.unchanged, done.failed) == ((), (), {})


def test_a_mark_of_before_is_taken_off_and_a_newer_one_stays(newsroom, now):
    """Else a feed is built with each pass for ever, or what came meanwhile is never built."""
    store, _ids = newsroom
    with store.write() as connection:
        stale_feeds.mark(connection, ["giao-duc", "all"], now)
    _publish(store, now + LATER)
    with store.write() as connection:
        assert stale_feeds.marked(connection) == {}
        stale_feeds.mark(connection, ["giao-duc"], now + LATER)
        stale_feeds.clear(connection, "giao-duc", now)  # by who had read the mark of before
        assert stale_feeds.marked(connection) == {"giao-duc": now + LATER}


def test_what_is_marked_is_built_and_the_mark_taken_off(newsroom, now):
    store, ids = newsroom
    _publish(store, now)
    with store.write() as connection:
        tell(connection, ids, now + LATER, "Thi tốt nghiệp")
        stale_feeds.mark(connection, ["giao-duc", "all"], now + LATER)
    done = _publish(store, now + LATER)
    assert set(done.written) == {"giao-duc", "all"}
    assert _titles(store, "giao-duc") == ["Thi tốt nghiệp", "Khai giảng"]
    with store.read() as connection:
        assert stale_feeds.marked(connection) == {}


def test_rebuilding_the_same_data_changes_no_byte_and_no_date(newsroom, now):
    store, _ids = newsroom
    _publish(store, now)
    before = [_document(store, "giao-duc", name) for name in CHECKS]
    with store.write() as connection:
        stale_feeds.mark(connection, ["giao-duc"], now + LATER)
    done = _publish(store, now + LATER)
    assert done.unchanged == ("giao-duc",)
    assert [_document(store, "giao-duc", name) for name in CHECKS] == before


@pytest.mark.parametrize(
    "sections",
    [
        {"site": {"title": "Tên khác"}},
        {"site": {"base_url": "https://khac.example"}},
        {"publish": {"content": "title"}},
        {"publish": {"rights": "Khác"}},
    ],
)
def test_other_settings_build_every_feed_anew(newsroom, now, sections):
    store, _ids = newsroom
    _publish(store, now)
    etag = _document(store).etag
    done = _publish(store, now + LATER, **sections)
    assert {*done.written, *done.unchanged} == {"all", "giao-duc", "y-te", "khoa-hoc"}
    assert _document(store).etag != etag
    assert _document(store).changed_at == now + LATER
    again = _publish(store, now + LATER, **sections)
    assert (again.written, again.unchanged) == ((), ())


def test_an_admins_own_words_build_every_feed_anew(newsroom, now, tmp_path):
    store, _ids = newsroom
    _publish(store, now)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "vi.toml").write_text('"feed.told_by" = "Nguồn: {outlet}"\n')
    settings = configure()
    publish(store, settings, renderer_for(settings, tmp_path), now + LATER)
    assert "Nguồn: " in _document(store).body.decode()


def test_a_release_that_builds_feeds_otherwise_builds_every_feed_anew(newsroom, now):
    """Else readers would have what an older release wrote until the topic's next story."""
    store, _ids = newsroom
    _publish(store, now)
    settings = configure()
    for built in ({"all", "giao-duc", "y-te", "khoa-hoc"}, set()):
        done = publish(store, settings, renderer_for(settings), now + LATER, shape=SHAPE + 1)
        assert {*done.written, *done.unchanged} == built


def test_ids_do_not_change_when_the_site_moves_or_a_topic_is_renamed(newsroom, now):
    store, ids = newsroom
    _publish(store, now)
    before = json.loads(_document(store, "giao-duc", "json").body)["items"][0]["id"]
    feed_id = _document(store).body.decode().split("<id>")[1].split("<")[0]
    with store.write() as connection:
        change = update(t.topic).where(t.topic.c.id == ids["giao-duc"]).values(name="day-hoc")
        connection.execute(change)
    done = _publish(store, now + timedelta(days=500), site={"base_url": "https://moi.example"})
    assert "day-hoc" in done.written
    assert json.loads(_document(store, "day-hoc", "json").body)["items"][0]["id"] == before
    assert f"<id>{feed_id}</id>" in _document(store, "day-hoc").body.decode()
    assert before.startswith("tag:tin.example.vn,2026:")


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        (None, "bantin.invalid,2026"),
        ("https://Tin.Example.vn:8443/x", "tin.example.vn,2026"),
        ("https://tịn.vn", "xn--tn-08s.vn,2026"),
    ],
)
def test_the_authority_of_ids(any_store, now, address, authority):
    _publish(any_store, now, site={"base_url": address})
    with any_store.read() as connection:
        assert facts.known_tag_authority(connection) == authority


def test_an_empty_site_has_a_valid_feed_of_everything(any_store, now):
    done = _publish(any_store, now)
    assert done.written == ("all",)
    for format_, check in CHECKS.items():
        assert check(_document(any_store, "all", format_).body) == []
    assert "<updated>2026-01-01T00:00:00+00:00</updated>" in (
        _document(any_store, "all").body.decode()
    )


def test_the_newest_hundred_by_when_they_were_published_or_came(any_store, now):
    with any_store.write() as connection:
        ids = fill(connection, now)
        for n in range(NEWEST + 5):
            tell(connection, ids, now + timedelta(minutes=n), f"Tin {n}")
        # Published last week, collected just now: it is not news of today.
        tell(connection, ids, now + LATER * 3, "Tin cũ", published=now - timedelta(days=7))
        # Published "tomorrow": it stands where it came in.
        tell(connection, ids, now + timedelta(minutes=3, seconds=1), "Tin mai",
             published=now + timedelta(days=1))  # fmt: skip
    _publish(any_store, now + LATER * 4)
    titles = _titles(any_store, "giao-duc")
    assert len(titles) == NEWEST
    assert titles[0] == f"Tin {NEWEST + 4}"
    assert "Tin cũ" not in titles
    assert "Tin mai" not in titles


def test_one_bad_feed_stops_no_other_and_stays_marked(newsroom, now):
    store, ids = newsroom
    with store.write() as connection:
        broken = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(title="Y\x01tế")
        connection.execute(broken)
        stale_feeds.mark(connection, ["y-te", "giao-duc", "all"], now)
    done = _publish(store, now)
    assert "y-te" in done.failed
    assert {"giao-duc", "all", "khoa-hoc"} <= set(done.written)
    with store.write() as connection:
        assert set(stale_feeds.marked(connection)) == {"y-te"}
        repaired = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(title="Y tế")
        connection.execute(repaired)
    done = _publish(store, now)
    assert "y-te" in done.written
    assert done.failed == {}


def test_one_bad_story_is_left_out_and_said(newsroom, now):
    store, ids = newsroom
    with store.write() as connection:
        tell(connection, ids, now + LATER, "Tin hỏng", link="https://a.example/\x01")
    done = _publish(store, now + LATER)
    assert _titles(store, "giao-duc") == ["Khai giảng"]
    assert "left out tag:" in done.failed["giao-duc"]
    assert "giao-duc" in done.written


def test_a_retired_topic_keeps_its_documents_as_they_were(newsroom, now):
    store, ids = newsroom
    _publish(store, now)
    before = _document(store, "y-te")
    with store.write() as connection:
        retired = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(retired_at=now)
        connection.execute(retired)
        stale_feeds.mark(connection, ["y-te", "all"], now)
    done = _publish(store, now + LATER, site={"title": "Khác"})
    assert "y-te" not in done.written
    assert _document(store, "y-te") == before
    assert _titles(store, "all") == ["Khai giảng"]


def test_a_topic_that_comes_later_gets_its_feed(newsroom, now):
    store, _ids = newsroom
    _publish(store, now)
    with store.write() as connection:
        connection.execute(insert(t.topic).values(name="van-hoa", title="Văn hóa", created_at=now))
    assert "van-hoa" in _publish(store, now + LATER).written
    with store.read() as connection:
        assert connection.scalar(select(t.document.c.feed).where(t.document.c.feed == "van-hoa"))


def test_an_outlet_that_joins_a_story_moves_no_date_of_it(newsroom, now):
    store, ids = newsroom
    _publish(store, now)
    before = json.loads(_document(store, "giao-duc", "json").body)["items"][0]
    with store.write() as connection:
        article = connection.scalar(select(t.article.c.id).where(t.article.c.title == "Khai giảng"))
        connection.execute(
            insert(t.entry).values(
                source_id=ids["tuoitre"], entry_key="k", link="https://tuoitre.example/1",
                title="", hash=b"", article_id=article, quiet=False, first_seen_at=now + LATER,
            )
        )  # fmt: skip
        stale_feeds.mark(connection, ["giao-duc"], now + LATER)
    assert _publish(store, now + LATER).written == ("giao-duc",)
    after = json.loads(_document(store, "giao-duc", "json").body)["items"][0]
    assert "Cùng đưa tin" in after["content_html"]
    for name in ("id", "date_published", "date_modified", "authors", "url"):
        assert after[name] == before[name]


@contextmanager
def _once_read(store, act):
    """Call `act` once a feed's stories were read, before anything is written."""
    seen = {"stories": False, "done": False}

    def note(_connection, _cursor, statement, *_rest):
        seen["stories"] |= "story_article" in statement

    def checkin(*_connection):
        if seen["stories"] and not seen["done"]:
            seen["done"] = True
            act()

    event.listen(store._readers, "before_cursor_execute", note)
    event.listen(store._readers.pool, "checkin", checkin)
    yield
    event.remove(store._readers, "before_cursor_execute", note)
    event.remove(store._readers.pool, "checkin", checkin)
    assert seen["done"]


@pytest.mark.both_engines
def test_what_a_job_marks_again_while_a_feed_is_built_is_built_once_more(newsroom, now):
    """A job marks in several transactions at one and the same instant: its own `now`."""
    store, ids = newsroom
    _publish(store, now)

    def goes_on():
        with store.write() as connection:
            tell(connection, ids, now, "Lô sau")
            stale_feeds.mark_listed(connection, ["giao-duc"], now)

    with store.write() as connection:
        tell(connection, ids, now, "Lô trước")
        stale_feeds.mark_listed(connection, ["giao-duc"], now)
    with _once_read(store, goes_on):
        _publish(store, now + LATER)
    _publish(store, now + LATER)
    for feed in ("giao-duc", "all"):
        assert {"Lô trước", "Lô sau"} <= set(_titles(store, feed))


@pytest.mark.both_engines
def test_a_feed_that_another_process_has_built_meanwhile_is_not_put_back(newsroom, now):
    """Else what came between the two is in no feed until something else comes."""
    store, ids = newsroom
    _publish(store, now)
    with store.write() as connection:
        stale_feeds.mark_listed(connection, ["giao-duc"], now + LATER)

    def another_is_quicker():
        with store.write() as connection:
            tell(connection, ids, now, "Tin mới")
            stale_feeds.mark_listed(connection, ["giao-duc"], now + 2 * LATER)
        _publish(store, now + 3 * LATER)

    with _once_read(store, another_is_quicker):
        done = _publish(store, now + 2 * LATER)
    assert done.failed == {}
    with store.read() as connection:
        assert stale_feeds.marked(connection) == {}
    for feed in ("giao-duc", "all"):
        assert "Tin mới" in _titles(store, feed)


@pytest.mark.both_engines
def test_a_mark_that_is_set_anew_at_its_own_instant_is_not_taken_for_the_one_of_before(
    newsroom, now
):
    """Another process built it and took it off; the job goes on marking with its one `now`."""
    store, ids = newsroom
    _publish(store, now)

    def another_is_quicker_and_the_job_goes_on():
        _publish(store, now + LATER)  # there was nothing new: the bytes are the same
        with store.write() as connection:
            tell(connection, ids, now, "Lô sau")
            stale_feeds.mark_listed(connection, ["giao-duc"], now)

    with store.write() as connection:
        stale_feeds.mark_listed(connection, ["giao-duc"], now)
    with _once_read(store, another_is_quicker_and_the_job_goes_on):
        _publish(store, now + LATER)
    _publish(store, now + LATER)
    for feed in ("giao-duc", "all"):
        assert "Lô sau" in _titles(store, feed)
