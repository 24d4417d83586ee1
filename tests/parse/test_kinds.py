"""The kinds of sources: each stands in one list, and nobody else asks which one it is."""

from __future__ import annotations

import re
from pathlib import Path

from service.errors import ParseError
from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.kinds import KINDS
from service.parse.options import ParseOptions

ROOT = Path(__file__).parents[2]

BY_NAME = {
    "service/config/crosschecks.py",  # selectors stand in a table of one kind
    "service/config/schema.py",  # the default
    "service/parse/options.py",
    "service/parse/kinds.py",
}
"""Modules that may call a kind by its name, besides who searches a site for each of them."""


def test_every_kind_of_the_configuration_is_read_by_something(now):
    assert list(KINDS) == list(SourceKind)
    for kind in SourceKind:
        try:
            parse_document(b"<a>", {}, "https://a.example/", ParseOptions(kind=kind), now)
        except ParseError as error:
            assert str(error)


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
