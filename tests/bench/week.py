"""`python -m tests.bench.week`: who got what when, over a week in which clocks are set.

By default the eight days from 25 October 2026, when the clocks of Berlin go back, to 1 November,
when those of New York do. Everything below the newsletter is real, only the clock is ours. Each
reader has a row for each mail, with the time on their own wall; a story comes in every three hours.
Above stand the rules of the digests, below each reader how many stories they were told.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from service.store import tables as t
from service.store.core.database import Store
from service.store.core.migrate import migrate
from tests.newsletter.newsroom import Newsroom

MARK = timedelta(minutes=5)
EVERY = timedelta(hours=3)
"""How often a story comes in."""

DIGESTS = {
    "ngay": {"cadence": "daily", "holidays": ["2026-10-28"]},
    "moi": {
        "cadence": "immediate",
        "quiet": {"hours": "22:00-06:00", "days": ["sun"]},
        "bundle": "15m",
        "scope": "moi",
    },
}
READERS = [
    # address, digest, zone, hour of their own
    ("minh", "ngay", "Asia/Ho_Chi_Minh", "07:00"),
    ("anna", "ngay", "Europe/Berlin", "02:30"),
    ("joe", "ngay", "America/New_York", "01:30"),
    ("lan", "moi", "Asia/Ho_Chi_Minh", None),
    ("bernd", "moi", "Europe/Berlin", None),
    ("sue", "moi", "America/New_York", None),
]


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="begin", default="2026-10-25", help="the first day, in UTC")
    parser.add_argument("--days", type=int, default=8)
    asked = parser.parse_args(arguments)
    begin = datetime.fromisoformat(asked.begin).replace(tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/store.db")
        try:
            migrate(store)
            room = simulate(store, Path(folder), begin, begin + timedelta(days=asked.days))
            show(room)
        finally:
            store.close()


def simulate(store: Store, folder: Path, begin: datetime, end: datetime) -> Newsroom:
    """Let the days pass: a tick at each mark behind a story, and at each half hour."""
    room = Newsroom(store, folder, DIGESTS, now=begin - timedelta(days=1))
    for name, digest, zone, hour in READERS:
        values = {"zone": zone, **({"hour": hour} if hour else {})}
        room.subscribe(f"{name}@example.vn", digest, begins=begin - MARK, **values)
    at, number = begin, 0
    while at < end:
        if (at - begin) % EVERY == timedelta():
            number += 1
            room.story(f"{number}", at=at + MARK / 2)
        if (at - begin) % EVERY <= 4 * MARK or at.minute % 30 == 0:
            room.plan(at)
            room.accept()
        at += MARK
    return room


def show(room: Newsroom) -> None:
    """A table of the mails, reader by reader."""
    for name, digest in DIGESTS.items():
        print(f"{name}: {', '.join(_rules(digest))}")
    print(f"{'reader':8}{'digest':8}{'on the wall':28}{'UTC':18}stories")
    for name, digest, zone, hour in READERS:
        print(f"-- {name}: {digest}, {zone}{f', at {hour}' if hour else ''}")
        for at, stories in mails(room, f"{name}@example.vn"):
            clock = at.astimezone(ZoneInfo(zone))
            wall = f"{clock:%a %d %b %H:%M %Z}"
            print(f"{name:8}{digest:8}{wall:28}{at:%d %b %H:%M}       {span(stories)}")
        told = Counter(n for _at, some in mails(room, f"{name}@example.vn") for n in some)
        twice = sorted(n for n, times in told.items() if times > 1)
        print(f"   {len(told)} stories, {f'TWICE: {twice}' if twice else 'each once'}")


def _rules(digest: Mapping[str, Any]) -> Iterator[str]:
    """What explains the gaps in the table."""
    yield digest["cadence"]
    if days := digest.get("holidays"):
        yield f"none on {' and '.join(days)} (holidays)"
    if quiet := digest.get("quiet"):
        yield f"quiet {quiet['hours']} and all of {', '.join(quiet['days'])}"
    if bundle := digest.get("bundle"):
        yield f"bundled for {bundle}"


def mails(room: Newsroom, address: str) -> list[tuple[datetime, list[int]]]:
    """(When it was made, the numbers of its stories), in their order."""
    with room.store.read() as connection:
        rows = connection.execute(
            select(t.delivery.c.id, t.delivery.c.created_at, t.article.c.title)
            .join(t.told, t.told.c.delivery_id == t.delivery.c.id)
            .join(t.article, t.article.c.id == t.told.c.article_id)
            .join(t.subscriber, t.subscriber.c.id == t.told.c.subscriber_id)
            .where(t.subscriber.c.address == address)
            .order_by(t.delivery.c.id)
        )
        found: dict[int, tuple[datetime, list[int]]] = {}
        for delivery, at, title in rows:
            found.setdefault(delivery, (at, []))[1].append(int(title))
    return list(found.values())


def span(numbers: list[int]) -> str:
    """ "3-8", with how many they are; "!" where some are missing in between."""
    first, last = min(numbers), max(numbers)
    whole = "" if last - first + 1 == len(numbers) else " !"
    return f"{first}-{last} ({len(numbers)}){whole}" if first < last else f"{first}"


if __name__ == "__main__":
    main()
