"""Open sets of article pages with their texts, and how near a text comes to what is expected.

The pages stay where they are. The set of the Article Extraction Benchmark is not part of the
corpus.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import trafilatura
from lxml.html import document_fromstring

from service.parse.html.article import page as article_page
from service.parse.html.article.page import ArticlePage
from service.parse.html.blocks import blocks
from service.parse.options import ParseOptions
from service.text.fold import folded_tokens
from tests.levels import sample, some

NOW = datetime(2026, 11, 25, tzinfo=UTC)
NOWHERE = "http://unknown.invalid/"
READABILITYS = "http://fakehost/test/page.html"

OURS = "ours"
WITHOUT_COMMENTS = "without comments"
MODES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    WITHOUT_COMMENTS: {"include_comments": False},
    "favor_precision": {"include_comments": False, "favor_precision": True},
    "favor_recall": {"include_comments": False, "favor_recall": True},
    "fast": {"include_comments": False, "fast": True},
}
"""trafilatura's; each is better without comments on every set."""

GOOD = (WITHOUT_COMMENTS, "favor_precision", "favor_recall")
"""Of these one is the best on each set."""

TRIED = GOOD[: some(len(GOOD), 1)]
"""In a sample the one that is never far behind the best."""


class Scores(NamedTuple):
    """Precision, recall and F, each from 0 to 1."""

    precision: float
    recall: float
    f: float


class Known(NamedTuple):
    """A page, its address, and its text; or the snippets that must and must not be in it."""

    body: bytes
    url: str
    text: str = ""
    there: Sequence[str] = ()
    absent: Sequence[str] = ()


def opened(path: Path) -> bytes:
    """The bytes of a file that may stand there packed."""
    packed = path if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
    return gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()


@lru_cache(maxsize=some(1, 100))
def read(body: bytes, url: str = NOWHERE) -> ArticlePage:
    """What we say of a page."""
    return article_page.read(body, {}, url, ParseOptions(), NOW)


def scores(known: Sequence[Known], modes: Iterable[str] = TRIED) -> dict[str, Scores]:
    """Ours, and trafilatura's in each of these modes."""
    measure = _by_snippets if known[0].there else _by_words
    found = {OURS: measure(known, lambda one: read(one.body, one.url).text)}
    for name in modes:
        found[name] = measure(known, _theirs(name))
    for name, row in found.items():
        print(f"{name:20}", *(f"{key} {value:.4f}" for key, value in row._asdict().items()))  # noqa: T201
    return found


def _theirs(mode: str) -> Callable[[Known], str]:
    return lambda one: trafilatura.extract(one.body, **MODES[mode]) or ""


def best(found: dict[str, Scores]) -> float:
    """The F of trafilatura's best mode."""
    return max(row.f for name, row in found.items() if name != OURS)


def _by_snippets(known: Sequence[Known], extract: Callable[[Known], str]) -> Scores:
    """Scores snippets that must and must not be there, as trafilatura's own evaluation has it."""
    right = missed = wrong = 0
    for one in known:
        text = extract(one)
        found = sum(snippet in text for snippet in one.there)
        right, missed = right + found, missed + len(one.there) - found
        wrong += sum(snippet in text for snippet in one.absent)
    precision, recall = right / (right + wrong), right / (right + missed)
    return Scores(precision, recall, 2 * precision * recall / (precision + recall))


def _by_words(known: Sequence[Known], extract: Callable[[Known], str]) -> Scores:
    """Scores the words of each page, with repetitions; the mean over the pages."""
    rows = []
    for one in known:
        told, wanted = (Counter(folded_tokens(text).split()) for text in (extract(one), one.text))
        both = (told & wanted).total()
        precision, recall = both / (told.total() or 1), both / wanted.total()
        rows.append((precision, recall, 2 * precision * recall / ((precision + recall) or 1)))
    return Scores(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))


def trafilaturas(corpus: Path, one_in: int = 1) -> list[Known]:
    """trafilatura's own evaluation."""
    folder = corpus / "pages/trafilatura-eval"
    every = json.loads((folder / "evaldata.json").read_text()).values()
    return [
        Known(opened(folder / "html" / one["file"]), NOWHERE, "", one["with"], one["without"])
        for one in sample(every, one_in, lambda one: one["file"])
    ]


def readabilitys(corpus: Path, one_in: int = 1) -> list[Known]:
    """The pages that readability is tested with."""
    every = sorted((corpus / "pages/readability").glob("*/expected.html.gz"))
    return [
        Known(
            opened(expected.with_name("source.html")),
            READABILITYS,
            " ".join(one.text for one in blocks(document_fromstring(opened(expected).decode()))),
        )
        for expected in sample(every, one_in, lambda one: one.parent.name)
    ]


def newspapers(corpus: Path, one_in: int = 1) -> list[Known]:
    """News of forty countries, from Fundus."""
    known = []
    for body, url, facts in fundus_pages(corpus, one_in):
        text = facts["body"]
        parts = [*(text.get("summary") or ()), *paragraphs(facts)]
        for section in text.get("sections", []):
            heading = section.get("headline") or []
            parts += [heading] if isinstance(heading, str) else heading
        known.append(Known(body, url, " ".join(parts)))
    return known


@lru_cache(maxsize=1)
def fundus_pages(corpus: Path, one_in: int = 1) -> Sequence[tuple[bytes, str, dict[str, Any]]]:
    """The pages with what their publishers' own parsers say: matched by the first paragraphs."""
    return list(_fundus_pages(corpus, one_in))


def _fundus_pages(corpus: Path, one_in: int) -> Iterator[tuple[bytes, str, dict[str, Any]]]:
    every = sorted((corpus / "pages/fundus").glob("*/*.json"))
    for known in sample(every, one_in, lambda one: one.name):
        addresses = json.loads((known.parent / "meta.info").read_text())
        pages = {
            one.name: opened(one) for one in sorted(known.parent.glob(f"{known.stem}_2*.html.gz"))
        }
        words = {name: folded_tokens(document_fromstring(body).text_content())
                 for name, body in pages.items()}  # fmt: skip
        for facts in json.loads(known.read_text()).values():
            first = [folded_tokens(one)[:80] for one in paragraphs(facts) if len(one) > 40][:3]
            for name, body in pages.items():
                if any(one in words[name] for one in first):
                    yield body, addresses.get(name, {}).get("url", NOWHERE), facts
                    break


def paragraphs(facts: dict[str, Any]) -> list[str]:
    """Of a page of Fundus, without its summary and headings."""
    body = facts.get("body") or {}
    return [one for part in body.get("sections", []) for one in part.get("paragraphs", [])]


SETS: dict[str, Callable[[Path], list[Known]]] = {
    "news of 40 countries": newspapers,
    "readability": readabilitys,
    "trafilatura's evaluation": trafilaturas,
}
