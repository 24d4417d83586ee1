"""The rules of a feed reader that publishers like, each as a judge of what they noted.

After the public list of the Feed Reader Behavior project (rachelbythebay.com/fs/help.html, /frb/,
/w/feed/), Open RSS's guide for developers, RFC 9110 and 9111, and what readers were blocked for. A
judge returns what broke its rule, in words; none: it holds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise

from tests.contract.politeness.characters import DAY, HOUR, SITE
from tests.contract.politeness.publisher import PATH, START, Asked, Publisher

FLOOR = timedelta(minutes=15)
CEILING = timedelta(hours=12)
DELAY_S = 0.01
LATE = timedelta(minutes=30)  # jitter and the steps of the simulated clock
_REDIRECTS = {301, 302, 307, 308}


@dataclass(frozen=True)
class Week:
    """What all publishers noted; `found`: name -> item -> when the service had it."""

    asked: Sequence[Asked]
    publishers: Sequence[Publisher]
    found: dict[str, dict[int, datetime]]
    end: datetime

    def of(self, *names: str) -> list[Asked]:
        hosts = {f"{name}.test" for name in names}
        return [one for one in self.asked if one.host in hosts]

    def documents(self) -> Iterator[tuple[Publisher, list[Asked]]]:
        """Each document with the requests that were answered for it, redirects left out."""
        for publisher in self.publishers:
            if publisher.listed:
                served = [one.name for one in self.publishers if one.same_as == publisher.name]
                asked = self.of(publisher.name, *served)
                yield publisher, [one for one in asked if one.status not in _REDIRECTS]


Judge = Callable[[Week], list[str]]
RULES: list[tuple[str, Judge]] = []


def rule(words: str) -> Callable[[Judge], Judge]:
    def keep(judge: Judge) -> Judge:
        RULES.append((words, judge))
        return judge

    return keep


def _told(one: Asked) -> str:
    return f"{one.host} at {(one.at - START) / DAY:.2f} d"


def _each(week: Week, broken: Callable[[Asked], object]) -> list[str]:
    return [_told(one) for one in week.asked if broken(one)]


def _too_soon(asked: Sequence[Asked], least: Callable[[Asked], timedelta]) -> list[str]:
    return [
        f"{_told(after)}: {after.at - before.at} after the one before"
        for before, after in pairwise(asked)
        if after.at - before.at < least(before)
    ]


@rule("Asks with GET alone: no HEAD first, no POST")
def _get(week: Week) -> list[str]:
    return _each(week, lambda one: one.method != "GET")


@rule("Asks for the feed's own address, unchanged: no icon, no other path, no query of its own")
def _own_address(week: Week) -> list[str]:
    return _each(week, lambda one: one.target != PATH)


@rule("Says who it is: name, version, site, contact, readers, feed-id; the same each time")
def _agent(week: Week) -> list[str]:
    form = re.compile(r"\w+/[\w.+]+ \(\+https://\S+; \S+@\S+; \d+ readers?; feed-id=(\d+)\)")
    broken = _each(week, lambda one: not form.fullmatch(one.headers.get("user-agent", "")))
    ids = defaultdict(set)
    for publisher, asked in week.documents():
        for one in asked:
            ids[one.headers.get("user-agent")].add(publisher.name)
    return broken + [f"one feed-id for {names}" for names in ids.values() if len(names) > 1]


@rule("Sends no cookie, though each answer sets one")
def _cookies(week: Week) -> list[str]:
    return _each(week, lambda one: "cookie" in one.headers)


@rule("Sends no Referer")
def _referer(week: Week) -> list[str]:
    return _each(week, lambda one: "referer" in one.headers)


@rule("Takes compressed answers, and says which types it reads")
def _accepts(week: Week) -> list[str]:
    return _each(
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
        elif one.status == 304:
            known = known | given


def _all_validators(
    week: Week, broken: Callable[[dict[str, str], dict[str, str]], bool]
) -> list[str]:
    return [
        f"{_told(one)}: sent {sent}, was given {known}"
        for _, asked in week.documents()
        for one, sent, known in _validators(asked)
        if broken(sent, known)
    ]


@rule("Makes no validator up: sends none before it was given one, none to who gives none")
def _made_up(week: Week) -> list[str]:
    return _all_validators(week, lambda sent, known: not sent.keys() <= known.keys())


@rule("If-None-Match is the last ETag, byte for byte: weak, unquoted, with commas, not ASCII")
def _etag(week: Week) -> list[str]:
    return _all_validators(
        week, lambda sent, known: "ETag" in sent and sent["ETag"] != known.get("ETag")
    )


@rule("If-Modified-Since is the last Last-Modified, byte for byte, date or not")
def _modified(week: Week) -> list[str]:
    name = "Last-Modified"
    return _all_validators(week, lambda sent, known: name in sent and sent[name] != known.get(name))


@rule("Sends both validators where it was given both")
def _both(week: Week) -> list[str]:
    return _all_validators(week, lambda sent, known: 0 < len(sent) < len(known))


@rule("Asks without validators at most once a day")
def _unconditional(week: Week) -> list[str]:
    broken = []
    for publisher, asked in week.documents():
        last = None
        for one, sent, known in _validators(asked):
            if sent:
                continue
            if known and last is not None and one.at - last < DAY:
                broken.append(f"{_told(one)}: {one.at - last} after the last one")
            last = one.at
        assert asked, publisher.name
    return broken


@rule("Never asks a feed twice within its floor (15 min), restarts and failures included")
def _floor(week: Week) -> list[str]:
    return [line for _, asked in week.documents() for line in _too_soon(asked, lambda _: FLOOR)]


@rule("Asks at most once an hour a feed whose news come less often than every two hours")
def _hourly(week: Week) -> list[str]:
    return [
        line
        for publisher, asked in week.documents()
        if publisher.news >= 2 * HOUR
        for line in _too_soon(asked[1:], lambda _: HOUR)
    ]


@rule("Asks at most once an hour a server that cannot say 304")
def _plain(week: Week) -> list[str]:
    names = "plain", "plain-lively", "restless"
    return [line for name in names for line in _too_soon(week.of(name), lambda _: HOUR)]


@rule("Asks a feed without news less and less often")
def _rare(week: Week) -> list[str]:
    asked = [one for one in week.of("rare") if one.at > START + 3 * DAY]
    return _too_soon(asked, lambda _: CEILING / 2)


def _fresh(asked: Sequence[Asked]) -> Callable[[Asked], timedelta]:
    """For how long each answer is fresh: what a 304 leaves out stays in force. A day at most."""
    spans: dict[int, timedelta] = {}
    last = timedelta(0)
    for one in asked:
        control = re.search(r"max-age=(\d+)", one.sent.get("Cache-Control", ""))
        if control:
            last = timedelta(seconds=int(control[1]) - int(one.sent.get("Age", "0")))
        elif "Expires" in one.sent:
            last = parsedate_to_datetime(one.sent["Expires"]) - one.at
        elif one.status == 200:
            last = timedelta(0)
        spans[id(one)] = min(last, DAY)
    return lambda one: spans[id(one)]


def _fresh_of(week: Week, status: int, header: str) -> list[str]:
    broken = []
    for _, asked in week.documents():
        span = _fresh(asked)
        for before, after in pairwise(asked):
            said = before.status == status and header in (*before.sent, "")
            if said and after.at - before.at < span(before):
                broken.append(f"{_told(after)}: {after.at - before.at} after, not {span(before)}")
    return broken


@rule("Waits for Cache-Control's max-age after a 200, less its Age, for up to a day")
def _cache_200(week: Week) -> list[str]:
    return _fresh_of(week, 200, "Cache-Control")


@rule("Waits for max-age after a 304, also where the 304 does not repeat it")
def _cache_304(week: Week) -> list[str]:
    return _fresh_of(week, 304, "")


@rule("Waits for Expires")
def _expires(week: Week) -> list[str]:
    return _fresh_of(week, 200, "Expires") + _fresh_of(week, 304, "Expires")


@rule("Waits for an error's own max-age")
def _cache_error(week: Week) -> list[str]:
    return _fresh_of(week, 403, "Cache-Control")


@rule("Waits for the document's ttl and Syndication period")
def _ttl(week: Week) -> list[str]:
    return [
        line
        for publisher, asked in week.documents()
        for line in _too_soon(asked, lambda _, p=publisher: timedelta(seconds=p.floor_s))
    ]


@rule("Leaves the document's skipHours and skipDays alone")
def _skips(week: Week) -> list[str]:
    return [
        _told(one)
        for publisher, asked in week.documents()
        for one in asked[1:]
        if one.at.hour in publisher.skips[0] or one.at.weekday() in publisher.skips[1]
    ]


@rule("Comes at the hours that Syndication's base names, within 20 minutes")
def _base(week: Week) -> list[str]:
    asked = week.of("at-its-hours")[2:]
    return [_told(one) for one in asked if (one.at - START - 2 * HOUR) % (4 * HOUR) > HOUR / 3]


def _retry_after(one: Asked) -> datetime:
    text = one.sent.get("Retry-After", "")
    if text.isdigit():
        return one.at + timedelta(seconds=int(text))
    return parsedate_to_datetime(text) if text else one.at


def _before_retry(asked: Sequence[Asked], statuses: set[int], *, dates: bool) -> list[str]:
    return [
        f"{_told(after)}: told to wait until {_retry_after(before)}"
        for before, after in pairwise(asked)
        if before.status in statuses
        and before.sent.get("Retry-After", "").isdigit() is not dates
        and after.at < _retry_after(before)
    ]


@rule("Waits for Retry-After in seconds (429, 503)")
def _retry_seconds(week: Week) -> list[str]:
    asked = [(SITE[0],), ("busy-short",)]
    return [x for one in asked for x in _before_retry(week.of(*one), {429, 503}, dates=False)]


@rule("Waits for Retry-After as a date (429, 503)")
def _retry_date(week: Week) -> list[str]:
    asked = [("too-many-date",), ("busy",)]
    return [x for one in asked for x in _before_retry(week.of(*one), {429, 503}, dates=True)]


@rule("A 429 without Retry-After is followed by an hour of rest, then longer ones")
def _bare_429(week: Week) -> list[str]:
    asked = week.of("too-many-bare")
    refused = [one for one in asked if one.status == 429]
    gaps = [after.at - before.at for before, after in pairwise(refused)]
    broken = _too_soon(asked, lambda one: HOUR if one.status == 429 else FLOOR)
    return broken + [f"gaps {gaps}" for _ in gaps[:1] if gaps != sorted(gaps)]


@rule("A 429 rests the whole site: its other feeds are not asked before either")
def _site_rests(week: Week) -> list[str]:
    asked = week.of(*SITE)
    until, broken = START, []
    for one in asked:
        if one.at < until:
            broken.append(_told(one))
        if one.status == 429:
            until = max(until, _retry_after(one))
    return broken


@rule("After such a rest the site's feeds do not come back in one crowd")
def _no_herd(week: Week) -> list[str]:
    end = START + 2 * DAY + 5 * HOUR
    minutes = defaultdict(set)
    for one in week.of(*SITE):
        if end <= one.at < end + 6 * HOUR:
            minutes[(one.at - end) // timedelta(minutes=10)].add(one.host)
    crowds = [hosts for hosts in minutes.values() if len(hosts) > len(SITE) / 2]
    return [f"{sorted(hosts)} within ten minutes" for hosts in crowds] + (
        [] if minutes else ["none came back"]
    )


@rule("Asks a failing feed no more often than a healthy one, and less and less")
def _failing(week: Week) -> list[str]:
    broken = []
    for name in ("down", "lost"):
        failed = [one for one in week.of(name) if one.status in {500, 404}]
        gaps = [after.at - before.at for before, after in pairwise(failed)]
        half = len(gaps) // 2
        if len(failed) > 12 or max(gaps[:half]) > min(gaps[half:]):
            broken.append(f"{name}: {len(failed)} times, {gaps}")
    return broken


@rule("Gives up on nobody: what was down for days is found again within 16 hours")
def _never_dies(week: Week) -> list[str]:
    ends = {"down": 4, "lost": 4, "busy": 4.25, "busy-short": 4, "too-many-bare": 2 + 20 / 24}
    broken = []
    for name, days in ends.items():
        end = START + days * DAY
        first = min((one.at for one in week.of(name) if one.at >= end), default=week.end)
        if first - end > 16 * HOUR:
            broken.append(f"{name}: {first - end} after it was well")
    return broken


@rule("Asks again what answered 410 Gone: never")
def _gone(week: Week) -> list[str]:
    asked = week.of("gone")
    seen = [one.at for one in asked if one.status == 410]
    return [_told(one) for one in asked if seen and one.at > seen[0]] or (
        [] if seen else ["it never met the 410"]
    )


def _moved_after(week: Week, old: str, new: str) -> list[str]:
    """Every way leads over the old address for a week, and none a day later."""
    last = max(one.at for one in week.of(old))
    early = [_told(one) for one in week.of(new) if one.at < START + 7 * DAY]
    through = len([one for one in week.of(old) if one.at < START + 7 * DAY])
    broken = (
        [] if last < START + 8 * DAY else [f"{old} is still asked on day {(last - START).days}"]
    )
    if len(early) != through:
        broken.append(
            f"{new} was asked {len(early)} times, {old} {through} times in the first week"
        )
    return broken if week.of(new)[-1].at > last else [*broken, f"{new} is not asked on its own"]


@rule("A 301 that leads to one place for a week is believed, and not before")
def _moved(week: Week) -> list[str]:
    return _moved_after(week, "moved", "moved-here")


@rule("So is a chain of 301 and 308")
def _chain(week: Week) -> list[str]:
    return _moved_after(week, "moved-far", "moved-there")


@rule("A 302 or 307 is never remembered, nor a 301 that leads to one")
def _passing(week: Week) -> list[str]:
    pairs = [("passing", "passing-by"), ("passing-307", "passing-by-307"), ("half", "half-there")]
    return [
        f"{old}: asked {len(week.of(old))} times, {new} {len(week.of(new))} times"
        for old, new in pairs
        if len(week.of(old)) != len(week.of(new)) or not week.of(old)
    ]


@rule("A 301 that changes its mind, or lasts an afternoon, moves nothing")
def _undecided(week: Week) -> list[str]:
    old, new = week.of("undecided"), week.of("this-way", "that-way")
    broken = [] if len(old) == len(new) else [f"{len(old)} and {len(new)} requests"]
    late = [one for one in week.of("wrong-place") if one.at > START + 2 * DAY]
    return broken + [_told(one) for one in late]


@rule("Requests to one site come one by one, with its gap after each answer")
def _spacing(week: Week) -> list[str]:
    sites = defaultdict(list)
    for one in week.asked:
        sites[".".join(one.host.split(".")[-2:])].append(one)
    return [
        f"{_told(after)}: {after.began - before.ended:.3f} s after {before.host}"
        for asked in sites.values()
        for before, after in pairwise(sorted(asked, key=lambda one: one.began))
        if after.at == before.at and after.began - before.ended < DELAY_S - 0.001
    ]


@rule(
    "And is a reader at all: no news is missed, those of lively feeds are 90 minutes late at most"
)
def _reads(week: Week) -> list[str]:
    """Else the politest reader would be the one that never asks."""
    broken = []
    for publisher, asked in week.documents():
        if publisher.name in {"gone", "down"} or not asked:
            continue
        last = publisher.version(week.end - 30 * HOUR)
        have = week.found.get(publisher.name, {})
        first = publisher.version(START)
        missing = [n for n in range(first, last) if n not in have]
        if missing:
            broken.append(f"{publisher.name}: items {missing[:5]} of {last} were never seen")
    waits = [at - week_published(week, "lively", n) for n, at in _news(week, "lively")]
    late = max(waits, default=DAY)
    return broken + ([f"lively: {late} late"] if late > 1.5 * HOUR else [])


@rule("A server that says 304 to everything is found out within a day and a half")
def _stuck(week: Week) -> list[str]:
    return [
        f"item {n}: {at - week_published(week, 'stuck', n)} late"
        for n, at in _news(week, "stuck")
        if at - week_published(week, "stuck", n) > 1.6 * DAY
    ] or ([] if list(_news(week, "stuck")) else ["nothing of it was seen"])


def _news(week: Week, name: str) -> list[tuple[int, datetime]]:
    found = week.found.get(name, {})
    return [(n, at) for n, at in found.items() if week_published(week, name, n) > START]


def week_published(week: Week, name: str, item: int) -> datetime:
    return next(one for one in week.publishers if one.name == name).published(item)
