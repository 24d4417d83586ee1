"""Real article pages: what they say of themselves, and what trafilatura alone makes of them.

The floors hold what was reached; `-s` prints the figures, `python -m tests.bench.articles` those of
all pages.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml.html import document_fromstring

from service.model import SourceKind
from service.parse.html.article.page import ArticlePage
from service.parse.inspection import look
from service.parse.options import ParseOptions
from service.text.fold import folded_tokens
from service.text.instants import dates, zones
from tests.levels import sample, some
from tests.parse.html.article_sets import (
    NOW,
    OURS,
    READABILITYS,
    WITHOUT_COMMENTS,
    best,
    fundus_pages,
    newspapers,
    opened,
    paragraphs,
    read,
    readabilitys,
    scores,
    trafilaturas,
)  # fmt: skip

HANOI = "Asia/Ho_Chi_Minh"


def told(name: str, counts: Counter[str], *parts: str) -> dict[str, float]:
    shares = {part: counts[part] / max(counts[f"{part} of"], 1) for part in parts}
    print(name, {part: f"{counts[part]} of {counts[f'{part} of']}" for part in parts})  # noqa: T201
    return shares


def vietnamese(corpus: Path) -> dict[str, bytes]:
    folder = corpus / "pages/vi"
    return {one.name.removesuffix(".gz"): opened(one) for one in sorted(folder.rglob("*.gz"))}


def articles(corpus: Path) -> dict[str, bytes]:
    return {name: body for name, body in vietnamese(corpus).items() if "article" in name}


def test_vietnamese_articles_say_what_their_outlets_tests_expect(corpus):
    expected = json.loads((corpus / "pages/vi/2026-03/expected.json").read_text())
    pages = articles(corpus)
    seen = 0
    for name, facts in expected.items():
        if "article" not in name or name not in pages:
            continue
        page = read(pages[name])
        at = dates.parse(facts["published_at"], HANOI, "dmy", NOW)
        assert at is not None
        assert page.published is not None
        assert page.published.replace(second=0) == at.replace(second=0)
        assert facts.get("title", page.title) == page.title
        assert facts.get("text_contains", "") in page.text
        assert page.link is not None
        assert page.link.startswith(facts["url_prefix"])
        seen += 1
    assert seen


def test_vietnamese_articles_begin_with_their_lead_and_tell_of_no_other(corpus):
    found = articles(corpus)
    assert len(found) > 3
    for name, body in found.items():
        tree = document_fromstring(body.decode())
        (head,) = tree.xpath('//meta[@property="og:description"]/@content')[:1]
        page = read(body)
        assert folded_tokens(page.lead).endswith(folded_tokens(unescape(head)).strip("… .")), name
        assert page.text.count(page.lead) == 1
        links = {" ".join(one.text_content().split()) for one in tree.iter("a")}
        links |= {one.get("title") or "" for one in tree.iter("a")}
        leaked = {one for one in links if len(one) > 20 and one in page.text}
        assert leaked <= {page.title}, name
        assert page.authors, name
        assert len(page.text) > 1500, name


def test_every_vietnamese_page_can_be_read_as_one(corpus):
    found = vietnamese(corpus)
    assert len(found) > 3
    assert {name: read(body).language for name, body in found.items()} == dict.fromkeys(found, "vi")


def test_the_date_lines_of_real_pages_to_the_minute(corpus):
    rows = json.loads((corpus / "vi_text/page-date-lines.json").read_text())["rows"]
    assert len(rows) > 3
    for row in rows:
        page = read(opened(corpus / f"{row['page']}.html"))
        assert page.published is not None
        at = datetime.fromisoformat(row["iso"]).astimezone(UTC)
        assert page.published.replace(second=0) == at, row["page"]


@pytest.mark.sampled
def test_what_is_an_article_and_what_a_list(corpus):
    def is_(body):
        return look("x", body, {}, None, NOW, ParseOptions(SourceKind.PAGE))["page"]["is"]

    for name, body in list(vietnamese(corpus).items())[:: some(1, 2)]:
        assert is_(body) == ("article" if "article" in name else "list"), name
    others = sorted((corpus / "pages/fundus").glob("*/*.html.gz"))[:: some(6, 240)]
    kinds = [is_(opened(one)) for one in others]
    print("articles of other countries told as articles:", kinds.count("article"), "of", len(kinds))  # noqa: T201
    assert kinds.count("article") >= 0.95 * len(kinds)


# Where one set is above and none is below, so is their mean. A sample may be a little worse.


@pytest.mark.sampled
def test_texts_of_trafilaturas_own_evaluation_are_better_than_its_best(corpus):
    found = scores(trafilaturas(corpus, 30))
    assert found[OURS].f >= best(found) + some(0.01, -0.01)
    assert found[OURS].precision >= found[WITHOUT_COMMENTS].precision - some(0, 0.01)
    assert found[OURS].recall >= found[WITHOUT_COMMENTS].recall - some(0, 0.01)


@pytest.mark.sampled
def test_texts_of_news_of_forty_countries_are_better_than_trafilaturas_best(corpus):
    known = newspapers(corpus, 9)
    assert len(known) > some(100, 5)
    found = scores(known)
    assert found[OURS].f >= best(found) + some(0.01, -0.01)
    assert found[OURS].precision >= found[WITHOUT_COMMENTS].precision - some(0, 0.01)
    assert found[OURS].recall >= found[WITHOUT_COMMENTS].recall - some(0, 0.01)


@pytest.mark.sampled
def test_texts_of_readabilitys_pages_are_not_worse_than_trafilaturas_best(corpus):
    known = readabilitys(corpus, 9)
    assert len(known) > some(50, 6)
    found = scores(known)
    assert found[OURS].f >= best(found) - some(0, 0.01)


@pytest.mark.sampled
def test_readabilitys_pages(corpus):
    counts: Counter[str] = Counter()
    every = sorted((corpus / "pages/readability").glob("*/expected-metadata.json.gz"))
    for known in sample(every, 9, lambda one: one.parent.name):
        facts = json.loads(gzip.decompress(known.read_bytes()))
        page = read(opened(known.with_name("source.html")), READABILITYS)
        title = folded_tokens(facts.get("title") or "")
        counts["title of"] += bool(title)
        counts["title"] += bool(title) and folded_tokens(page.title) in title
        if facts.get("byline"):
            counts["author of"] += 1
            by = folded_tokens(facts["byline"])
            counts["author"] += any(folded_tokens(one) in by for one in page.authors)
        if facts.get("publishedTime"):
            counts["time of"] += 1
            counts["time"] += (
                dates.parse(facts["publishedTime"], "UTC", None, NOW) == page.published
            )
    shares = told("readability", counts, "title", "author", "time")
    assert shares["title"] >= 0.83
    assert shares["author"] >= 0.6
    assert shares["time"] == 1


@pytest.mark.sampled
def test_news_pages_of_forty_countries(corpus):
    counts: Counter[str] = Counter()
    for body, url, facts in fundus_pages(corpus, 9):
        compare(read(body, url), facts, counts)
    parts = ("title", "authors", "minute", "day", "text")
    shares = told("fundus", counts, *parts)
    floors = {"title": 0.77, "authors": 0.74, "minute": 0.96, "day": 0.98, "text": 0.9}
    assert {part: share for part, share in shares.items() if share < floors[part]} == {}
    assert counts["day of"] > some(100, 10)


def compare(page: ArticlePage, facts, counts: Counter[str]) -> None:
    if facts.get("title"):
        counts["title of"] += 1
        counts["title"] += folded_tokens(page.title) == folded_tokens(facts["title"])
    if facts.get("authors"):
        counts["authors of"] += 1
        counts["authors"] += {*map(folded_tokens, page.authors)} == {
            *map(folded_tokens, facts["authors"])
        }
    if facts.get("publishing_date"):
        at = datetime.fromisoformat(facts["publishing_date"])
        if at.tzinfo is None:  # by the clock of where it was written, as the page's language tells
            at = at.replace(tzinfo=ZoneInfo(zones.home_of("UTC", page.language)))
        apart = abs(page.published - at) if page.published else timedelta.max
        for part, most in (("minute", timedelta(minutes=1)), ("day", timedelta(days=1))):
            counts[f"{part} of"] += 1
            counts[part] += apart <= most
    text = paragraphs(facts)
    counts["text of"] += 1
    words = folded_tokens(page.text)
    counts["text"] += sum(folded_tokens(one) in words for one in text) >= 0.8 * len(text)
