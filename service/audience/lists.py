"""Lists of subscribers as CSV: `address,digest,cadence,topics(;),hour,zone,language,evidence`.

What an export writes an import reads back. Only who said yes is exported: an import makes active.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from service.audience import people
from service.audience.confirm import PreviousCut
from service.audience.people import Added, Person
from service.config.schema import Settings
from service.errors import UsageError
from service.store import subscriptions
from service.store.database import Store
from service.store.subscriptions import Subscription

COLUMNS = ("address", "digest", "cadence", "topics", "hour", "zone", "language", "evidence")
REQUIRED = COLUMNS[:2]

_BATCH = 500
"""Lines in one transaction: the running service writes between two of them."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that did not go in. `line` counts from 1, the header being line 1."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`already`: active before, left as they were."""

    added: int
    already: int
    faults: tuple[LineFault, ...]


def import_csv(
    store: Store,
    settings: Settings,
    now: datetime,
    text: str,
    previous_cut: PreviousCut,
    evidence: str = "imported list",
) -> Imported:
    """Add every good line; each bad one is named. `evidence` stands for lines without their own.

    Raises UsageError when the header lacks a column that is needed or has one that nobody knows.
    """
    counts = dict.fromkeys(Added, 0)
    faults: list[LineFault] = []
    good: list[tuple[int, Person]] = []
    for line, row in _rows(text):
        try:
            good.append((line, people.check(settings, _person(row, evidence))))
        except UsageError as error:
            faults.append(LineFault(line, str(error)))
    for at in range(0, len(good), _BATCH):
        with store.write() as connection:
            for line, person in good[at : at + _BATCH]:
                try:
                    added = people.put(connection, settings, now, person, previous_cut)
                    counts[added] += 1
                except UsageError as error:
                    faults.append(LineFault(line, str(error)))
    faults.sort(key=lambda fault: fault.line)
    return Imported(counts[Added.ADDED], counts[Added.ALREADY], tuple(faults))


def export_csv(store: Store) -> str:
    """Every active subscription, by address. Lines end in CRLF, as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    with store.read() as connection:
        writer.writerows(_line(one) for one in subscriptions.live(connection) if one.confirmed)
    return out.getvalue()


def _rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number -> values by column. Spreadsheets write a byte order mark and blank lines."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = [name.strip().lower() for name in next(reader, [])]
    _check(header)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
            yield reader.line_num, dict(zip(header, padded, strict=False))


def _check(header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise UsageError(f"line 1: no column {unknown[0]!r}; there are {', '.join(COLUMNS)}")
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise UsageError(f"line 1: the column {missing[0]!r} is missing")


def _person(row: dict[str, str], evidence: str) -> Person:
    topics = (name.strip() for name in row.get("topics", "").split(";"))
    return Person(
        address=row["address"],
        digest=row["digest"],
        cadence=row.get("cadence") or None,
        topics=tuple(name for name in topics if name),
        hour=row.get("hour") or None,
        zone=row.get("zone") or None,
        language=row.get("language") or None,
        evidence=row.get("evidence") or evidence,
    )


def _line(found: Subscription) -> tuple[str, ...]:
    return (
        found.address or "",
        found.digest,
        found.cadence,
        ";".join(found.topics or ()),
        found.at or "",
        found.zone or "",
        found.language or "",
        found.evidence or "",
    )
