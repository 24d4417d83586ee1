"""How the processes of a service of many look on a terminal: who does what, who was seen when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from service.cli.output import number, table
from service.report.sentence import english_span
from service.report.status import Status, is_gone, is_older
from service.runtime.machine_clock import WRONG_S
from service.store.core.processes import ServiceProcess

_DOING = {
    "collect": "collects",
    "delivered": "reads what hubs brought",
    "websub": "asks hubs",
    "seek": "searches sites of dead sources",
    "publish": "publishes",
    "digests": "plans editions",
    "mail": "sends",
    "search": "indexes",
    "references": "reads references",
    "house": "matches again, keeps house",
    "clock": "repairs timestamps",
}
"""What a job does, in the words of who watches it."""

MOMENT = timedelta(seconds=1)
"""A job that ran for less when it was last seen only looked for work: that is not told."""


def tell_processes(found: Status) -> None:
    """A table of those that are known; nothing where one process does all."""
    if not found.processes:
        return
    newest = max(found.processes, key=lambda one: one.started_at).version
    rows = [
        (
            f"{one.machine}/{one.name} {one.pid}",
            one.role,
            english_span(_seconds(one.started_at, found.now)),
            f"{english_span(_seconds(one.seen_at, found.now))} ago",
            "; ".join(_said(one, found, newest)),
        )
        for one in found.processes
    ]
    table("Processes", ("process", "role", "up for", "seen", "what it does"), rows)


def _said(one: ServiceProcess, found: Status, newest: str) -> list[str]:
    held = _held(found.in_hand.get(one.id, {}))
    if is_gone(one, found.now):
        return [f"gone; leases not yet expired: {held}" if held else "gone"]
    doing = [
        f"{_DOING.get(job, job)} for {english_span(_seconds(since, one.seen_at))}"
        for job, since in sorted(one.doing.items(), key=lambda each: each[1])
        if one.seen_at - since >= MOMENT
    ]
    said = [*doing, f"holds {held}"] if held else doing or ["waits"]
    clock = one.clock_ahead_s or 0
    if abs(clock) >= WRONG_S:
        said.append(f"its clock is {abs(clock)} s {'ahead' if clock > 0 else 'behind'}")
    if is_older(one, found):
        said.append("older configuration")
    if one.version != newest:
        said.append(f"version {one.version}")
    return said


def _held(rows: Mapping[str, int]) -> str:
    """What is worked on. Sites that it keeps to itself for a gap are left to `--json`."""
    told = (number(many, kind.removesuffix("s")) for kind, many in rows.items() if kind != "sites")
    return ", ".join(told)


def _seconds(at: datetime, now: datetime) -> int:
    return max(0, int((now - at).total_seconds()))
