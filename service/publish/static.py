"""`publish --out DIR`: the same tree as on the web, as files for any web server.

Each file is replaced in one step, and only where its bytes differ: a second run touches nothing.
What is no longer made stays, so that old addresses go on working; but for what may tell what was
taken back: feeds of retired topics, and pages of documents that nobody cites any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from service.config.schema import Settings
from service.model import Story
from service.publish.build import NEWEST
from service.publish.channel import FORMATS
from service.publish.feeds_on_request import reference_feed
from service.publish.pages import Pages
from service.publish.robots import OURS, ROBOTS, robots_txt
from service.render.addresses import (
    OPML,
    archive_page,
    edition_page,
    feed_file,
    reference_file,
    reference_page,
    story_page,
    topic_page,
)
from service.render.engine import Renderer
from service.store.content import (
    feed_documents,
    page_queries,
    references,
    stories,
    story_acts,
)
from service.store.core.database import Connection, Store
from service.store.recalled import articles, marks
from service.text.references.find import of_slug, slug

File = tuple[str, Callable[[], bytes | None]]
"""The path on the site, and what makes its bytes."""

FAVICON = "/favicon.ico"

_DRAFTS = ".bantin-drafts"

_REFERENCES = "references"

_FILE, _FOLDER = 0o644, 0o755
"""Modes: these are for a web server to read, whatever else the service keeps to itself."""
"""Files are written here first: the same file system, a name that no page has."""


@dataclass(frozen=True, slots=True)
class PublishReport:
    """How many files are new, changed, as they were; path -> reason of those that failed."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)


def write_site(
    store: Store,
    settings: Settings,
    renderer: Renderer,
    out: Path,
) -> PublishReport:
    """Write the whole tree into `out`. The feeds are those that `publish` has built last.

    Pages of stories are those that stand in a feed or an edition, and of what was taken back. One
    page that cannot be made stops no other. Two runs into one folder follow one another.
    """
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    failed: dict[str, str] = {}
    made: set[str] = set()
    with _drafts(out) as drafts, store.read() as connection:
        for path, make in chain(_robots(out, renderer), _tree(connection, settings, renderer, out)):
            try:
                body = make()
                if body is not None:
                    made.add(path)
                    counts[_put(out, drafts, path, body)] += 1
            except Exception as error:  # noqa: BLE001 - promise 4; the reason is returned
                failed[path] = f"{type(error).__name__}: {error}"
        for path in _untold(connection, out) - made - failed.keys():
            try:
                (out / path.lstrip("/")).unlink(missing_ok=True)
            except OSError as error:
                failed[path] = f"{type(error).__name__}: {error}"
    return PublishReport(**counts, failed=failed)


def _tree(
    connection: Connection, settings: Settings, renderer: Renderer, out: Path
) -> Iterator[File]:
    pages = Pages(connection, settings, renderer)
    yield "/index.html", pages.home
    yield OPML, pages.opml
    for name in renderer.assets.names():
        yield f"/assets/{name}", partial(renderer.assets.get, name)
    yield FAVICON, partial(renderer.assets.get, FAVICON[1:])
    yield from _feeds(connection)
    renamed = page_queries.renamed_topics(connection)
    for topic in page_queries.topics(connection, retired=True):
        for name in (topic.name, *(old for old, new in renamed.items() if new == topic.name)):
            yield _index(topic_page(name)), partial(pages.topic, topic.name)
    for digest in page_queries.digests(connection):
        yield _index(archive_page(digest.name)), partial(pages.archive, digest.name)
    yield from _editions(connection, pages)
    told = _told(connection)
    for story in told:
        yield _index(story_page(story.public_id)), partial(pages.story_page, story)
    yield from _references(connection, settings, renderer, pages, told, out)


def _untold(connection: Connection, out: Path) -> set[str]:
    """Files that may tell what was taken back, where nothing is made in their place any more."""
    retired = {one.name for one in page_queries.topics(connection, retired=True) if one.retired}
    renamed = page_queries.renamed_topics(connection)
    names = retired | {old for old, new in renamed.items() if new in retired}
    gone = {feed_file(name, format_) for name in names for format_ in FORMATS}
    cited = {slug(one) for one in references.every(connection)}
    for there in (out / _REFERENCES).glob("*"):
        name, format_ = (there.name, "") if there.is_dir() else (there.stem, there.suffix[1:])
        ours = of_slug(name) is not None and format_ in ("", *FORMATS)
        if ours and name not in cited:
            path = f"/{_REFERENCES}/{there.name}"
            gone.add(path if format_ else _index(f"{path}/"))
    return gone


def _robots(out: Path, renderer: Renderer) -> Iterator[File]:
    """An admin's own file beside ours, which knows more of the host than we do, stays."""
    there = out / ROBOTS.lstrip("/")
    if not there.exists() or there.read_bytes().startswith(OURS.encode()):
        yield ROBOTS, partial(robots_txt, renderer.site.base_url)


def _feeds(connection: Connection) -> Iterator[File]:
    """Also at the old address of a renamed topic, where a web server alone would not redirect."""
    renamed = page_queries.renamed_topics(connection)

    def body(feed: str, format_: str) -> bytes | None:
        found = feed_documents.get(connection, feed, format_)
        return None if found is None else found.body

    for feed, format_ in list(feed_documents.every(connection)):
        now_called = renamed.get(feed, feed)
        yield feed_file(feed, format_), partial(body, now_called, format_)


def _editions(connection: Connection, pages: Pages) -> Iterator[File]:
    for edition in page_queries.editions(connection, listed=False):
        page = edition_page(edition.digest, edition.cut_at, edition.cadence, listed=edition.listed)
        digest, name = page.strip("/").split("/")[1:]
        yield _index(page), partial(pages.edition, digest, name)


def _told(connection: Connection) -> list[Story]:
    """The stories in a feed or an edition, or taken back, and what these left; each once."""
    gone = articles.stories(connection)
    left = story_acts.homes(connection, story_acts.of_stories(connection, gone)).values()
    recalled = stories.by_ids(connection, {*gone, *left}).values()
    feeds = [
        sorted(recalled, key=lambda one: one.public_id),
        stories.everywhere(connection, NEWEST),
        stories.hot(connection, NEWEST),
    ]
    feeds += [stories.in_topic(connection, t.name, NEWEST) for t in page_queries.topics(connection)]
    frozen = sorted(
        stories.by_ids(connection, page_queries.in_editions(connection)).values(),
        key=lambda one: one.public_id,
    )
    return list({story.public_id: story for found in (*feeds, frozen) for story in found}.values())


def _references(
    connection: Connection,
    settings: Settings,
    renderer: Renderer,
    pages: Pages,
    told: list[Story],
    out: Path,
) -> Iterator[File]:
    """Of the documents that these stories cite: their pages lead there.

    Once anything is taken back, also those that an earlier run wrote: they may have listed it.
    """
    articles = (number for story in told for number in story.article_ids)
    wanted = references.of_articles(connection, articles)
    if marks.there_are(connection):
        every = references.every(connection)
        wanted = sorted({*wanted, *(one for one in every if _is_there(out, one))})
    for reference in wanted:
        yield _index(unquote(reference_page(reference))), partial(pages.reference, reference)
        for format_ in FORMATS:
            make = partial(reference_feed, connection, settings, renderer, reference, format_)
            yield unquote(reference_file(reference, format_)), make


def _is_there(out: Path, reference: str) -> bool:
    return (out / _REFERENCES / slug(reference)).is_dir()


def _index(page: str) -> str:
    return f"{page}index.html"


@contextmanager
def _drafts(out: Path) -> Iterator[Path]:
    """A folder for files being written, for one run at a time; what a killed run left is gone."""
    _make_folder(out)
    lock = os.open(out, os.O_RDONLY)
    drafts = out / _DRAFTS
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(drafts, ignore_errors=True)
        drafts.mkdir()
        try:
            yield drafts
        finally:
            shutil.rmtree(drafts, ignore_errors=True)
    finally:
        os.close(lock)


def _put(out: Path, drafts: Path, path: str, body: bytes) -> str:
    target = out / path.lstrip("/")
    before = target.read_bytes() if target.is_file() else None
    if before == body:
        return "unchanged"
    _make_folder(target.parent)
    draft = drafts / "file"
    draft.write_bytes(body)
    draft.chmod(_FILE)
    draft.replace(target)
    return "new" if before is None else "changed"


def _make_folder(folder: Path) -> None:
    """Make what is missing, for a web server to read, whatever the service's umask is."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(_FOLDER)
