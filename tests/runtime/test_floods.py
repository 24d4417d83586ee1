"""One line a minute for one cause, whatever is said a thousand times."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from service.config.schema import Log, Settings
from service.runtime import logs
from service.runtime.floods import CAUSES_KEPT, OncePerSpan


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(clock):
    """A logger behind the filter, and the lines that came through."""
    stream = io.StringIO()
    logger = logging.getLogger("library-of-strangers")
    handler = logging.StreamHandler(stream)
    handler.addFilter(OncePerSpan(clock))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger, lambda: stream.getvalue().splitlines()
    logger.removeHandler(handler)


def test_a_thousand_of_one_cause_are_one_line_a_minute_with_their_number(said, clock):
    logger, lines = said
    for number in range(1000):
        logger.warning("refused %s", number)
    assert lines() == ["refused 0"]
    clock.now += 59.9
    logger.warning("refused %s", "again")
    assert len(lines()) == 1
    clock.now += 0.2
    logger.warning("refused %s", "at last")
    assert lines()[1:] == ["refused at last (and 1000 more since the last such line)"]
    clock.now += 61
    logger.warning("refused %s", "alone")
    assert lines()[2:] == ["refused alone"]


def test_what_is_not_a_warning_is_always_told(said):
    logger, lines = said
    for _ in range(5):
        logger.info("pass")
    assert lines() == ["pass"] * 5


def test_exceptions_of_two_kinds_are_two_causes(said):
    logger, lines = said
    for kind in (ValueError, KeyError, ValueError):
        try:
            raise kind("x")
        except (ValueError, KeyError):
            logger.exception("failed")
    assert lines().count("failed") == 2


def test_what_is_remembered_is_bounded(said):
    logger, lines = said
    for number in range(2 * CAUSES_KEPT):
        logger.warning(f"cause {number}")  # noqa: G004 - each is a cause of its own
    logger.warning("cause 0")
    assert lines().count("cause 0") == 2, "the oldest was forgotten"
    logger.warning(f"cause {2 * CAUSES_KEPT - 1}")  # noqa: G004
    assert lines().count(f"cause {2 * CAUSES_KEPT - 1}") == 1


def test_of_our_own_lines_the_fields_belong_to_the_cause():
    stream = io.StringIO()
    logs.configure(Log(format="json"), stream)
    try:
        for job in ("mail", "collect", "mail", "collect"):
            try:
                Path("/nowhere/at/all").read_bytes()
            except OSError:
                logs.get().exception("job failed", job=job)
    finally:
        logs.configure(Settings().log)
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["job"] for one in told] == ["mail", "collect"]
