"""Redirects, farewells, and what the admin is told."""

from __future__ import annotations

from tests.contract.politeness.characters import DAY
from tests.contract.politeness.judging import (
    Week,
    rule,
    told,
)
from tests.contract.politeness.publisher import START


@rule("Tells its admin of what is gone, moved, failing, slowed", frb="101, 120")
def _tells(week: Week) -> list[str]:
    wanted = {
        "gone": ("gone", "410"),
        "moved": ("ok", "http://moved-here.test"),
        "moved-far": ("ok", "http://moved-there.test"),
        "locked": ("failing", "401"),
        "patient": ("slowed", "503"),
    }
    return [
        f"{name}: {week.told.get(name)}"
        for name, (state, words) in wanted.items()
        if name not in week.told or week.told[name][0] != state or words not in week.told[name][1]
    ]


@rule("Asks again what answered 410 Gone: never")
def _gone(week: Week) -> list[str]:
    asked = week.of("gone")
    seen = [one.at for one in asked if one.status == 410]
    return [told(one) for one in asked if seen and one.at > seen[0]] or (
        [] if seen else ["it never met the 410"]
    )


def _moved_after(week: Week, old: str, new: str) -> list[str]:
    """Every way leads over the old address for a week, and none a day later."""
    last = max(one.at for one in week.of(old))
    early = [told(one) for one in week.of(new) if one.at < START + 7 * DAY]
    through = len([one for one in week.of(old) if one.at < START + 7 * DAY])
    broken = (
        [] if last < START + 8 * DAY else [f"{old} is still asked on day {(last - START).days}"]
    )
    if len(early) != through:
        broken.append(
            f"{new} was asked {len(early)} times, {old} {through} times in the first week"
        )
    return broken if week.of(new)[-1].at > last else [*broken, f"{new} is not asked on its own"]


@rule("A 301 that leads to one place for a week is believed, and not before", frb="130")
def _moved(week: Week) -> list[str]:
    return _moved_after(week, "moved", "moved-here")


@rule("So is a chain of 301 and 308", frb="131")
def _chain(week: Week) -> list[str]:
    return _moved_after(week, "moved-far", "moved-there")


@rule("A 302 or 307 is never remembered, nor a 301 that leads to one")
def _passing(week: Week) -> list[str]:
    pairs = [("passing", "passing-by"), ("passing-307", "passing-by-307"), ("half", "half-there")]
    return [
        f"{old}: asked {len(week.of(old))} times, {new} {len(week.of(new))} times"
        for old, new in pairs
        if len(week.of(old)) != len(week.of(new)) or not week.of(old)
    ]


@rule("A 301 that changes its mind, or lasts an afternoon, moves nothing")
def _undecided(week: Week) -> list[str]:
    old, new = week.of("undecided"), week.of("this-way", "that-way")
    broken = [] if len(old) == len(new) else [f"{len(old)} and {len(new)} requests"]
    late = [one for one in week.of("wrong-place") if one.at > START + 2 * DAY]
    return broken + [told(one) for one in late]
