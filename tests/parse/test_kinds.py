"""The kinds of sources: each stands in one list, and nobody else asks which one it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions, Selectors

ROOT = Path(__file__).parents[2]

BY_NAME = {
    "service/config/crosschecks.py",  # selectors stand in a table of one kind
    "service/config/schema.py",  # the default
    "service/parse/options.py",
    "service/parse/kinds.py",
}
"""Modules that may call a kind by its name, besides who searches a site for each of them."""


DOCUMENTS = {
    SourceKind.FEED: "<rss version='2.0'><channel><item><title>Tin</title><link>/1</link></item>"
    "</channel></rss>",
    SourceKind.PAGE: "<html><ul><li><a href='/1'>Tin</a></li></ul></html>",
    SourceKind.SITEMAP: "<urlset><url><loc>/1</loc></url></urlset>",
}


@pytest.mark.parametrize("kind", SourceKind)
def test_every_kind_of_the_configuration_is_read(kind, now):
    selectors = Selectors(entry="li") if KINDS[kind].for_people else None
    reading = ParseOptions(kind=kind, selectors=selectors)
    (entry,) = parse_document(
        DOCUMENTS[kind].encode(), {}, "https://a.example/x", reading, now
    ).entries
    assert entry.link == "https://a.example/1"


def test_what_a_new_kind_must_answer_stands_in_its_own_module():
    named = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "service").rglob("*.py")
        if re.search(r"SourceKind\.[A-Z]", path.read_text())
    ]
    besides = [
        path
        for path in named
        if not path.startswith(("service/collect/discovery/", "service/cli/sources/"))
    ]
    assert set(besides) == BY_NAME


@pytest.mark.processes
def test_neither_the_service_nor_a_command_loads_what_reads_documents():
    """It would cost each start a third more of the processor."""
    script = (
        "import sys, service.cli.up, service.cli.collect, service.cli.status, service.cli.check\n"
        "print([one for one in sys.modules if one in\n"
        "    ('feedparser', 'lxml.html', 'trafilatura', 'publicsuffixlist')])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "[]\n"
