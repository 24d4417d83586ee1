"""Dates as they are really published, to the second."""
# ruff: noqa: E501 - a table of what is written and what it means is read by line

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.text.dates import parse

HANOI = "Asia/Ho_Chi_Minh"
NOW = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)  # Saturday, 19:00 in Viet Nam


def read(
    text: str, zone: str = HANOI, order: str | None = None, language: str = "vi"
) -> str | None:
    """What the text means, as Viet Nam's clock shows it."""
    found = parse(text, zone, order, NOW, language)
    if found is None:
        return None
    assert found.tzinfo is UTC
    return f"{found.astimezone(ZoneInfo(HANOI)):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("text", "hanoi"),
    [
        # feeds of Vietnamese outlets
        ("Fri, 08 Feb 2019 16:56:21 +0700", "2019-02-08 16:56:21"),
        ("Mon, 04 May 2026 12:05:08 GMT+7", "2026-05-04 12:05:08"),
        ("Mon, 05 Oct 2026 11:07:00 +07", "2026-10-05 11:07:00"),
        ("Sat, 27 Jan 24 14:15:00 +0700", "2024-01-27 14:15:00"),
        ("2026-03-07T08:52:11.000 +07:00", "2026-03-07 08:52:11"),
        ("Thứ 5, 28/05/2026 17:00:00 GMT+7", "2026-05-28 17:00:00"),
        ("Tue,24 Nov 2026 08:05:00 GMT+7", "2026-11-24 08:05:00"),
        ("24/11/2026 08:05", "2026-11-24 08:05:00"),
        ("Tue, 24 Nov 2026 08:05:00", "2026-11-24 08:05:00"),
        ("Tue, 24 Nov 2026 08:05:00 ICT", "2026-11-24 08:05:00"),
        # date lines of pages
        ("Thứ bảy, 7/3/2026, 00:05 (GMT+7)", "2026-03-07 00:05:00"),
        ("07/03/2026 08:01 GMT+7", "2026-03-07 08:01:00"),
        ("Thứ bảy, 07/03/2026 - 08:07", "2026-03-07 08:07:00"),
        ("Thứ Bảy, 07/03/2026 – 08:52", "2026-03-07 08:52:00"),
        ("07-03-2026 - 00:01 AM", "2026-03-07 00:01:00"),
        ("07-03-2026 - 13:01 PM", "2026-03-07 13:01:00"),
        ("07-03-2026 - 12:30 AM", "2026-03-07 00:30:00"),
        ("08:40 , 07/03/2026", "2026-03-07 08:40:00"),
        ("01/03/2026 09:51", "2026-03-01 09:51:00"),
        ("Chủ nhật 20/12/2020 - 10:57", "2020-12-20 10:57:00"),
        ("10:57 - Chủ nhật, 20/12/2020", "2020-12-20 10:57:00"),
        ("T7, 07/03/2026 | 09:00 GMT+7", "2026-03-07 09:00:00"),
        ("Ngày đăng: 07/03/2026 08:01 (GMT+7)", "2026-03-07 08:01:00"),
        ("Cập nhật lúc 08:30 ngày 07/03/2026", "2026-03-07 08:30:00"),
        ("07/03/2026 lúc 08:30", "2026-03-07 08:30:00"),
        ("07/03/2026 (08:30)", "2026-03-07 08:30:00"),
        ("8h30 ngày 7/3/2026", "2026-03-07 08:30:00"),
        ("07/03/2026 08g30", "2026-03-07 08:30:00"),
        ("16 giờ 08 phút, ngày 13-02-2022", "2022-02-13 16:08:00"),
        ("24/11/2026 8:05 SA", "2026-11-24 08:05:00"),
        ("24/11/2026 08:05:10 CH", "2026-11-24 20:05:10"),
        ("8:05 chiều 24/11/2026", "2026-11-24 20:05:00"),
        ("ngày 24 tháng 11 năm 2026", "2026-11-24 00:00:00"),
        ("Thứ bảy ngày 7 tháng 3 năm 2026 lúc 8:05 CH", "2026-03-07 20:05:00"),
        ("7 Tháng Ba, 2026", "2026-03-07 00:00:00"),
        ("Tháng Mười Hai 24, 2025", "2025-12-24 00:00:00"),
        ("24 tháng mười một, 2025 08:05", "2025-11-24 08:05:00"),
        ("7. 3. 2026 8:05", "2026-03-07 08:05:00"),
        ("7 / 3 / 2026", "2026-03-07 00:00:00"),
        ("07/03/2026 08:01 - 09/03/2026 10:00", "2026-03-07 08:01:00"),
        ("07/03/2026 08:01 - 12 bình luận", "2026-03-07 08:01:00"),
        ("07/03/26 08:01", "2026-03-07 08:01:00"),
        # counted from now
        ("36 phút trước", "2026-03-07 18:24:00"),
        ("2 giờ trước", "2026-03-07 17:00:00"),
        ("một giờ trước", "2026-03-07 18:00:00"),
        ("Cập nhật 2 ngày trước", "2026-03-05 19:00:00"),
        ("3 tuần trước", "2026-02-14 19:00:00"),
        ("vừa xong", "2026-03-07 19:00:00"),
        ("hôm nay, 08:30", "2026-03-07 08:30:00"),
        ("Hôm qua 08:30", "2026-03-06 08:30:00"),
        ("10:15 hôm qua", "2026-03-06 10:15:00"),
        ("hôm qua", "2026-03-06 00:00:00"),
        ("3 hours ago", "2026-03-07 16:00:00"),
        ("an hour ago", "2026-03-07 18:00:00"),
        ("yesterday at 5:04 pm", "2026-03-06 17:04:00"),
        # without a year: the last one
        ("25/7", "2025-07-25 00:00:00"),
        ("8-3", "2025-03-08 00:00:00"),
        # machines and the rest of the world
        ("2026-03-07T08:47:00-05:00", "2026-03-07 20:47:00"),
        ("2026-03-07T01:47Z", "2026-03-07 08:47:00"),
        ("2026-03-07 08:01:00.123456+07", "2026-03-07 08:01:00"),
        ("2026-03-07T08:01:00", "2026-03-07 08:01:00"),
        ("2026-03-07", "2026-03-07 00:00:00"),
        ("20260307T014700Z", "2026-03-07 08:47:00"),
        ("20260307", "2026-03-07 00:00:00"),
        ("2026/03/07 08:01", "2026-03-07 08:01:00"),
        ("1772873000", "2026-03-07 15:43:20"),
        ("1772873000123", "2026-03-07 15:43:20"),
        ("Saturday, 07-Mar-26 01:01:00 GMT", "2026-03-07 08:01:00"),
        ("Sat, 07 Mar 2026 08:01:00 -0800 (PST)", "2026-03-07 23:01:00"),
        ("Sat, 7 Mar 2026 01:01:00 UT", "2026-03-07 08:01:00"),
        ("Sat, 7 Mar 2026 08:01 EST", "2026-03-07 20:01:00"),
        ("Sat Mar  7 08:01:00 2026", "2026-03-07 08:01:00"),
        ("Sat Mar 07 01:01:00 UTC 2026", "2026-03-07 08:01:00"),
        ("Sat Mar 7 2026 08:01:00 GMT+0700 (Indochina Time)", "2026-03-07 08:01:00"),
        ("March 7th, 2026 at 5:04 pm", "2026-03-07 17:04:00"),
        ("Published 7 March 2026", "2026-03-07 00:00:00"),
        ("27 Jan 99 10:00 GMT", "1999-01-27 17:00:00"),
        ("Wed, 02 Oct 2002 13:00:60 GMT", "2002-10-02 20:00:59"),
        ("06/03/2026 24:00", "2026-03-07 00:00:00"),
        ("  07/03/2026\n\t08:01  ", "2026-03-07 08:01:00"),
        ("07/03/2026\u00a008:01", "2026-03-07 08:01:00"),
        # only the other order makes a date of it
        ("11/24/2026 08:05", "2026-11-24 08:05:00"),
    ],
)  # fmt: skip
def test_what_a_line_means(text, hanoi):
    assert read(text) == hanoi


@pytest.mark.parametrize(
    "text",
    ["", "   ", "abc", "Thứ bảy", "tháng 1.2024", "2026", "08:40", "31/02/2026", "29/02/2025 08:00",
     "2026-13-01", "0000-00-00 00:00:00", "0001-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT",
     "0", "07/03/2026 25:00", "9999 năm trước", "7/3/2026 08:61",
     "Nghị định 15/2020/NĐ-CP", "12/2026", "9" * 400, "Ngày 7/3/2026, " + "rất nhiều chữ " * 20],
)  # fmt: skip
def test_what_means_nothing(text):
    assert read(text) is None


class TestOrder:
    @pytest.mark.parametrize(
        ("text", "order", "hanoi"),
        [
            ("10/2/2026 9:25:00 AM", "mdy", "2026-10-02 09:25:00"),  # Tuổi Trẻ's section feed
            ("10/2/2026 9:25:00 AM", "dmy", "2026-02-10 09:25:00"),
            ("10/2/2026 9:25:00 AM", None, "2026-02-10 09:25:00"),
            ("10/22/2026 9:25:00 PM", "mdy", "2026-10-22 21:25:00"),
            ("22/10/2026", "mdy", "2026-10-22 00:00:00"),
            ("26/03/07", "ymd", "2026-03-07 00:00:00"),
            ("2026/03/07", "mdy", "2026-03-07 00:00:00"),
            ("2/10/26", "mdy", "2026-02-10 00:00:00"),
        ],
    )
    def test_of_bare_numbers_is_the_sources(self, text, order, hanoi):
        assert read(text, order=order) == hanoi


class TestZone:
    def test_a_time_without_zone_is_in_the_sources(self):
        assert read("07/03/2026 08:01", zone="Europe/Berlin") == "2026-03-07 14:01:00"
        assert read("2026-07-07T08:01:00", zone="Europe/Berlin") == "2026-07-07 13:01:00"
        assert read("hôm nay 08:01", zone="America/New_York") == "2026-03-07 20:01:00"

    def test_a_written_zone_wins(self):
        assert read("07/03/2026 08:01 GMT+7", zone="Europe/Berlin") == "2026-03-07 08:01:00"

    @pytest.mark.parametrize("zone", ["", "Nowhere/At_all", "../../etc/passwd"])
    def test_what_is_no_zone_is_utc(self, zone):
        assert read("07/03/2026 08:01", zone=zone) == "2026-03-07 15:01:00"

    @pytest.mark.parametrize(
        ("zone", "hours"),
        [("Z", 0), ("GMT", 0), ("+0700", 7), ("+07:00", 7), ("+07", 7), ("+7", 7), ("GMT+7", 7),
         ("GMT +7", 7), ("UTC+07:00", 7), ("(GMT+7)", 7), ("GMT-3", -3), ("-0330", -3.5),
         ("IST", 5.5), ("Asia/Tokyo", 9), ("XYZ", 7), ("GMT+99", 7), ("\u22120500", -5)],
    )  # fmt: skip
    def test_forms(self, zone, hours):
        found = parse(f"07/03/2026 08:00 {zone}", HANOI, None, NOW)
        assert found == datetime(2026, 3, 7, 8, 0, tzinfo=UTC) - timedelta(hours=hours)


class TestOtherLanguages:
    @pytest.mark.parametrize(
        ("text", "language"),
        [
            ("7 mars 2026 08:01", "fr"),
            ("7. März 2026, 08:01 Uhr", "de-AT"),
            ("7 de marzo de 2026 08:01", "es"),
            ("2026年3月7日 08:01", "ja"),
        ],
    )
    def test_by_dateparser(self, text, language):
        assert read(text, language=language) == "2026-03-07 08:01:00"

    def test_a_language_that_nobody_knows(self):
        assert read("07 xyz 2026", language="tlh") is None
        assert read("07/03/2026", language="tlh") == "2026-03-07 00:00:00"


def test_dateparser_is_not_imported_for_what_feeds_write():
    code = (
        "import sys, datetime as d; from service.text.dates import parse;"
        "now = d.datetime(2026, 3, 7, tzinfo=d.UTC);"
        "[parse(t, 'UTC', None, now) for t in ('Mon, 04 May 2026 12:05:08 GMT+7', '2 giờ trước', 'x')];"
        "sys.exit('dateparser' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_thousand_dates_in_a_moment():
    begin = time.perf_counter()
    for n in range(1000):
        read(f"Mon, 04 May 2026 12:05:{n % 60:02} GMT+7")
        read(f"Thứ bảy, 7/3/2026, 00:{n % 60:02} (GMT+7)")
    assert time.perf_counter() - begin < 1


INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001 - drawn naive
    lambda at: at.replace(microsecond=0, tzinfo=ZoneInfo(HANOI))
)


@given(INSTANTS, st.sampled_from([
    "%a, %d %b %Y %H:%M:%S %z", "%d/%m/%Y %H:%M:%S", "%H:%M:%S, %d-%m-%Y", "%Y-%m-%dT%H:%M:%S%z",
    "%d.%m.%Y - %I:%M:%S %p", "%Y%m%dT%H%M%S", "%B %d, %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S GMT+7",
    "Thứ 2, %d/%m/%Y | %H:%M:%S (GMT+7)", "%d tháng %m năm %Y, %H:%M:%S",
]))  # fmt: skip
def test_what_was_written_is_read(at, form):
    assert parse(at.strftime(form), HANOI, None, NOW) == at


@given(st.text() | st.text("0123456789 /-:.,TZ+AMPthángnàysuagoởcgiờ", max_size=40))
def test_it_never_raises_and_is_never_naive(text):
    found = parse(text, HANOI, None, NOW, "vi")
    assert found is None or found.utcoffset() == timedelta(0)


def test_every_form_of_the_corpus(corpus):
    rows = json.loads((corpus / "vi_text/rss-pubdate-forms.json").read_text())["rows"]
    rows += json.loads((corpus / "vi_text/page-date-lines.json").read_text())["rows"]
    assert len(rows) == 9
    for row in rows:
        meant = datetime.fromisoformat(row.get("utc") or row["iso"])
        assert parse(row.get("raw") or row["visible"], HANOI, None, NOW, "vi") == meant, row
