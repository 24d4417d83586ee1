"""`bantin check`: every fault at once with its place; what is fine; warnings."""

from __future__ import annotations


def test_a_sound_configuration_is_counted(run, ask, site):
    assert run("check").stdout == "fine: 1 file, 2 sources, 1 topic, 1 digest\n"
    assert ask("check") == {
        "ok": True, "files": 1, "sources": 2, "topics": 1, "digests": 1, "faults": [],
        "warnings": [],
    }  # fmt: skip


FAULTY = """
[topic.tin]
anny = ["x"]
any = ["x"]
[source.noi-bo]
url = "http://127.0.0.1/rss"
[digest.tuan]
cadence = "weekely"
[digest.thang]
topics = ["khong-co"]
"""


def test_all_rooms_faults_come_at_once_each_with_file_line_and_key(run, ask, folder):
    (folder / "bantin.toml").write_text(FAULTY)
    (folder / "templates" / "web").mkdir(parents=True)
    (folder / "templates" / "web" / "home.html.j2").write_text("\n{% if %}")
    lines = run("check", code=2).stderr.splitlines()
    assert lines[-1] == f"{len(lines) - 1} faults"
    for place in (
        "bantin.toml:3: topic.tin.anny:",
        "bantin.toml:6: source.noi-bo.url:",
        "bantin.toml:8: digest.tuan.cadence:",
        "bantin.toml:10: digest.thang.topics",
    ):
        assert any(line.startswith(place) for line in lines), (place, lines)
    assert any("home.html.j2:2:" in line for line in lines)
    assert len(lines) == 6
    told = ask("check", code=2)
    assert told["ok"] is False
    assert [fault["line"] for fault in told["faults"]] == [3, 6, 8, 10, 2]


def test_a_template_that_raises_in_one_language_is_a_fault_that_stops_nothing(run, ask, site):
    path = site / "templates" / "mail" / "edition" / "subject.txt.j2"
    path.parent.mkdir(parents=True)
    path.write_text("{{ 1 // 0 if language == 'en' }}")
    said = run("check", code=2).stderr.splitlines()
    assert said == [
        (
            f'{path}:1: digest.ngay: raises for mails in "en": '
            "ZeroDivisionError: integer division or modulo by zero"
        ),
        "1 fault",
    ]
    [fault] = ask("check", code=2)["faults"]
    assert (fault["file"], fault["line"], fault["key"]) == (str(path), 1, "digest.ngay")
    assert run("status").exit_code == 0  # its other mails go


def test_warnings_are_told_and_cost_nothing(run, ask, site, web):
    with (site / "bantin.toml").open("a") as file:
        file.write(f'[source.hai]\nurl = "{web.base}/a.xml"\n')
    result = run("check")
    assert result.stderr.startswith("warning: bantin.toml:27: source.hai.url: is collected by")
    assert result.stdout.startswith("fine: ")
    (warning,) = ask("check")["warnings"]
    assert warning["line"] == 27
    assert "warning" not in run("status").stderr


def test_what_starts_the_service_refuses_faults_before_anything_is_written(run, folder):
    (folder / "bantin.toml").write_text(FAULTY)
    for name in ("collect", "up", "publish", "status", "reload"):
        assert "4 faults; nothing was started or changed" in run(name, code=2).stderr
    assert not (folder / "var").exists()


LIVE = """
[source.trong]
url = "{web}/empty.xml"
[source.mat]
url = "{web}/nothing.xml"
[source.trang]
url = "{web}/page.html"
[source.nghi]
url = "{web}/a.xml"
paused = true
[source.danh-sach]
kind = "page"
page = {{ entry = "li.gone" }}
url = "{web}/page.html"
"""


def test_live_tries_each_source_and_writes_nothing(run, ask, bare_site, web):
    dated = b"<pubDate>Tue, 24 Nov 2026 08:00:00 +0700</pubDate></item>"
    web.pages["/a.xml"] = web.pages["/a.xml"].replace(b"</item>", dated)
    web.pages["/empty.xml"] = b"<rss version='2.0'><channel><title>A</title></channel></rss>"
    web.pages["/page.html"] = b"<!doctype html><title>T</title><li>x</li>"
    config = bare_site / "bantin.toml"
    config.write_text(config.read_text() + LIVE.format(web=web.base))
    said = run("check", "--live", code=1).stdout.splitlines()
    assert said[0] == "fine: 1 file, 7 sources, 1 topic, 1 digest"
    assert sorted(said[1:]) == [
        "-     nghi: paused in the configuration: not asked",
        "FAIL  danh-sach: the selector 'li.gone' (page.entry) finds nothing on the page",
        "FAIL  mat: the server answered 404 (Not Found)",
        "FAIL  trang: this is an HTML page, not a feed",
        "ok    bao-a: 1 entry; newest 2026-11-24 01:00Z",
        "ok    bao-b: 1 entry; none with a date",
        "ok    trong: 0 entries",
    ]
    told = ask("check", "--live", code=1)
    assert told["ok"]
    first, *_, nothing, _, paused, _ = told["live"]["sources"]
    assert first == {
        "id": "bao-a", "url": f"{web.base}/a.xml", "ok": True, "entries": 1, "moved": None,
        "newest": "2026-11-24T01:00:00+00:00", "said": "1 entry; newest 2026-11-24 01:00Z",
    }  # fmt: skip
    assert (nothing["id"], nothing["ok"]) == ("mat", False)
    assert (paused["id"], paused["ok"]) == ("nghi", None)
    assert not (bare_site / "var").exists()


def test_live_asks_only_for_what_is_not_known_and_leaves_alone_who_wants_it(run, site, web):
    web.tags["/a.xml"] = '"1"'
    web.refusals["/b.xml"] = 429, {"Retry-After": "7200"}
    run("collect")
    before = len(web.answered)
    topic, unchanged, alone = sorted(run("check", "--live").stdout.splitlines()[1:], reverse=True)
    assert unchanged.startswith("ok    bao-a: unchanged, 1 entry; collected 20")
    assert alone.startswith("-     bao-b: not asked: its publisher wants to be left alone until 20")
    assert topic == "ok    tin: 1 of 1 stored articles match"
    assert web.answered[before:] == [("/a.xml", 304)]


def test_live_says_how_many_stored_articles_rules_match_that_do_not_run_yet(run, ask, site):
    run("collect")
    config = site / "bantin.toml"
    config.write_text(config.read_text() + '[topic.vang]\nany = ["giá vàng"]\n')
    assert run("check", "--live").stdout.splitlines()[-2:] == [
        "ok    tin: 2 of 2 stored articles match",
        "-     vang: 0 of 2 stored articles match",
    ]
    told = ask("check", "--live")["live"]
    assert told["topics"] == [{"id": "tin", "match": 2}, {"id": "vang", "match": 0}]
    assert told["stored"] == 2


def test_live_does_not_begin_where_there_are_faults(run, folder):
    (folder / "bantin.toml").write_text(FAULTY)
    assert run("check", "--live", code=2).stdout == ""
