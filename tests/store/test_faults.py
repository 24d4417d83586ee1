"""A database whose driver is not installed is a fault of the configuration."""

from __future__ import annotations

import subprocess
import sys

import pytest

from service.config.schema import Settings
from service.store.faults import faults

URL = "postgresql://bantin@localhost/bantin"

WITHOUT_THE_DRIVER = """
import sys
sys.modules["psycopg"] = None  # what Python itself does for a module that must not be imported
from service.cli.app import cli
cli(["check"])
"""


@pytest.mark.processes
def test_postgresql_without_its_driver_is_named_with_the_line(tmp_path):
    (tmp_path / "bantin.toml").write_text(f'[store]\nurl = "{URL}"\n')
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_DRIVER], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[0] == (
        "bantin.toml:2: store.url: PostgreSQL needs its driver, which is not installed; "
        "install the extra: pip install 'bantin[postgres]'"
    )


def test_with_the_driver_or_without_need_of_it_nothing_is_wrong():
    assert faults(Settings()) == []
    assert faults(Settings.model_validate({"store": {"url": URL}})) == []
