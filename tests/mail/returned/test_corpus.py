"""How many real returned mails are read right, by what two libraries expect of them."""

from __future__ import annotations

import json
from collections import Counter

from service.mail.returned.model import ReturnedKind
from service.mail.returned.read import read

KINDS = {"feedback": ReturnedKind.COMPLAINT, "vacation": ReturnedKind.AUTOREPLY}
"""Reason of the first library -> kind. "delivered" is a report that asks for nothing."""


def is_right(found, wanted):
    reasons = {one["reason"] for one in wanted}
    if len(reasons) == 1 and (reason := reasons.pop()) in KINDS:
        return found.kind is KINDS[reason]
    if all(one["reason"] == "delivered" for one in wanted):
        return not any(one.failed for one in found.recipients)
    hard = Counter(one["hardbounce"] for one in wanted)
    return (
        found.kind is ReturnedKind.BOUNCE
        and len(found.recipients) == len(wanted)
        and Counter(one.hard for one in found.recipients) == hard
    )


def test_of_the_first_collection_95_percent_are_right_and_no_autoreply_is_a_bounce(corpus):
    place = corpus / "bounces" / "sisimai"
    expected = json.loads((place / "expected.json").read_text())
    wrong, plainly = [], []
    for name, wanted in expected.items():
        data = (place / "lf" / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")
        found = read(data)
        if not is_right(found, wanted):
            wrong.append(name)
            if not any(one["reason"] == "filtered" for one in wanted):
                plainly.append(name)
        for ending in (b"\r\n", b"\r"):
            assert read(data.replace(b"\n", ending)) == found, name
        if {one["reason"] for one in wanted} == {"vacation"}:
            assert found.kind is ReturnedKind.AUTOREPLY, name
    assert len(wrong) <= 0.045 * len(expected), wrong
    assert len(plainly) <= 0.01 * len(expected), plainly


def test_of_the_second_collection_recipients_are_found_and_what_is_temporary_is_soft(corpus):
    place = corpus / "bounces" / "flufl"
    expected = json.loads((place / "expected.json").read_text())
    missed = []
    for name, wanted in expected.items():
        found = read((place / name).read_bytes())
        addresses = {one.address.lower() for one in found.recipients}
        failed = {address.lower() for one in wanted for address in one["addresses"]}
        temporary = any(one["temporary"] for one in wanted)
        if not failed <= addresses or (temporary and any(one.hard for one in found.recipients)):
            missed.append(name)
    assert not missed
