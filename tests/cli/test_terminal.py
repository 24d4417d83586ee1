"""A terminal gets questions, bars and tables; a pipe none of them."""

from __future__ import annotations

import os
import pty
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert, select

from service.store import tables as t
from service.store.core import processes
from service.store.core.database import Store
from service.store.core.processes import ServiceProcess
from tests.cli.conftest import rss
from tests.running import BANTIN, started


def on_terminal(*args: str, cwd: Path, typed: str = "", columns: int = 120) -> tuple[int, str]:
    """Exit code, and all that the terminal shows."""
    ours, theirs = pty.openpty()
    try:
        process = started(
            [str(BANTIN), *args], cwd=cwd, stdin=theirs, out=theirs, err=theirs,
            environ={"TERM": "xterm-256color", "COLUMNS": str(columns), "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not read:
                break
            shown += read
        return process.wait(60), shown.decode()
    finally:
        os.close(ours)


def test_init_asks_for_what_is_missing(folder):
    code, shown = on_terminal(
        "init", "tin", "--language", "vi", cwd=folder, typed="Tin Khoa giáo\n\n"
    )
    assert code == 0, shown
    assert "Title of the site [Bản tin]" in shown
    assert "Address of a first feed" in shown
    read = tomllib.loads((folder / "tin" / "bantin.toml").read_text())
    assert read["site"] == {"title": "Tin Khoa giáo", "language": "vi"}
    assert "source" not in read


def test_each_answer_is_judged_as_soon_as_it_is_typed(folder):
    """On a terminal a wrong answer is asked again, and what was right before is kept."""
    answers = ["tiếng Việt", "vi", "", "vnexpress.net", "https://vnexpress.net/rss"]
    code, screen = on_terminal("init", "tin", cwd=folder, typed="".join(f"{a}\n" for a in answers))
    assert code == 0, screen
    assert screen.count("Language (vi, en, …)") == 2
    assert screen.count("Title of the site") == 1
    assert screen.count("Address of a first feed") == 2
    assert "'tiếng Việt' is not a language" in screen
    assert '"vnexpress.net" is not a web address' in screen
    read = tomllib.loads((folder / "tin" / "bantin.toml").read_text())
    assert read["site"] == {"title": "Bản tin", "language": "vi"}
    assert read["source"]["vnexpress-net"]["url"] == "https://vnexpress.net/rss"


def test_a_pass_has_a_bar_and_tables_are_set(site):
    code, shown = on_terminal("collect", cwd=site)
    assert code == 0, shown
    assert "collecting" in shown
    assert "2 of 2 sources" in shown
    _, shown = on_terminal("status", cwd=site)
    assert "bao-a" in shown
    assert "\x1b[" in shown
    assert "\t" not in shown


def test_an_id_can_be_copied_and_an_address_is_whole(run, site, web):
    long = "Một tiêu đề rất dài về việc học của học sinh vùng cao trong mùa lũ năm nay"
    web.pages["/a.xml"] = rss(long)
    run("collect")
    for columns in (120, 80):
        _, shown = on_terminal("stories", "list", cwd=site, columns=columns)
        assert len(re.findall(r"\b[a-z2-7]{24}\b", shown)) == 2
        dates = re.findall(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b", shown)
        assert columns == 80 or len(dates) == 2
        _, shown = on_terminal("articles", cwd=site, columns=columns)
        assert "…" not in shown
        plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
        folded = "".join(line.rstrip().split("   ")[-1].strip() for line in plain.splitlines())
        assert f"https://bao-a.example/{long.replace(' ', '-')}" in folded


def test_status_is_readable_on_eighty_columns(site):
    """Ids and instants stand whole, and what says nothing takes no room."""
    text = (site / "bantin.toml").read_text().replace("bao-a", "bao-dien-tu-tinh")
    (site / "bantin.toml").write_text(text)
    on_terminal("collect", cwd=site)
    _, shown = on_terminal("status", cwd=site, columns=80)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    [source] = [line for line in plain.splitlines() if "bao-dien-tu-tinh" in line]
    assert len(re.findall(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b", source)) == 2
    assert "what to know" not in plain
    assert re.search(r"\nEditions +none\s", plain)


def test_a_report_is_readable_on_eighty_columns(site):
    """Eleven columns do not stand beside each other: a row is as many lines."""
    on_terminal("collect", cwd=site)
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.write() as connection:
        digest = connection.scalar(select(t.digest.c.id).where(t.digest.c.name == "ngay"))
        at = datetime(2026, 11, 29, 23, 45, tzinfo=UTC)
        instants = ("cut_at", "covers_from", "covers_to", "period_from", "frozen_at")
        connection.execute(
            insert(t.edition).values(
                digest_id=digest, cadence="daily", listed=True, more=0,
                **dict.fromkeys(instants, at),
            )
        )  # fmt: skip
    store.close()
    _, shown = on_terminal("digest", "report", "ngay", cwd=site, columns=80)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert max(map(len, plain.splitlines())) <= 80
    assert re.search(r"\bcut +2026-11-30 06:45\s", plain), plain
    assert re.search(r"\bcomplained +0\s", plain), plain


def test_processes_are_readable_on_eighty_columns(site):
    now = datetime.now(UTC)
    store = Store(f"sqlite:///{site}/var/bantin.db")
    with store.write() as connection:
        for number, ago_s in ((1, 3), (2, 600)):
            one = ServiceProcess(
                f"id{number}", "may-chu-1", f"collect-{number}", "collect", 4711 + number, "0.2.0",
                started_at=now - timedelta(hours=3), seen_at=now - timedelta(seconds=ago_s),
                clock_ahead_s=31, doing={"collect": now - timedelta(minutes=2)},
            )  # fmt: skip
            processes.show(connection, one)
    store.close()
    _, shown = on_terminal("status", cwd=site, columns=80)
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown).splitlines()
    assert max(map(len, plain)) <= 80
    rows = plain[next(at for at, line in enumerate(plain) if "Processes" in line) :]
    told = " ".join(" ".join(line.split()) for line in rows)
    for said in ("may-chu-1/collect-1 4712", "collects for 2 min", "31 s", "10 min ago", "gone"):
        assert said in told, rows


def test_with_json_nothing_but_the_document_is_shown(site):
    code, shown = on_terminal("collect", "--json", cwd=site)
    assert code == 0
    assert shown.startswith("{")
    assert len(shown.strip().splitlines()) == 1


def test_what_sources_say_cannot_speak_to_the_terminal(run, site, web):
    title = "Tin \x9b31m \u202eđảo [bold]x[/bold]"
    web.pages["/a.xml"] = (
        "<rss version='2.0'><channel><title>A</title><item>"
        f"<title>{title}</title><link>https://a.example/1</link></item></channel></rss>"
    ).encode()
    run("collect")
    _, shown = on_terminal("articles", cwd=site)
    assert "[bold]x[/bold]" in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown


def test_a_preview_can_be_read_on_a_terminal_and_its_bytes_are_there_for_the_asking(run, site):
    run("collect")
    code, shown = on_terminal("digest", "preview", "ngay", "--sample", cwd=site)
    assert code == 0, shown
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "From: Tin Trung Du <bantin@localhost>" in plain
    assert re.search(r"^Subject: Điểm tin ngày .*: \w+", plain, re.MULTILINE)
    assert "Content-Transfer-Encoding" not in plain
    assert "<html" not in plain
    head, _, text = plain.partition("\r\n\r\n")
    assert "Subject: " in head
    assert "Giáo dục vùng cao" in text
    assert "--raw prints the bytes" in text
    _, shown = on_terminal("digest", "preview", "ngay", "--sample", "--raw", cwd=site)
    assert "Content-Transfer-Encoding: " in shown
    assert "--raw prints" not in shown
