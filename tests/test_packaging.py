"""What people install: the wheel, built from the sdist, in an environment without the checkout."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import resource
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
NEEDED = ("build", "hatchling", "pip")
BEGINNINGS = 5
"""By the processor's time a site could begin so often while the demo runs, at most: a second of it
is worth less where the machine does much else, for both alike."""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Path]:
    """The wheel and the sdist it was made from."""
    missing = [name for name in NEEDED if not _is_here(name)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: install the extra 'dev'")
    out = tmp_path_factory.mktemp("dist")
    builds = (sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check")
    _run(*builds, "--outdir", str(out), str(ROOT))
    (wheel,) = out.glob("*.whl")
    (sdist,) = out.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The bin folder of a new environment with the wheel in it.

    Its dependencies are those of this environment, by a .pth file, so that no index is asked; the
    .pth of our own editable install is not followed from there.
    """
    folder = tmp_path_factory.mktemp("place") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    bin_ = folder / "bin"
    pip = (str(bin_ / "python"), str(Path(sysconfig.get_path("purelib")) / "pip"))
    _run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(built[0]))
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return bin_


@pytest.fixture(scope="module")
def began(installed, tmp_path_factory) -> tuple[list[str], float]:
    """A site in an empty folder: what three commands said, and the processor's time they took."""
    bantin, here = str(installed / "bantin"), tmp_path_factory.mktemp("begun")
    start = _processor_s()
    said = [
        _run(bantin, "--version", cwd=here),
        _run(bantin, "init", "tin", "--title", "Tin", "--language", "vi", "--url",
             "https://tin.example.vn", cwd=here),
        _run(bantin, "migrate", cwd=here / "tin"),
    ]  # fmt: skip
    return said, _processor_s() - start


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _is_here(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _run(*command: str, cwd: Path | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _files(folder: str) -> set[str]:
    return {
        str(path.relative_to(ROOT / folder))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_program_and_all_that_an_admin_may_restyle(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    for folder, inside in (("templates", "service/_templates"), ("feeds", "service/_feeds")):
        assert {f"{inside}/{name}" for name in _files(folder)} <= names
    assert {f"service/{name}" for name in _files("service") if name.endswith(".py")} <= names
    assert {"service/_templates/words/vi.toml", "service/_templates/words/en.toml"} <= names
    migrations = "service/store/migrations"
    assert {f"{migrations}/env.py", f"{migrations}/versions/0001_tables.py"} <= names
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"service"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_sdist_holds_what_a_builder_needs(built):
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile"} <= names
    assert {f"templates/{name}" for name in _files("templates")} <= names
    assert {"tests/conftest.py", ".ci/run"} <= names
    assert not [name for name in names if name.startswith((".git/", ".venv/", "var/"))]


def test_only_the_wheel_is_imported_there(installed, tmp_path):
    script = """
import json, service
from importlib import metadata
from service.demo.folder import shipped_feeds
from service.render.engine import shipped_templates
print(json.dumps({
    "service": service.__file__,
    "feeds": str(shipped_feeds()),
    "templates": str(shipped_templates()),
    "owners": sorted(set(metadata.packages_distributions()["service"])),
}))
"""
    said: dict[str, Any] = json.loads(_run(str(installed / "python"), "-c", script, cwd=tmp_path))
    here = str(installed.parent)
    assert all(said[name].startswith(here) for name in ("service", "feeds", "templates")), said
    assert said["owners"] == ["bantin"]


def test_a_site_begins_there_in_an_empty_folder(began):
    version, _, migrated = began[0]
    assert version == f"bantin, version {VERSION}\n"
    assert migrated == "the tables are those of this version\n"


def test_the_same_tree_gives_the_same_bytes(built, tmp_path):
    """The wheel that was made from the sdist, and one from the tree, at another time."""
    hatchling = (sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path))
    _run(*hatchling, "-t", "sdist", "-t", "wheel", cwd=ROOT)
    for first in built:
        assert (tmp_path / first.name).read_bytes() == first.read_bytes(), first.name


def test_the_changelog_has_the_version_and_the_day_it_was_made():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(VERSION)} - 20\d\d-\d\d-\d\d", headings[1])


def test_the_demo_runs_from_there_and_is_quick(installed, began, tmp_path):
    start = _processor_s()
    said = json.loads(_run(str(installed / "bantin"), "demo", "--once", "--json", cwd=tmp_path))
    assert _processor_s() - start < BEGINNINGS * began[1]
    assert (said["sources"], said["failed"]) == (7, 1)
    assert said["entries"] > said["articles"] > 20
    assert said["deliveries"] == {"accepted": 3}
    assert len(list((tmp_path / "bantin-demo" / "var" / "outbox" / "new").iterdir())) == 3
    assert all(Path(path).is_file() for path in said["feeds"])
