"""Reads a mail that came to the return path: bounce, complaint, autoreply, or none of these.

Pure: bytes in, a value out, in a bounded time. What it says is the mail's word and no proof; who is
meant is decided by the key in the return path alone (docs/decisions/071).
"""

from __future__ import annotations

from service.mail.returned import automatic, causes, complaints, delivery_status, mime, prose, ses
from service.mail.returned.model import ReturnedKind, ReturnedMail

_BEGINNING = 1000
"""Characters of a text in which a report says what it is about."""


def read(data: bytes) -> ReturnedMail:
    """What the mail says, from its first `mime.READ_AT_MOST` bytes. Never raises.

    Line ends may be CRLF, LF or CR.
    """
    lines = mime.lines_of(data)
    return read_parts(lines, mime.split(lines))


def read_parts(lines: bytes, parts: list[mime.MailPart]) -> ReturnedMail:
    """The same of a mail that is split already; `lines` as `mime.lines_of` gives it."""
    notified = ses.read(parts)
    if notified is not None:
        return notified
    complaint = complaints.read(parts)
    if complaint is not None:
        return complaint
    mail = parts[0]
    if automatic.is_autoreply(mail) and not automatic.is_report(parts):
        return ReturnedMail(ReturnedKind.AUTOREPLY)
    reported = delivery_status.recipients(parts)
    if reported:
        arrived = all(not one.failed and one.status.startswith("2") for one in reported)
        kind = ReturnedKind.OTHER if arrived else ReturnedKind.BOUNCE
        return ReturnedMail(kind, tuple(reported))
    server, delivery = automatic.is_from_mail_server(mail), automatic.is_about_delivery(mail)
    is_report = automatic.is_report(parts) or (server and delivery)
    if not (is_report or server or delivery or _is_like_a_report(parts)):
        return ReturnedMail(ReturnedKind.OTHER)
    named = prose.recipients(lines, parts)
    is_report = is_report and not causes.is_only_late(prose.report_of(parts))
    kind = ReturnedKind.BOUNCE if named or is_report else ReturnedKind.OTHER
    return ReturnedMail(kind, tuple(named))


def _is_like_a_report(parts: list[mime.MailPart]) -> bool:
    """Whether it begins by saying that a mail was not delivered, and carries a copy of it.

    What a mailing list writes has no copy.
    """
    text = prose.report_of(parts)[:_BEGINNING]
    if any(part.copy for part in parts):
        return automatic.says_not_delivered(text)
    return automatic.says_not_a_member(text)
