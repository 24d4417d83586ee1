"""The outbox: written once, whole, never over what a reader has moved."""

from __future__ import annotations

import pytest

from service.mail.outbox import Outbox

KEY, OTHER = "a" * 32, "b" * 32
MAIL = (
    b"From: x@y\r\nTo: =?utf-8?b?xJBp4buHcA==?= <m@example.vn>\r\n"
    b"Subject: =?utf-8?b?xJBp4buDbSB0aW4=?=\r\nDate: Tue, 24 Nov 2026 07:00:00 +0000\r\n\r\nx\r\n"
)


def test_a_key_is_written_once_and_comes_back_byte_for_byte(tmp_path):
    box = Outbox(tmp_path / "var" / "outbox")
    assert box.get(KEY) is None
    assert box.listed() == []
    assert box.put(KEY, MAIL) is True
    assert box.put(KEY, b"something else") is False
    assert box.get(KEY) == MAIL
    assert (box.folder / "new" / KEY).read_bytes() == MAIL
    assert list((box.folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("name", [KEY, f"{KEY}:2,S", f"{KEY}:2,RS"])
def test_what_a_mail_reader_has_moved_is_not_written_again(tmp_path, name):
    box = Outbox(tmp_path)
    box.put(KEY, MAIL)
    (tmp_path / "new" / KEY).rename(tmp_path / "cur" / name)
    assert box.put(KEY, MAIL) is False
    assert box.get(KEY) == MAIL
    assert [one.key for one in box.listed()] == [KEY]
    assert list((tmp_path / "new").iterdir()) == []


def test_a_half_written_file_of_a_crash_is_no_message(tmp_path):
    box = Outbox(tmp_path)
    box.put(OTHER, MAIL)
    (tmp_path / "tmp" / KEY).write_bytes(MAIL[:20])
    assert box.get(KEY) is None
    assert [one.key for one in box.listed()] == [OTHER]
    assert box.put(KEY, MAIL) is True
    assert box.get(KEY) == MAIL


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 32, "a" * 31, "a" * 32 + "/x", "*"])
def test_only_a_key_is_looked_up(tmp_path, key):
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur" / "secret").write_bytes(b"x")
    assert Outbox(tmp_path).get(key) is None


def test_the_list_shows_the_latest_first_in_readable_words(tmp_path):
    box = Outbox(tmp_path)
    box.put(KEY, MAIL)
    box.put(OTHER, b"not a mail at all")
    (tmp_path / "new" / "README").write_bytes(b"x")
    listed = box.listed()
    assert [one.key for one in listed] == [OTHER, KEY]
    assert listed[1].subject == "Điểm tin"
    assert listed[1].to == "Điệp <m@example.vn>"
    assert listed[1].at.isoformat() == "2026-11-24T07:00:00+00:00"
    assert (listed[1].size, listed[0].subject, listed[0].to) == (len(MAIL), "", "")
    assert [one.key for one in box.listed(limit=1)] == [OTHER]
