"""feedparser's own test files: every expectation that speaks of a field that we keep holds.

What we read otherwise is listed by rule, with the reason why ours is right.
"""

from __future__ import annotations

import html
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from service.errors import ParseError
from service.model import Document
from service.parse.document import parse_document
from service.parse.options import ParseOptions
from service.text.clean import clean_html
from tests.levels import WHOLE, sample, some
from tests.parse.expectations import HOST, Expectation, expectations, headers_of, pair, text_of

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
NOTHING = Document(title="", link=None, language=None, entries=())


@dataclass(frozen=True)
class Case:
    """What was compared: the file's text, feedparser's path, and both values."""

    text: str
    wanted: Expectation
    ours: object
    theirs: object

    @property
    def field(self) -> object:
        return self.wanted.path[-1]

    @property
    def said(self) -> str:
        return str(self.wanted.value)


def _is_plain_text(case: Case) -> bool:
    literal = html.escape(case.said, quote=False)
    shown = {case.said, html.unescape(case.said), clean_html(literal, "")}
    plain = re.search(r"type=['\"]text(?:/plain)?['\"]", case.text)
    return plain is not None and case.ours in shown


def _has_html5_name(case: Case) -> bool:
    """`&lang;` was U+2329 in HTML 4 and is U+27E8 in HTML 5."""
    older = str(case.theirs).replace("\u2329", "\u27e8").replace("\u232a", "\u27e9")
    return case.ours in {older, older.replace("\u3008", "\u27e8").replace("\u3009", "\u27e9")}


EXPLAINED: dict[str, Callable[[Case], bool]] = {
    "plain text in Atom: what looks like a tag is shown as it was written": _is_plain_text,
    "Content-Location moves no base any more (RFC 7231, appendix B)": lambda case: (
        "content-location" in headers_of(case.text)
    ),
    "a category is called by its label, the words for people (RFC 4287, 4.2.2.3)": lambda case: (
        case.field == "term" and f'label="{case.ours[0]}"' in case.text  # type: ignore[index]
    ),
    "names of characters are those of HTML 5": _has_html5_name,
    "HTML 5 reads </br> as a line break, <> as text and <![CDATA[ as a comment": lambda case: (
        re.search(r"/br&gt;|<>|CDATA\[<!\[CDATA\[", case.text) is not None
    ),
}


@pytest.fixture
def cases(corpus) -> list[Case]:
    root = corpus / "feeds" / "feedparser"
    found = []
    every = [path for path in sorted(root.rglob("*")) if path.is_file()]
    for path in sample(every, 3, lambda one: one.name):
        body = path.read_bytes()
        text = text_of(body)
        headers = {"content-type": "application/xml"} | headers_of(text)
        url = f"{HOST}tests/{path.relative_to(root)}"
        try:
            document = parse_document(body, headers, url, ParseOptions(), NOW)
        except ParseError:
            document = NOTHING
        wanted = expectations(text)
        assert wanted is not None, path
        for one in wanted:
            both = pair(document, one, NOW)
            if both is not None:
                found.append(Case(text, one, *both))
    return found


@pytest.mark.sampled
def test_every_expectation_of_a_field_that_we_keep_holds(cases, capsys):
    assert len(cases) > some(1250, 350)
    reasons: Counter[str] = Counter()
    unexplained = []
    for case in cases:
        if case.ours == case.theirs:
            reasons["holds"] += 1
            continue
        reason = next((name for name, rule in EXPLAINED.items() if rule(case)), None)
        if reason is None:
            unexplained.append((case.wanted, case.ours, case.theirs))
        else:
            reasons[reason] += 1
    with capsys.disabled():
        lines = [f"  {count:5} {reason}" for reason, count in reasons.most_common()]
        head = f"\nfeedparser's suite: {len(cases)} expectations of fields that we keep"
        sys.stdout.write("\n".join([head, *lines, ""]))
    assert unexplained == []
    assert reasons["holds"] > 0.95 * len(cases)
    if WHOLE:
        assert set(EXPLAINED) <= set(reasons), "an explanation that explains nothing any more"
