"""Builds one honest User-Agent with a contact and the number of readers."""

from __future__ import annotations

import re

_UNSENDABLE = re.compile(r"[^\x20-\x7e]|[()\\]")


def user_agent(version: str, *, base_url: str | None, contact: str | None, readers: int) -> str:
    """`Bantin/1.0 (+https://tin.example.vn; bientap@example.vn; 12 readers)`.

    A publisher who is bothered must find somebody: the site's address, and the contact of the
    configuration. Characters that a header cannot carry are left out.
    """
    places = [_UNSENDABLE.sub("", place or "").strip() for place in (base_url, contact)]
    where = [place for place in places if place]
    remarks = [f"+{where[0]}", *where[1:]] if where else []
    if readers > 0:
        remarks.append("1 reader" if readers == 1 else f"{readers} readers")
    product = f"Bantin/{_UNSENDABLE.sub('', version)}"
    return f"{product} ({'; '.join(remarks)})" if remarks else product


def for_feed(agent: str, feed_id: int) -> str:
    """The same with `feed-id=7`, as Feedfetcher's form has it.

    So a publisher with several feeds, or several addresses of one, adds up readers rightly.
    """
    note = f"feed-id={feed_id}"
    return f"{agent[:-1]}; {note})" if agent.endswith(")") else f"{agent} ({note})"
