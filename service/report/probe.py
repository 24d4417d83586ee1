"""What anybody may know of how the service fares: kinds, counts and since when. Pure.

`/readyz` tells it to who brings no key. It is enough to wake somebody up and to know which part
does not work; names, addresses, hosts and answers are for those who run the service.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby

from service.report.health import Health
from service.report.sentence import Sentence, counted, in_english, sentence
from service.report.trouble import Trouble

_TOLD = frozenset({"since", "waiting", "n", "seconds", "days", "times", "job"})
"""Values of a trouble that give nobody away. A job's name is the program's own."""


def reasons(health: Health) -> list[str]:
    """A line for each kind of what is wrong, the worst first, in English; instants in UTC."""
    english = in_english()
    return list(dict.fromkeys(english.tell(one) for one in _sentences(health)))


def _sentences(health: Health) -> Iterator[Sentence]:
    for key, those in groupby(health.troubles, lambda one: one.key):
        if key == "relay":
            yield _relays(list(those))
        else:
            yield from (Sentence(f"probe.{key}", _told(one)) for one in those)
    editions = sum(one.key == "late.edition" for one in health.late)
    if editions:
        yield counted("probe.editions", editions)
    for kind, n in health.sources.items():
        yield sentence("probe.sources", n=n, state=sentence(f"admin.state.{kind}"))


def _told(one: Trouble) -> dict[str, object]:
    return {name: value for name, value in one.values.items() if name in _TOLD}


def _relays(failing: list[Trouble]) -> Sentence:
    since = _first(one.values["since"] for one in failing)
    return counted("probe.relay", len(failing), since=since, waiting=failing[0].values["waiting"])


def _first(instants: Iterable[object]) -> datetime | None:
    return min((at for at in instants if isinstance(at, datetime)), default=None)
