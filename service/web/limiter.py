"""How often one visitor may do a thing: sign up, search.

Kept in memory: a restart forgives, the caps in the store stay (service.audience.signup).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SIGNUPS_AN_HOUR = 60
"""From one address: a whole office may stand behind it on the day of a launch."""

VISITORS_KEPT = 10_000


@dataclass
class Limiter:
    """Counts what each visitor did in the last `span`."""

    most: int = SIGNUPS_AN_HOUR
    span: timedelta = timedelta(hours=1)
    _seen: OrderedDict[str, deque[datetime]] = field(default_factory=OrderedDict)

    def allows(self, visitor: str, now: datetime) -> bool:
        """Count one more, unless there are `most` already. False: not now."""
        seen = self._seen.setdefault(visitor, deque())
        self._seen.move_to_end(visitor)
        if len(self._seen) > VISITORS_KEPT:
            self._seen.popitem(last=False)
        while seen and now - seen[0] >= self.span:
            seen.popleft()
        if len(seen) >= self.most:
            return False
        seen.append(now)
        return True
