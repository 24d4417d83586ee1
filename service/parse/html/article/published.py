"""When an article came out: by JSON-LD, by meta, by the date line that people see, in this order.

Pure. What machines are told is often a day alone, or midnight; then a line of the same day says the
minute. A date in the prose never counts: only a line that is little else than a date does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from lxml.html import HtmlElement

from service.parse import date_evidence
from service.parse.feed.entries import sensible
from service.parse.html.article import meta
from service.parse.html.article.meta import Meta
from service.parse.html.blocks import Block, ancestry, is_unseen, text_of
from service.parse.html.date_line import CLOCK, DATE, is_date_line
from service.parse.html.vocabulary import DATE_NAME, called
from service.parse.options import ParseOptions
from service.text.instants import dates, zones

_CHANGED = re.compile(r"modif|updat|cap-?nhat|aktualis|cập nhật|sửa đổi|last edit", re.IGNORECASE)
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d|GMT|UTC)\)?\s*$", re.IGNORECASE)
_REACH = 12
"""Blocks before the title and behind it in which a date line stands."""


@dataclass(frozen=True, slots=True)
class Instant:
    """`exact`: whether the source says the time of day, not only the day."""

    at: datetime
    exact: bool


def published(
    said: Iterable[str],
    head: Meta,
    tree: HtmlElement,
    found: Sequence[Block],
    around: tuple[int, int],
    reading: ParseOptions,
    now: datetime,
    language: str | None,
    url: str,
) -> datetime | None:
    """`said`: JSON-LD's words. `around`: the places of the title and of the text in `found`.

    None where the page says nothing that can be believed.
    """
    told = _zoned([*said, *head.all(meta.PUBLISHED), *_marked(tree)])
    seen = _lines(found, around)
    pairs = [*((one, line) for one in told for line in seen[:1]), *(("", line) for line in seen)]
    dated = date_evidence.settled(reading, pairs or [(one, "") for one in told], now,
                                  language=language or reading.language, url=url)  # fmt: skip

    def read(written: str, order: str | None = dated.order) -> Instant | None:
        at = dates.parse(written, dated.zone, order, now, language)
        at = sensible(at, now)
        return None if at is None else Instant(at, _is_exact(written, at, dated.zone))

    order = dated.told_order or dated.order
    machine = next(filter(None, (read(one, order) for one in told)), None)
    if machine is not None and machine.exact:
        return machine.at
    lines = [one for one in map(read, seen) if one is not None]
    if machine is not None:
        day = machine.at
        same = [one for one in lines if one.exact and abs(one.at - day) <= timedelta(days=1)]
        return same[0].at if same else day
    exact = next((one for one in lines if one.exact), None)
    chosen = exact or next(iter(lines), None)
    return chosen.at if chosen else None


def _zoned(told: list[str]) -> list[str]:
    """A time without a zone is told once more with one: by another that shows the same clock."""
    clocks = {_clock(one): one for one in reversed(told) if _ZONE.search(one)}
    return [one if _ZONE.search(one) else clocks.get(_clock(one), one) for one in told]


def _clock(written: str) -> str:
    return re.sub(r"\D", "", written)[:12] if CLOCK.search(written) else written


def _is_exact(written: str, at: datetime, zone: str) -> bool:
    if written.isdigit():
        return True
    if not CLOCK.search(written) and not re.search(r"\dT\d{4}|ago|trước", written):
        return False
    local = at.astimezone(zones.named(zone) or UTC)
    return not (local.hour == local.minute == local.second == 0 or _is_midnight(written))


def _is_midnight(written: str) -> bool:
    """`2026-03-07T00:00:00Z`: a program's way to write a day."""
    return re.search(r"[T ]00:00(?::00(?:\.0+)?)?(?!:?\d)", written) is not None


def _marked(tree: HtmlElement) -> list[str]:
    """Elements that are marked as the date of publication."""
    first: list[str] = []
    others: list[str] = []
    for element in tree.iter("time", "span", "div", "p", "abbr", "meta"):
        marked = "datepublished" in (element.get("itemprop") or "").lower()
        is_time = element.tag == "time" and element.get("pubdate") is not None
        written = element.get("datetime") or element.get("content") or ""
        if (marked or is_time) and not written:
            written = text_of(element)
        if not written or (not marked and not is_time):
            continue
        (first if not _CHANGED.search(str(element.get("class") or "")) else others).append(written)
    return first + others


def _lines(found: Sequence[Block], around: tuple[int, int]) -> list[str]:
    """Date lines about the title, the likeliest first."""
    title, text = around
    start = max(0, title - _REACH)
    near = range(start, min(len(found), max(text, title) + _REACH))
    order = sorted(near, key=lambda at: (_far(at, title, text), at))
    lines: list[tuple[int, str]] = []
    for at in order:
        block = found[at]
        written = _told_by_time(block) or block.text
        if not is_date_line(written, loose=True):
            continue
        doubtful = bool(_CHANGED.search(written)) or bool(_CHANGED.search(_called(block)))
        lines.append((2 * doubtful - bool(DATE_NAME.search(_called(block))), written))
    lines.sort(key=lambda line: line[0])
    return [_from_date_on(line) for _, line in lines]


def _far(at: int, title: int, text: int) -> int:
    """Between title and text is best, then close before the title, then within the text."""
    if title <= at <= text:
        return 0
    return 1 if at < title else 2


def _called(block: Block) -> str:
    return " ".join(map(called, islice(ancestry(block.element), 2)))


def _told_by_time(block: Block) -> str:
    """What the `time` element in a block tells machines."""
    for element in block.element.iter("time"):
        written = element.get("datetime") or ""
        if written and not is_unseen(element):
            return written.strip()
    return ""


def _from_date_on(line: str) -> str:
    """The line without what stands before the date, except its time: author, place, section."""
    found = DATE.search(line)
    if found is None:
        return line
    before = line[: found.start()]
    time = list(CLOCK.finditer(before))
    start = time[-1].start() if time else found.start()
    return line[start:] if time or len(before) > 20 else line  # noqa: PLR2004 - a weekday is short
