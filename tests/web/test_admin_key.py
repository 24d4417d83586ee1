"""The key in its file, and the tokens that are made with it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from service.web.admin import admin_key
from service.web.admin.admin_key import LASTS, cookie_name, ensure, opens, read, renew, token
from tests.levels import table

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
KEY, OTHER = "0a" * 32, "0b" * 32


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177, 0o777])
def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path, umask):
    before = os.umask(umask)
    try:
        key = ensure(tmp_path)
    finally:
        os.umask(before)
    assert mode(tmp_path / admin_key.NAME) == 0o600
    assert ensure(tmp_path) == read(tmp_path) == key
    assert [one.name for one in tmp_path.iterdir()] == [admin_key.NAME]
    assert renew(tmp_path) not in (key, KEY)


@pytest.mark.parametrize("others", [0o640, 0o604, 0o666, 0o620])
def test_a_key_that_others_could_read_or_write_is_replaced(tmp_path, others):
    key = ensure(tmp_path)
    (tmp_path / admin_key.NAME).chmod(others)
    assert ensure(tmp_path) != key
    assert mode(tmp_path / admin_key.NAME) == 0o600


@pytest.mark.parametrize("written", [b"", b"0a0a", b"g" * 64, b"\xff" * 64, b"0A" * 32, b"0a" * 33])
def test_what_is_no_key_counts_as_none_and_is_replaced(tmp_path, written):
    (tmp_path / admin_key.NAME).write_bytes(written)
    (tmp_path / admin_key.NAME).chmod(0o600)
    assert read(tmp_path) is None
    assert ensure(tmp_path) == read(tmp_path)


def test_no_folder_no_key(tmp_path):
    assert read(tmp_path / "var") is None
    assert ensure(tmp_path / "var") == read(tmp_path / "var")


def test_whoever_reads_while_it_is_replaced_gets_a_whole_one(tmp_path):
    ensure(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        made = [pool.submit(renew, tmp_path) for _ in range(40)]
        seen = [read(tmp_path) for _ in range(200)]
    assert None not in seen
    assert read(tmp_path) in {one.result() for one in made}
    assert [one.name for one in tmp_path.iterdir()] == [admin_key.NAME]


@pytest.mark.parametrize("kind", ["link", "cookie"])
def test_a_token_opens_until_its_last_second(kind):
    made = token(KEY, kind, NOW)
    assert opens(KEY, kind, made, NOW)
    assert opens(KEY, kind, made, NOW + LASTS[kind] - timedelta(seconds=1))
    assert not opens(KEY, kind, made, NOW + LASTS[kind])
    other = "cookie" if kind == "link" else "link"
    assert not opens(KEY, other, made, NOW)
    assert not opens(OTHER, kind, made, NOW)
    assert not opens(None, kind, made, NOW)


def test_every_single_digit_counts():
    made = token(KEY, "link", NOW)
    for place, digit in enumerate(made):
        changed = f"{made[:place]}{(int(digit, 16) + 1) % 16:x}{made[place + 1 :]}"
        assert not opens(KEY, "link", changed, NOW), place


@table(
    "change",
    [str.upper, lambda made: made[:20], lambda made: made[20:], lambda made: made + "0",
     lambda made: f"{made}\n", lambda made: f" {made}", lambda made: "", lambda made: "é" * 40,
     lambda made: "\x00" * 40, lambda made: KEY],
)  # fmt: skip
def test_what_is_almost_a_token_is_none(change):
    made = token(KEY, "link", NOW)
    assert not opens(KEY, "link", change(made), NOW)


def test_two_sites_on_one_host_keep_cookies_of_their_own():
    assert cookie_name(KEY) != cookie_name(OTHER)
    assert KEY[:16] not in cookie_name(KEY)
