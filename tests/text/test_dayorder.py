"""Day first or month first: what the lines of one document say together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.text.instants.dayorder import order_of
from tests.levels import table

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@table(
    ("lines", "order"),
    [
        # a day beyond 12
        (["10/2/2026 9:25", "10/22/2026 8:00"], "mdy"),
        (["10/2/2026 9:25", "22/10/2026 8:00"], "dmy"),
        (["22/10/2026", "10/22/2026"], None),  # both: each line for itself
        # a weekday
        (["Thứ Sáu, 2/10/2026"], "dmy"),
        (["Fri, 10/2/2026"], "mdy"),
        (["CN, 11/10/2026 08:00"], "dmy"),
        # what would lie ahead
        (["3/12/2026 08:00", "5/1/2026"], "mdy"),
        (["12/3/2026 08:00", "5/1/2026"], "dmy"),
        # nothing but RFC 822, ISO, or the same number twice
        (["Tue, 24 Nov 2026 08:05:00 +0700", "2026-11-24"], None),
        (["11/11/2026"], None),
        ([], None),
        # days in a row
        (["8/2/2026", "9/2/2026", "10/2/2026"], "dmy"),
        (["2/8/2026", "2/9/2026", "2/10/2026"], "mdy"),
        # a computer's own form
        (["10/2/2026 9:25:00 AM"], "mdy"),
        (["10/2/2026 9:25:00 SA"], None),
        (["10/02/2026 09:25:00 AM"], None),
        (["10/2/2026"], None),
        (["10-2-2026", "2.10.2026"], None),
    ],
)
def test_what_lines_say(lines, order):
    assert order_of(lines, NOW) == order
    assert order_of([*lines, "no date", "", "Thu, 01 Jan 2026"], NOW) == order


def test_the_newest_is_of_these_days():
    october = datetime(2026, 10, 3, tzinfo=UTC)
    assert order_of(["10/2/2026 9:25", "10/1/2026 8:00"], october) == "mdy"
    assert order_of(["2/10/2026 9:25", "1/10/2026 8:00"], october) == "dmy"


@table(
    ("language", "zone", "order"),
    [
        ("en-US", "America/New_York", "mdy"),
        ("en-US", "Asia/Ho_Chi_Minh", None),  # many programs claim it
        ("en-GB", "Europe/London", None),
        ("ja", "Asia/Tokyo", "ymd"),
        (None, "", None),
    ],
)
def test_the_language_decides_where_the_lines_do_not(language, zone, order):
    assert order_of(["10/2/2026"], NOW, language=language, zone=zone) == order
    assert order_of(["22/10/2026"], NOW, language=language, zone=zone) == "dmy"


DAYS = st.dates(date(2026, 1, 1), NOW.date())


@given(DAYS, st.integers(5, 30), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_a_month_of_news_always_tells(last, count, form):
    days = [last - timedelta(days=2 * n) for n in range(count)]
    days = [day for day in days if day.day > 12] or [date(2026, 5, 20)]
    lines = [day.strftime(form) for day in days]
    assert order_of(lines, NOW) == ("dmy" if form.startswith("%d") else "mdy")


@given(st.lists(st.text("0123456789/-. AMthứ", max_size=30)))
def test_it_never_raises(lines):
    assert order_of(lines, NOW) in {None, "dmy", "mdy"}
