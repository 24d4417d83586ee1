"""What a worker loads to find the text of articles, and who pays for it."""

from __future__ import annotations

import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from service.collect.workers.article_page_task import complete
from service.collect.workers.pool import Parsers
from service.collect.workers.task import ParseTask
from service.model import Entry
from service.parse.options import ParseOptions
from tests.parse import article_pages as portals

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
URL = "https://a.example/bai-1.html"
FEED = (
    b"<rss version='2.0'><channel><title>A</title><item><guid>1</guid><title>Tin</title></item>"
    b"</channel></rss>"
)


def has_loaded(name: str) -> bool:
    return name in sys.modules


LISTED = Entry(key=URL, guid=None, link=URL, link_is_key=True, title="")


def page(body: str) -> ParseTask:
    return ParseTask(body.encode(), {}, URL, ParseOptions(full=True), NOW)


async def test_only_a_worker_that_reads_article_pages_loads_trafilatura():
    async with Parsers(1) as parsers:
        await parsers.read(ParseTask(FEED, {}, "https://a.example/rss", ParseOptions(), NOW))
        assert not await parsers.call(has_loaded, "trafilatura")
        entry = await parsers.call(complete, page(portals.newspaper()), LISTED)
        assert await parsers.call(has_loaded, "trafilatura")
    assert portals.PARAGRAPHS[-1] in entry.content


def test_every_installation_has_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(one.startswith("trafilatura>=") for one in project["dependencies"])
    assert "fulltext" not in project["optional-dependencies"]


async def test_a_page_without_end_costs_its_own_text_alone():
    cells = "<tr><td>a<td>b<td>c" * 9_000  # 36,000 elements; of them trafilatura would make a text
    async with Parsers(1) as parsers:
        endless = page(f"<h1>{portals.TITLE}</h1><table>{cells}</table>")
        entry = await parsers.call(complete, endless, LISTED)
    assert entry.title == portals.TITLE
    assert entry.content == ""
