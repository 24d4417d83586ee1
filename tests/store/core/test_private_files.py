"""Nobody else reads the database, its log, or what lies under var/, whatever the umask is."""

from __future__ import annotations

import os
import stat

import pytest
from sqlalchemy import text

from service.mail.outbox import Outbox
from service.runtime import pidfile
from service.store.core import private_files
from service.store.core.database import Store
from service.web.admin import admin_key

KEY = "a" * 32


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder):
    """Path -> mode, of the folder and all in it."""
    paths = [folder, *folder.rglob("*")]
    return {
        str(path.relative_to(folder.parent)): stat.S_IMODE(path.lstat().st_mode) for path in paths
    }


def are_private(folder):
    found = modes(folder)
    wrong = {
        name: oct(mode)
        for name, mode in found.items()
        if mode != (0o700 if (folder.parent / name).is_dir() else 0o600)
    }
    return wrong == {} or wrong


def test_what_is_made_is_private(tmp_path, umask):
    var = tmp_path / "deep" / "var"
    store = Store(f"sqlite:///{var / 'bantin.db'}")
    with store.write() as connection:
        connection.execute(text("CREATE TABLE words (word TEXT)"))
    Outbox(var / "outbox").put(KEY, b"To: minh@example.vn")
    admin_key.renew(var)
    with pidfile.held(var):
        assert {path.name for path in var.iterdir()} >= {
            "bantin.db", "bantin.db-wal", "bantin.db-shm", "outbox", "bantin.pid", "admin.key",
        }  # fmt: skip
        assert are_private(tmp_path / "deep") is True
    store.close()


def test_what_was_open_is_closed_at_the_next_start(tmp_path):
    var = tmp_path / "var"
    Outbox(var / "outbox").put(KEY, b"To: minh@example.vn")
    (var / "outbox" / "cur" / f"{'b' * 32}:2,S").write_bytes(b"read")
    (tmp_path / "elsewhere").write_text("not ours to close")
    (var / "link").symlink_to(tmp_path / "elsewhere")
    outside = stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode)
    for path in (var, *var.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o666)
    private_files.close_all(var)
    (var / "link").unlink()
    assert are_private(var) is True
    assert stat.S_IMODE((tmp_path / "elsewhere").stat().st_mode) == outside


def test_a_database_that_was_open_is_closed_with_its_log(tmp_path):
    path = tmp_path / "bantin.db"
    first = Store(f"sqlite:///{path}")
    with first.write() as connection:
        connection.execute(text("CREATE TABLE words (word TEXT)"))
    for name in ("bantin.db", "bantin.db-wal", "bantin.db-shm"):
        (tmp_path / name).chmod(0o644)
    tmp_path.chmod(0o755)
    second = Store(f"sqlite:///{path}")
    assert {mode for name, mode in modes(tmp_path).items() if "bantin" in name} == {0o600}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755, "a folder that is not ours alone"
    second.close()
    first.close()
