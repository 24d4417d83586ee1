"""Lists of subscribers as CSV: an import in batches, and an export that it reads back.

Only who said yes is exported: an import makes active. Which headings are understood stands in
`audience.list_formats`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any

from service.audience import address as addresses
from service.audience import bulk
from service.audience.bulk import SuppressedAddress, Wanted
from service.audience.confirm import PreviousCut
from service.audience.list_formats import COLUMNS, Format, read_header
from service.audience.people import Checker
from service.config.schema import Settings
from service.errors import UsageError
from service.store.audience import subscriptions, suppressions
from service.store.audience.subscriptions import Subscription
from service.store.core.database import Store
from service.text.unknown_name import no_such

_BATCH = 1000
"""Lines in one transaction: the running service writes between two of them."""

_NOT_TEXT = "is not UTF-8; save it as UTF-8"

_BROKEN = "\0"
"""What stands in the first cell of a line that is no CSV: never an address."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line that did not go in. `line` counts from 1, the header being line 1.

    `address` is as it stands there, "" where the line has none.
    """

    line: int
    address: str
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines. `already`: active before, left as they were. `barred`: suppressed now.

    `left_out`: they had left themselves.
    """

    added: int = 0
    already: int = 0
    barred: int = 0
    left_out: int = 0
    refused: int = 0


Told = Callable[[LineFault], None]
"""What is called with each line that does not go in, in the order of the file within a batch."""


def import_csv(
    store: Store,
    settings: Settings,
    now: datetime,
    lines: Iterable[str],
    previous_cut: PreviousCut,
    told: Told,
    *,
    evidence: str = "imported list",
    digest: str | None = None,
    file: str = "",
    again: bool = False,
) -> Imported:
    """Add every good line; each other one is told. It reads and writes a batch at a time.

    `lines` are those of the file with their ends; what is no UTF-8 in them stands as lone
    surrogates. `evidence` is for lines without their own, `digest` for those without theirs (None:
    the only one that there is), `file` the list's name. Who unsubscribed or bounced elsewhere
    becomes a suppression; who left us themselves is left out, unless `again`. Raises
    UsageError when the header lacks a column that is needed, or has one that nobody knows.
    """
    done = Imported()
    for read, faults in batches(settings, lines, evidence=evidence, digest=digest, file=file):
        with store.write() as connection:
            written = bulk.put(connection, settings, now, read, previous_cut, again=again)
        faults += [LineFault(one.line, one.address, why) for one, why in written.refused]
        left = [LineFault(one.line, one.address, why) for one, why in written.left_out]
        for fault in sorted(faults + left, key=lambda fault: fault.line):
            told(fault)
        done = Imported(
            done.added + written.added,
            done.already + written.already,
            done.barred + written.barred,
            done.left_out + len(left),
            done.refused + len(faults),
        )
    return done


def batches(
    settings: Settings,
    lines: Iterable[str],
    *,
    evidence: str,
    digest: str | None,
    file: str,
    size: int = _BATCH,
) -> Iterator[tuple[list[Wanted], list[LineFault]]]:
    """What the lines of a list want, and the faults of those that cannot be, a batch at a time.

    Arguments and errors are those of `import_csv`.
    """
    form, header, rows = _opened(lines, file)
    reading = _RowReader(settings, form, _digest(settings, digest, header), evidence)
    while batch := list(islice(rows, size)):
        faults: list[LineFault] = []
        read = [one for line, row in batch if (one := reading.read(line, row, faults)) is not None]
        yield read, faults


def exported(store: Store) -> list[Subscription]:
    """Every active subscription to whose address mail may go, by address.

    Who complained or bounced would be a reader again wherever the list is read.
    """
    with store.read() as connection:
        active = [one for one in subscriptions.live(connection) if one.confirmed]
        barred = suppressions.among(connection, [one.address_key for one in active])
    return [one for one in active if one.address_key not in barred]


def export_csv(store: Store) -> str:
    """Those of `exported`. Lines end in CRLF, as RFC 4180 has it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(map(_line, exported(store)))
    return out.getvalue()


class _RowReader:
    """From the cells of a line to what is wanted for its address."""

    def __init__(self, settings: Settings, form: Format, digest: str, evidence: str) -> None:
        self._form, self._digest, self._evidence = form, digest, evidence
        self._checker = Checker(settings)

    def read(self, line: int, row: dict[str, str], faults: list[LineFault]) -> Wanted | None:
        """What the line wants; None: a fault has been added."""
        address = row[self._form.address]
        try:
            _check_text(address, *(row.get(name, "") for name in self._form.kept))
            barred = self._form.barred(row)
            evidence = self._form.evidence(row, self._evidence)
            if barred is not None:
                return Wanted(line, addresses.normal(address), SuppressedAddress(barred, evidence))
            person = self._checker.check(self._form.person(row, self._digest, evidence))
            return Wanted(line, person.address, person)
        except (UsageError, ValueError) as error:
            faults.append(LineFault(line, address.encode("utf-8", "replace").decode(), str(error)))
            return None


def _check_text(address: str, *kept: str) -> None:
    """Raises ValueError for what cannot be stored: no UTF-8, or control characters."""
    text = address + "".join(kept)
    if not (address.isprintable() and (text.isascii() or _is_utf8(text)) and "\0" not in text):
        raise ValueError(_NOT_TEXT)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _opened(
    lines: Iterable[str], file: str
) -> tuple[Format, list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The format, the headings that tell it, and the lines: number -> values by heading."""
    written = _without_mark(lines)
    first = next(written, "")
    reader = csv.reader(chain([first], written), delimiter=_delimiter(first))
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as error:
        raise UsageError(f"line 1: {error}") from error
    if not all(name.isprintable() for name in header):
        raise UsageError(f"line 1 {_NOT_TEXT}")
    return read_header(header, file), header, _rows(reader, header)


def _delimiter(header: str) -> str:
    """Spreadsheets part cells by semicolons where a comma stands in numbers, or by tabs."""
    return max(",;\t", key=header.count)


def _rows(reader: Any, header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Blank lines are left out; what the reader cannot take apart is a line without values."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = [_BROKEN]
        if any(cell.strip() for cell in cells):
            padded = [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))
            yield reader.line_num, dict(zip(header, padded, strict=False))


def _digest(settings: Settings, wanted: str | None, header: list[str]) -> str:
    """The digest of lines that name none; "" where each line names its own."""
    if wanted is not None and wanted not in settings.digest:
        raise UsageError(no_such("digest", wanted, settings.digest))
    if wanted is not None:
        return wanted
    if len(settings.digest) == 1:
        return next(iter(settings.digest))
    if "digest" in header:
        return ""
    known = ", ".join(settings.digest) or "none"
    raise UsageError(f"line 1: the column 'digest' is missing; or say --digest, one of: {known}")


def _without_mark(lines: Iterable[str]) -> Iterator[str]:
    """Spreadsheets write a byte order mark."""
    for number, line in enumerate(lines):
        yield line.removeprefix("\ufeff") if number == 0 else line


def _line(found: Subscription) -> tuple[str, ...]:
    return (
        found.address or "",
        found.digest,
        found.cadence,
        ";".join(found.topics or ()),
        found.hour or "",
        found.zone or "",
        found.language or "",
        found.evidence or "",
    )
