"""The simulated week that `python -m tests.bench.week` prints, in small."""

from __future__ import annotations

from tests.bench import week
from tests.newsletter.newsroom import HOUR
from tests.newsletter.test_cadence import utc


def test_the_table_says_who_got_what_when(store, tmp_path, capsys):
    """Berlin's clocks go back on 25 October 2026 at 01:00 in UTC; New York is in Saturday still."""
    begin = utc("2026-10-24 18:00")
    week.show(week.simulate(store, tmp_path, begin, begin + 15 * HOUR))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "anna ngay Sun 25 Oct 02:30 CEST 25 Oct 00:30 1-3 (3)" in lines
    assert "joe ngay Sun 25 Oct 01:30 EDT 25 Oct 05:30 1-4 (4)" in lines
    assert "ngay: daily, none on 2026-10-28 (holidays)" in lines
    assert "3 stories, each once" in lines
    mails = [line.partition(" ")[0] for line in lines]
    assert mails.count("anna") == mails.count("joe") == mails.count("minh") == 1
    assert "!" not in "".join(lines)
