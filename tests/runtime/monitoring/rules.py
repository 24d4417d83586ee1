"""What would set each alert off, for `promtool test rules`: the rules' own times, simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HERE = {"job": "bantin", "instance": "a:9464"}


@dataclass(frozen=True)
class Case:
    """An alert with series that set it off, minute by minute, and such that must not.

    `labels` of the alert beside its severity; `after`: minutes until it must be there, and not
    `early`: minutes at which it must not be yet.
    """

    alert: str
    severity: str
    fires: dict[str, str]
    quiet: dict[str, str]
    after: int
    early: int
    labels: dict[str, str]


def s(metric: str, /, **labels: str) -> str:
    """A series of one process."""
    inside = ",".join(f'{key}="{value}"' for key, value in {**HERE, **labels}.items())
    return f"{metric}{{{inside}}}"


def buckets(name: str, low: str, high: str) -> tuple[dict[str, str], dict[str, str]]:
    """A histogram all of whose values are above `low`, and one whose values are not."""
    none, above, whole = (s(f"{name}_bucket", le=bound) for bound in (low, high, "+Inf"))
    slow = {none: "0x200", above: "0+5x200", whole: "0+5x200"}
    return slow, dict.fromkeys(slow, "0+5x200")


COLLECTED, MAILED = (
    buckets("bantin_news_collected_seconds", "7200.0", "14400.0"),
    buckets("bantin_mail_accepted_seconds", "3600.0", "14400.0"),
)
RELAY, FINE = s("bantin_relay_failing", relay="chinh"), s("bantin_sources", state="ok")
BROKEN = s("bantin_sources", state="failing")
IN_USE = s("bantin_database_connections", pool="all", state="in_use")
MOST = s("bantin_database_connections_max", pool="all")
ENDED = s("bantin_job_last_end_timestamp_seconds", name="collect")
POLLS = s("bantin_polls_total", outcome="ok")

CASES = [
    Case("BantinScrapeGone", "page", {s("up"): "0x200"}, {s("up"): "1x200"}, 3, 1, HERE),
    Case("BantinProcessGone", "ticket", {s("bantin_processes", role="mail", state="gone"): "1x200"},
         {s("bantin_processes", role="mail", state="seen"): "1x200"}, 3, 1, {"role": "mail"}),
    Case("BantinSendingPaused", "page", {RELAY: "1x200"}, {RELAY: "0x200"}, 6, 4,
         {"relay": "chinh"}),
    Case("BantinMailLate", "page", {s("bantin_mail_oldest_due_seconds"): "901x200"},
         {s("bantin_mail_oldest_due_seconds"): "800x200"}, 6, 4, {}),
    Case("BantinMailUncertain", "ticket", {s("bantin_mail_uncertain"): "2x200"},
         {s("bantin_mail_uncertain"): "0x200"}, 2, 0, {}),
    Case(
        "BantinMailHeld", "ticket", {s("bantin_mail_held"): "1x200"},
        {s("bantin_mail_held"): "0x200"}, 16, 14, {},
    ),
    Case("BantinReviewOverdue", "ticket", {s("bantin_editions_review_overdue"): "1x200"},
         {s("bantin_editions_review_overdue"): "0x200"}, 16, 14, {}),
    Case("BantinNewsCollectedLate", "ticket", *COLLECTED, 95, 20, {}),
    Case("BantinMailAcceptedLate", "ticket", *MAILED, 80, 10, {}),
    Case("BantinPollsLate", "page", {s("bantin_sources_oldest_due_seconds"): "1801x200"},
         {s("bantin_sources_oldest_due_seconds"): "60x200"}, 11, 9, {}),
    Case("BantinNothingCollected", "page", {POLLS: "7x200", FINE: "5x200"},
         {POLLS: "0+3x200", FINE: "5x200"}, 62, 20, {}),
    Case("BantinSourcesFailing", "ticket", {BROKEN: "3x200", FINE: "7x200"},
         {BROKEN: "1x200", FINE: "9x200"}, 31, 29, {}),
    Case("BantinStoreUnwritable", "page", {s("bantin_store_writable"): "0x200"},
         {s("bantin_store_writable"): "1x200"}, 2, 0, HERE),
    Case("BantinStoreUnreadable", "page", {s("bantin_store_readable"): "0x200"},
         {s("bantin_store_readable"): "1x200"}, 2, 0, HERE),
    Case("BantinDiskLow", "page", {s("bantin_disk_free_bytes", folder="var"): "900000000x200"},
         {s("bantin_disk_free_bytes", folder="var"): "9000000000x200"}, 6, 4,
         {**HERE, "folder": "var"}),
    Case("BantinJobFails", "page", {s("bantin_job_failing_runs", name="mail"): "3x200"},
         {s("bantin_job_failing_runs", name="mail"): "2x200"}, 2, 0, {**HERE, "name": "mail"}),
    Case("BantinJobStuck", "page", {ENDED: "0x200"}, {ENDED: "0+60x200"}, 36, 30,
         {"name": "collect"}),
    Case("BantinEventLoopLate", "ticket", {s("bantin_event_loop_lag_seconds"): "3x200"},
         {s("bantin_event_loop_lag_seconds"): "0.1x200"}, 6, 4, HERE),
    Case("BantinClockWrong", "ticket", {s("bantin_clock_ahead_seconds"): "-31x200"},
         {s("bantin_clock_ahead_seconds"): "-4x200"}, 6, 4, HERE),
    Case("BantinConnectionsUsedUp", "ticket", {IN_USE: "20x200", MOST: "20x200"},
         {IN_USE: "19x200", MOST: "20x200"}, 6, 4, {**HERE, "pool": "all"}),
    Case("BantinStoriesWait", "ticket", {s("bantin_articles_unjudged"): "501x200"},
         {s("bantin_articles_unjudged"): "10x200"}, 31, 29, {}),
]  # fmt: skip


def tests() -> list[dict[str, Any]]:
    """The cases as promtool has them: set off, not before its time, and not where all is well."""
    return [one for case in CASES for one in (_fires(case), _is_quiet(case))]


def _fires(case: Case) -> dict[str, Any]:
    fired = {"exp_labels": {"severity": case.severity, **case.labels}}
    return _test(case.fires, [
        {"eval_time": f"{case.early}m", "alertname": case.alert, "exp_alerts": []},
        {"eval_time": f"{case.after}m", "alertname": case.alert, "exp_alerts": [fired]},
    ])  # fmt: skip


def _is_quiet(case: Case) -> dict[str, Any]:
    at = f"{case.after}m"
    return _test(case.quiet, [{"eval_time": at, "alertname": case.alert, "exp_alerts": []}])


def _test(series: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, Any]:
    given = [{"series": name, "values": values} for name, values in series.items()]
    return {"interval": "1m", "input_series": given, "alert_rule_test": rules}
