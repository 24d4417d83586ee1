"""The dashboard and the alerts ask for what a scrape has; each alert goes off when it should."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.runtime.monitoring import deployed, rules
from tests.runtime.monitoring.test_scrape import scrape, service, work

__all__ = ["service"]  # the fixture
PROMTOOL = shutil.which("promtool")


@pytest.fixture
def known(service):
    """Every metric of a scrape -> its labels, with those that Prometheus adds."""
    work(service, 3)
    service.counted.mail("chinh", "accepted", "edition", service.clock() - service.clock())
    with service.counted.running("collect", lambda: 0.0, service.clock):
        pass
    _, found = scrape(service)
    labels = {
        name: {key for one in samples for key, _ in one} | deployed.TARGET
        for name, samples in found.items()
    }
    missing = {
        "bantin_mail_uncertain_since_timestamp_seconds"
    }  # of what no scrape has at all times
    return {**labels, "up": deployed.TARGET, **dict.fromkeys(missing, deployed.TARGET)}


def test_the_dashboard_asks_for_what_a_scrape_has(known):
    asked = list(deployed.expressions())
    assert len(asked) > 40
    wrong = {expr: found for _, expr in asked if (found := deployed.unknown(expr, known))}
    assert wrong == {}
    text = " ".join(expr for _, expr in asked)
    ours = {name for name in known if name.startswith("bantin_")}
    shown = {name for name in ours if name.removesuffix("_sum").removesuffix("_count") in text}
    assert {name for name in ours - shown if not name.endswith("_created")} == set(), (
        "no panel shows it"
    )


def test_what_is_not_there_is_found(known):
    assert deployed.unknown('sum by (source) (rate(bantin_poll_total{x="1"}[5m]))', known) == [
        "bantin_poll_total",
        "by (source)",
    ]
    assert deployed.unknown('bantin_sources{source="a"}', known) == ["bantin_sources{source}"]


def test_each_alert_asks_for_what_a_scrape_has_and_says_why_and_what_to_do(known):
    found = deployed.alerts(deployed.ALERTS.read_text(encoding="utf-8"))
    assert [case.alert for case in rules.CASES] == list(found)
    for name, keys in found.items():
        assert deployed.unknown(keys["expr"], known) == [], name
        for key in ("summary", "reason", "action"):
            assert len(keys[key]) > 30, (name, key)
        assert keys["summary"].strip("'")[-1] == ".", name


@pytest.mark.processes
def test_each_alert_goes_off_in_its_time_and_not_where_all_is_well(tmp_path):
    if PROMTOOL is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    bare = deployed.without_annotations(deployed.ALERTS.read_text(encoding="utf-8"))
    (tmp_path / "alerts.yaml").write_text(bare, encoding="utf-8")
    # YAML is a superset of JSON.
    told = {"rule_files": ["alerts.yaml"], "tests": rules.tests()}
    (tmp_path / "tests.yaml").write_text(json.dumps(told), encoding="utf-8")
    for arguments in (["check", "rules", str(deployed.ALERTS)], ["test", "rules", "tests.yaml"]):
        done = subprocess.run(
            [PROMTOOL, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False,
            timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
