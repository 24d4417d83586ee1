"""The values that reading a returned mail gives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReturnedKind(StrEnum):
    """What a mail that came to the return path is."""

    BOUNCE = "bounce"  # a report that a mail did not arrive, or not yet
    COMPLAINT = "complaint"  # somebody called it spam (RFC 5965)
    AUTOREPLY = "autoreply"  # a machine answers for a person who is away
    OTHER = "other"  # whatever else: a reply, a receipt, an advertisement
    UNREAD = "unread"  # it killed or hung who read it, or cannot be stored


@dataclass(frozen=True, slots=True)
class ReturnedRecipient:
    """One address that a report names.

    `status`: the RFC 3463 status such as "5.1.1"; "" where none is written. `hard`: the address
    does not exist or takes no mail, so that writing again is useless. `failed`: the report says
    that the mail did not arrive; False for one that is only late, or has arrived. `reason`: the
    words of the report, one line; "" where it has none. `about_us`: our relay, our sender or that
    mail was refused, which no address can mend.
    """

    address: str
    status: str
    hard: bool
    failed: bool
    reason: str
    about_us: bool = False


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """What a returned mail says. None of it is proof: anybody can write such a mail.

    `recipients`: empty where a report names nobody. `feedback`: a complaint's Feedback-Type, such
    as "abuse".
    """

    kind: ReturnedKind
    recipients: tuple[ReturnedRecipient, ...] = ()
    feedback: str = ""
    why: str = ""
