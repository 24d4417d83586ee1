"""Where a form comes from."""

from __future__ import annotations

from service.web.forgery import Comes, comes, is_prefetch
from tests.levels import table

US, ELSEWHERE, UNSAID = Comes.FROM_US, Comes.FROM_ELSEWHERE, Comes.UNSAID


@table(
    ("headers", "expected"),
    [
        ({"sec-fetch-site": "same-origin"}, US),
        ({"sec-fetch-site": "none"}, US),
        ({"sec-fetch-site": "same-site"}, ELSEWHERE),
        ({"sec-fetch-site": "cross-site"}, ELSEWHERE),
        ({"sec-fetch-site": "cross-site", "origin": "https://tin.example.vn"}, ELSEWHERE),
        ({"origin": "https://tin.example.vn"}, US),
        ({"origin": "https://tin.example.vn:443"}, US),
        ({"origin": "HTTPS://TIN.example.vn"}, US),
        ({"origin": "http://127.0.0.1:8000"}, US),  # by the address it was asked under
        ({"origin": "http://tin.example.vn"}, ELSEWHERE),
        ({"origin": "https://tin.example.vn.evil.example"}, ELSEWHERE),
        ({"origin": "null"}, ELSEWHERE),
        ({"origin": ""}, ELSEWHERE),
        ({"origin": "http://[::1"}, ELSEWHERE),
        ({}, UNSAID),
    ],
)
def test_where_it_comes_from(headers, expected):
    assert comes(headers, "http://127.0.0.1:8000", "https://tin.example.vn/tin") is expected


def test_without_a_base_url_only_the_asked_host_is_ours():
    assert comes({"origin": "http://127.0.0.1:8000"}, "http://127.0.0.1:8000", None) is US
    assert comes({"origin": "https://tin.example.vn"}, "http://127.0.0.1:8000", None) is ELSEWHERE


@table(
    ("headers", "ahead"),
    [
        ({}, False),
        ({"sec-purpose": "prefetch"}, True),
        ({"sec-purpose": "prefetch;prerender"}, True),
        ({"purpose": "prefetch"}, True),
        ({"x-moz": "prefetch"}, True),
    ],
)
def test_a_browser_that_fetches_ahead_has_not_clicked(headers, ahead):
    assert is_prefetch(headers) is ahead
