"""The guided tour, as a person runs it, held against the words that its publisher is made of."""

from __future__ import annotations

import io
import json
import re
import shutil
import tomllib
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import feedparser
import pytest
from lxml import html
from sqlalchemy import select

from service.audience import people
from service.demo.tour import DIGEST, READERS
from service.report.health import Health
from service.report.status import as_json, status
from service.runtime.composition import Service, open_service, system_clock
from service.store import tables as t
from service.store.content import admin_queries
from service.web.app import create_app
from service.web.subscriber.rhythms import previous_cut
from tests.contract.way import one_line, parsed, text_of
from tests.running import finished
from tests.web.test_socket import serving

ROOT = Path(__file__).parents[2]
WRITTEN = ROOT / "feeds" / "demo"


@dataclass(frozen=True)
class Ran:
    """One `bantin demo --once --json` and what it said. That it is quick: test_packaging.py."""

    folder: Path
    said: dict[str, Any]


def run(folder: Path) -> Ran:
    """As a process of its own, standing somewhere else than the sources."""
    done = finished("demo", "--once", "--json", "--dir", str(folder), cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return Ran(folder, json.loads(done.stdout))


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Ran:
    return run(tmp_path_factory.mktemp("tour") / "demo")


@dataclass(frozen=True)
class Article:
    """An article of the publisher, by all outlets that share it."""

    title: str
    day: str
    outlets: frozenset[str]
    topics: frozenset[str]


@pytest.fixture(scope="module")
def written() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads((WRITTEN / "articles.toml").read_text())["article"]
    return found


@pytest.fixture(scope="module")
def configured() -> dict[str, Any]:
    return tomllib.loads((WRITTEN / "bantin.toml").read_text())


@pytest.fixture(scope="module")
def articles(written, configured) -> list[Article]:
    """The different articles with the topics that the rules of the TOML give them, read by eye."""
    by_address: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in written:
        by_address.setdefault((one.get("shared", one["outlet"]), one["id"]), []).append(one)
    return [
        Article(
            title=group[0]["title"],
            day=group[0]["day"],
            outlets=frozenset(one["outlet"] for one in group),
            topics=frozenset().union(*(_topics(one, configured) for one in group)),
        )
        for group in by_address.values()
    ]


FLOOD = {
    "Nước sông lên nhanh, mười hai trường ven sông cho học sinh nghỉ học",
    "Lũ sông Thương: hơn bốn nghìn học sinh tạm nghỉ",
    "Trường học ven sông Thương đóng cửa tránh lũ, giáo viên trực suốt đêm",
}
"""One event, told by three outlets in words of their own; who was read first represents it."""


@pytest.fixture(scope="module")
def stories(ran, articles) -> list[Article]:
    """The articles, and those of the flood as the one story that they are."""
    with opened(ran) as service, service.store.read() as connection:
        heads = select(t.article.c.title).join(t.story, t.story.c.article_id == t.article.c.id)
        (head,) = FLOOD & set(connection.scalars(heads.where(t.story.c.merged_into.is_(None))))
    flood = [one for one in articles if one.title in FLOOD]
    return [
        *(one for one in articles if one.title not in FLOOD),
        Article(
            title=head,
            day="today",
            outlets=frozenset().union(*(one.outlets for one in flood)),
            topics=frozenset().union(*(one.topics for one in flood)),
        ),
    ]


def _topics(one: dict[str, Any], configured: dict[str, Any]) -> set[str]:
    source = configured["source"][one["outlet"]]
    full = one["outlet"] == "river-post"  # its feed carries the whole text
    text = " ".join([one["title"], one["lead"], *(one["text"] if full else ())]).lower()
    found = set(source.get("topics", ()))
    for name, rule in configured["topic"].items():
        words = any(re.search(rf"\b{word}\b", text) for word in rule.get("any", ()))
        language = source.get("language", "vi") in rule.get("languages", ())
        if words or language:
            found.add(name)
    return found


def test_the_counts_are_those_of_what_was_published(ran, written, configured, articles):
    said = ran.said
    assert set(said) == {
        "sources", "failed", "entries", "articles", "topics", "feeds", "deliveries", "outbox",
    }  # fmt: skip
    assert said["sources"] == len(configured["source"])
    assert said["failed"] == 1
    assert said["entries"] == len(written)
    assert said["articles"] == len(articles) == len(written) - 1  # one is shared by two outlets
    per_topic = Counter(topic for one in articles for topic in one.topics)
    assert said["topics"] == {name: per_topic[name] for name in sorted(configured["topic"])}
    assert said["deliveries"] == {"accepted": len(READERS)}
    names = sorted(f"{name}.{kind}" for name in ("all", "hot", *configured["topic"])
                   for kind in ("atom", "rss", "json"))  # fmt: skip
    assert [Path(path).name for path in said["feeds"]] == names
    assert all(Path(path).stat().st_size > 500 for path in said["feeds"])
    assert len(list((Path(said["outbox"]) / "new").iterdir())) == len(READERS)


def test_each_source_gave_what_its_outlet_has(ran, written, configured):
    with opened(ran) as service, service.store.read() as connection:
        sources = {one["id"]: one for one in as_json(status(connection, system_clock()))["sources"]}
    published = Counter(one["outlet"] for one in written)
    assert {name: one["entries"] for name, one in sources.items()} == {
        name: published[name] for name in configured["source"]
    }
    assert {name for name, one in sources.items() if one["error"]} == {"bao-chieu"}
    assert "503" in sources["bao-chieu"]["error"]
    assert sources["phat-thanh"]["repairs"], "the broken feed was not repaired, or not told"
    assert not any(one["refused"] for one in sources.values())


def test_the_feeds_list_the_stories_of_their_topics(ran, stories):
    assert len(ran.said["feeds"]) > 3
    for path in map(Path, ran.said["feeds"]):
        wanted = {one.title for one in stories if path.stem in one.topics or path.stem == "all"} - {
            one.title for one in stories if not one.topics
        }
        if path.stem == "hot":
            wanted = {one.title for one in stories if one.title in FLOOD}
        if path.suffix == ".json":
            found = [one["title"] for one in json.loads(path.read_bytes())["items"]]
        else:
            read = feedparser.parse(io.BytesIO(path.read_bytes()))
            assert not read.bozo, path
            found = [one.title for one in read.entries]
        assert sorted(found) == sorted(wanted), path


def test_one_event_is_one_entry_that_names_the_other_outlets_with_links(ran, stories, configured):
    (flood,) = [one for one in stories if one.title in FLOOD]
    names = {configured["source"][outlet]["title"] for outlet in flood.outlets}
    assert len(names) == 3
    path = next(Path(one) for one in ran.said["feeds"] if Path(one).name == "all.atom")
    (entry,) = [
        one
        for one in feedparser.parse(io.BytesIO(path.read_bytes())).entries
        if one.title == flood.title
    ]
    others = names - {entry.author.rpartition(" · ")[2]}
    own, page, *links = [one.href for one in entry.links if one.rel in {"alternate", "related"}]
    assert own not in links
    assert "/stories/" in page
    linked = html.fragment_fromstring(entry.summary, create_parent=True).cssselect("a")
    named = {one.text: one.get("href") for one in linked if one.text in others}
    assert named.keys() == others
    assert set(named.values()) == set(links)
    told = [mail for mail in mails(ran) if flood.title in one_line(text_of(mail))]
    assert told
    for mail in told:
        behind = one_line(text_of(mail)).partition(f". {flood.title}")[2][:800]
        assert all(other in behind for other in others)


def test_what_three_outlets_tell_within_hours_is_hot_on_pages_and_in_mails(ran, stories):
    """Whatever the hour at which the tour is walked: it is hot on the day that it tells of."""
    (flood,) = [one.title for one in stories if one.title in FLOOD]
    home = (Path(ran.said["feeds"][0]).parents[1] / "index.html").read_text()
    marked = html.fromstring(home).cssselect("main .meta .hot")
    assert {one.text for one in marked} == {"Nóng"}
    for mark in marked:
        above = mark.getparent().xpath("preceding-sibling::*[contains(@class, 'headline')]")
        assert above[-1].text_content() == flood
    assert 'href="feeds/hot.atom"' in home
    told = [mail for mail in mails(ran) if flood in one_line(text_of(mail))]
    assert told
    for mail in told:
        assert one_line(text_of(mail)).count("Nóng · ") == 1
        assert text_of(mail, "html").count('class="hot"') == 1


def test_what_three_outlets_tell_is_three_articles_and_what_two_share_is_one(ran, articles):
    shared = [one for one in articles if len(one.outlets) > 1]
    assert [one.outlets for one in shared] == [{"song-thuong", "ban-mai"}]
    floods = {one for one in articles if one.day == "today" and "lũ" in one.title.lower()}
    assert len({outlet for one in floods for outlet in one.outlets}) >= 3
    with opened(ran) as service, service.store.read() as connection:
        rows = connection.execute(t.article.select().where(t.article.c.title == shared[0].title))
        (article,) = rows.all()
        found = admin_queries.explained(connection, article.id)
    assert {one.source for one in found.entries} == {"song-thuong", "ban-mai"}


def test_what_two_share_stands_under_the_name_of_whose_link_it_leads_to(ran, articles, configured):
    """In feeds, on its page, and in mails; the other outlet is named as one that told it too."""
    (shared,) = [one for one in articles if len(one.outlets) > 1]
    owner, other = (configured["source"][name]["title"] for name in ("song-thuong", "ban-mai"))
    path = next(Path(one) for one in ran.said["feeds"] if Path(one).name == "all.atom")
    (listed,) = [
        one
        for one in feedparser.parse(io.BytesIO(path.read_bytes())).entries
        if one.title == shared.title
    ]
    assert "/song-thuong/" in listed.link
    assert owner in listed.author
    pages = [page.read_text() for page in (path.parents[1] / "stories").glob("*/index.html")]
    (page,) = [one for one in pages if f"<h1>{shared.title}" in one]
    assert f"· {owner}</span>" in page
    assert f"Đọc bài gốc trên {owner}<" in page
    assert [name for name in (owner, other) if f'<span class="outlet">{name}</span>' in page] == [
        owner, other,
    ]  # fmt: skip
    told = [one_line(text_of(mail)) for mail in mails(ran) if shared.title in text_of(mail)]
    assert told
    for text in told:
        behind = text.partition(f". {shared.title}")[2]
        assert 0 <= behind.find(f" {owner},") < 300
        assert f" {other}," not in behind[: behind.find(f" {owner},")]


@pytest.mark.parametrize(("address", "chosen", "language"), READERS)
def test_each_mail_tells_its_reader_the_news_of_today_once(ran, stories, address, chosen, language):
    (mail,) = [one for one in mails(ran) if one["To"] == address]
    text, html = text_of(mail), text_of(mail, "html")
    assert f'lang="{language}' in html
    news = [
        one.title
        for one in stories
        if one.day == "today" and one.topics and (not chosen or one.topics & set(chosen))
    ]
    assert 1 <= len(news) <= 20
    line = one_line(text)
    # The contents above the stories and the subject may name the first one again: not the text.
    assert {title: line.count(f". {title}") for title in news} == dict.fromkeys(news, 1)
    told = [one.title for one in stories if one.title in line]
    assert sum(title in line for title in FLOOD) <= 1
    assert sorted(told) == sorted(news), "something else was told too"
    assert mail["Subject"].startswith("Điểm tin Trung Du")
    for part in (text, html):
        assert address in part
        assert "\ufdd0" not in part
    assert "<img" not in html
    assert "<script" not in html


def test_each_mail_carries_what_mail_programs_look_for(ran):
    assert len(mails(ran)) == len(READERS)
    for mail in mails(ran):
        assert mail.is_multipart()
        assert mail.defects == []
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["List-Id"]
        assert mail["Message-ID"]
        assert "=?" not in str(mail.get("List-Unsubscribe")), "an address folded into words"


def test_one_click_of_each_mail_ends_that_digest_alone(ran, tmp_path):
    """Through the real web part on a real socket, as a mail provider does it."""
    folder = tmp_path / "demo"
    shutil.copytree(ran.folder, folder)
    own = Ran(folder, {"outbox": str(folder / "var" / "outbox")})
    config = own.folder / "bantin.toml"
    config.write_text(config.read_text() + '\n[digest.tuan]\ncadence = "weekly"\n')
    with opened(own) as service:
        for address, _, _ in READERS:
            people.add(
                service.store, service.settings, system_clock(), address, "tuan",
                previous_cut=previous_cut(service.settings),
            )  # fmt: skip
        app = create_app(
            service.store, lambda: service.settings, lambda: service.renderer, system_clock,
            lambda: Health(True, ()),
        )  # fmt: skip
        with serving(app) as port:
            for ended, mail in enumerate(mails(own), 1):
                link = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
                assert link.scheme == "http"
                assert link.netloc == service.settings.web.listen
                assert one_click(port, link.path, link.netloc) == 200
                assert live(service) == {DIGEST: len(READERS) - ended, "tuan": len(READERS)}
                assert one_click(port, link.path, link.netloc) == 200  # twice is once
        assert live(service) == {DIGEST: 0, "tuan": len(READERS)}
        with service.store.read() as connection:
            reasons = connection.execute(
                t.subscription.select().where(t.subscription.c.ended_at.is_not(None))
            ).all()
        assert {row.ended_reason for row in reasons} == {"one_click"}


@contextmanager
def opened(ran: Ran) -> Iterator[Service]:
    service = open_service(ran.folder / "bantin.toml", {})
    try:
        yield service
    finally:
        service.close()


def mails(ran: Ran) -> list[Any]:
    files = sorted((Path(ran.said["outbox"]) / "new").iterdir())
    return [parsed(path.read_bytes()) for path in files]


def live(service: Service) -> dict[str, int]:
    with service.store.read() as connection:
        digests = as_json(status(connection, system_clock()))["digests"]
    return {one["id"]: one["subscribers"] for one in digests}


def one_click(port: int, path: str, host: str) -> int:
    """RFC 8058: the two words of the header, and nothing that a browser would add."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", b"List-Unsubscribe=One-Click", {"Host": host}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)
