"""Reads Amazon SES notifications that SNS delivers by mail: JSON within JSON, as plain text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from service.mail.returned import causes, complaints
from service.mail.returned.addresses import address_in
from service.mail.returned.mime import MailPart
from service.mail.returned.model import ReturnedKind, ReturnedMail, ReturnedRecipient


def read(parts: Sequence[MailPart]) -> ReturnedMail | None:
    """The bounce or complaint in a notification; None where there is none."""
    for part in parts:
        if part.copy or "notificationType" not in part.text:
            continue
        said = _message(part.text)
        bounce, complaint = said.get("bounce"), said.get("complaint")
        if isinstance(bounce, dict):
            found = [_bounced(one) for one in _dicts(bounce.get("bouncedRecipients"))]
            return ReturnedMail(ReturnedKind.BOUNCE, tuple(one for one in found if one))
        if isinstance(complaint, dict):
            named = _dicts(complaint.get("complainedRecipients"))
            feedback = str(complaint.get("complaintFeedbackType") or "abuse")
            return complaints.complaint(
                (str(one.get("emailAddress", "")) for one in named), feedback
            )
    return None


def _message(text: str) -> dict[str, Any]:
    """The notification itself, whether or not it is wrapped as the `Message` of another one."""
    try:
        whole = text.replace("!\n ", "")  # how mail servers break lines that are too long
        said, _ = json.JSONDecoder(strict=False).raw_decode(whole, whole.index("{"))
        inner = said.get("Message") if isinstance(said, dict) else None
        if isinstance(inner, str):
            said = json.loads(inner, strict=False)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _bounced(said: dict[str, Any]) -> ReturnedRecipient | None:
    address = address_in(str(said.get("emailAddress", "")))
    if address is None:
        return None
    words = str(said.get("diagnosticCode", ""))
    status = causes.status_in(str(said.get("status", ""))) or causes.status_in(words)
    failed = str(said.get("action", "failed")).lower() == "failed"
    hard = failed and causes.is_hard(status, words)
    about_us = failed and causes.is_about_us(status, words)
    reason = " ".join(words.split())[:300]
    return ReturnedRecipient(address, status, hard, failed, reason, about_us)
