"""full_text without its extra: told before anything is collected."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ABSENT = ("trafilatura", "lxml_html_clean")

SCRIPT = """
from service.collect.faults import faults
from service.config.schema import Settings, Source
told = {"a": Source(url="https://a.vn/", full_text=True), "b": Source(url="https://b.vn/")}
for path, wrong, right in faults(Settings(source=told)):
    print(".".join(path), wrong, right, sep="; ")
"""


def test_without_the_extra_it_is_a_fault_that_says_how_to_get_it(tmp_path):
    found = importlib.util.find_spec("pydantic")
    assert found is not None
    assert found.origin is not None
    for one in Path(found.origin).parents[1].iterdir():
        if not one.name.startswith(ABSENT) and one.suffix != ".pth":
            (tmp_path / one.name).symlink_to(one)
    paths = f"import sys; sys.path += [{str(ROOT)!r}, {str(tmp_path)!r}]"
    command = [sys.executable, "-I", "-S", "-c", f"{paths}\n{SCRIPT}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == (
        "source.a.full_text; needs trafilatura, which is not installed; "
        "install the extra: pip install 'bantin[fulltext]'; or take full_text out\n"
    )
