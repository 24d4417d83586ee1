"""What stands in deploy/ for Prometheus and Grafana, and which metrics and labels it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARD = DEPLOY / "grafana" / "bantin.json"

TARGET = {"job", "instance"}
"""Labels that Prometheus puts to what it scrapes."""

_SELECTOR = re.compile(r"(\b(?:bantin|process|python)_\w+|\bup\b)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')
_GROUPED = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")


def alerts(text: str) -> dict[str, dict[str, str]]:
    """Alert -> its keys, "expr", "summary", "reason" and "action" among them, in one line each."""
    found: dict[str, dict[str, str]] = {}
    for block in re.split(r"^ *- alert: ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        keys = re.split(r"^ +(\w+): ", rest.replace("annotations:\n", ""), flags=re.MULTILINE)
        values = (" ".join(one.removeprefix(">-").split()) for one in keys[2::2])
        found[name] = dict(zip(keys[1::2], values, strict=True))
    return found


def without_annotations(text: str) -> str:
    """The same rules bare: promtool compares annotations whole, which are words for people."""
    return re.sub(r"^ {8}annotations:\n(?:(?: {10}.*)?\n)*", "\n", text, flags=re.MULTILINE)


def expressions() -> Iterator[tuple[str, str]]:
    """(panel, expression) of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def unknown(expression: str, known: dict[str, set[str]]) -> list[str]:
    """What an expression names that no scrape has: metrics, and labels of these.

    `known`: metric -> its labels.
    """
    wrong = []
    labels: set[str] = set()
    for name, inside in _SELECTOR.findall(expression):
        if name not in known:
            wrong.append(name)
            continue
        labels |= known[name]
        wrong += [f"{name}{{{one}}}" for one in _MATCHER.findall(inside) if one not in known[name]]
    for group in _GROUPED.findall(expression):
        wrong += [f"by ({one})" for one in re.findall(r"\w+", group) if one not in labels]
    return wrong
