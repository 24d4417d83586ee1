"""`bantin parse`: a line of JSON for each input; no configuration is needed."""

from __future__ import annotations

import json

from tests.cli.conftest import rss
from tests.collect.polling.test_continuation import listing
from tests.parse import article_pages as portals


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
    assert run("parse", "a.xml").stdout.startswith("a.xml: Báo A, 1 entry\n")
    (folder / "a.xml").write_bytes(b"")
    result = run("parse", "a.xml", code=1)
    assert (result.stdout, result.stderr) == ("", "a.xml: the document is empty\n")


def test_private_addresses_are_refused(run, folder, web):
    web.pages["/a.xml"] = rss("Một")
    result = run("parse", f"{web.base}/a.xml", "--json", code=1)
    assert "this machine itself" in json.loads(result.stdout)["error"]


def test_without_inputs_it_is_wrong_use(run, folder):
    run("parse", code=2)
    run("parse", "x", "--kind", "pdf", code=2)


def test_a_page_is_told_as_what_it_is(run, folder):
    (folder / "bai.html").write_text(portals.newspaper())
    told = run("parse", "bai.html", "--kind", "page").stdout
    assert told.startswith("bai.html: an article's page\n  2026-11-24T01:05:41Z  Tăng cường")
    assert "https://baotinh.example.vn/tin/khoa-giao-123.htm" in told
    assert "  authors: Minh Anh\n" in told
    assert f"  lead: {portals.LEAD}\n" in told
    assert portals.PARAGRAPHS[-1] in told
    assert portals.OTHERS[0] not in told
    seen = json.loads(run("parse", "bai.html", "--kind", "page", "--json").stdout)
    assert seen["page"]["is"] == "article"
    (folder / "tin.html").write_bytes(listing(3, 2, 1, following="/p2"))
    where = ("--kind", "page", "--url", "https://tinh.example.vn/tin")
    told = run("parse", "tin.html", *where).stdout.splitlines()
    assert told[0] == "tin.html: (no title), 3 entries"
    assert told[1] == "  a list of news; next page: https://tinh.example.vn/p2"
    assert len(told) == 8
    assert json.loads(run("parse", "tin.html", *where, "--json").stdout)["page"]["is"] == "list"
