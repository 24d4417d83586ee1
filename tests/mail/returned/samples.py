"""Returned mails of each kind, written as servers write them, with places to fill in."""

from __future__ import annotations

RETURN_PATH = "tra-ve@tin.example.vn"


def dsn(
    to: str = RETURN_PATH,
    recipient: str = "lan@example.vn",
    *,
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "550 5.1.1 user unknown",
) -> bytes:
    """A report as RFC 3464 has it."""
    return (
        "Return-Path: <>\n"
        f"From: Mail Delivery System <MAILER-DAEMON@mx.example.vn>\nTo: {to}\n"
        "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n\t"
        'boundary="b1"\n\n'
        "--b1\nContent-Type: text/plain; charset=utf-8\n\n"
        f"I'm sorry to have to inform you.\n\n<{recipient}>: host mx.example.vn said: {said}\n\n"
        "--b1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.vn\n\n"
        f"Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; {said}\n\n"
        "--b1\nContent-Type: message/rfc822\n\n"
        f"From: tin@tin.example.vn\nTo: {recipient}\nSubject: =?utf-8?q?Tin_m=E1=BB=9Bi?=\n\n"
        "550 5.1.1 nobody@elsewhere.example unknown user\n\n--b1--\n"
    ).encode()


def arf(
    to: str = RETURN_PATH, *, feedback: str = "abuse", mail_from: str = RETURN_PATH, who: str = ""
) -> bytes:
    """A complaint as RFC 5965 has it; most providers leave out who complains."""
    named = f"Original-Rcpt-To: {who}\n" if who else ""
    return (
        f"From: fbl@provider.example\nTo: {to}\nSubject: FW: Tin\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=b2\n\n"
        "--b2\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--b2\nContent-Type: message/feedback-report\n\nFeedback-Type: {feedback}\n"
        f"User-Agent: FBL/1.0\nVersion: 1\nOriginal-Mail-From: <{mail_from}>\n{named}\n"
        "--b2\nContent-Type: message/rfc822\n\n"
        "From: tin@tin.example.vn\nTo: undisclosed\nSubject: Tin\n\nTin\n\n--b2--\n"
    ).encode()


def prose(
    text: str, *, subject: str = "Undelivered Mail", sender: str = "MAILER-DAEMON@a.example"
) -> bytes:
    """A report for people only."""
    return (
        f"From: {sender}\nTo: {RETURN_PATH}\nSubject: {subject}\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{text}\n"
    ).encode()


def away(subject: str = "Re: Tin", *fields: str) -> bytes:
    """A note that its reader is away, with the words of a bounce in it."""
    more = "".join(f"{field}\n" for field in fields)
    return (
        f"Return-Path: <>\nFrom: Lan <lan@example.vn>\nTo: {RETURN_PATH}\n"
        f"Subject: {subject}\n{more}"
        "Content-Type: text/plain; charset=utf-8\n\n"
        "Lan không còn làm việc ở đây. The mailbox lan@example.vn is no longer in use: "
        "550 5.1.1 user unknown.\n"
    ).encode()
