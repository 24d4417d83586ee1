"""Reads bounces that are written for people only: which address failed, and in which words.

Addresses at the beginning of a line, after RCPT TO or after a reply code are those that failed.
Where there are none, flufl.bounce knows odd forms of old servers by heart; then any other address
of the report counts, and last whom the copy of the mail was to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email import message_from_bytes

from service.mail.returned import causes
from service.mail.returned.addresses import address_in, addresses_in
from service.mail.returned.mime import MailPart, fields_of
from service.mail.returned.model import ReturnedRecipient

_READ_AT_MOST = 64 * 1024
_LINE = 2000
_FORMS = 16 * 1024
RECIPIENTS = 200
"""At most so many are read in one report: ours are to one."""

_COPY_BEGINS = re.compile(
    r"(?im)^[ \t>*=_-]*(?:below (?:this line )?is a copy[^\n]*|this is a copy of[^\n]*"
    r"|included is a copy[^\n]*|(?:the |your )?(?:headers? of the )?"
    r"(?:original|returned|unsent|undelivered|rejected|failed|old) (?:mail|message)"
    r"(?: (?:header|info|text|body|below|enclosed|attached))*s?(?: follows?)?"
    r"|message headers?(?: follows?)?|message text follows)[ \t:.*=_-]*$"
    r"|^(?:Return-Path|Received|DKIM-Signature)[ \t]*:"
)
_REJECTED_WITH = re.compile(
    r"Your message to <[^<>\n]{1,320}> was automatically rejected:\s*([^\n]{1,500})"
)
_SAID_IN_SUBJECT = re.compile(r"\s*Returned mail:\s*(.{1,80})", re.IGNORECASE)
"""Sendmail writes the cause there. In most other subjects stands ours, whose words say nothing."""
_STRONG = re.compile(
    r"^[\s>*<('\"\[-]*$|RCPT TO:\s*<?$|^\s*(?:<<<\s*)?[45]\d\d[ -](?:\d\.\d+\.\d+ )?[<\[(]?$"
    r"|^\s*(?:recipient(?: address)?|address|user|mailbox)\s*:\s*[<\[(]?$",
    re.IGNORECASE,
)
_WIDTH = 60
_WRAPPED = re.compile(r"^[^<>@\n]{59}[a-z,]$")
"""The end of a line of running text: with an address the next one only goes on."""
_REPLY = re.compile(r"(?<![\w.])[45]\d\d[ -]")
_TO = re.compile(r"^\s*(?:to|cc)\s*:", re.IGNORECASE)
_NOBODY = re.compile(
    r"^(?:mailer-daemon|postmaster|mail-?daemon|abuse|support|helpdesk|admin(?:istrator)?)@",
    re.IGNORECASE,
)
_AN_ID = re.compile(r"message-?id|^\s*(?:references|in-reply-to)\s*:|\bid\b[^@]*$", re.IGNORECASE)
_FROM_US = re.compile(
    r"^\s*(?:from|sender|reply-to|return-path)\s*:|contact|assistance", re.IGNORECASE
)


def report_of(parts: Sequence[MailPart]) -> str:
    """The text of the report, without the copy of the mail that is pasted below it."""
    return _halves(parts)[0]


def about(address: str, report: str) -> str:
    """The lines of the report from the address to the next one; "" where it does not stand."""
    words: list[str] = []
    for line in report.split("\n"):
        if address in line:
            words.append(line)
        elif words and address_in(line):
            break
        elif words:
            words.append(line)
    return "\n".join(words)


def rejected_with(report: str) -> str:
    """What the mailbox's own server said, by a form of Dovecot and Sieve; "" where it has none.

    Beside it stand status and words that an earlier server wrote by heart.
    """
    found = _REJECTED_WITH.search(report)
    return found[1].strip() if found else ""


def recipients(data: bytes, parts: Sequence[MailPart]) -> list[ReturnedRecipient]:
    """The addresses that failed, in the order of the report. [] where none can be made out.

    `data`: the mail as `mime.lines_of` gives it; `parts`: as `mime.split` does.
    """
    mail = parts[0]
    report, copy = _halves(parts)
    ours = {address.lower() for address in _ours(mail, parts, copy)}
    failed = mail.fields.get("x-failed-recipients", [])
    named = list(dict.fromkeys(a for value in failed for a in addresses_in(value)))
    strong, weak = _candidates(report, ours)
    named = named or strong or _known_forms(data, ours) or weak[:1] or _copied_to(parts, copy, ours)
    named = named[:RECIPIENTS]
    cause = _SAID_IN_SUBJECT.match(mail.first("subject"))
    words = _words_about(named, f"{cause[1]}\n{report}" if cause else report)
    return [_judged(address, words[address]) for address in named]


def _halves(parts: Sequence[MailPart]) -> tuple[str, dict[str, list[str]]]:
    """The text of the report, and the fields of the copy that is pasted below it."""
    text = "\n".join(part.text for part in parts if not part.copy)[:_READ_AT_MOST]
    begins = _COPY_BEGINS.search(text)
    if begins is None:
        return text, {}
    return text[: begins.start()], fields_of(text[begins.start() :])


def _ours(mail: MailPart, parts: Sequence[MailPart], copy: dict[str, list[str]]) -> Iterable[str]:
    """Addresses of the two who write to each other here: our own, and the server's."""
    for name in ("to", "from", "delivered-to", "return-path", "cc", "reply-to"):
        for value in mail.fields.get(name, ()):
            yield from addresses_in(value)
    for fields in (copy, *(part.fields for part in parts if part.copy)):
        for name in ("from", "return-path", "sender", "reply-to", "errors-to"):
            for value in fields.get(name, ()):
                yield from addresses_in(value)


def _candidates(report: str, ours: set[str]) -> tuple[list[str], list[str]]:
    """Addresses of the report: those whose place says that they failed, and the others."""
    strong: dict[str, None] = {}
    weak: dict[str, None] = {}
    quoted: dict[str, None] = {}
    last = ""
    for line in report.split("\n"):
        is_wrapped = _WRAPPED.search(last[-_WIDTH:]) is not None
        last = line
        for address in addresses_in(line[:_LINE]) if "@" in line else ():
            before = line[: line.find(address)]
            if address.lower() in ours or _NOBODY.match(address) or _AN_ID.search(before):
                continue
            if _STRONG.search(before) and not (is_wrapped and not before.strip()):
                strong[address] = None
            elif _TO.search(line):
                quoted[address] = None
            elif not _FROM_US.search(line):
                weak[address] = None
    weak |= quoted
    return list(strong), [one for one in weak if one not in strong]


def _known_forms(data: bytes, ours: set[str]) -> list[str]:
    # A tenth of a second and 3 MB, which only who reads such a report pays.
    from flufl.bounce import all_failures  # noqa: PLC0415

    try:
        temporary, permanent = all_failures(message_from_bytes(data[:_FORMS]))
    except Exception:  # noqa: BLE001 - a library on hostile input: what it cannot read, we read
        return []
    found = [one.decode("utf-8", "replace") for one in sorted({*temporary, *permanent})]
    return [one for one in found if one.lower() not in ours and address_in(one) == one]


def _copied_to(parts: Sequence[MailPart], copy: dict[str, list[str]], ours: set[str]) -> list[str]:
    for fields in (*(part.fields for part in parts if part.copy), copy):
        for value in fields.get("to", ()):
            address = address_in(value)
            if address and address.lower() not in ours:
                return [address]
    return []


def _words_about(named: Sequence[str], report: str) -> dict[str, str]:
    """Address -> what the report says about it: all of it where it is the only one."""
    if len(named) == 1:
        return {named[0]: report}
    words: dict[str, list[str]] = {address: [] for address in named}
    current: str | None = None
    for line in report.split("\n"):
        current = next((one for one in named if one in line), current)
        if current is not None:
            words[current].append(line)
    return {one: "\n".join(_answers(one, lines) or lines) for one, lines in words.items()}


def _answers(address: str, lines: Sequence[str]) -> list[str]:
    """The lines with a server's answer that name the address."""
    return [line for line in lines if address in line and _REPLY.search(line)]


def _judged(address: str, words: str) -> ReturnedRecipient:
    said = " ".join(words.split())
    status = causes.status_in(said)
    failed = not causes.is_only_late(said)
    hard = failed and causes.is_hard(status, said)
    about_us = failed and causes.is_about_us(status, said)
    return ReturnedRecipient(address, status, hard, failed, said[:300], about_us)
