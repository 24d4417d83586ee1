"""`bantin parse`: a line of JSON for each input; no configuration is needed."""

from __future__ import annotations

import json

from tests.cli.conftest import rss


def test_a_line_for_each_input_in_their_order(run, folder):
    (folder / "a.xml").write_bytes(rss("Một", "Hai"))
    (folder / "b.xml").write_bytes(b"<html><title>x</title></html>")
    (folder / "bin").write_bytes(bytes(range(256)))
    result = run("parse", "a.xml", "b.xml", "khong.xml", "bin", ".", "--json", code=1)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["input"] for one in lines] == ["a.xml", "b.xml", "khong.xml", "bin", "."]
    assert [one["ok"] for one in lines] == [True, False, False, False, False]
    assert [entry["title"] for entry in lines[0]["entries"]] == ["Một", "Hai"]
    assert all(one["error"] for one in lines[1:])
    assert set(lines[0]) == {"input", "ok", "error", "feed", "entries", "repairs"}


def test_relative_links_are_read_against_the_given_address(run, folder):
    (folder / "a.xml").write_bytes(rss("Một").replace(b"https://bao-a.example/M", b"/M"))
    result = run("parse", "a.xml", "--url", "https://bao.example/rss", "--json")
    assert json.loads(result.stdout)["entries"][0]["link"] == "https://bao.example/Một"


def test_people_read_titles_and_reasons(run, folder):
    (folder / "a.xml").write_bytes(rss("Một"))
    assert run("parse", "a.xml").stdout.startswith("a.xml: Báo A, 1 entries\n")
    (folder / "a.xml").write_bytes(b"")
    result = run("parse", "a.xml", code=1)
    assert (result.stdout, result.stderr) == ("", "a.xml: the document is empty\n")


def test_private_addresses_are_refused(run, folder, web):
    web.pages["/a.xml"] = rss("Một")
    result = run("parse", f"{web.base}/a.xml", "--json", code=1)
    assert "this machine itself" in json.loads(result.stdout)["error"]


def test_without_inputs_it_is_wrong_use(run, folder):
    run("parse", code=2)
    run("parse", "x", "--kind", "sitemap", code=2)
