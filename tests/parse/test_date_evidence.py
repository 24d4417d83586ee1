"""Lists, articles and feeds read their dates by the same evidence: order, zone, country."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.model import SourceKind
from service.parse.document import parse_document
from service.parse.html.article import page as article_page
from service.parse.options import ParseOptions, Selectors
from service.text.instants import dates
from service.text.instants.dayorder import orders_of
from tests.parse.article_pages import PARAGRAPHS, TITLE

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = (
    datetime(2026, 3, 5, 15, 34, tzinfo=HANOI),
    datetime(2026, 3, 4, 9, 5, tzinfo=HANOI),
    datetime(2026, 3, 2, 21, 0, tzinfo=HANOI),
    datetime(2026, 2, 12, 7, 45, tzinfo=HANOI),
)


def american(at):
    half = "AM" if at.hour < 12 else "PM"
    hour = at.hour % 12 or 12
    return f"{at.month}/{at.day}/{at.year} {hour}:{at.minute:02}:00 {half}"


def day_first(at):
    return f"{at:%d/%m/%Y %H:%M}"


def short_day_first(at):
    return f"{at.day}/{at.month}/{at.year}"


def in_words(at):
    return f"Ngày {at.day} tháng {at.month}, {at.year}"


def bare_iso(at):
    return f"{at:%Y-%m-%dT%H:%M:00}"


def page(days, told, shown, mark="<span class='date' title='{told}'>{shown}</span>", lang="vi"):
    """A list whose entries have a date for machines and one for people; None = none."""
    rows = "".join(
        f"<li><a href='/tin-bai-so-{n}1234.html'>Một tin bài khá dài số {n}</a>"
        + mark.format(told=told(at) if told else "", shown=shown(at) if shown else "")
        + f"<p>Những câu đầu tiên của tin bài thứ {n}, đủ dài để là chúng.</p></li>"
        for n, at in enumerate(days)
    )
    return f"<html lang='{lang}'><body><ul>{rows}</ul></body></html>".encode()


def published(body, url="https://tinh.example.vn/tin", reading=None):
    reading = reading or ParseOptions(SourceKind.PAGE)
    return [one.published for one in parse_document(body, {}, url, reading, NOW).entries]


MARKS = (
    "<span class='date' title='{told}'>{shown}</span>",
    "<time datetime='{told}'>{shown}</time>",
    "<abbr class='published-time' title='{told}'>{shown}</abbr>",
    "<div class='meta'><span class='ngay' content='{told}'>{shown}</span></div>",
)


@pytest.mark.parametrize("shown", [day_first, short_day_first, in_words, None])
def test_an_american_date_for_machines_beside_a_day_first_one(shown):
    for mark, days in product(MARKS, [DAYS, DAYS[:3], [DAYS[0]] * 3]):
        found = published(page(days, american, shown, mark))
        assert found == [one.astimezone(UTC) for one in days], (mark, len(days))


def test_selectors_read_them_alike():
    reading = ParseOptions(SourceKind.PAGE, Selectors(entry="li", date=".date"))
    body = page(DAYS, american, day_first)
    assert published(body, reading=reading) == [one.astimezone(UTC) for one in DAYS]


def test_a_list_of_bare_numbers_is_read_as_all_of_it_shows():
    def month_first(at):
        return f"{at.month}/{at.day}/{at.year}"

    days = [datetime(2026, 3, day, tzinfo=HANOI) for day in (5, 4, 25)]
    assert published(page(days, None, month_first)) == [one.astimezone(UTC) for one in days]


@pytest.mark.parametrize("told", [american, bare_iso])
@pytest.mark.parametrize(
    ("url", "lang", "zone"),
    [
        ("https://tinh.example.vn/tin", "", "Asia/Ho_Chi_Minh"),
        ("https://tinh.example.vn/tin", "en-US", "Asia/Ho_Chi_Minh"),
        ("https://tinh.example.com/tin", "vi", "Asia/Ho_Chi_Minh"),
        ("https://tinh.example.com/tin", "en", "Asia/Ho_Chi_Minh"),  # by its headlines
        ("https://amt.example.de/news", "", "Europe/Berlin"),
        ("https://city.example.jp/news", "en", "Asia/Tokyo"),
    ],
)
def test_a_time_without_a_zone_is_that_of_the_sites_country(told, url, lang, zone):
    expected = [one.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in DAYS]
    assert published(page(DAYS, told, None, lang=lang), url) == expected


def test_the_zone_of_the_configuration_goes_before_the_countrys():
    reading = ParseOptions(SourceKind.PAGE, zone="Europe/Berlin")
    expected = [one.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC) for one in DAYS]
    assert published(page(DAYS, american, day_first), reading=reading) == expected


def article(told, shown):
    prose = "".join(f"<p>{one}</p>" for one in PARAGRAPHS)
    body = (
        f"<html><head><title>{TITLE}</title><meta name='pubdate' content='{told}'></head><body>"
        f"<h1>{TITLE}</h1><div class='date'>{shown}</div>{prose}</body></html>"
    )
    return article_page.read(body.encode(), {}, "https://tinh.example.vn/a/1", ParseOptions(), NOW)


@pytest.mark.parametrize("at", DAYS)
def test_an_article_page_reads_them_alike(at):
    assert article(american(at), day_first(at)).published == at.astimezone(UTC)
    assert article(american(at), "").published == at.astimezone(UTC)
    assert article("", day_first(at)).published == at.astimezone(UTC)
    assert article(bare_iso(at), day_first(at)).published == at.astimezone(UTC)


def test_a_json_feed_reads_them_alike():
    items = [{"id": str(n), "date_published": american(at)} for n, at in enumerate(DAYS)]
    feed = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    entries = parse_document(
        feed.encode(), {}, "https://a.example.vn/f", ParseOptions(), NOW
    ).entries
    assert [one.published for one in entries] == [one.astimezone(UTC) for one in DAYS]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2 * 24 * 60, 350 * 24 * 60), min_size=1, max_size=8))
def test_whatever_the_days_are_both_orders_are_found(minutes):
    days = [NOW - timedelta(minutes=ago) for ago in minutes]
    pairs = [(american(at), day_first(at)) for at in days]
    told, shown = orders_of(pairs, NOW, language="vi")
    for at, (one, other) in zip(days, pairs, strict=True):
        read = [dates.parse(one, "", told, NOW), dates.parse(other, "", shown, NOW)]
        assert read == [at.replace(second=0, microsecond=0, tzinfo=UTC)] * 2
