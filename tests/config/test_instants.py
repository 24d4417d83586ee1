"""TIME on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.config.instants import parse_instant

ZONE = "Asia/Ho_Chi_Minh"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T07:00", datetime(2026, 11, 24, 0, 0, tzinfo=UTC)),
        ("2026-11-24 07:00", datetime(2026, 11, 24, 0, 0, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 23, 17, 0, tzinfo=UTC)),
        ("2026-11-24T07:00Z", datetime(2026, 11, 24, 7, 0, tzinfo=UTC)),
        ("2026-11-24T07:00:00+09:00", datetime(2026, 11, 23, 22, 0, tzinfo=UTC)),
        ("20261124T0700", datetime(2026, 11, 24, 0, 0, tzinfo=UTC)),
    ],
)
def test_iso_without_a_zone_is_the_sites(now, text, expected):
    found = parse_instant(text, ZONE, now)
    assert found == expected
    assert found.utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("text", "span"), [("7d", timedelta(days=7)), ("1h 30m", timedelta(minutes=90))]
)
def test_a_duration_is_so_long_ago(now, text, span):
    assert parse_instant(text, ZONE, now) == now - span


@pytest.mark.parametrize("text", ["", "tomorrow", "7", "2026-02-30", "25:00", "0001-01-01", "-7d"])
def test_anything_else_is_refused_with_what_would_be_right(now, text):
    with pytest.raises(ValueError, match="is not a time; write one such as"):
        parse_instant(text, ZONE, now)
