"""Every rule of a polite reader, asserted over a simulated week on real sockets.

The report is printed at the end of the run: one line a rule, pass or fail.
"""

from __future__ import annotations

import logging
import time

import pytest
import structlog

from tests.contract.politeness.readers import a_week_of_a_rude_one, a_week_of_ours
from tests.contract.politeness.rules import RULES


@pytest.mark.sampled
async def test_a_week_at_watchful_publishers(store, record_property):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    begun = time.monotonic()
    week = await a_week_of_ours(store)
    verdicts = [(words, judge(week)) for words, judge in RULES]
    lines = [f"{'FAIL' if broken else 'pass'}  {words}" for words, broken in verdicts]
    took = f"{len(week.asked)} requests in {time.monotonic() - begun:.0f} s"
    passed = sum(not broken for _, broken in verdicts)
    title = f"politeness: {passed} of {len(RULES)} rules hold over {took} (9 simulated days)"
    record_property("report", "\n".join([title, *lines]))
    assert not {words: broken[:5] for words, broken in verdicts if broken}


async def test_the_publishers_catch_a_rude_reader():
    week = await a_week_of_a_rude_one()
    kept = {words for words, judge in RULES if not judge(week)}
    assert kept == set()
