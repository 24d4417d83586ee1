"""The tree of static files: whole, replaced in one step, and touched only where it changed."""

from __future__ import annotations

import os
import stat
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from lxml import html as markup
from sqlalchemy import insert, update

from service.publish.build import publish
from service.publish.robots import OURS
from service.publish.static import PublishReport, write_site
from service.store import tables as t
from service.store.content import references, stale_feeds, stories
from tests.publish.newsroom import configure, fill, freeze_edition, renderer_for, tell

LATER = timedelta(hours=1)


@pytest.fixture
def newsroom(any_store, now):
    with any_store.write() as connection:
        ids = fill(connection, now)
        first = tell(connection, ids, now, "Khai giảng")
        (article,) = stories.by_ids(connection, [first])[first].article_ids
        references.add(connection, {article: ("38-CT/TW", "15/2020/NĐ-CP")})
        tell(connection, ids, now, "Tiêm chủng", ["y-te"])
        freeze_edition(connection, ids, now, [first])
        freeze_edition(connection, ids, now, [first], cadence="daily", listed=False)
    return any_store, ids


def _write(store, out, now, overrides=None) -> PublishReport:
    settings = configure()
    renderer = renderer_for(settings, overrides)
    publish(store, settings, renderer, now)
    return write_site(store, settings, renderer, out)


def _files(out: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(out)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in out.rglob("*")
        if path.is_file()
    }


def test_the_tree_is_that_of_the_contract(newsroom, now, tmp_path):
    store, _ids = newsroom
    done = _write(store, tmp_path / "out", now)
    files = _files(tmp_path / "out").keys()
    for name in ("giao-duc", "y-te", "khoa-hoc"):
        assert f"topics/{name}/index.html" in files
    for name in ("giao-duc", "y-te", "khoa-hoc", "all"):
        assert {f"feeds/{name}.{format_}" for format_ in ("atom", "rss", "json")} <= files
    assert {
        "index.html",
        "topics.opml",
        "favicon.ico",
        "robots.txt",
        "assets/site.css",
        "assets/icon-512.png",
        "assets/icon-144.png",
        "digests/tuan/index.html",
        "editions/tuan/20261124T080000Z/index.html",
        "references/38-CT-TW/index.html",
        "references/15-2020-NĐ-CP/index.html",
        *(f"references/15-2020-NĐ-CP.{format_}" for format_ in ("atom", "rss", "json")),
        "editions/tuan/20261124T080000Z-daily/index.html",
    } <= files
    assert sum(name.startswith("stories/") for name in files) == 2
    assert (done.new, done.changed, done.unchanged) == (len(files), 0, 0)
    assert done.failed == {}


def test_every_link_on_every_page_leads_to_a_file(newsroom, now, tmp_path):
    store, _ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    files = _files(out).keys()
    checked = 0
    for name in files:
        if not name.endswith(".html"):
            continue
        page = markup.document_fromstring((out / name).read_bytes())
        for element in page.cssselect("[href], [src]"):
            link = element.get("href") or element.get("src")
            target = urldefrag(urljoin(f"http://here/{name}", link)).url.partition("?")[0]
            if target.startswith("http://here/subscribe/") or "://here/" not in target:
                continue
            path = unquote(target.removeprefix("http://here/"))
            assert (path or "index.html") in files or f"{path}index.html" in files, (name, link)
            checked += 1
    assert checked > 100


def test_a_second_run_touches_nothing(newsroom, now, tmp_path):
    store, _ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    before = _files(out)
    done = _write(store, out, now + LATER)
    assert (done.new, done.changed, done.unchanged) == (0, 0, len(before))
    assert _files(out) == before


def test_news_in_one_topic_touches_what_shows_it_alone(newsroom, now, tmp_path):
    store, ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    before = _files(out)
    with store.write() as connection:
        tell(connection, ids, now + LATER, "Thi tốt nghiệp")
        stale_feeds.mark(connection, ["giao-duc", "all"], now + LATER)
    done = _write(store, out, now + LATER)
    after = _files(out)
    touched = {name for name in after if after[name] != before.get(name)}
    feeds = {f"feeds/{feed}.{f}" for feed in ("giao-duc", "all") for f in ("atom", "rss", "json")}
    story = {name for name in touched if name.startswith("stories/")}
    assert touched - story == {*feeds, "index.html", "topics/giao-duc/index.html"}
    assert len(story) == done.new == 1
    assert done.changed == len(touched) - 1


def test_a_page_that_cannot_be_made_stops_no_other(newsroom, now, tmp_path):
    store, _ids = newsroom
    (tmp_path / "own" / "web").mkdir(parents=True)
    (tmp_path / "own" / "web" / "story.html.j2").write_text("{{ no_such_name }}")
    done = _write(store, tmp_path / "out", now, tmp_path / "own")
    assert len(done.failed) == 2
    assert all(path.startswith("/stories/") for path in done.failed)
    assert all("story.html.j2" in reason for reason in done.failed.values())
    assert (tmp_path / "out" / "index.html").is_file()
    assert (tmp_path / "out" / "feeds" / "all.atom").is_file()


def test_a_place_that_is_taken_fails_alone(newsroom, now, tmp_path):
    store, _ids = newsroom
    (tmp_path / "out" / "index.html").mkdir(parents=True)
    done = _write(store, tmp_path / "out", now)
    assert list(done.failed) == ["/index.html"]
    assert done.new > 10


def test_what_a_killed_run_left_is_cleared_away(newsroom, now, tmp_path):
    store, _ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    assert not [name for name in _files(out) if name.startswith(".")]
    (out / ".bantin-drafts").mkdir()
    (out / ".bantin-drafts" / "file").write_bytes(b"half")
    _write(store, out, now)
    assert not (out / ".bantin-drafts").exists()


def test_files_of_others_and_of_retired_topics_stay(newsroom, now, tmp_path):
    store, ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    (out / "robots.txt").write_text("User-agent: *")
    before = _files(out)
    with store.write() as connection:
        retired = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(retired_at=now)
        connection.execute(retired)
        stale_feeds.mark(connection, ["y-te", "all"], now)
    _write(store, out, now + LATER)
    after = _files(out)
    assert before.keys() == after.keys()
    assert after["feeds/y-te.atom"] == before["feeds/y-te.atom"]
    assert "không còn được cập nhật" in after["topics/y-te/index.html"][1].decode()


def test_robots_txt_is_that_of_the_web_and_an_admins_own_stays(newsroom, now, tmp_path):
    store, _ids = newsroom
    _write(store, tmp_path / "out", now)
    written = (tmp_path / "out" / "robots.txt").read_text()
    assert written.splitlines()[:3] == [OURS, "User-agent: *", "Disallow: /confirm/"]
    (tmp_path / "out" / "robots.txt").write_text(f"{OURS}\nof an older release\n")
    _write(store, tmp_path / "out", now)
    assert (tmp_path / "out" / "robots.txt").read_text() == written
    (tmp_path / "out" / "robots.txt").write_text("User-agent: x\nDisallow: /\n")
    _write(store, tmp_path / "out", now)
    assert (tmp_path / "out" / "robots.txt").read_text() == "User-agent: x\nDisallow: /\n"


def test_the_old_address_of_a_renamed_topic_goes_on(newsroom, now, tmp_path):
    store, ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    with store.write() as connection:
        change = update(t.topic).where(t.topic.c.id == ids["y-te"]).values(name="suc-khoe")
        connection.execute(change)
        connection.execute(
            insert(t.redirect).values(kind="topic", old_name="y-te", new_name="suc-khoe")
        )
        tell(connection, ids, now + LATER, "Tin sau khi đổi tên", ["y-te"])
    _write(store, out, now + LATER)
    files = _files(out)
    assert files["feeds/y-te.atom"][1] == files["feeds/suc-khoe.atom"][1]
    assert "Tin sau khi đổi tên" in files["feeds/y-te.json"][1].decode()
    assert "Tin sau khi đổi tên" in files["topics/y-te/index.html"][1].decode()


@pytest.mark.both_engines
def test_two_runs_at_once_give_one_whole_tree(newsroom, now, tmp_path):
    store, _ids = newsroom
    out = tmp_path / "out"
    settings = configure()
    publish(store, settings, renderer_for(settings), now)
    done: list[PublishReport] = []

    def run() -> None:
        done.append(write_site(store, settings, renderer_for(settings), out))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.failed for one in done] == [{}, {}, {}]
    assert sum(one.new for one in done) == len(_files(out))


def test_nobody_ever_sees_half_a_file(newsroom, now, tmp_path):
    """A file is exchanged, not written over: one that is open stays whole."""
    store, ids = newsroom
    out = tmp_path / "out"
    _write(store, out, now)
    with (out / "index.html").open("rb") as reading:
        start = reading.read(100)
        with store.write() as connection:
            tell(connection, ids, now + LATER, "Thi tốt nghiệp")
            stale_feeds.mark(connection, ["giao-duc", "all"], now + LATER)
        whole = (out / "index.html").read_bytes()
        _write(store, out, now + LATER)
        assert start + reading.read() == whole
    assert (out / "index.html").read_bytes() != whole


def test_a_web_server_can_read_the_tree_whatever_the_umask(newsroom, now, tmp_path):
    for umask in (0o000, 0o022, 0o077):
        readable_by_all(newsroom[0], now, tmp_path / f"www-{umask:o}", umask)


def readable_by_all(store, now, folder, umask):
    before = os.umask(umask)
    try:
        _write(store, folder / "tin", now)
    finally:
        os.umask(before)
    paths = [folder, *folder.rglob("*")]
    assert any(path.is_file() for path in paths)
    wrong = {
        str(path): oct(path.stat().st_mode)
        for path in paths
        if stat.S_IMODE(path.stat().st_mode) != (0o755 if path.is_dir() else 0o644)
    }
    assert wrong == {}
