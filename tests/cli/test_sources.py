"""`bantin sources`: what is written stands in a file of its own, and always loads."""

from __future__ import annotations

import tomllib

import pytest

from service.parse import opml


def added(site, name="added"):
    return tomllib.loads((site / "feeds" / f"{name}.toml").read_text())["source"]


def test_the_list_tells_each_source_with_its_place(ask, run, site, web):
    run("collect")
    told = ask("sources", "list")
    assert [one["id"] for one in told] == ["bao-a", "bao-b"]
    first = told[0]
    assert first["title"] == "Báo A"
    assert (first["state"], first["entries"], first["kind"]) == ("ok", 1, "feed")
    assert (first["topics"], first["file"], first["line"]) == (["tin"], "bantin.toml", 11)
    assert "bao-b\tok\tBáo B\t" in run("sources", "list").stdout


def test_one_source_is_shown_with_its_rhythm_and_what_its_answers_cost(ask, run, site, web):
    web.tags["/a.xml"] = '"1"'
    for _ in range(3):
        run("collect", "bao-a")
    told = ask("sources", "show", "bao-a")
    assert told["parse_levels"] == {"304": 2, "body": 0, "slices": 0, "part": 0, "whole": 1}
    assert (told["state"], told["title"], told["line"]) == ("ok", "Báo A", 11)
    said = run("sources", "show", "bao-a").stdout
    assert "answers     3: 67 % not modified, 33 % all of it was parsed\n" in said
    assert "how often   every 1 h, by its own rhythm\n" in said
    new = run("sources", "show", "bao-b").stdout.splitlines()
    assert new[0] == "state       new"
    assert "last fine   never" in new
    assert '; there are "bao-a" and "bao-b"\n' in run("sources", "show", "khong", code=2).stderr


def test_who_asked_for_time_is_shown_with_the_hour_and_not_retried_with_the_rest(
    ask, run, site, web
):
    web.refusals |= {"/a.xml": (503, {"Retry-After": "7200"}), "/b.xml": (500, {})}
    run("collect")
    slowed, failing = ask("sources", "list")
    assert (slowed["state"], failing["state"]) == ("slowed", "failing")
    why = ask("sources", "show", "bao-a")["reason"]
    assert slowed["reason"] == why
    listed = run("sources", "list").stderr
    assert f"bao-a: {why[:60]}" in listed
    assert f"bao-b: {failing['reason']}" in listed
    assert why.startswith("the server answered 503 (Service Unavailable); it is left alone until ")
    assert ask("sources", "retry", "--failing")["sources"] == ["bao-b"]
    web.refusals.clear()
    run("sources", "retry", "bao-a")
    run("collect")
    assert [one["state"] for one in ask("sources", "list")] == ["ok", "ok"]


def test_added_sources_are_named_by_their_host_and_collected(ask, run, site):
    told = ask("sources", "add", "https://www.bao-c.example/rss", "--topic", "tin")
    assert (told["id"], told["topics"]) == ("bao-c-example", ["tin"])
    run("sources", "add", "https://bao-c.example/rss/hai", "--title", 'Báo "C"')
    run("sources", "add", "https://báo.example/rss", "--id", "bao-d")
    assert added(site) == {
        "bao-c-example": {"url": "https://www.bao-c.example/rss", "topics": ["tin"]},
        "bao-c-example-2": {"url": "https://bao-c.example/rss/hai", "title": 'Báo "C"'},
        "bao-d": {"url": "https://báo.example/rss"},
    }
    assert run("check").stdout == "fine: 2 files, 5 sources, 1 topic, 1 digest\n"
    assert len(ask("sources", "list")) == 5


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("https://x.example/", "--id", "bao-a"), "there is a source 'bao-a' already"),
        (("https://x.example/", "--id", "Báo A"), "is not an id"),
        (("https://x.example/", "--topic", "khong"), '; there is "tin"\n'),
        (("x.example/rss",), "is not a web address"),
        (
            ("http://10.0.0.7/rss",),
            (
                "bantin: http://10.0.0.7/rss: 10.0.0.7 stands in a private network; open its "
                'network: allow_networks = ["10.0.0.7"], in [collect] or in the source; '
                "nothing was written\n"
            ),
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(run, site, args, words):
    said = run("sources", "add", *args, code=2).stderr
    assert words in said
    assert "added.toml" not in said
    assert not (site / "feeds").exists()


def test_an_address_that_is_collected_already_is_refused(run, site, web):
    result = run("sources", "add", f"{web.base}/a.xml", code=2)
    assert "is collected by [source.bao-a] already" in result.stderr


def test_a_fault_puts_the_old_file_back(run, site):
    run("sources", "add", "https://bao-c.example/rss")
    before = (site / "feeds" / "added.toml").read_bytes()
    run("sources", "add", "http://[::1]/rss", code=2)
    assert (site / "feeds" / "added.toml").read_bytes() == before


def test_a_file_that_no_include_covers_is_wrong_use(run, site):
    config = site / "bantin.toml"
    config.write_text(config.read_text().replace('["feeds/*.toml"]', "[]"))
    result = run("sources", "add", "https://bao-c.example/rss", code=2)
    assert "includes no feeds/added.toml" in result.stderr
    assert not (site / "feeds" / "added.toml").exists()


OPML = """<opml version="2.0"><body>
<outline text="TIN"><outline type="rss" text="Báo C" xmlUrl="https://bao-c.example/rss"/></outline>
<outline text="Khác"><outline type="rss" text="Báo D" xmlUrl="https://bao-d.example/rss"/></outline>
<outline type="rss" text="Báo A" xmlUrl="{web}/a.xml"/>
</body></opml>"""


def test_an_imported_list_adds_what_is_new(ask, run, site, web):
    (site / "list.opml").write_text(OPML.format(web=web.base))
    told = ask("sources", "import", "list.opml")
    assert told["added"] == ["bao-c-example", "bao-d-example"]
    assert told["already"] == [f"{web.base}/a.xml"]
    assert added(site, "imported") == {
        "bao-c-example": {
            "title": "Báo C", "url": "https://bao-c.example/rss", "topics": ["tin"],
        },
        "bao-d-example": {"title": "Báo D", "url": "https://bao-d.example/rss"},
    }  # fmt: skip
    again = run("sources", "import", "list.opml")
    assert again.stdout.splitlines()[0] == "0 added, 3 already there, 0 refused"


def test_what_cannot_be_collected_is_refused_and_stops_no_other(run, site):
    (site / "list.opml").write_text(
        "<opml><body><outline text='x' xmlUrl='http://169.254.169.254/rss'/>"
        "<outline text='y' xmlUrl='https://bao-c.example/rss'/></body></opml>"
    )
    result = run("sources", "import", "list.opml", code=1)
    assert "http://169.254.169.254/rss: " in result.stderr
    assert result.stdout.splitlines()[0] == "1 added, 0 already there, 1 refused"
    assert list(added(site, "imported")) == ["bao-c-example"]


def test_what_is_no_opml_is_wrong_use(run, site):
    (site / "list.opml").write_text("<html>")
    assert "list.opml: this is no OPML" in run("sources", "import", "list.opml", code=2).stderr


def test_an_export_is_read_by_an_import(run, site, web, tmp_path):
    with (site / "bantin.toml").open("a") as file:
        file.write(
            f'[source.trang]\nkind = "page"\nurl = "{web.base}/"\npage = {{ entry = "li" }}\n'
        )
    result = run("sources", "export")
    assert "left out because they are not feeds: trang" in result.stderr
    outlines = opml.read(result.stdout.encode())
    assert [(one.title, one.url, one.categories) for one in outlines] == [
        ("bao-a", f"{web.base}/a.xml", ("Tin",)),
        ("bao-b", f"{web.base}/b.xml", ()),
    ]
    run("collect")  # now the store knows what they call themselves
    outlines = opml.read(run("sources", "export").stdout.encode())
    assert [one.title for one in outlines] == ["Báo A", "Báo B"]


def test_a_retry_forgets_the_failure_and_the_source_is_asked_with_the_next_pass(
    ask, run, site, web
):
    del web.pages["/a.xml"]
    run("collect")
    stands = {one["id"]: one["state"] for one in ask("sources", "list")}
    assert stands == {"bao-a": "failing", "bao-b": "ok"}
    web.pages["/a.xml"] = b"<rss version='2.0'><channel><title>A</title></channel></rss>"
    assert "no source is due" in run("collect").stdout
    told = ask("sources", "retry", "--failing")
    assert told == {"sources": ["bao-a"], "paused": [], "running": False}
    assert "1 of 1 source" in run("collect").stdout
    assert run("sources", "retry", "--failing").stdout == "no source is failing\n"
    said = run("sources", "retry", "bao-b").stdout
    assert said == "the next `bantin up` or `bantin collect` asks bao-b\n"
    assert "1 of 1 source" in run("collect").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [((), "name the sources"), (("bao-a", "--failing"), "name the"), (("x",), "no source 'x'")],
)
def test_a_retry_says_whom(run, site, args, words):
    assert words in run("sources", "retry", *args, code=2).stderr
