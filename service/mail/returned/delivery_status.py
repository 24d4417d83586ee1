"""Reads the fields of a delivery report (RFC 3464; RFC 6533 for addresses that are not ASCII).

They are looked for as fields, not by the parts' media types: reports are cut, quoted, and sent
as plain text by servers that do not know how to nest parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from service.mail.returned import causes, prose
from service.mail.returned.addresses import address_in
from service.mail.returned.mime import MailPart, fields_of
from service.mail.returned.model import ReturnedRecipient

_FAILED = frozenset({"failed", "failure", "error", "expired", "fail", ""})
_ARRIVED = frozenset({"delivered", "relayed", "expanded"})
_GROUPS = 1000
_FINAL = re.compile(r"(?im)^(?=final-recipient[ \t]*:)")
_GROUP_END = re.compile(r"\n[ \t]*\n")


def recipients(parts: Sequence[MailPart]) -> list[ReturnedRecipient]:
    """The recipients of all reports among the parts, each once, in order. [] where there is none.

    The words that judge one are its Diagnostic-Code, and what the Status says beside its number;
    where there are none, those of the text before the report.
    """
    found: dict[str, ReturnedRecipient] = {}
    report = prose.report_of(parts)
    for group in islice(_all_groups(parts), _GROUPS):
        fields = fields_of(group.strip("\n"))
        address = _address(fields)
        if address is not None and address.lower() not in found and len(found) < prose.RECIPIENTS:
            found[address.lower()] = _recipient(address, fields, report)
    return list(found.values())


def _all_groups(parts: Sequence[MailPart]) -> Iterator[str]:
    for part in parts:
        if not part.copy and "recipient" in part.text.lower():
            yield from _groups(part.text)


def _groups(text: str) -> Iterator[str]:
    """The groups of fields, one a recipient, also where the empty line between them is missing."""
    for group in _GROUP_END.split(text):
        if len(_FINAL.findall(group)) > 1:
            yield from _FINAL.split(group)
        else:
            yield group


def _address(fields: dict[str, list[str]]) -> str | None:
    """Whom the group is about: as we wrote it, else as the last server did."""
    for name in ("original-recipient", "final-recipient"):
        for value in fields.get(name, ()):
            address = address_in(value.rpartition(";")[2])
            if address is not None:
                return address
    return None


def _recipient(address: str, fields: dict[str, list[str]], report: str) -> ReturnedRecipient:
    action = _first(fields, "action").partition(" ")[0].strip().lower()
    written = _first(fields, "status")
    words = " ".join([*fields.get("diagnostic-code", ()), written.partition("(")[2]]).strip()
    status = causes.status_in(written)
    inner = causes.status_in(words)
    if inner and (not status or status.endswith(".0.0")):
        status = inner
    failed = action in _FAILED and not status.startswith("2")
    late = action == "delayed" or action in _ARRIVED
    told = prose.about(address, report)
    words = prose.rejected_with(report) or words or told
    of_content = causes.is_after_data(told)
    hard = failed and not late and causes.is_hard(status, words, after_data=of_content)
    return ReturnedRecipient(
        address=address,
        status=status,
        hard=hard and not _is_of_another(address, fields),
        failed=failed,
        reason=" ".join(words.split())[:300],
        about_us=failed and causes.is_about_us(status, words, after_data=of_content),
    )


def _is_of_another(address: str, fields: dict[str, list[str]]) -> bool:
    """Whether it failed at an address that ours leads to, perhaps beside others."""
    last = address_in(_first(fields, "final-recipient").rpartition(";")[2])
    return last is not None and _plain(last) != _plain(address)


def _plain(address: str) -> str:
    """As most servers compare them: in lower case, a local part without its quotes."""
    return address.lower().replace('"', "")


def _first(fields: dict[str, list[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")
