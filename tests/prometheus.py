"""A real Prometheus on loopback, which scrapes often and has rules."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import PATIENCE_S, unused_port

PROMETHEUS = shutil.which("prometheus")
HOW_TO_GET = "needs Prometheus: apt-get install prometheus"

CONFIG = """\
global: {{ scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms }}
rule_files: ["rules.yaml"]
scrape_configs:
  - job_name: bantin
    authorization: {{ credentials: "{key}" }}
    static_configs: [{{ targets: ["{target}"] }}]
"""


class Asked:
    """Its HTTP interface."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now. Raises HTTPError where it is none."""
        told = urllib.parse.urlencode({"query": expression})
        found: list[dict[str, Any]] = self._get(f"query?{told}")["result"]
        return found

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Those that have gone off, by name."""
        firing = [one for one in self._get("alerts")["alerts"] if one["state"] == "firing"]
        return {one["labels"]["alertname"]: one for one in firing}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._base}/{path}", timeout=60) as answer:
            return json.load(answer)["data"]


@contextlib.contextmanager
def prometheus(folder: Path, target: str, rules: Path, key: str = "") -> Iterator[Asked]:
    """It scrapes `target` with this key. Its rules do not wait: each `for` is taken as nothing.

    Skips the test where there is none.
    """
    if PROMETHEUS is None:
        pytest.skip(HOW_TO_GET)
    folder.mkdir()
    hasty = re.sub(
        r"^( +for:) .*$", r"\1 0s", rules.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    (folder / "rules.yaml").write_text(hasty, encoding="utf-8")
    (folder / "prometheus.yml").write_text(CONFIG.format(target=target, key=key))
    port = unused_port()
    command = [
        PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process,
    ):
        asked = Asked(port)
        try:
            _wait_for(process, asked, folder / "log")
            yield asked
        finally:
            process.terminate()


def _wait_for(process: subprocess.Popen[bytes], asked: Asked, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(OSError):
            if asked.query('up{job="bantin"} == 1'):
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
