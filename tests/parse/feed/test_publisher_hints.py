"""How often a document wants to be asked."""

from __future__ import annotations

from datetime import UTC, datetime

from service.parse.document import parse_document
from service.parse.feed.publisher_hints import Rhythm, is_skipped, next_open, of
from service.parse.options import ParseOptions
from tests.levels import table

HOUR, DAY = 3600, 86400
NS = "xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'"


@table(
    ("feed", "rhythm"),
    [
        ({}, Rhythm()),
        ({"ttl": " 60 "}, Rhythm(HOUR)),
        ({"ttl": "0"}, Rhythm()),
        ({"ttl": "often"}, Rhythm()),
        ({"ttl": "9" * 30}, Rhythm(999999999 * 60)),
        ({"sy_updateperiod": "hourly"}, Rhythm(HOUR)),
        ({"sy_updateperiod": "Daily", "sy_updatefrequency": "2"}, Rhythm(DAY // 2)),
        ({"sy_updateperiod": "daily", "sy_updatefrequency": "0"}, Rhythm()),
        ({"sy_updateperiod": "daily", "sy_updatefrequency": "²"}, Rhythm()),
        ({"sy_updateperiod": "sometimes"}, Rhythm()),
        ({"ttl": "30", "sy_updateperiod": "daily"}, Rhythm(DAY)),  # the longer hint keeps both
        ({"ttl": "1440", "sy_updateperiod": "hourly"}, Rhythm(DAY)),
        (
            {"sy_updateperiod": "daily", "sy_updatebase": "2000-01-01T12:00+00:00"},
            Rhythm(DAY, 12 * HOUR),
        ),
        (
            {"sy_updateperiod": "daily", "sy_updatebase": "2000-01-01T06:00:00+07:00"},
            Rhythm(DAY, 23 * HOUR),
        ),
        ({"sy_updateperiod": "yearly", "sy_updatebase": "2000-01-01T12:00Z"}, Rhythm(365 * DAY)),
        ({"sy_updateperiod": "daily", "sy_updatebase": "noon"}, Rhythm(DAY)),
    ],
)
def test_ttl_and_syndication(feed, rhythm):
    assert of(feed, "") == rhythm


def test_hours_and_days_are_read_from_the_channel_alone():
    text = (
        "<rss><channel><skipHours><hour>1</hour><hour> 24 </hour><hour>25</hour></skipHours>"
        "<item><description><![CDATA[<skipHours><hour>7</hour></skipHours>]]></description></item>"
        "<skipDays><day>Sunday</day><day>Someday</day><day>monday</day></skipDays></channel></rss>"
    )
    skips = of({}, text).skips
    assert skips == 1 << 1 | 1 << 0 | 1 << (24 + 6) | 1 << 24


def test_the_next_open_hour():
    night = sum(1 << n for n in range(6))
    at = datetime(2026, 11, 24, 3, 20, 5, tzinfo=UTC)
    assert is_skipped(night, at)
    assert next_open(night, at) == at.replace(hour=6, minute=0, second=0)
    noon = at.replace(hour=12)
    assert next_open(night, noon) == noon
    assert next_open(2**31 - 1, at) == at


def test_a_document_carries_them(now):
    body = (
        f"<rss version='2.0' {NS}><channel><title>x</title><skipHours><hour>3</hour></skipHours>"
        "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateBase>2000-01-01T05:00+00:00"
        "</sy:updateBase><item><title>a</title></item></channel></rss>"
    ).encode()
    found = parse_document(body, {}, "https://a.example/", ParseOptions(), now)
    assert (found.ttl_s, found.phase_s, found.skips) == (DAY, 5 * HOUR, 1 << 3)
