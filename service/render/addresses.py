"""Addresses on the site: absolute ones for mails and feeds, relative ones for pages. Pure.

A path begins with "/" and ends with "/" where it is a page: "/topics/giao-duc/".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

from service.text.references.find import slug

HOME = "/"
OPML = "/topics.opml"
SIGNUP = "/subscribe"
SEARCH = "/search"

_CRON = str.maketrans({" ": "_", "*": "x", ",": ".", "/": "~"})
_IS_PATH = re.compile(r"/(?!/)")


def absolute(path: str, base: str) -> str:
    """The path on the site at `base`; what is not a path on the site stays as it is."""
    return base + path if _IS_PATH.match(path) else path


def on_page(path: str, base: str, at: str | None) -> str:
    """How a page whose own path is `at` links to `path`.

    None: from the site's root, which need not be the server's ("https://example.vn/tin").
    """
    if not _IS_PATH.match(path):
        return path
    if at is None:
        return urlsplit(base).path.rstrip("/") + path
    up = "../" * (at.count("/") - 1)
    return (up + path[1:]) or "./"


def topic_page(topic: str) -> str:
    return f"/topics/{topic}/"


def story_page(public_id: str) -> str:
    return f"/stories/{public_id}/"


def reference_page(reference: str) -> str:
    """The page of who cites an official document, in ASCII: `/references/38-CT-TW/`."""
    return f"{reference_path(reference)}/"


def reference_file(reference: str, format_: str) -> str:
    """The feed beside it. `format_`: atom, rss, json."""
    return f"{reference_path(reference)}.{format_}"


def reference_path(reference: str) -> str:
    """Of its feeds without their format."""
    return f"/references/{quote(slug(reference))}"


def search_query(question: str) -> str:
    """What stands behind the path of a question's page, and of its feeds: `?q=…`."""
    return f"?{urlencode({'q': question})}"


def search_file(question: str, format_: str) -> str:
    """The feed of a question. `format_`: atom, rss, json."""
    return f"{SEARCH}.{format_}{search_query(question)}"


def archive_page(digest: str) -> str:
    return f"/digests/{digest}/"


def signup_page(digest: str) -> str:
    return f"{SIGNUP}/{digest}"


def feed_path(feed: str) -> str:
    """Of a feed without its format. `feed`: a topic's id, or "all"."""
    return f"/feeds/{feed}"


def feed_file(feed: str, format_: str) -> str:
    """The same in a format: atom, rss, json."""
    return f"{feed_path(feed)}.{format_}"


def edition_page(digest: str, cut_at: datetime, cadence: str, *, listed: bool) -> str:
    """The page of an edition: the web address in its mails.

    Two cadences of one digest may be cut at one instant. The one that stands in the archive has
    the plain address; the others name their cadence.
    """
    return f"/editions/{digest}/{edition_name(cut_at, cadence, listed=listed)}/"


def report_page(digest: str, cut_at: datetime, cadence: str, *, listed: bool) -> str:
    """The page of an edition's numbers, for the admin."""
    return f"/admin/editions/{digest}/{edition_name(cut_at, cadence, listed=listed)}/"


def edition_name(cut_at: datetime, cadence: str, *, listed: bool) -> str:
    """`20261123T000000Z`, in UTC; of an unlisted one `20261123T000000Z-daily`."""
    stamp = f"{cut_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return stamp if listed else f"{stamp}-{cadence.translate(_CRON)}"
