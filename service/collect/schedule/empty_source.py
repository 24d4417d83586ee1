"""What used to give entries and gives none has changed under us: an alarm, not silence. Pure.

A feed may be empty for a while; a page or a sitemap that was full is not.
"""

from __future__ import annotations

from service.collect.workers.task import PreparedResult
from service.errors import DriftError, ParseError
from service.model import SourceKind
from service.parse.kinds import KINDS

LONG = 0.75
"""How much of the usual number of entries is what it was before."""


def usual(before: int | None, entries: int) -> int:
    """How many entries a document of this source usually gives, after one with `entries`."""
    return entries if before is None else round(before * LONG + entries * (1 - LONG))


def judge(kind: SourceKind, before: int | None, parsed: PreparedResult) -> DriftError | None:
    """Why a document that was read must not count as one; None: it may.

    `before`: how many entries it usually gives, None = not known yet.
    """
    if not before:
        return None
    if not parsed.listed:
        further = parsed.document.further
        return None if KINDS[kind].is_feed or further else gone(kind, before)
    told = [one for one in parsed.made if one.link or (KINDS[kind].is_feed and one.values)]
    if told or len(parsed.made) < parsed.listed:
        return None
    return DriftError(
        f"this {kind} used to give about {before} entries; the {parsed.listed} that it gives now "
        f"have lost their headlines or links{_REMEDY}"
    )


def alarm(kind: SourceKind, before: int | None, error: ParseError) -> ParseError:
    """The reason why a document could not be read, as an alarm where it used to give entries.

    A feed's reason stands as it is: that it is a page now, or broken, says more.
    """
    if not before or KINDS[kind].is_feed or type(error) is not ParseError:
        return error
    return DriftError(f"{gone(kind, before)} ({error})")


def gone(kind: SourceKind, before: int) -> DriftError:
    """It used to give about `before` entries and gives none."""
    return DriftError(
        f"this {kind} used to give about {before} entries and gives none: its layout has changed"
        f"{_REMEDY}"
    )


def moved(before: int, entries: int) -> DriftError:
    """The list stands elsewhere, and nothing in it is known: it may be another block."""
    return DriftError(
        f"this page used to give about {before} entries; what looks like its list now stands "
        f"elsewhere, and none of its {entries} entries is known: its layout has changed{_REMEDY}; "
        "`bantin sources retry` takes what stands there now"
    )


_REMEDY = "; `bantin sources discover URL` shows what is there now"
