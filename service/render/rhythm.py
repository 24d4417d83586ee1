"""How often a digest comes, in words: "sáng thứ Hai, 07:00", "Mondays, 07:00". Pure."""

from __future__ import annotations

from service.model import WEEKDAYS, Cadence, CadenceRule
from service.render.words import Words

_PARTS = ((11, "morning"), (13, "noon"), (18, "afternoon"), (24, "evening"))
"""The hour before which a part of the day ends."""

_LAST = "last"
_OFTEN = (Cadence.IMMEDIATE, Cadence.HOURLY, Cadence.DAILY)


def rhythm(rule: CadenceRule, words: Words) -> str:
    """The rule in the language of `words`; a cron line is only said to be a rhythm of its own.

    With the quiet times that tell something of it: a day in a rhythm of days, hours of one day in
    a rhythm that knows no hour.
    """
    said = _rhythm(rule, words)
    if rule.quiet is None or rule.rhythm not in _OFTEN:
        return said
    times = [words.say(f"date.weekday.{day + 1}") for day in sorted(rule.quiet.weekdays)]
    if rule.quiet.hours is not None and rule.rhythm != Cadence.DAILY:
        begin, end = (f"{one:%H:%M}" for one in rule.quiet.hours)
        times.insert(0, words.say("rhythm.hours", begin=begin, end=end))
    return words.say("rhythm.quiet", rhythm=said, times=", ".join(times)) if times else said


def _rhythm(rule: CadenceRule, words: Words) -> str:
    if rule.rhythm not in frozenset(Cadence):
        return words.say("rhythm.cron")
    clock = f"{rule.at:%H:%M}"
    part = words.say(f"rhythm.part.{next(name for end, name in _PARTS if rule.at.hour < end)}")
    if rule.rhythm == Cadence.WEEKLY:
        number = WEEKDAYS.index(rule.day or "monday") + 1
        weekday = words.say(f"date.weekday.{number}")
        return words.say("rhythm.weekly", weekday=weekday, clock=clock, part=part)
    if rule.rhythm in _OFTEN:
        return words.say(f"rhythm.{rule.rhythm}", clock=clock, part=part)
    if rule.day == _LAST:
        return words.say(f"rhythm.{rule.rhythm}.last", clock=clock, part=part)
    return words.say(f"rhythm.{rule.rhythm}", day=rule.day or "1", clock=clock, part=part)
