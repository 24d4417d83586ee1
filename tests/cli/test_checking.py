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
        assert "4 faults; nothing was started" in run(name, code=2).stderr
    assert not (folder / "var").exists()
