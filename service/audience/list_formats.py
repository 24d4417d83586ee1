"""Which list of subscribers a CSV is, by its headings: our own, or what another service exports.

    own        address,digest,cadence,topics(;),hour,zone,language,evidence
    listmonk   uuid,email,name,attributes,status,created_at,updated_at
    Ghost      id,email,name,note,subscribed_to_emails,…,created_at,deleted_at,labels,tiers
    Mailchimp  Email Address,First Name,…,MEMBER_RATING,OPTIN_TIME,…,LEID,EUID,NOTES,TAGS
    plain      email,name,status,subscribed_at, and any of ours besides

listmonk says who gets mail by a status of its own (enabled, disabled, blocklisted), Ghost by
`subscribed_to_emails` and `deleted_at`. Mailchimp writes a file for each: those who left have an
UNSUB_TIME, dead addresses a CLEAN_TIME. A filled time of a goodbye counts in every list. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from service.audience.people import Person
from service.errors import UsageError
from service.store.audience.suppressions import BLOCKLISTED, BOUNCED, COMPLAINED, UNSUBSCRIBED
from service.text.unknown_name import no_such

COLUMNS = ("address", "digest", "cadence", "topics", "hour", "zone", "language", "evidence")
"""Our own headings, in the order in which an export writes them."""

Row = Mapping[str, str]

_STANDS = {
    **dict.fromkeys(("", "enabled", "subscribed", "active", "confirmed", "true", "yes", "1"), None),
    **dict.fromkeys(("unsubscribed", "disabled", "false", "no", "0", "opted_out"), UNSUBSCRIBED),
    **dict.fromkeys(("bounced", "cleaned", "undeliverable", "invalid"), BOUNCED),
    **dict.fromkeys(("blocklisted", "blacklisted", "blocked", "banned"), BLOCKLISTED),
    **dict.fromkeys(("complained", "complaint", "spam", "junk"), COMPLAINED),
}
"""What a status says: None = gets mail, else why nothing may be sent."""

_GONE = {
    "blocklisted_at": BLOCKLISTED,
    "complained_at": COMPLAINED,
    **dict.fromkeys(("bounced_at", "bounce_time", "cleaned_at", "clean_time"), BOUNCED),
    **dict.fromkeys(("unsubscribed_at", "unsub_time", "opted_out_at", "deleted_at"), UNSUBSCRIBED),
}
"""Columns that are filled for those who left -> why. The hardest reason first."""

_UNFILLED = frozenset({"", "null", "\\n", "none", "nil", "nan", "nat", "n/a", "-", "0", "false"})
"""What databases and spreadsheets write where there is no time, in small letters."""

_EARLIEST = timezone(timedelta(hours=14))

_NO_YES = frozenset({"unconfirmed", "pending", "nonsubscribed", "non-subscribed", "transactional"})


@dataclass(frozen=True, slots=True)
class Format:
    """How the lines of a list are read.

    `barred` says why nobody may write to a line's address, None = it is a subscriber; it raises
    ValueError for who has not said yes. `since` names columns that say when they did, the best
    first. `signed_up` is the one that only the person's own sign-up fills: others are filled anew
    when a list is brought into a service. `preferences`: our own columns stand beside the others.
    """

    name: str
    address: str
    barred: Callable[[Row], str | None]
    since: tuple[str, ...] = ()
    signed_up: str | None = None
    preferences: bool = False

    @property
    def kept(self) -> tuple[str, ...]:
        """Columns of which something is stored, besides the address."""
        return self.since + (COLUMNS[1:] if self.preferences else ())

    def person(self, row: Row, digest: str, evidence: str) -> Person:
        """A line as a subscriber. `digest` is meant where none stands in it."""
        signed_up_at = _instant(row.get(self.signed_up, "")) if self.signed_up else None
        if not self.preferences:
            row = {self.address: row[self.address]}
        topics = (name.strip() for name in row.get("topics", "").split(";"))
        return Person(
            address=row[self.address],
            digest=row.get("digest") or digest,
            cadence=row.get("cadence") or None,
            topics=tuple(name for name in topics if name),
            hour=row.get("hour") or None,
            zone=row.get("zone") or None,
            language=row.get("language") or None,
            evidence=row.get("evidence") or evidence,
            signed_up_at=signed_up_at,
        )

    def evidence(self, row: Row, evidence: str) -> str:
        """How this person said yes: what the admin says, whose list it is, and since when."""
        since = next((row[name] for name in self.since if row.get(name)), "")
        return ", ".join(one for one in (evidence, self.name, since and f"since {since}") if one)


def read_header(header: Sequence[str], file: str) -> Format:
    """The format of a list with these headings, in small letters. `file` is its name, or "".

    Raises UsageError for headings that are none, or that nobody knows.
    """
    form = _by_headings(header, file)
    return replace(form, barred=_heeding_times(header, form.barred))


def _by_headings(header: Sequence[str], file: str) -> Format:
    names = frozenset(header)
    if "email address" in names:
        return _mailchimp(file)
    if "email" in names and "subscribed_to_emails" in names:
        return Format("Ghost", "email", _by_ghost, ("created_at",))
    if {"email", "uuid", "status"} <= names:
        return Format("listmonk", "email", _by_status, ("created_at",))
    if "email" in names:
        since = ("subscribed_at", "created_at")
        return Format("", "email", _by_status, since, "subscribed_at", preferences=True)
    unknown = next(
        (name for name in header if name not in COLUMNS and _underscored(name) not in _GONE), None
    )
    if unknown is not None:
        raise UsageError(f"line 1: no column {unknown!r}; there are {', '.join(COLUMNS)}")
    if "address" not in names:
        raise UsageError("line 1: the column 'address' is missing")
    return Format("", "address", lambda _row: None, preferences=True)


def _mailchimp(file: str) -> Format:
    """Each file of an export has one status, which its name begins with."""
    status = file.rpartition("/")[2].lower()
    if status.startswith("nonsubscribed"):
        raise UsageError(f"{file}: these people never subscribed; nobody may write to them")
    every = None
    if status.startswith("unsubscribed"):
        every = UNSUBSCRIBED
    elif status.startswith("cleaned"):
        every = BOUNCED

    since = ("confirm_time", "optin_time")
    return Format("Mailchimp", "email address", lambda _row: every, since, "optin_time")


def _heeding_times(
    header: Sequence[str], said: Callable[[Row], str | None]
) -> Callable[[Row], str | None]:
    """`said`, unless a column of `_GONE` is filled: then that, or the harder reason of `said`."""
    gone = [
        (name, why) for one, why in _GONE.items() for name in header if _underscored(name) == one
    ]

    def barred(row: Row) -> str | None:
        left = next((why for name, why in gone if _is_filled(row[name])), None)
        if left is None:
            return said(row)
        try:
            harder = said(row) if left == UNSUBSCRIBED else None
        except ValueError:
            return left  # who left need not have said yes before
        return harder or left

    return barred if gone else said


def _instant(cell: str) -> datetime | None:
    """ISO 8601, else None. Without a zone it is taken where the day begins first (UTC+14).

    So it is never later than it was: who left on the same day stays away.
    """
    try:
        at = datetime.fromisoformat(cell)
        return at if at.tzinfo else at.replace(tzinfo=_EARLIEST)
    except ValueError:
        return None


def _underscored(heading: str) -> str:
    return heading.replace(" ", "_").replace("-", "_")


def _is_filled(cell: str) -> bool:
    cell = cell.strip().lower()
    return cell not in _UNFILLED and not cell.startswith("0000-00-00")


def _by_ghost(row: Row) -> str | None:
    return _by_status({"status": row["subscribed_to_emails"]})


def _by_status(row: Row) -> str | None:
    status = row.get("status", "").strip().lower().replace(" ", "_")
    if status in _NO_YES:
        raise ValueError(f"is {status}: has not said yes")
    if status not in _STANDS:
        raise ValueError(no_such("status", status, filter(None, _STANDS)))
    return _STANDS[status]
