"""How a source stands, in one word and as a sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from service.report.causes import cause
from service.report.sentence import Sentence, SourceId, counted, sentence
from service.store.sources.dead_sources import Suggestion
from service.store.status_counts import SourceRow

LATE_AFTER = timedelta(minutes=30)
"""A source whose poll has been due for this long is late: ticks come every few seconds."""

TROUBLE = ("gone", "quarantined", "drifting", "failing", "slowed", "late")
"""The states that an admin is told of, the worst first."""


def state(source: SourceRow, now: datetime) -> str:
    """Names the state of a source, as `status --json` does.

    One of ok, new, late, slowed, failing, drifting, quarantined, gone and paused.

    gone: its server says that it is gone for good, and it is asked no more. quarantined: its
    document killed or hung those who read it, and is not read again as it is. drifting: it
    answers, but gives no entries though it used to. slowed: its publisher asked for time, and gets
    it.
    """
    kinds = (
        ("paused", source.is_paused(now)),
        ("gone", source.gone_at is not None),
        ("quarantined", source.quarantined_since is not None),
        ("slowed", held_until(source, now) is not None),
        ("drifting", _drifts(source)),
        ("failing", source.failures > 0),
        ("late", now - source.next_poll_at > LATE_AFTER),
        ("new", source.last_ok_at is None),
    )
    return next((kind for kind, is_so in kinds if is_so), "ok")


def paused_until(source: SourceRow, now: datetime) -> datetime | None:
    """When it is asked again by itself; None where it is not paused, or until somebody says so."""
    return source.paused_until if source.is_paused(now) and not source.paused else None


def held_until(source: SourceRow, now: datetime) -> datetime | None:
    """The instant until which its publisher wants it left alone; None: it does not, or no more."""
    held = source.held_until
    return held if held is not None and held > now else None


def reason(source: SourceRow, now: datetime) -> Sentence | None:
    """Why it does not stand well and when it last did, or who paused it; None when it does."""
    why = _REASONS.get(state(source, now))
    if why is None:
        return None
    told, offered = why(source, now), suggestion(source)
    return told if offered is None else sentence("standing.with", reason=told, offer=offered)


def suggestion(source: SourceRow) -> Sentence | None:
    """Where a dead source's news may be found now; None where nothing was found."""
    if not source.suggestions:
        return None
    first, *others = (_offered(one) for one in source.suggestions)
    for other in others:
        first = sentence("standing.or", one=first, other=other)
    return sentence("standing.offer", offers=first)


def _offered(one: Suggestion) -> Sentence:
    about = counted("standing.entries", one.entries)
    if one.kind != "feed":
        about = sentence("standing.offered.kind", kind=one.kind, entries=about)
    if one.title:
        about = sentence("standing.offered.titled", title=one.title, about=about)
    return sentence("standing.offered", url=one.url, about=about)


def advice(source: SourceRow) -> Sentence | None:
    """What the admin may want to do though nothing is wrong; None where there is nothing."""
    if source.moved_url is not None:
        return sentence("standing.moved", url=source.moved_url)
    if source.redirect_url is not None:
        return sentence("standing.redirect", url=source.redirect_url, since=source.redirect_since)
    if source.page_error is not None:
        return sentence("standing.page", cause=cause(source.page_error))
    return None


def pace(source: SourceRow) -> str:
    """How often it is asked, and who decides it; "" before its first answer."""
    if source.interval_s is None:
        return ""
    if source.hub is not None and source.hub.brings_all:
        return "at its longest interval, since a hub brings its news"
    fresh, every = source.fresh_s or 0, source.every_s or 0
    if max(fresh, every) <= source.interval_s:
        said = f"every {_span(source.interval_s)}, by its own rhythm"
    elif fresh >= every:
        said = f"not within {_span(fresh)}: its server calls an answer fresh for so long"
    else:
        said = f"not within {_span(every)}: its document asks for it (ttl or sy:updatePeriod)"
    return f"{said}; not in its skipHours and skipDays" if source.skips else said


def _span(seconds: int) -> str:
    """The two largest units: 25 min, 3 h 5 min, 10 d."""
    minutes = round(seconds / 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n]
    return " ".join(parts[:2]) or f"{seconds} s"


def _drifts(source: SourceRow) -> bool:
    """Not where it fails otherwise meanwhile: then that is what the admin must know."""
    fails = source.failures > 0 and source.error == source.document_error
    return fails and source.drifting_since is not None


def _rest(source: SourceRow, now: datetime) -> Sentence:
    if source.paused:
        return sentence("standing.paused.config")
    until = paused_until(source, now)
    if until is None:
        return sentence("standing.paused.hand", since=source.paused_since)
    return sentence("standing.paused.until", since=source.paused_since, until=until)


def _gone(source: SourceRow, _now: datetime) -> Sentence:
    return _since("standing.gone", source, source.gone_at)


def _quarantined(source: SourceRow, _now: datetime) -> Sentence:
    return _since("standing.quarantined", source, source.quarantined_since)


def _drifting(source: SourceRow, _now: datetime) -> Sentence:
    return _since("standing.drifting", source, source.drifting_since)


def _since(key: str, source: SourceRow, since: datetime | None) -> Sentence:
    why = cause(source.error or source.document_error or "?")
    return sentence(key, cause=why, since=since, fine=_last_fine(source), id=source.name)


def _slowed(source: SourceRow, _now: datetime) -> Sentence:
    until, fine = source.held_until, _last_fine(source)
    if source.held_by is not None:
        return sentence(
            "standing.slowed.site", other=SourceId(source.held_by), until=until, fine=fine
        )
    why = cause(source.error) if source.error else sentence("standing.asked")
    times = _times(max(source.failures, 1))
    return sentence("standing.slowed", cause=why, until=until, times=times, fine=fine)


def _failing(source: SourceRow, _now: datetime) -> Sentence:
    why, times = cause(source.error or "?"), _times(source.failures)
    return sentence("standing.failing", cause=why, times=times, fine=_last_fine(source))


def _late(source: SourceRow, _now: datetime) -> Sentence:
    return sentence("standing.late", since=source.next_poll_at, fine=_last_fine(source))


_REASONS: dict[str, Callable[[SourceRow, datetime], Sentence]] = {
    "paused": _rest,
    "gone": _gone,
    "quarantined": _quarantined,
    "drifting": _drifting,
    "slowed": _slowed,
    "failing": _failing,
    "late": _late,
}


def _last_fine(source: SourceRow) -> Sentence:
    if source.last_ok_at is None:
        return sentence("standing.never")
    return sentence("standing.fine", at=source.last_ok_at)


def _times(failures: int) -> Sentence:
    keys = {1: "standing.once", 2: "standing.twice"}
    return sentence(keys.get(failures, "standing.times"), n=failures)
