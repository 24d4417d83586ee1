"""Mails of an edition that a template raised for: who waits for it to be mended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NAMED = 3
"""Readers, and reasons, that the sentence names; of the others it says how many there are."""


@dataclass(frozen=True, slots=True)
class EditionPlanned:
    """What planning an edition came to: so many deliveries, and whose mail could not be rendered.

    `unrendered`: subscription -> (language, why). These are due still, and nobody else waits.
    """

    deliveries: int
    unrendered: Mapping[int, tuple[str, str]] = field(default_factory=dict)

    def why(self) -> str:
        """What is wrong, in which language, and how many wait; "" if nobody does.

        `mail/edition/body.txt.j2:3: TypeError: … ("en", 12 readers wait: subscriptions 4, 7, 9, …)`
        """
        reasons: dict[tuple[str, str], list[int]] = {}
        for one, reason in sorted(self.unrendered.items()):
            reasons.setdefault(reason, []).append(one)
        said = [
            f'{error} ("{language}", {_readers(ids)})' for (language, error), ids in reasons.items()
        ]
        more = len(said) - NAMED
        return "; ".join([*said[:NAMED], *([f"and {more} more reasons"] if more > 0 else [])])


def _readers(ids: list[int]) -> str:
    named = ", ".join(map(str, ids[:NAMED]))
    if len(ids) == 1:
        return f"1 reader waits: subscription {named}"
    rest = ", …" if len(ids) > NAMED else ""
    return f"{len(ids)} readers wait: subscriptions {named}{rest}"
