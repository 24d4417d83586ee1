"""What a relay's answer means. Pure: where in the dialogue, the code, the words -> a verdict.

A 4xx waits; a 5xx with 5.7.x, 530 or 535 is about *us*; at RCPT otherwise about the address; after
the body otherwise about the content (docs/decisions/001, 047). Refusing the sender, the greeting or
the protocol (500-504, 5.5.x) is about us as well: the next message would fare no better.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from service.store.mailing.relays.sender_refusals import DETAILS

_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
CLOSING = 421
"""The server says that it closes the connection (RFC 5321 3.8)."""

_OURS = frozenset({500, 501, 502, 503, 504, 521, 523, 530, 534, 535, 538})
_RELAYING = re.compile(
    r"relay(ing)? (access )?(is )?(denied|prohibited|not (permitted|allowed))"
    r"|(not (permitted|allowed)|unable|unauthori[sz]ed) to relay"
    r"|authentication (is )?required",
    re.IGNORECASE,
)
"""Relays without enhanced codes say only in words that they do not know us."""

_MISREAD = frozenset({500, 501, 502, 503})
_OUT_OF_STEP = re.compile(r"synchroni[sz]ation|pipelin", re.IGNORECASE)


class SmtpStage(StrEnum):
    """How far a message had come when the answer was given."""

    CONNECT = "connect"  # connection, greeting, TLS, AUTH
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # the answer to the final dot


class Verdict(StrEnum):
    """What to do about it."""

    ACCEPTED = "accepted"
    WAIT = "wait"  # try again later
    ADDRESS = "address"  # this address cannot be mailed
    CONTENT = "content"  # this message cannot be mailed
    OURS = "ours"  # nothing can be mailed until somebody has fixed it


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """A relay's answer: its code, its text (lines joined by newlines), and to what it answered."""

    stage: SmtpStage
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.stage}: {self.code} {' '.join(self.text.split())}"[:500]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict; `dead` says that the address does not exist, so it must not be tried again.

    `sender`: it is about the sender, whom this destination wants proven (SPF, DKIM, DMARC, PTR).
    `policy`: a rule of whoever answers (X.7.x, 421); behind the recipient's address that is the
    destination as often as the relay.
    """

    verdict: Verdict
    dead: bool = False
    sender: bool = False
    policy: bool = False


_BY_STAGE = {
    SmtpStage.CONNECT: Verdict.OURS,
    SmtpStage.MAIL: Verdict.OURS,
    SmtpStage.RCPT: Verdict.ADDRESS,
    SmtpStage.DATA: Verdict.CONTENT,
    SmtpStage.BODY: Verdict.CONTENT,
}
"""Whom a refusal without more to go by is about."""


def judge(reply: SmtpReply) -> Judgement:
    """The verdict on an answer. An answer of a kind that does not belong there waits."""
    family = reply.code // 100
    if family == 2 and reply.stage is SmtpStage.BODY:  # noqa: PLR2004 - the family of success
        return Judgement(Verdict.ACCEPTED)
    enhanced = _enhanced(reply.text)
    subject, detail = enhanced or (0, 0)
    sender = family in {4, 5} and subject == 7 and detail in DETAILS  # noqa: PLR2004 - RFC 3463
    policy = _is_policy(reply, subject)
    if family != 5:  # noqa: PLR2004 - the family of refusals
        return Judgement(Verdict.WAIT, sender=sender, policy=policy)
    return replace(_judge_refusal(reply, enhanced), sender=sender, policy=policy)


def is_misread(reply: SmtpReply) -> bool:
    """Whether it says that a command was not understood, or that it came at the wrong time."""
    enhanced = _enhanced(reply.text)
    if reply.code // 100 == 5 and (reply.code in _MISREAD or (enhanced or (0, 0))[0] == 5):  # noqa: PLR2004 - RFC 3463
        return True
    return bool(_OUT_OF_STEP.search(reply.text))


def _is_policy(reply: SmtpReply, subject: int) -> bool:
    if reply.code in _OURS or _RELAYING.search(reply.text):
        return False  # the relay alone says so
    return reply.code == CLOSING or subject == 7  # noqa: PLR2004 - RFC 3463


def _judge_refusal(reply: SmtpReply, enhanced: tuple[int, int] | None) -> Judgement:
    subject, detail = enhanced or (0, 0)
    dead = False
    if _about_us(reply, subject, detail):
        verdict = Verdict.OURS
    elif (subject, detail) == (2, 2):  # a full mailbox is emptied again
        verdict = Verdict.WAIT
    elif subject == 1:
        verdict, dead = Verdict.ADDRESS, True
    elif _too_big(reply.code, subject, detail):
        verdict = Verdict.CONTENT
    else:
        verdict = _BY_STAGE[reply.stage]
    return Judgement(verdict, dead)


def _too_big(code: int, subject: int, detail: int) -> bool:
    return code == 552 or (subject, detail) in {(3, 4), (2, 3)}  # noqa: PLR2004 - a reply code


def _about_us(reply: SmtpReply, subject: int, detail: int) -> bool:
    if subject in {5, 7} or (subject, detail) in {(1, 7), (1, 8)}:  # 5.1.7, 5.1.8: our sender
        return True
    if reply.code in _OURS and subject == 0:
        return True
    return bool(_RELAYING.search(reply.text))


def _enhanced(text: str) -> tuple[int, int] | None:
    """Subject and detail of an RFC 3463 status, None where the answer carries none."""
    found = _ENHANCED.match(text)
    return None if found is None else (int(found[2]), int(found[3]))
