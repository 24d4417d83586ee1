# ruff: noqa: E501 - faults stand here as they are printed
"""Wrong configurations, each with the exact lines that `bantin check` prints."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.config.loading import judged
from service.runtime.check import check
from tests.levels import some

HERE = Path(__file__).parent


def cases(name: str) -> list[tuple[str, str]]:
    """The blocks of a file: a configuration, then "=> " and its one fault."""
    _intro, *blocks = (HERE / name).read_text(encoding="utf-8").split("----\n")
    pairs = [block.rstrip("\n").rpartition("\n=> ") for block in blocks]
    return [(text, f"bantin.toml:{fault}") for text, _, fault in pairs]


def test_one_fault(wrong):
    found = [(text, wrong(text, EMPTY=""), fault) for text, fault in cases("wrong.txt")]
    assert len(found) > 100
    assert [one for one in found if one[1] != [one[2]]] == []


def test_what_is_no_toml_is_told_once_with_its_line(wrong):
    found = [(text, wrong(text + "\n"), fault) for text, fault in cases("broken.txt")]
    assert len(found) > 10
    assert [one for one in found if one[1] != [one[2]]] == []


def test_a_text_that_the_file_ends_in(wrong):
    assert wrong('[site]\ntitle = "Tin') == [
        "bantin.toml:2: this begins here and is never closed; end it with the same quotes"
    ]


def test_a_footer_that_would_fill_each_mail(wrong):
    assert wrong(f'[branding]\nlegal = "{"x" * 2001}"\naddress = "{"x" * 2000}"') == [
        "bantin.toml:2: branding.legal: has 2,001 characters; write 2,000 at most"
    ]


def test_depth_without_end(wrong):
    assert wrong("a = " + "[" * 20_000) == [
        "bantin.toml: is nested too deep; a configuration needs no such depth"
    ]


def test_many_faults_in_many_files_are_told_at_once_in_the_order_of_reading(folder):
    folder.write(
        """
        include = ["feeds/*.toml", "missing.toml"]
        [site]
        titel = "x"
        language = "Vietnamese"
        [digest.tuan]
        topics = ["giao-duc", "y-te", "xa-hoi"]
        [mail.relay.a]
        host = "x"
        password = { env = "NO_SUCH" }
        """
    )
    folder.write('[topic.giao-duc]\nany = "x"\n\n[source.a]\ntopics = ["the-thao"]', "feeds/a.toml")
    folder.write("[topic.y-te]\nany = [\n\n[topic.b]", "feeds/b.toml")
    (folder.path / "feeds/c.toml").write_bytes("[site]\n# à\n".encode("utf-16"))
    (folder.path / "feeds/d.toml").write_bytes(
        "[topic.d]\nany = ['giáo']".encode("cp1258", "replace")
    )
    assert folder.faults(BANTIN_WEB__LISTN="x", BANTIN_SITE__BASE_URL="y") == [
        (
            "bantin.toml:1: include: missing.toml does not exist; correct the path, or write a first "
            "one with `bantin init`"
        ),
        'bantin.toml:3: site.titel: unknown key "titel"; did you mean "title"?',
        (
            'bantin.toml:4: site.language: "Vietnamese" is not a language; write it such as "vi", "en" or '
            '"pt-BR"'
        ),
        (
            'bantin.toml:6: digest.tuan.topics[2]: there is no topic "xa-hoi"; write [topic.xa-hoi] or '
            "take it out"
        ),
        (
            "bantin.toml:9: mail.relay.a.password: the environment variable NO_SUCH is not set; set it "
            "before the service starts"
        ),
        'feeds/a.toml:2: topic.giao-duc.any: is not a list; write ["x"]',
        "feeds/a.toml:4: source.a.url: is missing; add url = …: the URL of the feed or page",
        (
            'feeds/a.toml:5: source.a.topics[0]: there is no topic "the-thao"; write [topic.the-thao] '
            "or take it out"
        ),
        "feeds/b.toml:2: this begins here and is never closed; end it with ] or }",
        "feeds/c.toml:1: is not UTF-8; save it as UTF-8",
        "feeds/d.toml:2: is not UTF-8; save it as UTF-8",
        (
            'environment BANTIN_SITE__BASE_URL: site.base_url: "y" is not a web address; write it whole, '
            'such as "https://example.org/rss"'
        ),
        "environment BANTIN_WEB__LISTN: there is no key web.listn; did you mean BANTIN_WEB__LISTEN?",
    ]


def test_what_two_files_set_names_both_places(folder):
    folder.write(
        'include = ["feeds/*.toml"]\n[site]\ntitle = "a"\n[source.a]\nurl = "https://a.vn"'
    )
    folder.write('[site]\n\ntitle = "b"\n[source.a]\nurl = "https://b.vn"', "feeds/b.toml")
    folder.write('[topic.t]\nany = ["x"]\n[mail]\nrelay.r = { host = "x" }', "feeds/c.toml")
    folder.write('[mail.relay.r]\nhost = "y"\n[topic.t]\nall = ["y"]', "feeds/d.toml")
    assert folder.faults() == [
        "feeds/b.toml:3: site.title: stands in bantin.toml:3 already; keep one of them",
        "feeds/b.toml:4: source.a: stands in bantin.toml:4 already; give one of them another id",
        (
            "feeds/d.toml:1: mail.relay.r: stands in feeds/c.toml:4 already; give one of them another "
            "id"
        ),
        "feeds/d.toml:3: topic.t: stands in feeds/c.toml:1 already; give one of them another id",
    ]


class TestFiles:
    def test_no_main_file(self, folder):
        assert folder.faults() == [
            "bantin.toml: does not exist; correct the path, or write a first one with `bantin init`"
        ]

    def test_a_folder(self, folder):
        folder.main.mkdir()
        assert folder.faults() == [
            "bantin.toml: is a folder; name the files in it, such as feeds/*.toml"
        ]

    def test_an_included_folder(self, folder):
        folder.write('include = [\n  "feeds",\n]')
        (folder.path / "feeds").mkdir()
        assert folder.faults() == [
            "bantin.toml:2: include: feeds is a folder; name the files in it, such as feeds/*.toml"
        ]

    def test_a_circle(self, folder):
        folder.write('include = ["a.toml"]\n[site]\ntitel = "x"')
        folder.write('\ninclude = ["b.toml"]', "a.toml")
        folder.write('include = ["bantin.toml"]', "b.toml")
        assert folder.faults() == [
            'bantin.toml:3: site.titel: unknown key "titel"; did you mean "title"?',
            (
                "b.toml:1: include: bantin.toml includes this file in its turn; take it out here, or "
                "there"
            ),
        ]

    def test_a_file_that_includes_itself(self, folder):
        folder.write('include = ["./bantin.toml"]')
        assert folder.faults() == [
            (
                "bantin.toml:1: include: bantin.toml includes this file in its turn; take it out here, "
                "or there"
            )
        ]

    def test_links_that_lead_in_a_circle(self, folder):
        folder.write('include = ["*.toml"]')
        (folder.path / "x.toml").symlink_to("y.toml")
        (folder.path / "y.toml").symlink_to("x.toml")
        (folder.path / "z.toml").symlink_to("nowhere")
        found = folder.faults()
        assert len(found) == 3
        assert all(fault.startswith("bantin.toml:1: include: ") for fault in found)

    def test_a_pipe_is_not_waited_for(self, folder):
        os.mkfifo(folder.main)
        assert folder.faults() == ["bantin.toml: is not a regular file; name a file"]

    def test_a_pattern_that_is_none(self, folder):
        folder.write('include = ["**x/*.toml"]')
        (fault,) = folder.faults()
        assert fault.startswith('bantin.toml:1: include: "**x/*.toml" is not a pattern')

    def test_a_pattern_that_ends_in_folders(self, folder):
        folder.write('include = ["feeds/**"]')
        (fault,) = folder.faults()
        assert fault.startswith('bantin.toml:1: include: "feeds/**" is not a pattern')

    def test_a_huge_file(self, folder):
        with folder.main.open("wb") as file:
            file.truncate(33 * 1024 * 1024)
        (fault,) = folder.faults()
        assert "at most 33554432 are read" in fault


class TestEnvironment:
    @pytest.mark.parametrize(
        ("name", "fault"),
        [
            ("BANTIN_SIT__TITLE", "there is no key sit.title; did you mean BANTIN_SITE…?"),
            (
                "BANTIN_SITE__BASEURL",
                "there is no key site.baseurl; did you mean BANTIN_SITE__BASE_URL?",
            ),
            ("BANTIN_SITE__TITLE__X", "there is no key site.title.x; site.title is not a table"),
            (
                "BANTIN_SOURCE__A__URL",
                "cannot be set from the environment; write [source.ID] in a file",
            ),
            (
                "BANTIN_MAIL__RELAY__A__PASSWORD",
                "cannot be set from the environment; write [mail.relay.ID] in a file",
            ),
            ("BANTIN_INCLUDE__X", "cannot be set from the environment; write it in a file"),
        ],
    )
    def test_what_is_no_key(self, wrong, name, fault):
        assert wrong("", **{name: "x"}) == [f"environment {name}: {fault}"]

    def test_values_are_judged_as_those_of_the_file(self, wrong):
        environ = {"BANTIN_COLLECT__PER_SITE__CONNECTIONS": "many", "BANTIN_LOG__LEVEL": "loud"}
        assert wrong("", **environ) == [
            (
                "environment BANTIN_COLLECT__PER_SITE__CONNECTIONS: collect.per_site.connections: "
                '"many" is not a whole number; write a whole number without quotes'
            ),
            (
                'environment BANTIN_LOG__LEVEL: log.level: "loud" is not known; write "debug", "info", '
                '"warning" or "error"'
            ),
        ]


def test_no_fault_and_no_warning_shows_a_secret(folder):
    secret = "geheim-4711"
    folder.write(
        f"""
        [store]
        url = "mysql://u:{secret}@db/x"
        [mail.relay.a]
        host = "x"
        password = "{secret}"
        rate = "x"
        [mail.relay.b]
        host = "x"
        password = ["{secret}"]
        [mail.relay.c]
        host = "x"
        password = {{ text = "{secret}" }}
        [mail.relay.d]
        host = "x"
        password = {{ env = "PW", file = "{secret}" }}
        """
    )
    examined = folder.examine(PW=secret, BANTIN_STORE__URL=f"oracle://{secret}@x")
    assert len(examined.faults) == 5
    assert secret not in repr(examined)


def test_the_sound_part_of_a_faulty_configuration_can_be_judged(folder):
    folder.write(
        """
        [site]
        title = 5
        language = "vi"
        [source.a]
        title = "A"
        [source.b]
        url = "https://b.vn"
        weight = "x"
        [source.Bad]
        url = "https://c.vn"
        [digest.d]
        cadence = "fortnightly"
        """
    )
    examined = folder.examine()
    assert len(examined.faults) == 4
    assert examined.settings.site.language == "vi"
    assert list(examined.settings.source) == ["a", "b"]
    assert examined.settings.digest["d"].cadence == "fortnightly"
    assert examined.settings.root == folder.path


def test_what_other_rooms_find_joins_in_its_place(folder):
    folder.write(
        """
        [digest.a]
        topics = ["x", "giao-duc"]
        cadence = "fortnightly"
        at = "7:00"
        [topic.giao-duc]
        any = ["x"]
        [mail]
        reply_to = "nobody"
        """
    )
    examined = folder.examine()
    found = [
        (("mail", "reply_to"), "is not an address", "write one"),
        (("digest", "a", "cadence"), "is not a cadence", "write daily"),
        (("digest", "a", "topics"), "no topic x", "said already"),
        (("digest", "a", "at"), "said already", ""),
    ]
    assert [(fault.line, fault.key) for fault in judged(examined, found).faults] == [
        (2, "digest.a.topics[0]"),
        (3, "digest.a.cadence"),
        (4, "digest.a.at"),
        (8, "mail.reply_to"),
    ]
    assert judged(examined, []) == examined


def test_what_only_follows_from_another_fault_is_not_told(folder):
    folder.write(
        """
        [digest.a]
        cadence = "daily"
        review = "2 hours"
        editors = ["lan@example.vn"]
        [digest.b]
        cadence = "daily"
        review = "2h"
        editors = "lan@example.vn"
        [digest.c]
        cadence = "daily"
        at = "7h"
        quiet = { hours = "06:00-08:00" }
        [digest.d]
        cadence = "daily"
        cadences = "immediate"
        bundle = "15m"
        [digest.e]
        cadence = "daily"
        editors = ["lan@example.vn"]
        [mail.relay.a]
        host = "127.0.0.1"
        username = 5
        password = { env = "PW" }
        [mail.bounces]
        address = "tra-ve@example.vn"
        imap = { host = "imap.example.vn", username = "u" }
        """
    )
    found = check(folder.main, {"PW": "x"})
    assert [(fault.line, fault.key) for fault in found.faults] == [
        (3, "digest.a.review"),
        (8, "digest.b.editors"),
        (11, "digest.c.at"),
        (15, "digest.d.cadences"),
        (19, "digest.e.editors"),
        (20, "mail.from"),
        (22, "mail.relay.a.username"),
        (26, "mail.bounces.imap.password"),
    ]
    assert found.warnings == ()


def test_the_include_of_an_included_file_is_judged_as_well(folder):
    folder.write('include = ["b.toml", "c.toml"]')
    folder.write('# desks\ninclude = "d.toml"', "b.toml")
    folder.write('include = ["d.toml", 5]', "c.toml")
    folder.write("", "d.toml")
    assert folder.faults() == [
        'b.toml:2: include: is not a list of paths; write a list of paths, such as ["feeds/*.toml"]',
        'c.toml:1: include: is not a list of paths; write a list of paths, such as ["feeds/*.toml"]',
    ]


def sources(count: int, *, faulty: bool) -> str:
    lines = ['[site]\ntitle = "x"\n']
    lines += [f'[topic.t{n}]\ntitle = "T{n}"\nany = ["từ {n}"]\n' for n in range(50)]
    for n in range(count):
        lines.append(f'[source.s{n}]\ntitle = "Báo {n}"\nurl = "https://s{n}.example.vn/rss"\n')
        lines.append(f'topics = ["t{n % 50}"]\nlanguage = "vi"\n')
        lines.append(f'wieght = {n}\ndates = {{ order = "dym" }}\n' if faulty else "weight = 2\n")
    return "".join(lines)


def seconds(work: Callable[[], object], times: int) -> float:
    """Of CPU time; the best of so many."""
    took = []
    for _ in range(times):
        begin = time.process_time()
        work()
        took.append(time.process_time() - begin)
    return min(took)


@pytest.mark.large
@pytest.mark.parametrize("faulty", [False, True])
def test_four_times_as_many_sources_cost_about_four_times_as_much(folder, faulty):
    few, many = 600, 2400
    folder.write(sources(few, faulty=faulty))
    short = seconds(folder.examine, 2)
    folder.write(sources(many, faulty=faulty))
    assert seconds(folder.examine, 1) < 8 * short


@pytest.mark.sampled
def test_each_of_thousands_of_faults_is_placed(folder):
    many = some(2000, 800)
    folder.write(sources(many, faulty=True))
    faults = folder.examine().faults
    assert len(faults) == 2 * many
    assert faults[-1].line == 2 + 3 * 50 + 7 * many
    assert faults[-2].key == f"source.s{many - 1}.wieght"
