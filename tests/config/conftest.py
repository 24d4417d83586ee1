from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from service.config.loading import Examined, Loaded, examine, load

MINIMAL = """
[site]
title = "Tin Khoa giáo"
language = "vi"
[source.vnexpress]
url = "https://vnexpress.net/rss/giao-duc.rss"
[topic.giao-duc]
title = "Giáo dục"
any = ["giáo dục", "học sinh", "tuyển sinh"]
[digest.tuan]
cadence = "weekly"
"""


class Folder:
    """A folder with a configuration in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main = path / "bantin.toml"

    def write(self, text: str, name: str = "bantin.toml") -> Path:
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return target

    def load(self, **environ: str) -> Loaded:
        return load(self.main, environ)

    def examine(self, **environ: str) -> Examined:
        return examine(self.main, environ)

    def faults(self, **environ: str) -> list[str]:
        """Each fault without the folder: "bantin.toml:3: site.titel: unknown key …"."""
        prefix = f"{self.path}/"
        return [str(fault).replace(prefix, "") for fault in self.examine(**environ).faults]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def wrong(folder: Folder) -> Callable[..., list[str]]:
    """The faults of one file, as `check` prints them."""

    def check(text: str, **environ: str) -> list[str]:
        folder.write(text)
        return folder.faults(**environ)

    return check
