"""What a worker brings back of one body: the document, and its entries ready to be admitted.

Runs in a process of its own that has no store, no network and no configuration; all that it needs
comes with the job.
"""

from __future__ import annotations

from dataclasses import replace

from service.collect.workers.task import ParseResult, ParseTask
from service.curate import rules
from service.curate.prepare import prepare
from service.parse.compressed import unpacked
from service.parse.entry_limits import bounded
from service.parse.incremental import decide, snapshot
from service.parse.incremental.snapshot import Entries, Slices
from service.parse.kinds import KINDS

MOST_REMEMBERED = 5000
"""Entries. Of a longer document nothing is remembered: it is read whole, and compared in the
store."""


def bring(job: ParseTask) -> ParseResult:
    """Read a body as little as needed. Raises ParseError with a reason in plain words."""
    job = _unpacked(job)
    entry_options = job.entry_options
    on = snapshot.basis(job.reading.fingerprint, job.url)
    before = snapshot.unpacked(entry_options.before if entry_options else None, on)
    parsed = decide.glean(
        job.body,
        job.headers,
        job.url,
        job.reading,
        job.now,
        before if isinstance(before, Slices) else None,
    )
    bounds_itself = KINDS[job.reading.kind].bounds_itself
    if not bounds_itself:
        parsed = replace(parsed, document=bounded(parsed.document))
    if entry_options is None:
        return ParseResult(parsed.document, parsed.listed, parsed.level)
    known = before.hashes if isinstance(before, Entries) else frozenset[bytes]()
    made, hashes = prepare(
        parsed.document, entry_options.told, rules.unpacked(entry_options.rules), known
    )
    kept = snapshot.packed(parsed.slices or Entries(hashes), on)
    return ParseResult(
        replace(parsed.document, entries=()),
        parsed.listed,
        parsed.level,
        tuple(made),
        kept if parsed.listed <= MOST_REMEMBERED or bounds_itself else None,
    )


def _unpacked(job: ParseTask) -> ParseTask:
    """What is larger than any body may be is cut off, and repaired."""
    if KINDS[job.reading.kind].bounds_itself:
        return job
    plain, _ = unpacked(job.body)
    return job if plain is job.body else replace(job, body=plain)
