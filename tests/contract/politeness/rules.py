"""All rules, in the order of the report: each module adds its own to the one list."""

from __future__ import annotations

from tests.contract.politeness import (
    judging,
    rules_moves,
    rules_pace,
    rules_refusals,
    rules_requests,
)

MODULES = (rules_requests, rules_pace, rules_refusals, rules_moves)
RULES = sorted(
    judging.RULES, key=lambda one: [m.__name__ for m in MODULES].index(one[1].__module__)
)
