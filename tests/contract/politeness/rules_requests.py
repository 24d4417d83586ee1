"""What each request says, and what of an earlier answer it sends back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from tests.contract.politeness.characters import DAY
from tests.contract.politeness.judging import (
    Week,
    each,
    rule,
    told,
)
from tests.contract.politeness.publisher import PATH, Asked


@rule("Asks with GET alone: no HEAD first, no POST", frb="50, 51")
def _get(week: Week) -> list[str]:
    return each(week, lambda one: one.method != "GET")


@rule("Asks for the feed's own address, unchanged: no icon, no other path, no query of its own")
def _own_address(week: Week) -> list[str]:
    return each(week, lambda one: one.target != PATH)


@rule(
    "Says who it is: name, version, site, contact, readers, feed-id; the same each time",
    frb="80-90",
)
def _agent(week: Week) -> list[str]:
    form = re.compile(r"\w+/[\w.+]+ \(\+https://\S+; \S+@\S+; \d+ readers?; feed-id=(\d+)\)")
    broken = each(week, lambda one: not form.fullmatch(one.headers.get("user-agent", "")))
    ids = defaultdict(set)
    for publisher, asked in week.documents():
        for one in asked:
            ids[one.headers.get("user-agent")].add(publisher.name)
    return broken + [f"one feed-id for {names}" for names in ids.values() if len(names) > 1]


@rule("Sends no cookie, though each answer sets one")
def _cookies(week: Week) -> list[str]:
    return each(week, lambda one: "cookie" in one.headers)


@rule("Sends no Referer")
def _referer(week: Week) -> list[str]:
    return each(week, lambda one: "referer" in one.headers)


@rule("Takes compressed answers, and says which types it reads", frb="141")
def _accepts(week: Week) -> list[str]:
    return each(
        week,
        lambda one: (
            "gzip" not in one.headers.get("accept-encoding", "")
            or "rss" not in one.headers.get("accept", "")
        ),
    )


def _validators(asked: Sequence[Asked]) -> Iterator[tuple[Asked, dict[str, str], dict[str, str]]]:
    """Each request with what it sent back and what the document had been given last."""
    names = {"ETag": "if-none-match", "Last-Modified": "if-modified-since"}
    known: dict[str, str] = {}
    for one in asked:
        sent = {
            name: one.headers[header] for name, header in names.items() if header in one.headers
        }
        yield one, sent, known
        given = {name: one.sent[name] for name in names if name in one.sent}
        if one.status == 200:
            known = given
        elif any(known.get(name) != value for name, value in given.items()):
            known = given  # only a 304 says so: what is new is one set


def _all_validators(
    week: Week, broken: Callable[[dict[str, str], dict[str, str]], bool]
) -> list[str]:
    return [
        f"{told(one)}: sent {sent}, was given {known}"
        for _, asked in week.documents()
        for one, sent, known in _validators(asked)
        if broken(sent, known)
    ]


@rule(
    "Makes no validator up: sends none before it was given one, none to who gives none",
    frb="12, 13",
)
def _made_up(week: Week) -> list[str]:
    return _all_validators(week, lambda sent, known: not sent.keys() <= known.keys())


@rule(
    "If-None-Match is the last ETag, byte for byte: weak, unquoted, with commas, not ASCII",
    frb="3, 4",
)
def _etag(week: Week) -> list[str]:
    return _all_validators(
        week, lambda sent, known: "ETag" in sent and sent["ETag"] != known.get("ETag")
    )


@rule("If-Modified-Since is the last Last-Modified, byte for byte, date or not", frb="1, 2")
def _modified(week: Week) -> list[str]:
    name = "Last-Modified"
    return _all_validators(week, lambda sent, known: name in sent and sent[name] != known.get(name))


@rule("Sends both validators where it was given both")
def _both(week: Week) -> list[str]:
    return _all_validators(week, lambda sent, known: 0 < len(sent) < len(known))


@rule("Sends back no ETag of one answer beside the Last-Modified of another", frb="14")
def _one_set(week: Week) -> list[str]:
    answers = defaultdict(list)
    for publisher, asked in week.documents():
        for one in asked:
            answers[publisher.name].append((one.sent.get("ETag"), one.sent.get("Last-Modified")))
    return [
        f"{told(one)}: sent {pair}"
        for publisher, asked in week.documents()
        for one in asked
        if all(pair := (one.headers.get("if-none-match"), one.headers.get("if-modified-since")))
        and pair not in answers[publisher.name]
    ]


@rule("Forgets no validator for being refused: what follows is conditional again", frb="16")
def _remembers(week: Week) -> list[str]:
    broken = []
    for _, asked in week.documents():
        seen = list(_validators(asked))
        plain = [one.at for one, sent, known in seen if known and not sent]
        for (before, *_), (one, sent, known) in pairwise(seen):
            again = any(timedelta(0) < one.at - at < DAY for at in plain)
            if before.status >= 400 and known and not sent and again:
                broken.append(told(one))
    return broken


@rule("Asks without validators at most once a day")
def _unconditional(week: Week) -> list[str]:
    broken = []
    for publisher, asked in week.documents():
        last = None
        for one, sent, known in _validators(asked):
            if sent:
                continue
            if known and last is not None and one.at - last < DAY:
                broken.append(f"{told(one)}: {one.at - last} after the last one")
            last = one.at
        assert asked, publisher.name
    return broken
