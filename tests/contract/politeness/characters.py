"""The publishers of the week: each behaves in one way that is met on the Web."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from tests.contract.politeness.publisher import (
    PATH,
    START,
    Answer,
    Publisher,
    Trouble,
    etag,
    http_date,
    modified,
    no_validators,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TWO_DAYS = "max-age=172800"
Refusal = Callable[[datetime, datetime], Answer]
"""Given the time and when the trouble ends."""

PAUSED, PAUSE = "resting", (START + 3 * DAY, START + 5 * DAY)
"""A source that its admin lets rest for two days."""

SITE = [f"{letter}.toasoan" for letter in "abcdef"]
"""Six sources of one registrable domain, of which the first is told that it is too much."""


def all_publishers() -> list[Publisher]:
    return [*_validators(), *_freshness(), *_hints(), *_trouble(), *_moves()]


def _validators() -> list[Publisher]:
    return [
        Publisher("etag", validators=etag),
        Publisher("modified", validators=modified),
        Publisher("both"),
        Publisher("weak", validators=lambda v, at, asked: {"ETag": f'W/"bản,{v} x"'}),
        Publisher("bare-etag", validators=lambda v, at, asked: {"ETag": f"v{v}-{{no quotes}}"}),
        Publisher("odd-date", validators=lambda v, at, asked: {"Last-Modified": f"hôm qua, {v}"}),
        Publisher("old-date", validators=lambda v, at, asked: {"Last-Modified": f"Thu Jan {v}"}),
        Publisher("turned", validators=_turned),
        Publisher("restless", validators=_restless),
        Publisher("plain", validators=no_validators),
        Publisher("plain-lively", news=HOUR / 3, validators=no_validators),
        Publisher("stuck", news=timedelta(hours=7), validators=_never_changes, stuck=True),
        Publisher("rare", news=timedelta(days=6), validators=etag),
        Publisher("lively", news=HOUR, validators=etag),
    ]


def _freshness() -> list[Publisher]:
    return [
        Publisher("fresh", news=HOUR, extra=lambda at, s: {"Cache-Control": "max-age=21600"}),
        Publisher(
            "fresh-once", news=HOUR,
            extra=lambda at, s: {"Cache-Control": "public, max-age=14400"} if s == 200 else {},
        ),
        Publisher("expires", news=HOUR, extra=lambda at, s: {"Expires": http_date(at + 4 * HOUR)}),
        Publisher(
            "aged", news=HOUR / 2,
            extra=lambda at, s: {"Cache-Control": "max-age=14400", "Age": "3600"},
        ),
        Publisher(
            "for-a-day", news=3 * HOUR,
            extra=lambda at, s: {"Cache-Control": "max-age=86400"},
        ),
        Publisher(PAUSED, news=12 * HOUR),
        Publisher("for-ever", extra=lambda at, s: {"Cache-Control": "max-age=315360000"}),
        Publisher("not-fresh", extra=lambda at, s: {"Cache-Control": "max-age=0, no-cache"}),
    ]  # fmt: skip


def _hints() -> list[Publisher]:
    night = "".join(f"<hour>{hour}</hour>" for hour in range(6))
    return [
        Publisher("ttl", news=HOUR, channel="<ttl>240</ttl>", floor_s=240 * 60),
        Publisher(
            "night", news=HOUR,
            channel=f"<skipHours>{night}</skipHours><skipDays><day>Sunday</day></skipDays>",
            skips=(frozenset(range(6)), frozenset({6})),
        ),
        Publisher(
            "hourly", news=HOUR / 2,
            channel="<sy:updatePeriod>hourly</sy:updatePeriod>", floor_s=3600,
        ),
        Publisher(
            "four-a-day", news=HOUR,
            channel="<sy:updatePeriod>daily</sy:updatePeriod>"
            "<sy:updateFrequency>4</sy:updateFrequency>",
            floor_s=6 * 3600,
        ),
        Publisher(
            "at-its-hours", news=HOUR,
            channel="<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>6"
            "</sy:updateFrequency><sy:updateBase>2000-01-01T02:00+00:00</sy:updateBase>",
        ),
    ]  # fmt: skip


def _trouble() -> list[Publisher]:
    return [
        Publisher(SITE[0], news=DAY, trouble=_during(2 * DAY, 5 * HOUR, _in_seconds(429))),
        *(Publisher(name, news=DAY) for name in SITE[1:]),
        Publisher("too-many-date", trouble=_during(2 * DAY, 9 * HOUR, _at_date(429))),
        Publisher("too-many-bare", trouble=_during(2 * DAY, 20 * HOUR, _plainly(429))),
        Publisher("busy", trouble=_during(3 * DAY, 30 * HOUR, _at_date(503))),
        Publisher("pleading", trouble=_during(DAY, HOUR, _plainly(429, Cache_Control=TWO_DAYS))),
        Publisher("patient", trouble=_during(8 * DAY, 9 * DAY, _at_date(503))),
        Publisher("locked", trouble=_during(DAY, 90 * DAY, _plainly(401))),
        Publisher("silent", trouble=_during(DAY, 3 * DAY, _plainly(0))),
        Publisher("busy-short", trouble=_during(3 * DAY, DAY, _plainly(503, Retry_After="7200"))),
        Publisher("down", news=HOUR, trouble=_during(DAY, 3 * DAY, _plainly(500))),
        Publisher("lost", trouble=_during(DAY, 3 * DAY, _plainly(404))),
        Publisher("gone", trouble=_during(2 * DAY, 90 * DAY, _plainly(410))),
        Publisher(
            "forbidding",
            trouble=_during(DAY, DAY, _plainly(403, Cache_Control="max-age=28800")),
        ),
    ]


def _moves() -> list[Publisher]:
    return [
        Publisher("moved", trouble=_to(301, "moved-here")),
        Publisher("moved-here", same_as="moved", listed=False),
        Publisher("moved-far", trouble=_to(301, "moved-middle")),
        Publisher("moved-middle", trouble=_to(308, "moved-there"), listed=False),
        Publisher("moved-there", same_as="moved-far", listed=False),
        Publisher("passing", trouble=_to(302, "passing-by")),
        Publisher("passing-by", same_as="passing", listed=False),
        Publisher("passing-307", trouble=_to(307, "passing-by-307")),
        Publisher("passing-by-307", same_as="passing-307", listed=False),
        Publisher("half", trouble=_to(301, "half-way")),
        Publisher("half-way", trouble=_to(302, "half-there"), listed=False),
        Publisher("half-there", same_as="half", listed=False),
        Publisher("undecided", trouble=_now_here_now_there),
        Publisher("this-way", same_as="undecided", listed=False),
        Publisher("that-way", same_as="undecided", listed=False),
        Publisher("for-an-afternoon", trouble=lambda at: (
            _redirect(301, "wrong-place") if DAY < at - START < 2 * DAY else None
        )),
        Publisher("wrong-place", same_as="for-an-afternoon", listed=False),
    ]  # fmt: skip


def _turned(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    """From strong to weak in the middle of the week, told with a 304: the newest one counts."""
    strong, weak = f'"{version}"', f'W/"{version}"'
    if at - START < 3 * DAY:
        return {"ETag": strong}
    return {"ETag": asked["if-none-match"] if asked.get("if-none-match") == weak else weak}


def _restless(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    """Another tag with each answer, so that nothing is ever "not modified"."""
    return {"ETag": f'"{at.timestamp()}"'}


def _never_changes(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    return {"Last-Modified": http_date(START), "ETag": '"1"'}


def _during(after: timedelta, length: timedelta, answer: Refusal) -> Trouble:
    end = START + after + length

    def trouble(at: datetime) -> Answer | None:
        return answer(at, end) if end - length <= at < end else None

    return trouble


def _plainly(status: int, **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda at, end: Answer(status, named)


def _in_seconds(status: int) -> Refusal:
    return lambda at, end: Answer(status, {"Retry-After": str(int((end - at).total_seconds()) + 1)})


def _at_date(status: int) -> Refusal:
    return lambda at, end: Answer(status, {"Retry-After": http_date(end)})


def _to(status: int, name: str) -> Trouble:
    return lambda at: _redirect(status, name)


def _redirect(status: int, name: str) -> Answer:
    return Answer(status, {"Location": f"http://{name}.test:PORT{PATH}"})


def _now_here_now_there(at: datetime) -> Answer:
    return _redirect(301, "this-way" if (at - START).days % 2 else "that-way")
