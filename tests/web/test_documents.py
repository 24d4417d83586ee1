"""Validators and encodings, as RFC 9110 has them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

from service.web.documents import Served, answer, is_unchanged, made_now, takes_gzip
from tests.levels import table

CHANGED = datetime(2026, 11, 24, 8, 0, 0, 654321, tzinfo=UTC)
BODY = b"<feed>" + b"x" * 2000
FEED = Served(
    BODY, "abc", "application/atom+xml; charset=utf-8", "public, max-age=900",
    packed=gzip.compress(BODY), changed_at=CHANGED,
)  # fmt: skip


@table(
    ("headers", "unchanged"),
    [
        ({}, False),
        ({"if-none-match": '"abc"'}, True),
        ({"if-none-match": 'W/"abc"'}, True),
        ({"if-none-match": '"abc-gzip"'}, True),
        ({"if-none-match": '"x", W/"abc-gzip" , "y"'}, True),
        ({"if-none-match": "*"}, True),
        ({"if-none-match": "abc"}, False),
        ({"if-none-match": '"abcd"'}, False),
        ({"if-none-match": ""}, False),
        ({"if-modified-since": "Tue, 24 Nov 2026 08:00:00 GMT"}, True),
        ({"if-modified-since": "Tue, 24 Nov 2026 08:00:01 GMT"}, True),
        ({"if-modified-since": "Tue, 24 Nov 2026 07:59:59 GMT"}, False),
        ({"if-modified-since": "yesterday"}, False),
        ({"if-modified-since": "Tue, 99 Nov 99999999 08:00:00 GMT"}, False),
        # If-None-Match wins: the date alone would have said 304.
        ({"if-none-match": '"x"', "if-modified-since": "Tue, 24 Nov 2026 08:00:00 GMT"}, False),
        ({"if-none-match": '"abc"', "if-modified-since": "Tue, 24 Nov 2020 08:00:00 GMT"}, True),
    ],
)
def test_what_a_reader_has_already(headers, unchanged):
    assert is_unchanged(FEED, headers) is unchanged


@table(
    ("accepts", "takes"),
    [
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
    ],
)
def test_who_takes_gzip(accepts, takes):
    assert takes_gzip(accepts) is takes


def test_a_whole_answer():
    response = answer(FEED, {})
    assert (response.status_code, response.body) == (200, BODY)
    assert response.headers["etag"] == '"abc"'
    assert response.headers["last-modified"] == "Tue, 24 Nov 2026 08:00:00 GMT"
    assert response.headers["cache-control"] == "public, max-age=900"
    assert response.headers["vary"] == "Accept-Encoding"
    assert response.headers["content-length"] == str(len(BODY))
    assert response.headers["content-type"] == "application/atom+xml; charset=utf-8"


def test_each_encoding_has_an_etag_of_its_own():
    response = answer(FEED, {"accept-encoding": "gzip"})
    assert response.headers["etag"] == '"abc-gzip"'
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(response.body) == BODY


def test_304_carries_the_validators_and_no_body():
    response = answer(FEED, {"if-none-match": '"abc-gzip"', "accept-encoding": "gzip"})
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == '"abc-gzip"'
    assert response.headers["cache-control"] == "public, max-age=900"
    assert response.headers["last-modified"]
    assert response.headers["vary"] == "Accept-Encoding"
    for name in ("content-type", "content-encoding", "content-length"):
        assert name not in response.headers


def test_what_is_small_is_not_packed():
    assert made_now(b"small", "text/plain", "no-store").packed is None
    assert made_now(BODY, "text/html", "no-store").packed is not None
    assert made_now(BODY, "text/html", "no-store") == made_now(BODY, "text/html", "no-store")
