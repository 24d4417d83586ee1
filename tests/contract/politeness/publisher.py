"""Publishers of many characters behind one socket, who note how they are asked.

The host name says which of them is asked; all of them live on the simulated clock.
"""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.levels import some
from tests.net.wire import Talk

START = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday
NEVER = timedelta(days=365)
PATH = "/feed.xml?dang=rss"
OFTEN = timedelta(days=1)
NEWS_FOR = timedelta(days=some(365, 1))
"""How long feeds go on that have news so often: two of three requests are made of them."""


@dataclass
class Asked:
    """One request as its publisher saw it, and what it was told."""

    at: datetime
    began: float
    host: str
    method: str
    target: str
    headers: Mapping[str, str]
    status: int = 0
    sent: Mapping[str, str] = field(default_factory=dict)
    ended: float = 0.0


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Validators = Callable[[int, datetime, Mapping[str, str]], dict[str, str]]
Trouble = Callable[[datetime], Answer | None]
Extra = Callable[[datetime, int], dict[str, str]]


def no_validators(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    return {}


def etag(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    return {"ETag": f'"v{version}"'}


def modified(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    return {"Last-Modified": http_date(START + timedelta(hours=version))}


def both(version: int, at: datetime, asked: Mapping[str, str]) -> dict[str, str]:
    return etag(version, at, asked) | modified(version, at, asked)


def no_trouble(at: datetime) -> Answer | None:
    return None


def no_extra(at: datetime, status: int) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Publisher:
    """`news`: between two items. `same_as`: another publisher whose document this one serves.

    `extra`: more headers for an answer of that status. `channel`: more elements of the document.
    `floor_s`, `skips` (hours, weekdays): what the document asks for.
    """

    name: str
    news: timedelta = timedelta(hours=60)
    validators: Validators = both
    says_304: bool = True
    stuck: bool = False  # says 304 to every conditional request
    trouble: Trouble = no_trouble
    extra: Extra = no_extra
    channel: str = ""
    floor_s: int = 0
    skips: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    same_as: str = ""
    listed: bool = True  # stands in the configuration

    @property
    def host(self) -> str:
        return f"{self.name}.test"

    @property
    def site(self) -> str:
        return ".".join(self.host.split(".")[-2:])

    def version(self, at: datetime) -> int:
        """How many items there are."""
        last = min(at, START + NEWS_FOR) if self.news <= OFTEN else at
        return int((last - START + timedelta(days=4)) / self.news) + 1

    def published(self, item: int) -> datetime:
        return START - timedelta(days=4) + item * self.news

    def document(self, at: datetime) -> bytes:
        name = self.same_as or self.name
        last = self.version(at)
        items = "".join(
            f"<item><guid isPermaLink='false'>{name}-{n}</guid><title>Tin {n} {name}</title>"
            f"<link>https://{name}.example/{n}</link>"
            f"<pubDate>{format_datetime(self.published(n))}</pubDate></item>"
            for n in range(max(last - 40, 0), last)
        )
        return (
            "<rss version='2.0' xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>"
            f"<channel><title>{name}</title>{self.channel}{items}</channel></rss>"
        ).encode()

    def answer(self, at: datetime, asked: Mapping[str, str]) -> Answer:
        refusal = self.trouble(at)
        if refusal is not None:
            return refusal
        validators = self.validators(self.version(at), at, asked)
        if self.says_304 and self._is_known(validators, asked):
            return Answer(304, validators | self.extra(at, 304))
        return Answer(200, validators | self.extra(at, 200), self.document(at))

    def _is_known(self, validators: Mapping[str, str], asked: Mapping[str, str]) -> bool:
        given = asked.get("if-none-match"), asked.get("if-modified-since")
        if self.stuck:
            return any(given)
        if given[0] is not None:
            return given[0] == validators.get("ETag")
        return given[1] is not None and given[1] == validators.get("Last-Modified")


class Street:
    """All publishers. `asked` is what they noted, in order."""

    def __init__(self, publishers: list[Publisher], clock: Callable[[], datetime]) -> None:
        self.publishers = {one.host: one for one in publishers}
        self.asked: list[Asked] = []
        self._clock = clock

    async def script(self, talk: Talk) -> None:
        method, target, _ = talk.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        host = talk.headers.get("host", "").partition(":")[0]
        asked = {k: v.encode("latin-1").decode("utf-8") for k, v in talk.headers.items()}
        noted = Asked(self._clock(), time.monotonic(), host, method, target, asked)
        self.asked.append(noted)
        await asyncio.sleep(0.001)  # an answer takes its time: who overlaps is seen
        publisher = self.publishers[host]
        port = talk.headers.get("host", "").partition(":")[2]
        answer = Answer(404) if target != PATH else publisher.answer(noted.at, asked)
        noted.status, noted.sent = answer.status, answer.headers
        if not answer.status:  # it hangs up
            noted.ended = time.monotonic()
            return
        headers = {name: value.replace("PORT", port) for name, value in answer.headers.items()} | {
            "Content-Type": "application/rss+xml",
            "Set-Cookie": "toi=day; Path=/",
        }
        body = answer.body
        if body and "gzip" in talk.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        noted.ended = time.monotonic()
        lines = (f"{name}: {value}".encode().decode("latin-1") for name, value in headers.items())
        await talk.answer(body, *lines, status=f"{answer.status} X")


def http_date(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC), usegmt=True)
