"""Reads complaints: feedback reports (ARF, RFC 5965), and Microsoft's, which have no report part.

Only what a person has said asks for anything: `abuse` and its kin, and opt-outs. `auth-failure`
(RFC 6591) is a server's word about signatures, and `not-spam` is praise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service.mail.returned.addresses import address_in
from service.mail.returned.mime import MailPart, fields_of
from service.mail.returned.model import ReturnedKind, ReturnedMail, ReturnedRecipient

_NO_COMPLAINT = frozenset({"auth-failure", "dkim", "not-spam", "virus"})
OPT_OUT = "opt-out"
"""The Feedback-Type of one who asks to be written to no more, and calls nothing spam."""
_NAMED = ("original-rcpt-to", "removal-recipient", "x-hmxmroriginalrecipient")


def read(parts: Sequence[MailPart]) -> ReturnedMail | None:
    """The complaint, with whom it names: often nobody. None: it is none."""
    mail = parts[0]
    if mail.first("subject").strip().lower() == "unsubscribe":  # what mail programs write for it
        return complaint([mail.first("from")], OPT_OUT)
    report: dict[str, list[str]] | None = None
    for part in parts:
        if part.type == "message/feedback-report" and not part.copy:
            report = {**part.fields, **fields_of(part.text)}
            break
    microsoft = [p.fields for p in parts if p.copy and _NAMED[2] in p.fields]
    if report is None and not microsoft:
        return None
    feedback = next(iter((report or {}).get("feedback-type", ())), "abuse").strip().lower()
    fields = [report or {}, *microsoft]
    named = [value for one in fields for name in _NAMED for value in one.get(name, ())]
    return complaint(
        named or [value for p in parts if p.copy for value in p.fields.get("to", ())], feedback
    )


def complaint(named: Iterable[str], feedback: str) -> ReturnedMail:
    """A complaint of those who are named, in whatever form an address is written."""
    found = dict.fromkeys(address for value in named if (address := address_in(value)))
    people = [ReturnedRecipient(one, "", hard=False, failed=False, reason="") for one in found]
    return ReturnedMail(ReturnedKind.COMPLAINT, tuple(people), feedback)


def asks_for_silence(feedback: str) -> bool:
    """Whether a report of this Feedback-Type means that its reader wants no more mail."""
    return feedback not in _NO_COMPLAINT
