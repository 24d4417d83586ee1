"""Another feedparser than the one that we know makes the service slower, and nothing else.

Each is a copy of the real package in which names are spelt otherwise, first on the path of a
process of its own.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import feedparser
import pytest

from service.parse.feed import fast_expat, feedparser_private
from tests.contract.test_two_collectors import Pass, end_of, write_config
from tests.levels import sample
from tests.net.wire import raw_server
from tests.running import ROOT

pytestmark = pytest.mark.processes

HELPERS = ("_parse_date", "_cp1252", "_urljoin", "make_safe_absolute_uri", "convert_to_utf8")
OTHERS = {
    "its helpers are called otherwise": HELPERS,
    "its strict parser is called otherwise": ("StrictFeedParser",),
    "its parser keeps its stack elsewhere": ("elementstack", "property_depth_map"),
    "what its handlers call is called otherwise": ("push_content", "map_content_type"),
    "its dictionaries have no map": ("keymap",),
    "what keeps a date is called otherwise": ("_save",),
    "where it keeps known namespaces is called otherwise": ("_matchnamespaces",),
}

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>Báo &amp; đài</title>
<link>https://bao.example/</link><item><guid isPermaLink="false">a1</guid><title>Một tin</title>
<link>/tin/1</link>
<description>&lt;p&gt;Sapo &lt;b&gt;đậm&lt;/b&gt; của tin.&lt;/p&gt;</description>
<pubDate>Tue, 24 Nov 2026 07:00:00 +0700</pubDate></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://bao.example/a/">
<title>Báo</title><id>urn:x</id><entry><id>urn:1</id><title type="html">Tin &amp;amp; bài</title>
<link href="../1"/><updated>2026-11-24T07:00:00+07:00</updated><content type="xhtml"><div
xmlns="http://www.w3.org/1999/xhtml"><p>Nội <em>dung</em></p></div></content></entry></feed>"""
KOI8 = '<?xml version="1.0" encoding="koi8-r"?><rss version="2.0"><channel><title>Новости дня'
KOI8 += "</title><item><title>Первая новость</title></item></channel></rss>"


def copy_of_feedparser(folder: Path, names: tuple[str, ...], version: str | None = None) -> Path:
    """The package with these names spelt otherwise, all over it."""
    folder.mkdir()
    package = folder / "feedparser"
    shutil.copytree(
        Path(feedparser.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    changed = 0
    for path in package.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in names:
            text, number = re.subn(rf"\b{name}\b", f"{name}_of_later", text)
            changed += number
        if version and path.name == "__init__.py" and path.parent == package:
            text, number = re.subn(r'__version__ = "[^"]*"', f'__version__ = "{version}"', text)
            changed += number
        path.write_text(text, encoding="utf-8")
    assert changed
    return folder


def environ(folder: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BANTIN_")}
    return kept if folder is None else {**kept, "PYTHONPATH": str(folder)}


@pytest.fixture
def documents(tmp_path: Path) -> list[Path]:
    bodies = {"a.xml": RSS.encode(), "b.xml": ATOM.encode(), "c.xml": KOI8.encode("koi8-r"),
              "d.xml": RSS.encode()[:-40]}  # fmt: skip
    for name, body in bodies.items():
        (tmp_path / name).write_bytes(body)
    return [tmp_path / name for name in bodies]


READ = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import feedparser
from service.parse.feed import feedparser_private
from service.parse.incremental.decide import glean
from service.parse.options import ParseOptions
print(feedparser.__file__, feedparser_private.ARE_KNOWN, sep="|")
for name in sys.argv[1:]:
    body = Path(name).read_bytes()
    read = glean(body, {}, "https://bao.example/rss", ParseOptions(), datetime.now(UTC), None)
    print(repr(read.document))
"""


async def read(folder: Path | None, documents: list[Path]) -> tuple[str, bool, list[str]]:
    """Where feedparser was found, whether it is known, what each document says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READ, *map(str, documents), cwd=ROOT, env=environ(folder),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    first, *said = out.decode().splitlines()
    where, known = first.split("|")
    assert len(said) == len(documents)
    return where, known == "True", said


def test_the_one_that_is_installed_is_known():
    assert feedparser_private.ARE_KNOWN


def test_the_guard_knows_each_name_of_the_parser_that_is_used():
    """What our classes read, call or replace of feedparser's own."""
    theirs = set(dir(feedparser_private.StrictFeedParser("", None, "utf-8"))) - set(dir(object))
    used: set[str] = set()
    for path in Path(fast_expat.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                used |= {one.name for one in node.body if isinstance(one, ast.FunctionDef)}
                assigned = [one for one in node.body if isinstance(one, ast.Assign)]
                used |= {one.id for each in assigned for one in each.targets
                         if isinstance(one, ast.Name)}  # fmt: skip
    own_of_dictionaries = {"clear", "get", "setdefault", "update"}
    missing = (used & theirs) - set(feedparser_private.OF_ITS_PARSER) - own_of_dictionaries
    assert not missing
    assert set(feedparser_private.OF_ITS_PARSER) <= theirs


@pytest.mark.sampled
async def test_documents_say_the_same_to_another_feedparser(tmp_path, documents):
    _, known, expected = await read(None, documents)
    assert known
    for number, (what, names) in enumerate(sample(OTHERS.items(), 3, lambda one: one[0])):
        folder = copy_of_feedparser(tmp_path / f"other{number}", names)
        where, known, said = await read(folder, documents)
        assert where.startswith(str(folder))
        assert not known, what
        assert said == expected, what


@pytest.mark.soak  # that documents say the same shows in each run that the guard holds
async def test_another_feedparser_collects(tmp_path, sqlite_url):
    names = (*HELPERS, "StrictFeedParser", "elementstack")
    folder = copy_of_feedparser(tmp_path / "next", names, version="7.0.0")

    async def script(talk):
        await talk.answer(RSS.encode())

    async with raw_server(script) as wire:
        config = write_config(tmp_path, sqlite_url, wire.url(), 3)
        told = await end_of(Pass(config, environ=environ(folder), own=True))
    assert (told["tried"], told["ok"], told["new"]) == (3, 3, 3), json.dumps(told)
