"""What headers say: waiting, freshness, types, validators, and who we are."""

from __future__ import annotations

import pytest

from service.net.agent import for_feed, user_agent
from service.text.web import http_headers


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Tue, 24 Nov 2026 08:10:00 GMT", 600),
        ("Tue, 24 Nov 2026 07:00:00 GMT", 0),
        ("Tue, 24 Nov 2026 08:10:00", 600),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
        ("9" * 40, None),
        ("Tue, 24 Nov 99999 08:10:00 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds, now):
    assert http_headers.retry_after_s(value, now) == seconds


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"cache-control": "public, max-age=900"}, 900),
        ({"cache-control": 'MAX-AGE="60", must-revalidate'}, 60),
        ({"cache-control": "s-maxage=5"}, None),
        ({"cache-control": "no-cache", "expires": "Tue, 24 Nov 2026 09:00:00 GMT"}, None),
        ({"expires": "Tue, 24 Nov 2026 09:00:00 GMT"}, 3600),
        (
            {
                "expires": "Mon, 23 Nov 2026 09:00:00 GMT",
                "date": "Mon, 23 Nov 2026 08:59:00 GMT",
            },
            60,
        ),
        ({"expires": "0"}, None),
        ({"cache-control": "max-age=900", "age": "300"}, 600),
        ({"cache-control": "max-age=900", "age": "3000"}, 0),
        ({"cache-control": "max-age=900", "age": "old"}, 900),
        ({}, None),
    ],
)
def test_freshness(given, seconds, now):
    assert http_headers.fresh_s(given, now) == seconds


def test_types_and_charsets():
    given = {"content-type": 'Text/HTML; x=y; Charset="TIS-620"'}
    assert http_headers.media_type(given) == "text/html"
    assert http_headers.charset(given) == "tis-620"
    assert http_headers.media_type({}) == ""
    assert http_headers.charset({}) is None


def test_validators_go_back_as_they_came_or_not_at_all():
    assert http_headers.conditional(b'W/"a b"', b"Tue, 24 Nov 2026 08:10:00 GMT") == {
        "If-None-Match": 'W/"a b"',
        "If-Modified-Since": "Tue, 24 Nov 2026 08:10:00 GMT",
    }
    assert http_headers.conditional(b'"\xe9"', None) == {}
    assert http_headers.conditional(b'"a\nX: b"', b"") == {}
    assert http_headers.conditional(None, None) == {}


def test_the_user_agent_names_us_a_contact_and_the_readers():
    assert (
        user_agent("1.2", base_url="https://tin.example.vn", contact="a@b.vn", readers=12)
        == "Bantin/1.2 (+https://tin.example.vn; a@b.vn; 12 readers)"
    )
    assert (
        user_agent("1.2", base_url=None, contact="a@b.vn", readers=1)
        == "Bantin/1.2 (+a@b.vn; 1 reader)"
    )
    assert user_agent("1.2", base_url=None, contact=None, readers=0) == "Bantin/1.2"
    assert (
        for_feed("Bantin/1.2 (+a@b.vn; 1 reader)", 7) == "Bantin/1.2 (+a@b.vn; 1 reader; feed-id=7)"
    )
    assert for_feed("Bantin/1.2", 7) == "Bantin/1.2 (feed-id=7)"
    hostile = user_agent("1", base_url="https://x/)\r\nX: (y", contact=None, readers=0)
    assert hostile == "Bantin/1 (+https://x/X: y)"
