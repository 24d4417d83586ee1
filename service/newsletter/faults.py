"""What is wrong in `[digest.…]`: rhythms that do not exist, days that fit none, no topics."""

from __future__ import annotations

from datetime import timedelta

from service.config.schema import Digest, Settings
from service.errors import Finding
from service.model import Cadence
from service.newsletter import cadence, rules
from service.newsletter.review import faults as review
from service.text.unknown_name import problem_and_remedy

LONGEST_CADENCE = 64
"""Characters: a cadence is part of an edition's key, and a column in both databases."""

LEAST_BUNDLE = 2 * cadence.IMMEDIATE_GRID
"""Less waits for nothing: immediate mails come once in the grid's time anyway."""

LONGEST_BUNDLE = timedelta(days=1)

LEAST_LATENESS = timedelta(minutes=10)
"""A queue that is a little behind must not throw mails away."""


def faults(settings: Settings) -> list[Finding]:
    """Every fault of every digest, in the order of the TOML."""
    return [
        (("digest", name, *key), problem, remedy)
        for name, digest in settings.digest.items()
        for key, problem, remedy in _of_digest(digest)
    ]


def _of_digest(digest: Digest) -> list[Finding]:
    found = [
        finding
        for key, rhythm in [
            ("cadence", digest.cadence),
            *(("cadences", one) for one in digest.cadences or () if one != digest.cadence),
        ]
        if (finding := _cadence(key, rhythm)) is not None
    ]
    found += [] if found else _offered(digest)
    if not found:  # a day can only be judged against cadences that exist
        found += _day(digest)
        found += _at(digest)
        found += _holidays(digest)
        found += _quiet(digest)
        found += _bundle(digest)
        found += review.faults(digest)
    if digest.topics == ():
        right = "leave it out for every topic, or name some"
        found.append((("topics",), "no topic is named", right))
    if digest.max_lateness is not None and digest.max_lateness < LEAST_LATENESS:
        found.append(
            (
                ("max_lateness",),
                "mails would expire before they can be sent",
                'write at least "10m", or leave it out: until the next cut',
            )
        )
    return found


def _holidays(digest: Digest) -> list[Finding]:
    offered = (digest.cadence, *digest.cadences)
    if not digest.holidays or any(cadence.is_zoned(one) for one in offered):
        return []
    problem = "immediate and hourly mails come on holidays as well"
    return [(("holidays",), problem, "take it out, or offer a cadence that is daily or longer")]


def _quiet(digest: Digest) -> list[Finding]:
    """A cadence of which every mail would fall into the quiet time has a wrong hour or day."""
    for rhythm in dict.fromkeys((digest.cadence, *digest.cadences)):
        if cadence.falls_into_quiet(rules.rule_of(digest, rhythm, None)):
            named = rhythm if cadence.is_cron(rhythm) else f"{rhythm}, at {digest.at}"
            problem = f"every mail that is {named} would fall into it"
            right = "write another hour or day there, or another quiet time"
            return [(("quiet",), problem, right)]
    return []


def _bundle(digest: Digest) -> list[Finding]:
    if digest.bundle is None:
        return []
    if Cadence.IMMEDIATE not in (digest.cadence, *digest.cadences):
        problem = "only immediate mails wait for more"
        return [(("bundle",), problem, "take it out, or offer the cadence immediate")]
    if not LEAST_BUNDLE <= digest.bundle <= LONGEST_BUNDLE:
        problem = "immediate mails come every 5 minutes, and hold news for a day at most"
        return [(("bundle",), problem, 'write one from "10m" to "1d"')]
    return []


def _cadence(key: str, rhythm: str) -> Finding | None:
    if not cadence.is_cron(rhythm):
        return None
    looks_like_cron = any(character.isdigit() or character == "*" for character in rhythm)
    if not looks_like_cron:
        right = f"write one of {', '.join(Cadence)}, or a cron line"
        return (key,), *problem_and_remedy("cadence", rhythm, Cadence, otherwise=right)
    if len(rhythm) > LONGEST_CADENCE:
        return (key,), f"a cron line of over {LONGEST_CADENCE} characters", "write a shorter one"
    try:
        cadence.check_cron(rhythm)
    except ValueError as error:
        right = 'write one such as "0 7 * * 1-5" (minute hour day month weekday)'
        return (key,), f"{rhythm!r} is not a cron line: {error}", right
    return None


def _offered(digest: Digest) -> list[Finding]:
    """Whoever says nothing gets the digest's own cadence, so it must be among those offered."""
    if not digest.cadences or digest.cadence in digest.cadences:
        return []
    offered = ", ".join(f'"{one}"' for one in (digest.cadence, *digest.cadences))
    problem = f"{digest.cadence!r} is not among cadences, which subscribers may choose from"
    return [(("cadence",), problem, f"write cadences = [{offered}], or another cadence")]


def _day(digest: Digest) -> list[Finding]:
    if digest.day is None:
        return []
    every = (digest.cadence, *(digest.cadences or ()))
    if any(rules.fits(str(digest.day), rhythm) for rhythm in every):
        return []
    if Cadence.WEEKLY in every:
        right = 'a weekly digest takes "monday" to "sunday"'
    elif rules.MONTHLY_AND_LONGER.intersection(every):
        right = 'monthly and longer ones take 1 to 31 or "last"'
    else:
        right = f"leave it out: {digest.cadence} has no day"
    return [(("day",), f"{digest.day!r} fits no cadence of this digest", right)]


def _at(digest: Digest) -> list[Finding]:
    every = (digest.cadence, *(digest.cadences or ()))
    written = "at" in digest.model_fields_set
    if not written or any(map(rules.has_hour, every)):
        return []
    return [(("at",), f"{digest.cadence} has no hour of its own", "leave it out")]
