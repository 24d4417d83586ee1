"""How a source stands, in one word and in plain words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from service.store.overview import SourceRow
from service.store.seeking import Suggestion

LATE_AFTER = timedelta(minutes=30)
"""A source whose poll has been due for this long is late: ticks come every few seconds."""

TROUBLE = ("gone", "aside", "drifting", "failing", "slowed", "late")
"""The states that an admin is told of, the worst first."""


def state(source: SourceRow, now: datetime) -> str:
    """ok, new, late, slowed, failing, drifting, aside, gone or paused (CONTRACT: status --json).

    gone: its server says that it is gone for good, and it is asked no more. aside: its document
    killed or hung those who read it, and is not read again as it is. drifting: it answers, but
    gives no entries though it used to. slowed: its publisher asked for time, and gets it.
    """
    kinds = (
        ("paused", source.is_paused(now)),
        ("gone", source.gone_at is not None),
        ("aside", source.aside_since is not None),
        ("slowed", held_until(source, now) is not None),
        ("drifting", _drifts(source)),
        ("failing", source.failures > 0),
        ("late", now - source.next_poll_at > LATE_AFTER),
        ("new", source.last_ok_at is None),
    )
    return next((kind for kind, is_so in kinds if is_so), "ok")


def rests_until(source: SourceRow, now: datetime) -> datetime | None:
    """When it is asked again by itself; None where it is not paused, or until somebody says so."""
    return source.rests_until if source.is_paused(now) and not source.paused else None


def held_until(source: SourceRow, now: datetime) -> datetime | None:
    """Until when its publisher wants it left alone; None: it does not, or no more."""
    held = source.held_until
    return held if held is not None and held > now else None


def reason(source: SourceRow, now: datetime, zone: tzinfo = UTC) -> str:
    """Why it does not stand well and when it last did, or who paused it; "" when it does.

    `zone`: of the instants in it.
    """
    words = _REASONS.get(state(source, now))
    told = "" if words is None else words(source, now, zone)
    offered = suggestion(source)
    return f"{told}; {offered}" if told and offered else told


def suggestion(source: SourceRow) -> str:
    """Where a dead source's news may be found now; "" where nothing was found."""
    told = [_offered(one) for one in source.suggestions]
    return (
        f"its site has {', or '.join(told)}: change its url in the TOML if it is that"
        if told
        else ""
    )


def _offered(one: Suggestion) -> str:
    kind = "" if one.kind == "feed" else f'kind = "{one.kind}", '
    entries = "1 entry" if one.entries == 1 else f"{one.entries} entries"
    title = f"{one.title}, " if one.title else ""
    return f"{one.url} ({title}{kind}{entries})"


def advice(source: SourceRow, zone: tzinfo = UTC) -> str:
    """What the admin may want to do though nothing is wrong; "" where there is nothing."""
    if source.moved_to is not None:
        return f"moved permanently to {source.moved_to}: change its url in the TOML"
    if source.redirect_to is not None:
        since = _at(source.redirect_since, zone)
        return f"sends us on for good to {source.redirect_to} since {since}: believed after a week"
    if source.page_error is not None:
        return f"an article's page could not be read: {source.page_error}"
    return ""


def pace(source: SourceRow) -> str:
    """How often it is asked, and whose wish that is; "" before its first answer."""
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


def _rest(source: SourceRow, now: datetime, zone: tzinfo) -> str:
    if source.paused:
        return "paused in the configuration"
    until = rests_until(source, now)
    end = f" until {_at(until, zone)}" if until else ""
    return f"paused by hand since {_at(source.rests_since, zone)}{end}"


def _gone(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    since = f"since {_at(source.gone_at, zone)}, {_last_fine(source, zone)}"
    how = f"asked again at a new url, or after `bantin sources retry {source.name}`"
    return f"{source.error} ({since}; {how})"


def _aside(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    since = f"since {_at(source.aside_since, zone)}, {_last_fine(source, zone)}"
    how = f"read again once it changes, or after `bantin sources retry {source.name}`"
    return f"{source.error or source.document_error} ({since}; {how})"


def _drifting(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    since = f"since {_at(source.drifting_since, zone)}, {_last_fine(source, zone)}"
    how = f"`bantin sources retry {source.name}` once you have seen to it"
    return f"{source.error} ({since}; {how})"


def _slowed(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    until = f"it is left alone until {_at(source.held_until, zone)}"
    if source.held_by is not None:
        why = f"its site told {source.held_by} that it is asked too much"
        return f"{why}; {until} ({_last_fine(source, zone)})"
    asked = f"{source.error or 'its server asked for time'}; {until}"
    return f"{asked} ({_times(max(source.failures, 1))}, {_last_fine(source, zone)})"


def _failing(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    return f"{source.error} ({_times(source.failures)}, {_last_fine(source, zone)})"


def _late(source: SourceRow, _now: datetime, zone: tzinfo) -> str:
    return f"due since {_at(source.next_poll_at, zone)} ({_last_fine(source, zone)})"


_REASONS = {
    "paused": _rest,
    "gone": _gone,
    "aside": _aside,
    "drifting": _drifting,
    "slowed": _slowed,
    "failing": _failing,
    "late": _late,
}


def _last_fine(source: SourceRow, zone: tzinfo) -> str:
    return f"last fine {_at(source.last_ok_at, zone)}" if source.last_ok_at else "never fine so far"


def _times(failures: int) -> str:
    return {1: "once", 2: "twice in a row"}.get(failures, f"{failures} times in a row")


def _at(at: datetime | None, zone: tzinfo) -> str:
    if at is None:
        return "?"
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}{'Z' if zone is UTC else ''}"
