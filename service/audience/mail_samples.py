"""What templates of the mails to one person are given, to try them with. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from service.audience.own_link import HOURS
from service.audience.signup import LINK_LASTS

_LINK = "https://a.example/x"

SAMPLES: Mapping[str, Mapping[str, object]] = {
    "confirm": {"digest": "A digest", "days": LINK_LASTS.days},
    "already": {"digest": "A digest", "days": LINK_LASTS.days},
    "invite": {"digest": "A digest", "days": LINK_LASTS.days},
    "move": {"digest": "A digest", "days": LINK_LASTS.days, "link": _LINK},
    "own": {"link": _LINK, "hours": HOURS},
    "test": {},
}
"""Template -> its views. `test` is the mail of `bantin mail test`."""
